/*
 * The ranges of guest memory that a checkpoint has, out of the runs of pages that are not zero.
 *
 * Runs that lie near each other become one extent, with the zero pages between them: an extent costs
 * a program header, and a mapping when it is restored. Near is within CORE_EXTENTS_GAP, and twice as
 * far as often as there would be more than CORE_EXTENTS.
 */
#ifndef VMM_SNAPSHOT_CORE_EXTENTS_H
#define VMM_SNAPSHOT_CORE_EXTENTS_H

#include "vmm/snapshot/elf_file.h"

#define CORE_EXTENTS_GAP (64 * KIB) /* bytes */

struct core_extents {
    const struct memory *memory; /* no extent leaves a slot of it */
    uint64_t gap;                /* bytes between runs that become one extent, at most */
    unsigned count;
    struct memory_extent list[CORE_EXTENTS]; /* sorted by address, no overlaps */
};

void core_extents_begin(struct core_extents *extents, const struct memory *memory);

/* Add a run, which lies in one slot, behind all that were added before. */
void core_extents_add(struct core_extents *extents, gpa_t address, uint64_t size);

/* Give all their offsets, one behind the other from (offset) on. The end of the last one. */
uint64_t core_extents_place(struct core_extents *extents, uint64_t offset);

#endif
