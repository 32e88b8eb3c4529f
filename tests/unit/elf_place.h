/*
 * A directory with checkpoints in it, for unit tests. Whatever fails aborts the test.
 */
#ifndef TESTS_UNIT_ELF_PLACE_H
#define TESTS_UNIT_ELF_PLACE_H

#include "vmm/snapshot/elf_file.h"
#include "vmm/snapshot/elf_pages.h"

#define ELF_SMALL  (16 * MIB)
#define ELF_BIG    (5 * GIB)             /* 3 GiB below the hole, 2 GiB from 4 GiB on */
#define ELF_FAR    (2 * ELF_EXTENTS_GAP) /* too far from each other to become one extent */
#define ELF_MARKED 10

struct elf_place {
    char directory[64];
    char path[80]; /* of roi.core in it */
    int dir_fd;
};

struct elf_place elf_place_make(void);

/* Remove it, with roi.core if that is there: nothing else may be left. */
void elf_place_remove(struct elf_place *place);

/* How many files there are, temporary ones too. */
unsigned elf_place_files(const struct elf_place *place);

/* Save memory as roi.core, with one note. */
void elf_place_save(const struct elf_place *place, const struct memory *memory);

/* The same, giving the result to the test. */
int elf_place_try_save(const struct elf_place *place, const struct memory *memory,
                       struct error *error);

/* Open roi.core. */
struct elf_file elf_place_open(const struct elf_place *place);

/* RAM of (size) bytes; with the contents of roi.core. */
struct memory elf_place_memory(uint64_t size);
struct memory elf_place_restore(const struct elf_place *place, uint64_t size);

/* Writes a number made of the address and (salt) into the first and last bytes of a page; is it there? */
void elf_mark(const struct memory *memory, uint64_t address, uint64_t salt);
void elf_check_mark(const struct memory *memory, uint64_t address, uint64_t salt);

/* The 8 bytes at (address). */
uint64_t elf_number_at(const struct memory *memory, uint64_t address);

/* How many pages the mapping has; those of a file count when they are in its cache. */
size_t elf_resident(const struct memory *memory);

/* ELF_BIG of RAM with marks: in both ends of both slots, in a run across two chunks, and between. */
struct memory elf_marked_memory(void);
extern const uint64_t elf_marked[ELF_MARKED];

/* (runs) marks, each ELF_FAR from the next. */
void elf_mark_many(const struct memory *memory, unsigned runs);

#endif
