/* Guest RAM: how it is laid out around the hole, and that no range reaches out of a slot. */
#include "vmm/io/memory.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

Suite *memory_suite(void);

#define SMALL (2 * MIB)
#define BIG   (5 * GIB) /* 3 GiB below the hole, 2 GiB from 4 GiB on */

static struct memory memory_make(uint64_t size)
{
    struct memory memory;
    struct error error = {""};

    ck_assert_msg(memory_init(&memory, size, &error) == 0, "%s", error.text);
    return memory;
}

START_TEST(ram_is_laid_around_the_hole_below_4_gib)
{
    static const struct {
        uint64_t size, low, high;
    } cases[] = {
        {MEMORY_MIN, MEMORY_MIN, 0},
        {64 * MIB, 64 * MIB, 0},
        {3 * GIB - PAGE_SIZE, 3 * GIB - PAGE_SIZE, 0},
        {3 * GIB, 3 * GIB, 0},
        {3 * GIB + PAGE_SIZE, 3 * GIB, PAGE_SIZE},
        {BIG, 3 * GIB, 2 * GIB},
        {40 * GIB, 3 * GIB, 37 * GIB},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct memory memory = memory_make(cases[i].size);

        ck_assert_uint_eq(memory_size(&memory), cases[i].size);
        ck_assert_uint_eq(memory_low_end(&memory), cases[i].low);
        ck_assert_uint_eq(memory.slot_count, cases[i].high ? 2 : 1);
        ck_assert_uint_eq(memory.slots[0].base.value, 0);
        ck_assert_uint_eq(memory.slots[0].size, cases[i].low);
        if (cases[i].high) {
            ck_assert_uint_eq(memory.slots[1].base.value, MEMORY_HIGH);
            ck_assert_uint_eq(memory.slots[1].size, cases[i].high);
        }
        memory_finish(&memory);
    }
}
END_TEST

START_TEST(a_size_that_cannot_be_is_refused_with_the_mend)
{
    static const struct {
        uint64_t size;
        const char *sentence;
    } cases[] = {
        {12345, "memory size 12345 is no multiple of 4096 bytes; give whole pages, such as 64M"},
        {64 * MIB + 1, "memory size 67108865 is no multiple of 4096 bytes"},
        {UINT64_MAX, "memory size 18446744073709551615 is no multiple"},
        {0, "memory size 0 is not between 1 MiB and 64 TiB; give one in that range, such as 64M"},
        {MEMORY_MIN - PAGE_SIZE, "memory size 1044480 is not between"},
        {MEMORY_MAX + PAGE_SIZE, "memory size 70368744181760 is not between"},
        {UINT64_MAX - PAGE_MASK, "memory size 18446744073709547520 is not between"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct memory memory;
        struct error error = {""};

        ck_assert_int_eq(memory_init(&memory, cases[i].size, &error), -EINVAL);
        ck_assert_msg(strstr(error.text, cases[i].sentence) == error.text, "%s", error.text);
        ck_assert_int_eq(memory_init(&memory, cases[i].size, NULL), -EINVAL);
        ck_assert_uint_eq(memory.slot_count, 0);
        memory_finish(&memory);
    }
}
END_TEST

START_TEST(memory_that_the_host_does_not_give_is_an_error)
{
    struct rlimit old, none;
    struct memory memory;
    struct error error = {""};
    int result;

    ck_assert_int_eq(getrlimit(RLIMIT_AS, &old), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    result = memory_init(&memory, SMALL, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);

    ck_assert_int_eq(result, -ENOMEM);
    ck_assert_ptr_nonnull(strstr(error.text, "cannot reserve 2097152 bytes of guest memory"));
    ck_assert_ptr_nonnull(strstr(error.text, "give the guest less"));
    ck_assert_uint_eq(memory_size(&memory), 0);
}
END_TEST

START_TEST(creating_touches_no_page)
{
    struct memory memory = memory_make(64 * MIB);
    size_t pages = memory.slots[0].size / PAGE_SIZE;
    unsigned char *resident = calloc(pages, 1);

    ck_assert_ptr_nonnull(resident);
    ck_assert_int_eq(mincore(memory.slots[0].host, memory.slots[0].size, resident), 0);
    for (size_t i = 0; i < pages; i++)
        ck_assert_msg(!(resident[i] & 1), "page %zu is resident", i);
    free(resident);
    memory_finish(&memory);
}
END_TEST

START_TEST(new_ram_reads_as_zeroes_at_both_ends)
{
    struct memory memory = memory_make(BIG);
    static const uint64_t places[] = {0, 3 * GIB - 8, 4 * GIB, 6 * GIB - 8};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint64_t value = ~0ULL;

        ck_assert_int_eq(memory_read(&memory, gpa(places[i]), &value, sizeof(value)), 0);
        ck_assert_uint_eq(value, 0);
    }
    memory_finish(&memory);
}
END_TEST

START_TEST(destroying_twice_is_harmless)
{
    struct memory memory = memory_make(BIG);

    memory_finish(&memory);
    memory_finish(&memory);
    ck_assert_uint_eq(memory_size(&memory), 0);
    ck_assert_uint_eq(memory_low_end(&memory), 0);
    ck_assert_ptr_null(memory_at(&memory, gpa(0), 0));
}
END_TEST

START_TEST(destroying_gives_every_slot_back)
{
    struct memory memory = memory_make(BIG), old = memory;
    unsigned char resident;

    memory_finish(&memory);
    for (unsigned i = 0; i < old.slot_count; i++) {
        ck_assert_int_eq(mincore(old.slots[i].host, PAGE_SIZE, &resident), -1);
        ck_assert_int_eq(errno, ENOMEM);
    }
}
END_TEST

/* Ranges in BIG: does one slot hold the whole of it? */
static const struct {
    uint64_t address, length;
    bool inside;
} range_cases[] = {
    {0, 1, true},
    {0, 3 * GIB, true},
    {0, 3 * GIB + 1, false},
    {3 * GIB - 1, 1, true},
    {3 * GIB - 1, 2, false},
    {3 * GIB - 1, 0, true},
    {3 * GIB, 0, false},
    {3 * GIB, 1, false},
    {4 * GIB - 1, 1, false},
    {4 * GIB - 1, 2, false},
    {4 * GIB, 0, true},
    {4 * GIB, 2 * GIB, true},
    {4 * GIB, 2 * GIB + 1, false},
    {6 * GIB - 1, 1, true},
    {6 * GIB - 1, 2, false},
    {6 * GIB, 0, false},
    {3 * GIB - 1, GIB + 2, false}, /* both ends are RAM, the hole between is not */
    {1, UINT64_MAX, false},
    {PAGE_SIZE, UINT64_MAX - PAGE_SIZE + 2, false}, /* wraps round to 1 */
    {4 * GIB, UINT64_MAX, false},
    {UINT64_MAX, 0, false},
    {UINT64_MAX, 1, false},
    {UINT64_MAX, 2, false},
    {UINT64_MAX, UINT64_MAX, false},
};

START_TEST(a_pointer_is_given_only_for_a_range_within_one_slot)
{
    struct memory memory = memory_make(BIG);
    uint64_t address = range_cases[_i].address;
    uint8_t *expected = NULL;

    if (range_cases[_i].inside)
        expected = address < MEMORY_HIGH ? memory.slots[0].host + address
                                         : memory.slots[1].host + (address - MEMORY_HIGH);
    ck_assert_ptr_eq(memory_at(&memory, gpa(address), range_cases[_i].length), expected);
    memory_finish(&memory);
}
END_TEST

START_TEST(a_copy_out_of_range_is_refused_and_copies_nothing)
{
    static const struct {
        uint64_t address, length;
    } cases[] = {{SMALL - 7, 8}, {SMALL, 8}, {UINT64_MAX - 3, 8}, {MEMORY_HIGH, 8}, {0, SMALL + 1}};
    struct memory memory = memory_make(SMALL);
    uint64_t value, ones = ~0ULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gpa_t address = gpa(cases[i].address);

        value = 0x1122334455667788;
        ck_assert_int_eq(memory_read(&memory, address, &value, cases[i].length), -EFAULT);
        ck_assert_uint_eq(value, 0x1122334455667788);
        ck_assert_int_eq(memory_write(&memory, address, &ones, cases[i].length), -EFAULT);
        ck_assert_int_eq(memory_read(&memory, gpa(SMALL - 8), &value, 8), 0);
        ck_assert_uint_eq(value, 0);
    }
    memory_finish(&memory);
}
END_TEST

START_TEST(what_was_written_is_read_back_up_to_the_last_byte)
{
    static const uint64_t ends[] = {3 * GIB, 6 * GIB, PAGE_SIZE + 3};
    struct memory memory = memory_make(BIG);

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char text[8] = "";

        ck_assert_int_eq(memory_write(&memory, gpa(ends[i] - 8), "minivmm", 8), 0);
        ck_assert_int_eq(memory_read(&memory, gpa(ends[i] - 8), text, 8), 0);
        ck_assert_str_eq(text, "minivmm");
    }
    memory_finish(&memory);
}
END_TEST

START_TEST(ram_on_both_sides_of_the_hole_is_not_the_same)
{
    struct memory memory = memory_make(BIG);
    uint64_t marks[] = {1, 2, 3, 4}, held;
    static const uint64_t places[] = {0, 3 * GIB - 8, 4 * GIB, 6 * GIB - 8};

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(memory_write(&memory, gpa(places[i]), &marks[i], 8), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(memory_read(&memory, gpa(places[i]), &held, 8), 0);
        ck_assert_uint_eq(held, marks[i]);
    }
    memory_finish(&memory);
}
END_TEST

START_TEST(length_zero_needs_no_buffer_but_an_address_in_ram)
{
    struct memory memory = memory_make(SMALL);

    ck_assert_int_eq(memory_read(&memory, gpa(SMALL - 1), NULL, 0), 0);
    ck_assert_int_eq(memory_write(&memory, gpa(SMALL - 1), NULL, 0), 0);
    ck_assert_int_eq(memory_read(&memory, gpa(SMALL), NULL, 0), -EFAULT);
    ck_assert_int_eq(memory_write(&memory, gpa(SMALL), NULL, 0), -EFAULT);
    memory_finish(&memory);
}
END_TEST

START_TEST(overlap_means_any_byte_in_ram)
{
    static const struct {
        uint64_t first, last;
        bool overlaps;
    } cases[] = {
        {0, 0, true},
        {3 * GIB - 1, 3 * GIB - 1, true},
        {3 * GIB, 4 * GIB - 1, false},
        {3 * GIB - 1, 4 * GIB - 1, true},
        {3 * GIB, 4 * GIB, true},
        {6 * GIB - 1, UINT64_MAX, true},
        {6 * GIB, UINT64_MAX, false},
        {0, UINT64_MAX, true},
        {GIB, GIB - 1, false}, /* no byte at all */
        {UINT64_MAX, 0, false},
    };
    struct memory memory = memory_make(BIG);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(memory_overlaps(&memory, cases[i].first, cases[i].last) == cases[i].overlaps,
                      "case %zu", i);
    memory_finish(&memory);
}
END_TEST

Suite *memory_suite(void)
{
    Suite *suite = suite_create("memory");
    TCase *create = tcase_create("create"), *access = tcase_create("access");

    tcase_add_test(create, ram_is_laid_around_the_hole_below_4_gib);
    tcase_add_test(create, a_size_that_cannot_be_is_refused_with_the_mend);
    tcase_add_test(create, memory_that_the_host_does_not_give_is_an_error);
    tcase_add_test(create, creating_touches_no_page);
    tcase_add_test(create, new_ram_reads_as_zeroes_at_both_ends);
    tcase_add_test(create, destroying_twice_is_harmless);
    tcase_add_test(create, destroying_gives_every_slot_back);
    suite_add_tcase(suite, create);
    tcase_add_loop_test(access, a_pointer_is_given_only_for_a_range_within_one_slot, 0,
                        sizeof(range_cases) / sizeof(range_cases[0]));
    tcase_add_test(access, a_copy_out_of_range_is_refused_and_copies_nothing);
    tcase_add_test(access, what_was_written_is_read_back_up_to_the_last_byte);
    tcase_add_test(access, ram_on_both_sides_of_the_hole_is_not_the_same);
    tcase_add_test(access, length_zero_needs_no_buffer_but_an_address_in_ram);
    tcase_add_test(access, overlap_means_any_byte_in_ram);
    suite_add_tcase(suite, access);
    return suite;
}
