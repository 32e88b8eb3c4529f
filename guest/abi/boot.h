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
    uint32_t version;     /* BOOT_VERSION; a new version only adds fields at the end */
    uint32_t size;        /* size of this struct in this version, in bytes */
    uint64_t memory_size; /* size of all RAM, in bytes */
    uint64_t low_end;     /* gpa: RAM is 0..low_end, and the rest of it begins at 4 GiB */
    uint32_t vcpu_count;
    uint32_t command_size;          /* used bytes of (command), with the terminating 0 */
    char command[BOOT_COMMAND_MAX]; /* the guest arguments, joined by spaces */
};

/* The boot area, gpa: a flat image must not overlap it. */
#define BOOT_AREA     0x90000u
#define BOOT_AREA_END 0xa0000u /* exclusive */
#define BOOT_GDT      0x90000u
#define BOOT_INFO     0x91000u
#define BOOT_LOADER   0x92000u /* the information block of an image format */
#define BOOT_TABLES   0x94000u /* page tables, to the end of the area */

/* The BIOS area of a PC, with the MP and ACPI tables. No image may overlap it. */
#define BOOT_BIOS     0xe0000u
#define BOOT_BIOS_END 0x100000u /* exclusive */

/* Selectors of the boot GDT. */
#define BOOT_CODE64 0x08
#define BOOT_DATA   0x10
#define BOOT_CODE32 0x18

/* The load address of a flat image without --load. */
#define BOOT_LOAD      0x100000u
#define BOOT_LOAD_REAL 0x7c00u

#endif
