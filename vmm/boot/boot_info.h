/*
 * What a guest is given to know of its machine: the boot-information block, which docs/boot.md
 * describes, and the memory map, which several formats and devices pass on.
 */
#ifndef VMM_BOOT_BOOT_INFO_H
#define VMM_BOOT_BOOT_INFO_H

#include "guest/abi/boot.h"
#include "vmm/base/error.h"
#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Join (append), which may be NULL, and the (count) words with spaces into the guest's command line
 * (text), which has room for BOOT_COMMAND_MAX bytes. -E2BIG: too long.
 */
int boot_join_command(const char *append, const char *const *words, unsigned count, char *text,
                      struct error *error);

/* Write the block for (vcpu_count) vCPUs and the (command) line into the boot area. */
int boot_write_info(const struct memory *memory, unsigned vcpu_count, const char *command,
                    struct error *error);

/* Fill in the memory map, which has room for BOOT_MAP_MAX ranges. Returns their number. */
#define BOOT_MAP_MAX (MEMORY_SLOTS + 2)

struct boot_range {
    uint64_t base, size;
    bool usable; /* RAM for the guest; otherwise reserved */
};

unsigned boot_memory_map(const struct memory *memory, struct boot_range *map);

/* The same map in the layout of the BIOS's call e820. */
struct e820_entry {
    uint64_t address, size;
    uint32_t type; /* 1: RAM, 2: reserved */
} __attribute__((packed));

unsigned boot_e820(const struct memory *memory, struct e820_entry *map);

#endif
