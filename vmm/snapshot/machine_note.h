/*
 * The note of a checkpoint that describes the machine: text, line by line.
 *
 * Its lines are those of an exit stream's header, and a few more: docs/checkpoint.md.
 */
#ifndef VMM_SNAPSHOT_MACHINE_NOTE_H
#define VMM_SNAPSHOT_MACHINE_NOTE_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"
#include "vmm/core/machine_plan.h"
#include "vmm/snapshot/elf_file.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_NOTE_VERSION 1

struct machine;

struct machine_note {
    struct machine_plan plan;
    uint64_t version; /* MACHINE_NOTE_VERSION */
    uint64_t saved;   /* nanoseconds since 1970, UTC */
    uint64_t exits;   /* of all vCPUs, before it was saved */
    bool has_clock;   /* a device has a timer: (clock) is the machine's clock, in ns */
    uint64_t clock;
    char by[32]; /* the version of minivmm that saved it */
};

/* Append the note's text. No vCPU may run. */
void machine_note_write(struct machine *machine, struct text *text);

/*
 * Parse the note of (elf), untrusted; its devices are of (types). Must be freed also after an
 * error.
 */
int machine_note_read(struct machine_note *note, const struct elf_file *elf,
                      const struct device_type *const *types, struct error *error);
void machine_note_free(struct machine_note *note);

#endif
