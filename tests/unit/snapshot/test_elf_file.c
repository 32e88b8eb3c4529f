/* Checkpoints as files: what was saved comes back, and only what is not zero takes space. */
#include "tests/unit/elf_place.h"
#include "vmm/snapshot/elf_pages.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *elf_file_suite(void);

static struct stat file_status(const struct elf_place *place)
{
    struct stat status;

    ck_assert_int_eq(stat(place->path, &status), 0);
    return status;
}

START_TEST(memory_comes_back_on_both_sides_of_the_hole)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), restored;

    elf_place_save(&place, &memory);
    memory_finish(&memory);
    restored = elf_place_restore(&place, ELF_BIG);
    for (size_t i = 0; i < ELF_MARKED; i++)
        elf_check_mark(&restored, elf_marked[i], 0);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

START_TEST(what_was_not_touched_is_zero_again)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), restored;

    elf_place_save(&place, &memory);
    restored = elf_place_restore(&place, ELF_BIG);
    for (uint64_t address = 0; address < 3 * GIB; address += 16 * PAGE_SIZE)
        if (elf_number_at(&memory, address) != elf_number_at(&restored, address))
            ck_abort_msg("other bytes at 0x%lx", (unsigned long)address);
    ck_assert_uint_eq(elf_number_at(&restored, 2 * PAGE_SIZE), 0);
    ck_assert_uint_eq(elf_number_at(&restored, 6 * PAGE_SIZE), 0);
    memory_finish(&memory);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

START_TEST(every_byte_of_a_full_range_comes_back)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL), restored;
    uint32_t *words = memory_at(&memory, gpa(0), ELF_SMALL);

    for (uint32_t i = 0; i < ELF_SMALL / 4; i++)
        words[i] = i * 2654435761u + 1;
    elf_place_save(&place, &memory);
    restored = elf_place_restore(&place, ELF_SMALL);
    ck_assert(memcmp(words, memory_at(&restored, gpa(0), ELF_SMALL), ELF_SMALL) == 0);
    memory_finish(&memory);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

START_TEST(an_extent_says_where_its_memory_is_for_the_guest)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_BIG);
    struct elf_file elf;

    elf_mark(&memory, 3 * GIB - PAGE_SIZE, 0);
    elf_mark(&memory, 4 * GIB, 0);
    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, 2);
    ck_assert_uint_eq(elf.extents[0].address.value, 3 * GIB - PAGE_SIZE);
    ck_assert_uint_eq(elf.extents[0].size, PAGE_SIZE);
    ck_assert_uint_eq(elf.extents[0].offset % PAGE_SIZE, 0);
    ck_assert_uint_eq(elf.extents[1].address.value, 4 * GIB);
    ck_assert_uint_eq(elf.extents[1].offset, elf.extents[0].offset + PAGE_SIZE);
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(memory_that_was_never_touched_makes_no_extent)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_BIG), restored;
    struct elf_file elf;

    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, 0);
    ck_assert_uint_eq((uint64_t)file_status(&place).st_size, elf.headers_size);
    elf_file_close(&elf);
    restored = elf_place_restore(&place, ELF_BIG);
    ck_assert_uint_eq(elf_number_at(&restored, 0), 0);
    memory_finish(&memory);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

START_TEST(pages_of_zeros_make_no_extent)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct elf_file elf;

    memset(memory_at(&memory, gpa(0), ELF_SMALL), 0, ELF_SMALL);
    elf_mark(&memory, MIB, 0);
    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, 1);
    ck_assert_uint_eq(elf.extents[0].address.value, MIB);
    ck_assert_uint_eq(elf.extents[0].size, PAGE_SIZE);
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(one_byte_anywhere_in_a_page_is_enough)
{
    struct elf_place place = elf_place_make();
    static const uint64_t offsets[] = {0, 1, 7, 8, 9, 2048, PAGE_SIZE - 9, PAGE_SIZE - 1};

    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct memory memory = elf_place_memory(ELF_SMALL), restored;

        *(uint8_t *)memory_at(&memory, gpa(MIB + offsets[i]), 1) = 1;
        elf_place_save(&place, &memory);
        restored = elf_place_restore(&place, ELF_SMALL);
        ck_assert_uint_eq(*(uint8_t *)memory_at(&restored, gpa(MIB + offsets[i]), 1), 1);
        memory_finish(&memory);
        memory_finish(&restored);
    }
    elf_place_remove(&place);
}
END_TEST

START_TEST(pages_of_zeros_within_an_extent_are_holes)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct elf_file elf;

    for (uint64_t at = 0; at <= 64 * ELF_EXTENTS_GAP; at += ELF_EXTENTS_GAP)
        elf_mark(&memory, at, 0);
    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, 1);
    ck_assert_uint_eq(elf.extents[0].size, 64 * ELF_EXTENTS_GAP + PAGE_SIZE);
    /* Blocks of 512 bytes: 65 pages, the headers, and what the file system needs for itself. */
    ck_assert_int_lt(file_status(&place).st_blocks * 512, 2 * 65 * PAGE_SIZE);
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(near_runs_are_joined_and_far_ones_are_not)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct elf_file elf;

    elf_mark(&memory, 0, 0);
    elf_mark(&memory, PAGE_SIZE + ELF_EXTENTS_GAP, 0);
    elf_mark(&memory, 3 * PAGE_SIZE + 2 * ELF_EXTENTS_GAP, 0);
    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, 2);
    ck_assert_uint_eq(elf.extents[0].size, 2 * PAGE_SIZE + ELF_EXTENTS_GAP);
    ck_assert_uint_eq(elf.extents[1].address.value, 3 * PAGE_SIZE + 2 * ELF_EXTENTS_GAP);
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(many_runs_are_joined_until_the_extents_are_few_enough)
{
    static const struct {
        unsigned runs, least;
    } cases[] = {{ELF_EXTENTS, ELF_EXTENTS}, {ELF_EXTENTS + 1, 1}, {2 * ELF_EXTENTS + 1, 1}};
    struct elf_place place = elf_place_make();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct memory memory = elf_place_memory(ELF_BIG), restored;
        struct elf_file elf;

        elf_mark_many(&memory, cases[i].runs);
        elf_place_save(&place, &memory);
        elf = elf_place_open(&place);
        ck_assert_uint_le(elf.extent_count, ELF_EXTENTS);
        ck_assert_uint_ge(elf.extent_count, cases[i].least);
        elf_file_close(&elf);
        restored = elf_place_restore(&place, ELF_BIG);
        for (unsigned run = 0; run < cases[i].runs; run++)
            elf_check_mark(&restored, run * ELF_FAR, 0);
        memory_finish(&memory);
        memory_finish(&restored);
    }
    elf_place_remove(&place);
}
END_TEST

START_TEST(no_extent_is_joined_across_the_hole_below_4_gib)
{
    struct memory memory = elf_place_memory(ELF_BIG);
    struct elf_extents *extents = malloc(sizeof(*extents));

    ck_assert_ptr_nonnull(extents);
    elf_extents_begin(extents, &memory);
    extents->gap = 2 * GIB;
    elf_extents_add(extents, gpa(GIB), PAGE_SIZE);
    elf_extents_add(extents, gpa(3 * GIB - PAGE_SIZE), PAGE_SIZE);
    elf_extents_add(extents, gpa(4 * GIB), PAGE_SIZE);
    ck_assert_uint_eq(extents->count, 2);
    ck_assert_uint_eq(extents->list[0].size, 2 * GIB);
    ck_assert_uint_eq(extents->list[1].size, PAGE_SIZE);
    free(extents);
    memory_finish(&memory);
}
END_TEST

START_TEST(saving_touches_no_page_that_the_guest_did_not)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory();
    const size_t before = elf_resident(&memory);

    elf_place_save(&place, &memory);
    ck_assert_uint_eq(elf_resident(&memory), before);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

/* A sum over where runs are, however they are cut. */
static int add_pages(void *context, gpa_t address, const uint8_t *host, uint64_t size)
{
    uint64_t *pages = context;

    ck_assert_uint_ne(host[0], 0);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        *pages = *pages * 31 + address.value + at;
    return 0;
}

static uint64_t pages_from(const struct memory *memory, enum elf_pages_source source,
                           enum elf_pages_source *taken)
{
    struct elf_pages *pages = malloc(sizeof(*pages));
    uint64_t found = 1;

    ck_assert_ptr_nonnull(pages);
    ck_assert_int_eq(elf_pages_open(pages, memory), 0);
    pages->source = source;
    ck_assert_int_eq(elf_pages_visit(pages, add_pages, &found), 0);
    *taken = pages->source;
    elf_pages_close(pages);
    free(pages);
    return found;
}

START_TEST(each_source_finds_the_same_pages)
{
    struct memory memory = elf_place_memory(256 * MIB);
    enum elf_pages_source source;
    uint64_t expected;

    for (unsigned i = 0; i < 1000; i++) /* more regions than one call gives */
        elf_mark(&memory, i * 3 * PAGE_SIZE, 0);
    elf_mark(&memory, ELF_PAGES_CHUNK, 0);
    elf_mark(&memory, 256 * MIB - PAGE_SIZE, 0);
    expected = 1;
    for (unsigned i = 0; i < 1000; i++)
        expected = expected * 31 + i * 3 * PAGE_SIZE;
    expected = expected * 31 + ELF_PAGES_CHUNK;
    expected = expected * 31 + 256 * MIB - PAGE_SIZE;

    ck_assert_uint_eq(pages_from(&memory, ELF_PAGES_SCAN, &source), expected);
    ck_assert_uint_eq(pages_from(&memory, ELF_PAGES_TABLE, &source), expected);
    ck_assert_int_eq(source, ELF_PAGES_TABLE);
    ck_assert_uint_eq(pages_from(&memory, ELF_PAGES_ALL, &source), expected);
    memory_finish(&memory);
}
END_TEST

START_TEST(without_proc_all_memory_is_looked_at)
{
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct elf_pages *pages = malloc(sizeof(*pages));
    uint64_t found = 1;

    ck_assert_ptr_nonnull(pages);
    elf_mark(&memory, MIB, 0);
    ck_assert_int_eq(elf_pages_open(pages, &memory), 0);
    elf_pages_close(pages);
    ck_assert_int_eq(elf_pages_visit(pages, add_pages, &found), 0);
    ck_assert_int_eq(pages->source, ELF_PAGES_ALL);
    ck_assert_uint_eq(found, 31 + MIB);
    free(pages);
    memory_finish(&memory);
}
END_TEST

START_TEST(notes_come_back_in_their_order)
{
    static const uint8_t odd[] = {1, 2, 3, 4, 5};
    static const struct elf_note notes[] = {
        {ELF_GDB_OWNER, 1, "registers", 9}, {ELF_OWNER, ELF_NOTE_MACHINE, "machine", 7},
        {ELF_OWNER, ELF_NOTE_VCPU, odd, 5}, {ELF_OWNER, ELF_NOTE_VCPU, NULL, 0},
        {"LINUX", 0x202, "xsave", 5},       {ELF_OWNER, ELF_NOTE_DEVICE, "12345678", 8},
    };
    const unsigned count = sizeof(notes) / sizeof(notes[0]);
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct error error = {""};
    struct elf_file elf;

    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", notes, count, &memory, &error), 0);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.note_count, count);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_str_eq(elf.notes[i].owner, notes[i].owner);
        ck_assert_uint_eq(elf.notes[i].type, notes[i].type);
        ck_assert_uint_eq(elf.notes[i].size, notes[i].size);
        if (notes[i].size)
            ck_assert_mem_eq(elf.notes[i].bytes, notes[i].bytes, notes[i].size);
        ck_assert_uint_eq((uintptr_t)elf.notes[i].bytes % 4, 0);
    }
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(a_note_is_found_by_type_and_number_among_our_own)
{
    static const struct elf_note notes[] = {
        {ELF_GDB_OWNER, ELF_NOTE_VCPU, "gdb", 3},
        {ELF_OWNER, ELF_NOTE_VCPU, "first", 5},
        {ELF_OWNER, ELF_NOTE_VM, "vm", 2},
        {ELF_OWNER, ELF_NOTE_VCPU, "second", 6},
    };
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct elf_file elf;

    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", notes, 4, &memory, NULL), 0);
    elf = elf_place_open(&place);
    ck_assert_ptr_eq(elf_file_find(&elf, ELF_NOTE_VCPU, 0), &elf.notes[1]);
    ck_assert_ptr_eq(elf_file_find(&elf, ELF_NOTE_VCPU, 1), &elf.notes[3]);
    ck_assert_ptr_null(elf_file_find(&elf, ELF_NOTE_VCPU, 2));
    ck_assert_ptr_null(elf_file_find(&elf, ELF_NOTE_CPUID, 0));
    ck_assert_ptr_null(elf_file_find(&elf, ELF_NOTE_SUM, 0));
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(more_notes_than_a_file_may_have_are_refused)
{
    static struct elf_note notes[ELF_NOTES + 1];
    static uint8_t bytes[ELF_NOTES_MAX];
    const struct elf_note longest = {ELF_OWNER, ELF_NOTE_VM, bytes, ELF_NOTES_MAX - 20};
    const struct elf_note too_long = {ELF_OWNER, ELF_NOTE_VM, bytes, ELF_NOTES_MAX - 19};
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct error error = {""};
    struct elf_file elf;

    for (unsigned i = 0; i <= ELF_NOTES; i++)
        notes[i] = (struct elf_note){ELF_OWNER, ELF_NOTE_DEVICE, "x", 1};
    ck_assert_int_eq(elf_file_write(place.dir_fd, "a", notes, ELF_NOTES + 1, &memory, &error),
                     -E2BIG);
    ck_assert_int_eq(elf_file_write(place.dir_fd, "a", &too_long, 1, &memory, &error), -E2BIG);
    ck_assert_uint_eq(elf_place_files(&place), 0);

    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", notes, ELF_NOTES, &memory, &error),
                     0);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.note_count, ELF_NOTES);
    elf_file_close(&elf);
    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", &longest, 1, &memory, &error), 0);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.notes[0].size, ELF_NOTES_MAX - 20);
    elf_file_close(&elf);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(readelf_reads_it_without_a_complaint)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory();
    char command[128], text[16384];
    size_t size;
    FILE *pipe;

    elf_place_save(&place, &memory);
    snprintf(command, sizeof(command), "LC_ALL=C readelf -W -h -l -n %s 2>&1", place.path);
    pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size = fread(text, 1, sizeof(text) - 1, pipe);
    text[size] = 0;
    if (pclose(pipe) != 127 << 8) { /* there is a readelf */
        ck_assert_msg(strstr(text, "CORE (Core file)") && strstr(text, "X86-64"), "%s", text);
        ck_assert_msg(strstr(text, "0x0000000100000000 0x0000000100000000"), "%s", text);
        ck_assert_msg(strstr(text, "minivmm              0x00000009"), "%s", text);
        ck_assert_msg(!strstr(text, "arning") && !strstr(text, "rror"), "%s", text);
    }
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

static void add_memory_tests(TCase *memory)
{
    tcase_add_test(memory, memory_comes_back_on_both_sides_of_the_hole);
    tcase_add_test(memory, what_was_not_touched_is_zero_again);
    tcase_add_test(memory, every_byte_of_a_full_range_comes_back);
    tcase_add_test(memory, an_extent_says_where_its_memory_is_for_the_guest);
    tcase_add_test(memory, memory_that_was_never_touched_makes_no_extent);
    tcase_add_test(memory, pages_of_zeros_make_no_extent);
    tcase_add_test(memory, one_byte_anywhere_in_a_page_is_enough);
    tcase_add_test(memory, pages_of_zeros_within_an_extent_are_holes);
    tcase_add_test(memory, near_runs_are_joined_and_far_ones_are_not);
    tcase_add_test(memory, many_runs_are_joined_until_the_extents_are_few_enough);
    tcase_add_test(memory, no_extent_is_joined_across_the_hole_below_4_gib);
    tcase_add_test(memory, saving_touches_no_page_that_the_guest_did_not);
    tcase_add_test(memory, each_source_finds_the_same_pages);
    tcase_add_test(memory, without_proc_all_memory_is_looked_at);
}

Suite *elf_file_suite(void)
{
    Suite *suite = suite_create("elf_file");
    TCase *memory = tcase_create("memory"), *notes = tcase_create("notes");

    add_memory_tests(memory);
    suite_add_tcase(suite, memory);
    tcase_add_test(notes, notes_come_back_in_their_order);
    tcase_add_test(notes, a_note_is_found_by_type_and_number_among_our_own);
    tcase_add_test(notes, more_notes_than_a_file_may_have_are_refused);
    tcase_add_test(notes, readelf_reads_it_without_a_complaint);
    suite_add_tcase(suite, notes);
    return suite;
}
