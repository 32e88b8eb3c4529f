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

struct elf_place elf_place_make(void)
{
    struct elf_place place = {.directory = "/tmp/minivmm-core-XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(place.directory));
    snprintf(place.path, sizeof(place.path), "%s/roi.core", place.directory);
    place.dir_fd = open(place.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(place.dir_fd, 0);
    return place;
}

void elf_place_remove(struct elf_place *place)
{
    unlink(place->path);
    close(place->dir_fd);
    ck_assert_int_eq(rmdir(place->directory), 0);
}

unsigned elf_place_files(const struct elf_place *place)
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

int elf_place_try_save(const struct elf_place *place, const struct memory *memory,
                       struct error *error)
{
    const struct elf_note note = {ELF_OWNER, ELF_NOTE_MACHINE, "a machine", 9};

    return elf_file_write(place->dir_fd, "roi.core", &note, 1, memory, error);
}

void elf_place_save(const struct elf_place *place, const struct memory *memory)
{
    struct error error = {""};

    ck_assert_msg(elf_place_try_save(place, memory, &error) == 0, "%s", error.text);
}

struct elf_file elf_place_open(const struct elf_place *place)
{
    struct error error = {""};
    struct elf_file elf;

    ck_assert_msg(elf_file_open(&elf, place->path, &error) == 0, "%s", error.text);
    return elf;
}

struct memory elf_place_memory(uint64_t size)
{
    struct error error = {""};
    struct memory memory;

    ck_assert_msg(memory_init(&memory, size, &error) == 0, "%s", error.text);
    return memory;
}

struct memory elf_place_restore(const struct elf_place *place, uint64_t size)
{
    struct memory memory = elf_place_memory(size);
    struct elf_file elf = elf_place_open(place);
    struct error error = {""};

    ck_assert_msg(elf_file_map(&elf, &memory, &error) == 0, "%s", error.text);
    elf_file_close(&elf);
    return memory;
}

void elf_mark(const struct memory *memory, uint64_t address, uint64_t salt)
{
    const uint64_t value = (address + 1) ^ salt;

    ck_assert_int_eq(memory_write(memory, gpa(address), &value, 8), 0);
    ck_assert_int_eq(memory_write(memory, gpa(address + PAGE_SIZE - 8), &value, 8), 0);
}

uint64_t elf_number_at(const struct memory *memory, uint64_t address)
{
    uint64_t value = 0;

    ck_assert_int_eq(memory_read(memory, gpa(address), &value, 8), 0);
    return value;
}

void elf_check_mark(const struct memory *memory, uint64_t address, uint64_t salt)
{
    ck_assert_uint_eq(elf_number_at(memory, address), (address + 1) ^ salt);
    ck_assert_uint_eq(elf_number_at(memory, address + 8), 0);
    ck_assert_uint_eq(elf_number_at(memory, address + PAGE_SIZE - 8), (address + 1) ^ salt);
}

size_t elf_resident(const struct memory *memory)
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

const uint64_t elf_marked[ELF_MARKED] = {
    0,
    PAGE_SIZE,
    7 * PAGE_SIZE,
    ELF_PAGES_CHUNK - PAGE_SIZE,
    ELF_PAGES_CHUNK,
    GIB + 5 * PAGE_SIZE,
    3 * GIB - PAGE_SIZE,
    4 * GIB,
    4 * GIB + 17 * MIB,
    6 * GIB - PAGE_SIZE,
};

struct memory elf_marked_memory(void)
{
    struct memory memory = elf_place_memory(ELF_BIG);

    for (size_t i = 0; i < ELF_MARKED; i++)
        elf_mark(&memory, elf_marked[i], 0);
    return memory;
}

void elf_mark_many(const struct memory *memory, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++)
        elf_mark(memory, i * ELF_FAR, 0);
}
