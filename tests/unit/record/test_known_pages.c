/* Known pages: what the memory of a replay will hold. */
#include "vmm/record/known_pages.h"

#include <check.h>
#include <string.h>

Suite *known_pages_suite(void);

static struct known_pages *pages;

static void setup(void)
{
    pages = known_pages_create();
    ck_assert_ptr_nonnull(pages);
}

static void teardown(void)
{
    known_pages_destroy(pages);
}

static const uint8_t zeros[PAGE_SIZE];

static void set(uint64_t address, const char *bytes)
{
    known_pages_set(pages, gpa(address), bytes, strlen(bytes));
}

static bool holds(uint64_t address, const char *bytes)
{
    return known_pages_holds(pages, gpa(address), bytes, strlen(bytes));
}

START_TEST(at_first_all_memory_is_zeros)
{
    ck_assert(known_pages_holds(pages, gpa(0), zeros, PAGE_SIZE));
    ck_assert(known_pages_holds(pages, gpa(0xfffffffffffff000), zeros, PAGE_SIZE));
    ck_assert(known_pages_holds(pages, gpa(0x1fff), zeros, 1));
    ck_assert(!holds(0x1000, "x"));
}
END_TEST

START_TEST(one_byte_that_is_not_zero_is_seen_wherever_it_is)
{
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        memset(bytes, 0, sizeof(bytes));
        bytes[i] = 1;
        ck_assert(!known_pages_holds(pages, gpa(0x1000), bytes, sizeof(bytes)));
    }
}
END_TEST

START_TEST(what_was_told_is_held)
{
    set(0x1ffc, "abcd");
    ck_assert(holds(0x1ffc, "abcd"));
    ck_assert(holds(0x1ffd, "bc"));
    ck_assert(!holds(0x1ffc, "abce"));
    ck_assert(!holds(0x1ffb, "abcd"));
}
END_TEST

START_TEST(around_what_was_told_all_is_zero)
{
    set(0x1800, "abcd");
    ck_assert(known_pages_holds(pages, gpa(0x1000), zeros, 0x800));
    ck_assert(known_pages_holds(pages, gpa(0x1804), zeros, 0x7fc));
    ck_assert(known_pages_holds(pages, gpa(0x0), zeros, PAGE_SIZE));
    ck_assert(known_pages_holds(pages, gpa(0x2000), zeros, PAGE_SIZE));
}
END_TEST

START_TEST(the_last_that_was_told_counts)
{
    set(0x1000, "abcd");
    set(0x1001, "xy");
    ck_assert(holds(0x1000, "axyd"));
    known_pages_set(pages, gpa(0x1000), zeros, 4);
    ck_assert(known_pages_holds(pages, gpa(0x1000), zeros, PAGE_SIZE));
}
END_TEST

START_TEST(pages_far_apart_are_pages_of_their_own)
{
    static const uint64_t addresses[] = {
        0x0, 0x1000, 0x8000000, 0x100000000, 0x8000000000000000, 0xfffffffffffff000,
    };

    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        set(addresses[i], (const char[]){(char)('a' + i), '\0'});
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        ck_assert(holds(addresses[i], (const char[]){(char)('a' + i), '\0'}));
}
END_TEST

/* The page (number) of those that fill all places: neighbours, and pages far apart. */
static uint64_t page_at(uint64_t number)
{
    return (number & 1 ? number : number << 24) * PAGE_SIZE;
}

static void fill(void)
{
    for (uint64_t i = 0; i < KNOWN_PAGES_MAX; i++)
        known_pages_set(pages, gpa(page_at(i)), &i, sizeof(i));
}

START_TEST(as_many_pages_are_kept_as_promised)
{
    fill();
    for (uint64_t i = 0; i < KNOWN_PAGES_MAX; i++)
        ck_assert(known_pages_holds(pages, gpa(page_at(i)), &i, sizeof(i)));
    ck_assert(known_pages_holds(pages, gpa(2 * PAGE_SIZE), zeros, PAGE_SIZE));
}
END_TEST

START_TEST(of_more_pages_nothing_is_known)
{
    fill();
    set(2 * PAGE_SIZE, "abcd");
    ck_assert(!holds(2 * PAGE_SIZE, "abcd"));
    ck_assert(!known_pages_holds(pages, gpa(2 * PAGE_SIZE), zeros, 4));
    ck_assert(!known_pages_holds(pages, gpa(4 * PAGE_SIZE), zeros, 4));
}
END_TEST

START_TEST(pages_that_are_kept_go_on_when_there_is_no_room_for_more)
{
    fill();
    set(2 * PAGE_SIZE, "abcd");
    set(page_at(5), "xyz");
    ck_assert(holds(page_at(5), "xyz"));
    ck_assert(known_pages_holds(pages, gpa(page_at(7)), &(uint64_t){7}, sizeof(uint64_t)));
}
END_TEST

START_TEST(no_known_pages_can_be_destroyed)
{
    known_pages_destroy(NULL);
}
END_TEST

Suite *known_pages_suite(void)
{
    Suite *suite = suite_create("known_pages");
    TCase *tcase = tcase_create("known_pages");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, at_first_all_memory_is_zeros);
    tcase_add_test(tcase, one_byte_that_is_not_zero_is_seen_wherever_it_is);
    tcase_add_test(tcase, what_was_told_is_held);
    tcase_add_test(tcase, around_what_was_told_all_is_zero);
    tcase_add_test(tcase, the_last_that_was_told_counts);
    tcase_add_test(tcase, pages_far_apart_are_pages_of_their_own);
    tcase_add_test(tcase, as_many_pages_are_kept_as_promised);
    tcase_add_test(tcase, of_more_pages_nothing_is_known);
    tcase_add_test(tcase, pages_that_are_kept_go_on_when_there_is_no_room_for_more);
    tcase_add_test(tcase, no_known_pages_can_be_destroyed);
    suite_add_tcase(suite, tcase);
    return suite;
}
