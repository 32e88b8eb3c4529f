#include "tests/unit/elf_place.h"

#include "vmm/snapshot/elf_pages.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct core_place core_place_make(void)
{
    struct core_place place = {.directory = "/tmp/minivmm-core-XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/roi.core", place.directory);
    place.dir_fd = open(place.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(place.dir_fd, 0);
    return place;
}

void core_place_remove(struct core_place *place)
{
    unlink(place->path);
    close(place->dir_fd);
    ck_assert_int_eq(rmdir(place->directory), 0);
}

unsigned core_place_files(const struct core_place *place)
{
    DIR *dir = opendir(place->directory);
    const struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

int core_place_try_save(const struct core_place *place, const struct memory *memory,
                        struct error *error)
{
    const struct core_note note = {CORE_OWNER, CORE_MACHINE, "a machine", 9};

    return core_write(place->dir_fd, "roi.core", &note, 1, memory, error);
}

void core_place_save(const struct core_place *place, const struct memory *memory)
{
    struct error error = {""};

    ck_assert_msg(core_place_try_save(place, memory, &error) == 0, "%s", error.text);
}

struct core core_place_open(const struct core_place *place)
{
    struct error error = {""};
    struct core core;

    ck_assert_msg(core_open(&core, place->path, &error) == 0, "%s", error.text);
    return core;
}

struct memory core_place_memory(uint64_t size)
{
    struct error error = {""};
    struct memory memory;

    ck_assert_msg(memory_create(&memory, size, &error) == 0, "%s", error.text);
    return memory;
}

struct memory core_place_restore(const struct core_place *place, uint64_t size)
{
    struct memory memory = core_place_memory(size);
    struct core core = core_place_open(place);
    struct error error = {""};

    ck_assert_msg(core_map(&core, &memory, &error) == 0, "%s", error.text);
    core_close(&core);
    return memory;
}

void core_mark(const struct memory *memory, uint64_t address, uint64_t salt)
{
    const uint64_t value = (address + 1) ^ salt;

    ck_assert_int_eq(memory_write(memory, gpa(address), &value, 8), 0);
    ck_assert_int_eq(memory_write(memory, gpa(address + PAGE_SIZE - 8), &value, 8), 0);
}

uint64_t core_number_at(const struct memory *memory, uint64_t address)
{
    uint64_t value = 0;

    ck_assert_int_eq(memory_read(memory, gpa(address), &value, 8), 0);
    return value;
}

void core_check_mark(const struct memory *memory, uint64_t address, uint64_t salt)
{
    ck_assert_uint_eq(core_number_at(memory, address), (address + 1) ^ salt);
    ck_assert_uint_eq(core_number_at(memory, address + 8), 0);
    ck_assert_uint_eq(core_number_at(memory, address + PAGE_SIZE - 8), (address + 1) ^ salt);
}

size_t core_resident(const struct memory *memory)
{
    size_t count = 0;

    for (unsigned i = 0; i < memory->slot_count; i++) {
        const struct memory_slot *slot = &memory->slots[i];
        unsigned char *resident = malloc(slot->size / PAGE_SIZE);

        ck_assert_ptr_nonnull(resident);
        ck_assert_int_eq(mincore(slot->host, slot->size, resident), 0);
        for (size_t page = 0; page < slot->size / PAGE_SIZE; page++)
            count += resident[page] & 1;
        free(resident);
    }
    return count;
}

const uint64_t core_marked[CORE_MARKED] = {
    0,
    PAGE_SIZE,
    7 * PAGE_SIZE,
    CORE_PAGES_CHUNK - PAGE_SIZE,
    CORE_PAGES_CHUNK,
    GIB + 5 * PAGE_SIZE,
    3 * GIB - PAGE_SIZE,
    4 * GIB,
    4 * GIB + 17 * MIB,
    6 * GIB - PAGE_SIZE,
};

struct memory core_marked_memory(void)
{
    struct memory memory = core_place_memory(CORE_BIG);

    for (size_t i = 0; i < CORE_MARKED; i++)
        core_mark(&memory, core_marked[i], 0);
    return memory;
}

void core_mark_many(const struct memory *memory, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++)
        core_mark(memory, i * CORE_FAR, 0);
}
