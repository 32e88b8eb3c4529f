/*
 * The boot contract of flat images: what guest and monitor share. docs/boot.md describes it.
 *
 * The block lies in the boot area below 1 MiB. Long mode: RDI is its gpa; protected and real: EBX.
 */
#ifndef ABI_BOOT_H
#define ABI_BOOT_H

#include <stdint.h>

#define BOOT_MAGIC       0x6d6d76696e696d21ull /* "!minivmm" as bytes in memory */
#define BOOT_VERSION     1u
#define BOOT_COMMAND_MAX 2048u /* bytes, with the terminating 0 */

struct boot_info {
    uint64_t magic;       /* BOOT_MAGIC */
    uint32_t version;     /* BOOT_VERSION; fields are only ever added behind */
    uint32_t size;        /* bytes of this struct in this version */
    uint64_t memory_size; /* bytes of RAM altogether */
    uint64_t low_end;     /* gpa: RAM is 0..low_end, and what remains lies from 4 GiB on */
    uint32_t vcpu_count;
    uint32_t command_size;          /* bytes of (command) in use, with the terminating 0 */
    char command[BOOT_COMMAND_MAX]; /* the guest arguments, joined by spaces */
};

/* The boot area, gpa: no flat image may touch it. */
#define BOOT_AREA     0x90000u
#define BOOT_AREA_END 0xa0000u /* exclusive */
#define BOOT_GDT      0x90000u
#define BOOT_INFO     0x91000u
#define BOOT_LOADER   0x92000u /* what an image format's own contract asks for */
#define BOOT_TABLES   0x94000u /* page tables, to the end of the area */

/* Where a PC has its BIOS: MP and ACPI tables are found here. No image may touch it. */
#define BOOT_BIOS     0xe0000u
#define BOOT_BIOS_END 0x100000u /* exclusive */

/* Selectors of the boot GDT. */
#define BOOT_CODE64 0x08
#define BOOT_DATA   0x10
#define BOOT_CODE32 0x18

/* Where a flat image goes unless --load says else. */
#define BOOT_LOAD      0x100000u
#define BOOT_LOAD_REAL 0x7c00u

#endif
