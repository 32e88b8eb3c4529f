/*
 * PVH, the direct boot of Xen guests, which other monitors support too: Xen's docs/misc/pvh.pandoc.
 *
 * An ELF note gives the entry in 32-bit protected mode. EBX: gpa of struct pvh_info.
 */
#ifndef ABI_PVH_H
#define ABI_PVH_H

#include <stdint.h>

#define PVH_NOTE_NAME "Xen" /* with its terminating 0 in the note */
#define PVH_NOTE_TYPE 18u   /* its description: the gpa of the entry, 4 or 8 bytes */

#define PVH_MAGIC   0x336ec578u
#define PVH_VERSION 1u

struct pvh_info {
    uint32_t magic, version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules; /* gpa; 0: none */
    uint64_t command; /* gpa of a string */
    uint64_t rsdp;    /* gpa; 0: the guest must search for it */
    uint64_t map;     /* gpa */
    uint32_t map_count;
    uint32_t reserved;
};

struct pvh_module {
    uint64_t address, size;
    uint64_t command; /* gpa of a string; 0: none */
    uint64_t reserved;
};

struct pvh_range {
    uint64_t base, size;
    uint32_t type;
    uint32_t reserved;
};

#define PVH_RANGE_USABLE   1u
#define PVH_RANGE_RESERVED 2u

#endif
