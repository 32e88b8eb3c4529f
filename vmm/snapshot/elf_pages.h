/*
 * Which memory a checkpoint holds: the pages that are not zero, as extents of the file.
 *
 * Pages that were never touched are not read. The host's page tables say which pages of anonymous
 * memory a process has: present or swapped out. For memory that was mapped from a file, pages for
 * which the file has data are read, too. mincore() cannot be used: it does not distinguish a page
 * that is swapped out from one that was never touched.
 */
#ifndef VMM_SNAPSHOT_ELF_PAGES_H
#define VMM_SNAPSHOT_ELF_PAGES_H

#include "vmm/io/memory.h"
#include "vmm/snapshot/elf_file.h"

#define ELF_PAGES_CHUNK (64 * MIB) /* bytes that are examined together */

/* The source of the list of touched pages, best first. */
enum elf_pages_source {
    ELF_PAGES_SCAN, /* the ioctl PAGEMAP_SCAN, Linux 6.7: its cost grows with the touched pages only */
    ELF_PAGES_TABLE, /* /proc/self/pagemap: reads 8 bytes for each page of RAM */
    ELF_PAGES_ALL,   /* no list: all of RAM is read */
};

struct elf_pages {
    const struct memory *memory;
    enum elf_pages_source source;
    int pagemap; /* -1: none */
    bool found;  /* any of (touched) is set */
    uint8_t touched[ELF_PAGES_CHUNK / PAGE_SIZE];
};

/*
 * Called for (size) bytes of one slot, whole pages, none of which is zero, at (address) for the
 * guest and (host) for the monitor. A negative errno ends the visit.
 */
typedef int elf_run_visit(void *context, gpa_t address, const uint8_t *host, uint64_t size);

/* Begin; (memory) must outlive it. -EIO: the file that it is mapped from has become shorter. */
int elf_pages_open(struct elf_pages *pages, const struct memory *memory);
void elf_pages_close(struct elf_pages *pages);

/*
 * Call (visit) for all pages that are not zero, in order of their addresses. A run may continue in
 * the next call. 0, or the error of (visit).
 */
int elf_pages_visit(struct elf_pages *pages, elf_run_visit *visit, void *context);

/*
 * Extents: the ranges of memory in the file.
 *
 * Near runs become one extent, with the zero pages between them: an extent costs a program header,
 * and a mapping at restore. Near means at most ELF_EXTENTS_GAP bytes away. The limit doubles
 * whenever there would be more than ELF_EXTENTS extents.
 */
#define ELF_EXTENTS_GAP (64 * KIB) /* bytes */

struct elf_extents {
    const struct memory *memory; /* no extent leaves a slot of it */
    uint64_t gap;                /* the greatest distance between runs of one extent, in bytes */
    unsigned count;
    struct memory_extent list[ELF_EXTENTS]; /* sorted by address, no overlaps */
};

void elf_extents_begin(struct elf_extents *extents, const struct memory *memory);

/* Add a run, which lies in one slot, after all runs that were added before. */
void elf_extents_add(struct elf_extents *extents, gpa_t address, uint64_t size);

/* Set the offsets of all extents, one after the other from (offset) on. Returns the end of the last. */
uint64_t elf_extents_place(struct elf_extents *extents, uint64_t offset);

#endif
