/*
 * The layout of a checkpoint, as its writer and its reader share it. docs/checkpoint.md.
 */
#ifndef VMM_SNAPSHOT_ELF_FORMAT_H
#define VMM_SNAPSHOT_ELF_FORMAT_H

#include "vmm/snapshot/elf_file.h"

#include <elf.h>

#define CORE_SUM_BYTES 8

/* Every byte of a header follows from these: a reader compares the whole of it. */
Elf64_Ehdr core_elf_header(unsigned extents);
Elf64_Phdr core_note_header(unsigned extents, uint64_t notes_size);
Elf64_Phdr core_memory_header(const struct memory_extent *extent);

/* Where guest memory begins: behind (headers_size) bytes of headers and notes. */
uint64_t core_memory_offset(uint64_t headers_size);

/* Bytes that (size) bytes of a note's name or contents take. */
uint64_t core_note_padded(uint64_t size);

/* Bytes that a note takes. */
uint64_t core_note_space(const struct core_note *note);

/* The note of the sum, its bytes not yet set. */
struct core_note core_sum_note(void);

/* The sum over (size) bytes of headers and notes; of the last CORE_SUM_BYTES, as if they were 0. */
uint64_t core_sum(const uint8_t *headers, size_t size);

#endif
