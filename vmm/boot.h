/*
 * The monitor's side of the boot contract: the boot-information block. docs/boot.md has it whole.
 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include "vmm/error.h"
#include "vmm/memory.h"

/*
 * Write the block for (vcpu_count) vCPUs and the guest arguments, (words) of them, into the boot
 * area. -E2BIG: the command line passes BOOT_COMMAND_MAX.
 */
int boot_write_info(const struct memory *memory, unsigned vcpu_count, char *const *words,
                    unsigned word_count, struct error *error);

#endif
