/*
 * The layout of a checkpoint, as its writer and its reader share it. docs/checkpoint.md.
 */
#ifndef VMM_SNAPSHOT_ELF_FORMAT_H
#define VMM_SNAPSHOT_ELF_FORMAT_H

#include "vmm/snapshot/elf_file.h"

#include <elf.h>

#define ELF_SUM_BYTES 8

/* These give every byte of a header: a reader compares all of it. */
Elf64_Ehdr elf_file_header(unsigned extents);
Elf64_Phdr elf_note_header(unsigned extents, uint64_t notes_size);
Elf64_Phdr elf_memory_header(const struct memory_extent *extent);

/* Where guest memory begins: after (headers_size) bytes of headers and notes. */
uint64_t elf_memory_offset(uint64_t headers_size);

/* Bytes that (size) bytes of a note's name or contents take. */
uint64_t elf_note_padded(uint64_t size);

/* Bytes that a note takes. */
uint64_t elf_note_space(const struct elf_note *note);

/* The note of the sum, its bytes not yet set. */
struct elf_note elf_sum_note(void);

/* The sum over (size) bytes of headers and notes; of the last ELF_SUM_BYTES, as if they were 0. */
uint64_t elf_sum(const uint8_t *headers, size_t size);

#endif
