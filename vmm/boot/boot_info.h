/*
 * The monitor's side of the boot contract: the boot-information block. docs/boot.md has it whole.
 */
#ifndef VMM_BOOT_BOOT_INFO_H
#define VMM_BOOT_BOOT_INFO_H

#include "guest/abi/boot.h"
#include "vmm/base/error.h"
#include "vmm/io/memory.h"

/*
 * The guest's command line: (append), which may be NULL, and the (count) words, joined by spaces,
 * into (text) of BOOT_COMMAND_MAX bytes. -E2BIG: too long.
 */
int boot_join_command(const char *append, const char *const *words, unsigned count, char *text,
                      struct error *error);

/* Write the block for (vcpu_count) vCPUs and a (command) line from there into the boot area. */
int boot_write_info(const struct memory *memory, unsigned vcpu_count, const char *command,
                    struct error *error);

#endif
