/* The parts of an ELF file, of both widths in one shape: for every format that is an ELF file. */
#ifndef VMM_BOOT_ELF_H
#define VMM_BOOT_ELF_H

#include "vmm/boot/loading.h"

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

#endif
