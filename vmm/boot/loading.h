/*
 * What the image formats share: one loading, and the steps it is made of. Only for vmm/boot/.
 *
 * A format reads the file into a list of segments and an entry, and touches no guest memory. Then
 * all is checked and copied in one place, segment.c, and the format describes the machine to the
 * guest in its own way.
 */
#ifndef VMM_BOOT_LOADING_H
#define VMM_BOOT_LOADING_H

#include "vmm/boot/loader.h"

/* More than any linker makes; it bounds the work that a file can ask for. */
#define LOADER_SEGMENTS_MAX 64

struct loader_segment {
    uint64_t address;     /* gpa */
    uint64_t linked;      /* the address that its code was linked for */
    const uint8_t *bytes; /* in the image: (file_size) of them */
    uint64_t file_size;
    uint64_t size; /* in memory, at least (file_size) and not 0: the rest is zero */
};

struct loading {
    const struct memory *memory;
    const struct loader_request *request;
    const struct loader_format *format;
    const struct loader_file *image;
    const struct loader_file *initrd; /* NULL: none */
    uint64_t initrd_address;          /* gpa, from loader_find_initrd_place() */
    struct loader_segment segments[LOADER_SEGMENTS_MAX];
    unsigned segment_count;
    struct x86_start start;
    struct error *error;
};

struct loader_format {
    const char *name;
    const char *elsewhere; /* what can move it, for sentences: "choose ..." */
    bool says_where;       /* the image has its own place, mode and entry */

    bool (*recognize)(const struct loader_file *image);

    /* Fill in the segments, and mode, entry and registers of the start. */
    int (*parse)(struct loading *loading);

    /* Write the format's own information block to BOOT_LOADER; NULL: it has none. */
    int (*write_info)(const struct loading *loading);
};

extern const struct loader_format loader_multiboot, loader_pvh, loader_elf, loader_flat;

/* file.c: (length) bytes at (offset), or NULL unless all of them lie in the file. */
const uint8_t *loader_file_at(const struct loader_file *file, uint64_t offset, uint64_t length);

/* segment.c. -ENOEXEC: too many, more in the file than in memory, or not wholly in the file. */
int loader_add_segment(struct loading *loading, const struct loader_segment *segment,
                       uint64_t file_offset);
/* Each in RAM, none over the boot area, the BIOS area or another. */
int loader_check_segments(const struct loading *loading);
/* The highest page below the end of low RAM where the initrd meets no segment. */
int loader_find_initrd_place(struct loading *loading);
void loader_copy_segments(const struct loading *loading);
/* Is there a byte of the file at this gpa? */
bool loader_is_loaded(const struct loading *loading, uint64_t address);

/* elf.c: the parts of an ELF file, of both widths in one shape. */
struct elf_header {
    bool wide; /* ELF64 */
    uint64_t entry;
    uint64_t table_offset; /* of the program headers */
    unsigned count;        /* of them */
};

struct elf_program {
    uint32_t type;
    uint64_t offset, file_size; /* in the file */
    uint64_t linked, address;   /* p_vaddr, p_paddr */
    uint64_t size;              /* p_memsz */
    uint64_t align;
};

bool elf_recognize(const struct loader_file *image);
/* -ENOEXEC: no header of an x86 program, or not wholly there. */
int elf_read_header(const struct loader_file *image, struct elf_header *header,
                    struct error *error);
/* One of the (count) program headers: elf_read_header() saw that they are in the file. */
struct elf_program elf_read_program(const struct loader_file *image,
                                    const struct elf_header *header, unsigned index);
/* Add the segments of the file. */
int elf_add_segments(struct loading *loading, const struct elf_header *header);
/* e_entry as a gpa: where the segment that was linked for it lies. */
uint64_t elf_entry(const struct loading *loading, const struct elf_header *header);

/* info.c: what guests are told. The memory map; (map) has room for LOADER_MAP_MAX. */
#define LOADER_MAP_MAX (MEMORY_SLOTS + 2)

struct loader_range {
    uint64_t base, size;
    bool usable; /* RAM for the guest; else reserved */
};

unsigned loader_memory_map(const struct memory *memory, struct loader_range *map);

/* The same as the BIOS's call gives it. */
struct e820_entry {
    uint64_t address, size;
    uint32_t type; /* 1: RAM, 2: reserved */
} __attribute__((packed));

unsigned loader_e820(const struct memory *memory, struct e820_entry *map);

/* The command line, which may be empty. */
const char *loader_command_line(const struct loading *loading);
/* Write the block of a format to BOOT_LOADER. */
int loader_write_block(const struct loading *loading, const void *block, uint64_t size);

#endif
