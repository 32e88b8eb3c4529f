/* The layout of a checkpoint, for its writer and its reader. docs/checkpoint.md specifies it. */
#ifndef VMM_SNAPSHOT_ELF_FORMAT_H
#define VMM_SNAPSHOT_ELF_FORMAT_H

#include "vmm/snapshot/elf_file.h"

#include <elf.h>

#define ELF_SUM_BYTES 8

/* Fill every byte of a header: a reader compares all of them. */
Elf64_Ehdr elf_file_header(unsigned extents);
Elf64_Phdr elf_note_header(unsigned extents, uint64_t notes_size);
Elf64_Phdr elf_memory_header(const struct memory_extent *extent);

/* The offset of guest memory: after (headers_size) bytes of headers and notes. */
uint64_t elf_memory_offset(uint64_t headers_size);

/* The padded size of a note's name or contents of (size) bytes. */
uint64_t elf_note_padded(uint64_t size);

/* The padded size of a note, in bytes. */
uint64_t elf_note_space(const struct elf_note *note);

/* The note of the sum, whose bytes are not set yet. */
struct elf_note elf_sum_note(void);

/* The sum over (size) bytes of headers and notes; the last ELF_SUM_BYTES count as 0. */
uint64_t elf_sum(const uint8_t *headers, size_t size);

#endif
