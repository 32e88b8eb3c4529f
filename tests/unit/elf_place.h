/*
 * A directory with checkpoints in it, for unit tests. Whatever fails aborts the test.
 */
#ifndef TESTS_UNIT_ELF_PLACE_H
#define TESTS_UNIT_ELF_PLACE_H

#include "vmm/snapshot/elf_file.h"
#include "vmm/snapshot/elf_pages.h"

#define CORE_SMALL  (16 * MIB)
#define CORE_BIG    (5 * GIB)              /* 3 GiB below the hole, 2 GiB from 4 GiB on */
#define CORE_FAR    (2 * CORE_EXTENTS_GAP) /* too far from each other to become one extent */
#define CORE_MARKED 10

struct core_place {
    char directory[64];
    char path[80]; /* of roi.core in it */
    int dir_fd;
};

struct core_place core_place_make(void);

/* Remove it, with roi.core if that is there: nothing else may be left. */
void core_place_remove(struct core_place *place);

/* How many files there are, temporary ones too. */
unsigned core_place_files(const struct core_place *place);

/* Save memory as roi.core, with one note. */
void core_place_save(const struct core_place *place, const struct memory *memory);

/* The same, giving the result to the test. */
int core_place_try_save(const struct core_place *place, const struct memory *memory,
                        struct error *error);

/* Open roi.core. */
struct core core_place_open(const struct core_place *place);

/* RAM of (size) bytes; with the contents of roi.core. */
struct memory core_place_memory(uint64_t size);
struct memory core_place_restore(const struct core_place *place, uint64_t size);

/* A number that says where it is, and (salt), into the first and last bytes of a page; is it there? */
void core_mark(const struct memory *memory, uint64_t address, uint64_t salt);
void core_check_mark(const struct memory *memory, uint64_t address, uint64_t salt);

/* The 8 bytes at (address). */
uint64_t core_number_at(const struct memory *memory, uint64_t address);

/* How many pages the mapping has; those of a file count when they are in its cache. */
size_t core_resident(const struct memory *memory);

/* CORE_BIG of RAM with marks: in both ends of both slots, in a run across two chunks, and between. */
struct memory core_marked_memory(void);
extern const uint64_t core_marked[CORE_MARKED];

/* (runs) marks, each CORE_FAR from the next. */
void core_mark_many(const struct memory *memory, unsigned runs);

#endif
