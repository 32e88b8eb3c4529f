/*
 * --restore: a machine made from a checkpoint, to continue at the next instruction.
 *
 * The file is untrusted. Everything is checked before the first vCPU runs; guest memory is mapped, not
 * read, so the cost does not grow with it.
 */
#ifndef VMM_SNAPSHOT_RESTORE_H
#define VMM_SNAPSHOT_RESTORE_H

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"
#include "vmm/snapshot/elf_file.h"
#include "vmm/snapshot/machine_note.h"

struct device_type;
struct machine;

struct restore {
    struct elf_file elf;
    struct machine_note note;
};

/*
 * Open the checkpoint (path) and parse its machine, with devices of (types). Close it only after 0.
 */
int restore_open(struct restore *restore, const char *path, const struct device_type *const *types,
                 struct error *error);
void restore_close(struct restore *restore);

/* Fill the memory of (machine), which is made from the note's plan and not known to KVM yet. */
int restore_memory(const struct restore *restore, struct machine *machine, struct error *error);

/*
 * Set the state of KVM and of the devices, after the devices are made and machine_make_vm() was
 * called. Refuses a host with another CPUID.
 */
int restore_vm(const struct restore *restore, struct machine *machine, struct error *error);

#endif
