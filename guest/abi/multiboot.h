/*
 * Multiboot 1, as far as it is used: the Multiboot Specification version 0.6.96, chapter 3.
 *
 * The guest starts with MULTIBOOT_BOOTED in EAX and the gpa of struct multiboot_info in EBX.
 */
#ifndef ABI_MULTIBOOT_H
#define ABI_MULTIBOOT_H

#include <stdint.h>

#define MULTIBOOT_MAGIC  0x1badb002u
#define MULTIBOOT_BOOTED 0x2badb002u
#define MULTIBOOT_SEARCH 8192u /* bytes from the start of the file that hold the header */
#define MULTIBOOT_ALIGN  4u

struct multiboot_header {
    uint32_t magic, flags, checksum; /* their sum is 0 */
    /* Where MULTIBOOT_HAS_ADDRESSES: */
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

/*
 * Bits of (flags). The loader must support those below 16; bits without a name are not known to it.
 */
#define MULTIBOOT_ALIGN_MODULES 0x00000001u
#define MULTIBOOT_WANT_MEMORY   0x00000002u
#define MULTIBOOT_MUST_KNOW     0x0000ffffu
#define MULTIBOOT_HAS_ADDRESSES 0x00010000u

/* Bits of struct multiboot_info's (flags): which fields are valid. */
#define MULTIBOOT_INFO_MEMORY  0x001u
#define MULTIBOOT_INFO_COMMAND 0x004u
#define MULTIBOOT_INFO_MODULES 0x008u
#define MULTIBOOT_INFO_MAP     0x040u
#define MULTIBOOT_INFO_LOADER  0x200u

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB from 0, and from 1 MiB on */
    uint32_t boot_device;
    uint32_t cmdline; /* gpa of a string, as below */
    uint32_t mods_count, mods_addr;
    uint32_t symbols[4];
    uint32_t mmap_length, mmap_addr; /* length in bytes */
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
};

struct multiboot_module {
    uint32_t start, end; /* gpa; end is exclusive */
    uint32_t string;
    uint32_t reserved;
};

struct multiboot_range {
    uint32_t size; /* of what follows: 20 */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

#define MULTIBOOT_RANGE_USABLE   1u
#define MULTIBOOT_RANGE_RESERVED 2u

#endif
