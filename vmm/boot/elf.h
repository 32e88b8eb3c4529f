/* ELF files, both widths converted to one layout: for every format whose files are ELF files. */
#ifndef VMM_BOOT_ELF_H
#define VMM_BOOT_ELF_H

#include "vmm/boot/loading.h"

struct elf_header {
    bool wide; /* ELF64 */
    uint64_t entry;
    uint64_t table_offset; /* of the program headers */
    unsigned count;        /* number of program headers */
};

struct elf_program {
    uint32_t type;
    uint64_t offset, file_size; /* in the file */
    uint64_t linked, address;   /* p_vaddr, p_paddr */
    uint64_t size;              /* p_memsz */
    uint64_t align;
};

bool elf_recognize(const struct loader_file *image);
/* -ENOEXEC: not the header of an x86 program, or not complete. */
int elf_read_header(const struct loader_file *image, struct elf_header *header,
                    struct error *error);
/* Program header (index), below (count): elf_read_header() has checked that it is in the file. */
struct elf_program elf_read_program(const struct loader_file *image,
                                    const struct elf_header *header, unsigned index);
/* Add the file's segments. */
int elf_add_segments(struct loading *loading, const struct elf_header *header);
/* e_entry as a gpa: where the segment that was linked for it is loaded. */
uint64_t elf_entry(const struct loading *loading, const struct elf_header *header);

#endif
