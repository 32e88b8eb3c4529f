/*
 * devices/xen/grant.c: what is granted can be pinned, and nothing else, whatever the
 * granter does to its entries meanwhile. Numbers are those of the cases in docs/domains.md;
 * 12, 17 and 18 are about hypercalls and slots, which are not here.
 */
#include "devices/xen/grant.h"

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

Suite *grant_suite(void);

#define RAM     (2 * MIB)
#define ENTRIES 0x10000u /* gpa of the table's first page, and of another one */
#define MOVED   0x20000u
#define PAGE    0x100u /* frame number of a page to grant */
#define MAPPER  0
#define REF     GNTTAB_NR_RESERVED_ENTRIES
#define ROUNDS  200000
#define MARKS   (GTF_reading | GTF_writing)

static struct memory memory;
static struct grant_table table;
static struct grant_handles handles;
static atomic_bool stop;

static void setup(void)
{
    ck_assert_int_eq(memory_init(&memory, RAM, NULL), 0);
    grant_table_init(&table, &memory);
    ck_assert_int_eq(grant_table_place(&table, 0, gpa(ENTRIES)), 0);
    grant_handles_init(&handles);
    atomic_store(&stop, false);
}

static void teardown(void)
{
    grant_handles_finish(&handles);
    grant_table_finish(&table);
    memory_finish(&memory);
}

/* The granting guest's hands: its entry as the two words it consists of. */
static uint32_t *entry(grant_ref_t ref)
{
    return memory_at(&memory, gpa(ENTRIES + ref * sizeof(grant_entry_v1_t)), 8);
}

static uint32_t access_word(domid_t domid, unsigned flags)
{
    return (uint32_t)domid << 16 | flags;
}

static void grant(grant_ref_t ref, domid_t domid, uint32_t frame, unsigned flags)
{
    __atomic_store_n(&entry(ref)[1], frame, __ATOMIC_RELAXED);
    __atomic_store_n(&entry(ref)[0], access_word(domid, flags), __ATOMIC_RELEASE);
}

static unsigned flags_of(grant_ref_t ref)
{
    return __atomic_load_n(&entry(ref)[0], __ATOMIC_ACQUIRE) & 0xffff;
}

/* Revoke as the paper has it: not while it is mapped. */
static bool end_access(grant_ref_t ref)
{
    uint32_t seen = __atomic_load_n(&entry(ref)[0], __ATOMIC_ACQUIRE);

    return !(seen & MARKS) &&
           __atomic_compare_exchange_n(&entry(ref)[0], &seen, seen & 0xffff0000, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static int pin(grant_ref_t ref, bool readonly)
{
    gpa_t page;

    return grant_pin(&table, ref, MAPPER, readonly, &page);
}

/* A pin is refused with (status), and leaves no trace. */
static void ck_refused(grant_ref_t ref, bool readonly, int status)
{
    static const struct grant_pins none[GRANT_ENTRIES];
    uint8_t before[PAGE_SIZE], after[PAGE_SIZE];
    gpa_t page = gpa(12345);

    ck_assert_int_eq(memory_read(&memory, gpa(ENTRIES), before, PAGE_SIZE), 0);
    ck_assert_int_eq(grant_pin(&table, ref, MAPPER, readonly, &page), status);
    ck_assert_int_eq(memory_read(&memory, gpa(ENTRIES), after, PAGE_SIZE), 0);
    ck_assert_mem_eq(before, after, PAGE_SIZE);
    ck_assert_uint_eq(page.value, 12345);
    ck_assert_mem_eq(table.pins, none, sizeof(none));
}

START_TEST(a_granted_page_is_pinned_where_the_granter_has_it)
{
    gpa_t page;

    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(grant_pin(&table, REF, MAPPER, false, &page), GNTST_okay);
    ck_assert_uint_eq(page.value, PAGE * PAGE_SIZE);
    ck_assert_uint_eq(entry(REF)[0],
                      access_word(MAPPER, GTF_permit_access | GTF_reading | GTF_writing));
}
END_TEST

START_TEST(a_readonly_pin_does_not_write)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access | GTF_readonly);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_readonly | GTF_reading);
}
END_TEST

/* 9 */
START_TEST(references_out_of_range_or_reserved_are_bad)
{
    static const grant_ref_t refs[] = {GRANT_FRAME_ENTRIES, GRANT_ENTRIES - 1, GRANT_ENTRIES,
                                       0x7fffffff,          0x80000000,        UINT32_MAX};

    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++)
        ck_refused(refs[i], true, GNTST_bad_gntref);
    for (grant_ref_t ref = 0; ref < GNTTAB_NR_RESERVED_ENTRIES; ref++) {
        grant(ref, MAPPER, PAGE, GTF_permit_access);
        ck_refused(ref, true, GNTST_bad_gntref);
    }
}
END_TEST

/* 9: every type but access, with every other flag, and every domid of interest. */
START_TEST(only_access_for_the_mapper_is_access)
{
    static const domid_t others[] = {1, 2, 0x7fef, DOMID_SELF, DOMID_INVALID, 0x8000, 0xffff};

    for (unsigned flags = 0; flags < 0x200; flags++) {
        grant(REF, MAPPER, PAGE, flags);
        if ((flags & GTF_type_mask) != GTF_permit_access || (flags & GTF_sub_page))
            ck_refused(REF, true, GNTST_general_error);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        grant(REF, others[i], PAGE, GTF_permit_access);
        ck_refused(REF, true, GNTST_general_error);
    }
}
END_TEST

/* 10 */
START_TEST(a_frame_beyond_ram_is_a_bad_page)
{
    static const uint32_t frames[] = {RAM / PAGE_SIZE, 0xfffff, 0x100000, 0x80000000, UINT32_MAX};
    gpa_t page;

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        grant(REF, MAPPER, frames[i], GTF_permit_access);
        ck_refused(REF, false, GNTST_bad_page);
    }
    grant(REF, MAPPER, RAM / PAGE_SIZE - 1, GTF_permit_access);
    ck_assert_int_eq(grant_pin(&table, REF, MAPPER, false, &page), GNTST_okay);
    ck_assert_uint_eq(page.value, RAM - PAGE_SIZE);
}
END_TEST

/* 10, 14: the marks of an earlier pin stay when a later one finds the frame bad. */
START_TEST(a_bad_page_leaves_an_earlier_pin_alone)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    __atomic_store_n(&entry(REF)[1], UINT32_MAX, __ATOMIC_RELEASE);
    ck_assert_int_eq(pin(REF, false), GNTST_bad_page);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading);
}
END_TEST

/* 11 */
START_TEST(a_readonly_grant_is_not_mapped_writable)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access | GTF_readonly);
    ck_refused(REF, false, GNTST_general_error);
}
END_TEST

/* 13 */
START_TEST(a_mapped_grant_is_revoked_after_the_unmap_only)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    ck_assert(!end_access(REF));
    grant_unpin(&table, REF, true);
    ck_assert(end_access(REF));
    ck_refused(REF, true, GNTST_general_error);
}
END_TEST

/* 14 */
START_TEST(two_pins_need_two_unpins)
{
    for (unsigned readonly = 0; readonly < 2; readonly++) {
        grant(REF, MAPPER, PAGE, GTF_permit_access);
        ck_assert_int_eq(pin(REF, readonly), GNTST_okay);
        ck_assert_int_eq(pin(REF, readonly), GNTST_okay);
        grant_unpin(&table, REF, readonly);
        ck_assert(!end_access(REF));
        grant_unpin(&table, REF, readonly);
        ck_assert(end_access(REF));
    }
}
END_TEST

/* 15 */
START_TEST(each_mark_goes_with_the_last_pin_that_needs_it)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    ck_assert_int_eq(pin(REF, false), GNTST_okay);
    grant_unpin(&table, REF, false);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading);
    ck_assert_int_eq(pin(REF, false), GNTST_okay);
    grant_unpin(&table, REF, true);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading | GTF_writing);
    grant_unpin(&table, REF, false);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access);
}
END_TEST

/* 16, at this level: what was never pinned is not unpinned, and counts do not wrap. */
START_TEST(an_unpin_too_many_is_ignored)
{
    static const grant_ref_t refs[] = {
        0, REF, GRANT_FRAME_ENTRIES, GRANT_ENTRIES - 1, GRANT_ENTRIES, UINT32_MAX};

    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        grant_unpin(&table, refs[i], false);
        grant_unpin(&table, refs[i], true);
    }
    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    grant_unpin(&table, REF, false);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading);
    grant_unpin(&table, REF, true);
    grant_unpin(&table, REF, true);
    ck_refused(REF + 1, true, GNTST_general_error);
}
END_TEST

/* Marks that a guest sets or clears itself are its own loss: pins are not counted by them. */
START_TEST(forged_marks_do_not_count)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access | MARKS);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    grant_unpin(&table, REF, true);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access);
    ck_assert_int_eq(pin(REF, false), GNTST_okay);
    grant(REF, 1, UINT32_MAX, 0);
    grant_unpin(&table, REF, false);
    ck_refused(REF, true, GNTST_general_error);
    ck_assert_uint_eq(entry(REF)[0], access_word(1, 0));
}
END_TEST

/* 28 */
START_TEST(after_the_granter_died_nothing_is_pinned_and_no_entry_changes)
{
    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, false), GNTST_okay);
    grant_table_close(&table);
    ck_assert_int_eq(pin(REF, false), GNTST_general_error);
    grant_unpin(&table, REF, false);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading | GTF_writing);
    ck_assert_int_eq(grant_table_place(&table, 0, gpa(MOVED)), -EINVAL);
}
END_TEST

START_TEST(a_domain_without_memory_grants_nothing)
{
    static struct grant_table none;
    gpa_t page;

    grant_table_init(&none, NULL);
    ck_assert_int_eq(grant_table_place(&none, 0, gpa(0)), -EINVAL);
    ck_assert_int_eq(grant_pin(&none, REF, MAPPER, true, &page), GNTST_general_error);
    grant_unpin(&none, REF, true);
    ck_assert_uint_eq(grant_table_size(&none), 0);
    grant_table_finish(&none);
}
END_TEST

START_TEST(a_page_for_entries_is_cleared)
{
    uint8_t page[PAGE_SIZE], zero[PAGE_SIZE] = {0};

    memset(page, 0xff, PAGE_SIZE);
    ck_assert_int_eq(memory_write(&memory, gpa(MOVED), page, PAGE_SIZE), 0);
    ck_assert_int_eq(grant_table_place(&table, 1, gpa(MOVED)), 0);
    ck_assert_int_eq(memory_read(&memory, gpa(MOVED), page, PAGE_SIZE), 0);
    ck_assert_mem_eq(page, zero, PAGE_SIZE);
}
END_TEST

/* Linux places the last frame first. */
START_TEST(frames_are_placed_in_any_order)
{
    gpa_t page;

    ck_assert_uint_eq(grant_table_size(&table), 1);
    ck_assert_int_eq(grant_table_place(&table, GRANT_FRAMES - 1, gpa(MOVED)), 0);
    ck_assert_uint_eq(grant_table_size(&table), GRANT_FRAMES);
    ck_refused(GRANT_FRAME_ENTRIES, true, GNTST_bad_gntref);
    ck_assert_int_eq(grant_table_place(&table, 1, gpa(ENTRIES + PAGE_SIZE)), 0);
    ck_assert_uint_eq(grant_table_size(&table), GRANT_FRAMES);
    ck_refused(GRANT_FRAME_ENTRIES, true, GNTST_general_error);

    /* The last entry of all lies at the page's end. */
    ((uint32_t *)memory_at(&memory, gpa(MOVED + PAGE_SIZE - 8), 8))[0] =
        access_word(MAPPER, GTF_permit_access);
    ck_assert_int_eq(grant_pin(&table, GRANT_ENTRIES - 1, MAPPER, true, &page), GNTST_okay);
    ck_assert_uint_eq(page.value, 0);
}
END_TEST

START_TEST(a_frame_placed_elsewhere_takes_its_entries_along)
{
    uint32_t *moved = memory_at(&memory, gpa(MOVED + REF * 8), 8);

    grant(REF, MAPPER, PAGE, GTF_permit_access);
    ck_assert_int_eq(pin(REF, true), GNTST_okay);
    ck_assert_int_eq(grant_table_place(&table, 0, gpa(MOVED)), 0);
    ck_assert_uint_eq(moved[0], access_word(MAPPER, GTF_permit_access | GTF_reading));
    grant_unpin(&table, REF, true);
    ck_assert_uint_eq(moved[0], access_word(MAPPER, GTF_permit_access));
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access | GTF_reading);
}
END_TEST

START_TEST(frames_that_are_no_pages_of_ram_are_refused)
{
    static const uint64_t frames[] = {RAM, RAM - 8, ENTRIES + 8, GRANT_NO_FRAME, 1ULL << 63};

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        ck_assert_int_eq(grant_table_place(&table, 1, gpa(frames[i])), -EINVAL);
    ck_assert_int_eq(grant_table_place(&table, GRANT_FRAMES, gpa(MOVED)), -EINVAL);
    ck_assert_int_eq(grant_table_place(&table, UINT32_MAX, gpa(MOVED)), -EINVAL);
    ck_assert_uint_eq(grant_table_size(&table), 1);
}
END_TEST

/* Handles. */

static int add(uint64_t address, bool readonly)
{
    const struct grant_mapping mapping = {.readonly = readonly,
                                          .table = &table,
                                          .ref = REF,
                                          .granted = gpa(PAGE * PAGE_SIZE),
                                          .address = address};

    return grant_handle_add(&handles, &mapping);
}

START_TEST(a_handle_gives_back_what_was_mapped)
{
    struct grant_mapping mapping;
    int handle = add(0x5000, true);

    ck_assert_int_ge(handle, 0);
    ck_assert_int_eq(grant_handle_take(&handles, (uint32_t)handle, 0x5000, &mapping), GNTST_okay);
    ck_assert(mapping.readonly && mapping.table == &table && mapping.ref == REF);
    ck_assert_uint_eq(mapping.granted.value, PAGE * PAGE_SIZE);
    ck_assert_uint_eq(mapping.address, 0x5000);
}
END_TEST

/* 16 */
START_TEST(a_handle_is_taken_once_and_a_bad_one_never)
{
    static const uint32_t bad[] = {1, GRANT_HANDLES - 1, GRANT_HANDLES, 0x80000000, UINT32_MAX};
    struct grant_mapping mapping;

    ck_assert_int_eq(add(0x5000, false), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(grant_handle_take(&handles, bad[i], 0x5000, &mapping), GNTST_bad_handle);
    ck_assert_int_eq(grant_handle_take(&handles, 0, 0x5000, &mapping), GNTST_okay);
    ck_assert_int_eq(grant_handle_take(&handles, 0, 0x5000, &mapping), GNTST_bad_handle);
}
END_TEST

START_TEST(a_handle_at_another_address_stays)
{
    struct grant_mapping mapping;

    ck_assert_int_eq(add(0x5000, false), 0);
    ck_assert_int_eq(grant_handle_take(&handles, 0, 0x6000, &mapping), GNTST_bad_virt_addr);
    ck_assert_int_eq(grant_handle_take(&handles, 0, 0x5000, &mapping), GNTST_okay);
}
END_TEST

START_TEST(handles_run_out_and_come_back)
{
    struct grant_mapping mapping;

    for (unsigned i = 0; i < GRANT_HANDLES; i++)
        ck_assert_int_eq(add(i * PAGE_SIZE, false), (int)i);
    ck_assert_int_eq(add(0, false), -ENOSPC);
    ck_assert_int_eq(grant_handle_take(&handles, 700, 700 * PAGE_SIZE, &mapping), GNTST_okay);
    ck_assert_int_eq(add(0, false), 700);
    ck_assert_int_eq(add(0, false), -ENOSPC);
}
END_TEST

/* 29 */
START_TEST(a_mapper_that_dies_leaves_no_pin)
{
    struct grant_mapping mapping;
    unsigned taken = 0;

    grant(REF, MAPPER, PAGE, GTF_permit_access);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(pin(REF, i % 2), GNTST_okay);
        ck_assert_int_ge(add(i * PAGE_SIZE, i % 2), 0);
    }
    while (grant_handle_take_any(&handles, &mapping)) {
        grant_unpin(mapping.table, mapping.ref, mapping.readonly);
        taken++;
    }
    ck_assert_uint_eq(taken, 10);
    ck_assert(end_access(REF));
}
END_TEST

/* Races. */

static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static void stop_and_join(pthread_t thread)
{
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* A hostile granter: between access and none, in the frame in and out of RAM, without end. */
static void *flicker(void *argument)
{
    const uint32_t *words = argument;

    for (unsigned i = 0; !atomic_load(&stop); i++) {
        __atomic_store_n(&entry(REF)[0], words[i % 4], __ATOMIC_RELAXED);
        __atomic_store_n(&entry(REF)[1], i % 3 ? PAGE : UINT32_MAX - i, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* 19 */
START_TEST(a_flickering_entry_is_pinned_whole_or_refused)
{
    uint32_t words[4] = {access_word(MAPPER, GTF_permit_access), 0,
                         access_word(MAPPER, GTF_permit_access | GTF_readonly),
                         access_word(1, 0xffff)};
    pthread_t thread = start(flicker, words);
    unsigned pinned = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        gpa_t page = gpa(1);
        int status = grant_pin(&table, REF, MAPPER, i % 2, &page);

        if (status == GNTST_okay) {
            ck_assert_uint_eq(page.value, PAGE * PAGE_SIZE);
            grant_unpin(&table, REF, i % 2);
            pinned++;
        } else {
            ck_assert(status == GNTST_general_error || status == GNTST_bad_page);
        }
    }
    stop_and_join(thread);
    ck_assert(pinned < ROUNDS);
    ck_refused(0, true, GNTST_bad_gntref);
}
END_TEST

/* 13, and "never query, then revoke": who has revoked, owns the page. */
static atomic_bool mapped;

static void *map_and_unmap(void *argument)
{
    while (!atomic_load(&stop)) {
        if (pin(REF, false) != GNTST_okay)
            continue;
        atomic_store(&mapped, true);
        atomic_store(&mapped, false);
        grant_unpin(&table, REF, false);
    }
    return argument;
}

START_TEST(a_revoked_page_is_mapped_by_nobody)
{
    pthread_t thread = start(map_and_unmap, NULL);

    for (unsigned i = 0; i < ROUNDS; i++) {
        grant(REF, MAPPER, PAGE, GTF_permit_access);
        while (!end_access(REF))
            continue;
        for (unsigned look = 0; look < 10; look++)
            ck_assert(!atomic_load(&mapped) && flags_of(REF) == 0);
    }
    stop_and_join(thread);
}
END_TEST

static void *pin_both_ways(void *argument)
{
    bool *lost = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const bool readonly = i % 3;
        const unsigned needed = readonly ? GTF_reading : MARKS;

        if (pin(REF, readonly) != GNTST_okay || (flags_of(REF) & needed) != needed)
            *lost = true;
        grant_unpin(&table, REF, readonly);
    }
    return NULL;
}

START_TEST(marks_stay_as_long_as_any_thread_has_a_pin)
{
    bool lost[2] = {false, false};
    pthread_t thread;

    grant(REF, MAPPER, PAGE, GTF_permit_access);
    thread = start(pin_both_ways, &lost[0]);
    pin_both_ways(&lost[1]);
    stop_and_join(thread);
    ck_assert(!lost[0] && !lost[1]);
    ck_assert_uint_eq(flags_of(REF), GTF_permit_access);
}
END_TEST

/* 28: entries are looked at until the granter dies, and then no more. */
START_TEST(a_granter_may_die_while_it_is_mapped_from)
{
    bool lost = false;
    pthread_t thread;
    uint32_t before;

    grant(REF, MAPPER, PAGE, GTF_permit_access);
    thread = start(pin_both_ways, &lost);
    grant_table_close(&table);
    before = __atomic_load_n(&entry(REF)[0], __ATOMIC_SEQ_CST);
    stop_and_join(thread);
    ck_assert_uint_eq(entry(REF)[0], before);
    ck_assert_uint_eq(table.pins[REF].readers + table.pins[REF].writers, 0);
}
END_TEST

static void *take_all(void *argument)
{
    unsigned *taken = argument;
    struct grant_mapping mapping;

    for (uint32_t handle = 0; handle < GRANT_HANDLES; handle++)
        if (grant_handle_take(&handles, handle, handle, &mapping) == GNTST_okay)
            ++*taken;
    return NULL;
}

/* 16 */
START_TEST(of_two_threads_that_take_a_handle_one_gets_it)
{
    for (unsigned round = 0; round < 20; round++) {
        unsigned taken[2] = {0, 0};
        pthread_t thread;

        for (unsigned i = 0; i < GRANT_HANDLES; i++)
            ck_assert_int_eq(add(i, false), (int)i);
        thread = start(take_all, &taken[0]);
        take_all(&taken[1]);
        stop_and_join(thread);
        ck_assert_uint_eq(taken[0] + taken[1], GRANT_HANDLES);
    }
}
END_TEST

Suite *grant_suite(void)
{
    Suite *suite = suite_create("grant");
    TCase *pins = tcase_create("pins"), *frames = tcase_create("frames");
    TCase *held = tcase_create("handles"), *races = tcase_create("races");
    TCase *all[] = {pins, frames, held, races};

    tcase_add_test(pins, a_granted_page_is_pinned_where_the_granter_has_it);
    tcase_add_test(pins, a_readonly_pin_does_not_write);
    tcase_add_test(pins, references_out_of_range_or_reserved_are_bad);
    tcase_add_test(pins, only_access_for_the_mapper_is_access);
    tcase_add_test(pins, a_frame_beyond_ram_is_a_bad_page);
    tcase_add_test(pins, a_bad_page_leaves_an_earlier_pin_alone);
    tcase_add_test(pins, a_readonly_grant_is_not_mapped_writable);
    tcase_add_test(pins, a_mapped_grant_is_revoked_after_the_unmap_only);
    tcase_add_test(pins, two_pins_need_two_unpins);
    tcase_add_test(pins, each_mark_goes_with_the_last_pin_that_needs_it);
    tcase_add_test(pins, an_unpin_too_many_is_ignored);
    tcase_add_test(pins, forged_marks_do_not_count);
    tcase_add_test(pins, after_the_granter_died_nothing_is_pinned_and_no_entry_changes);
    tcase_add_test(pins, a_domain_without_memory_grants_nothing);
    tcase_add_test(frames, a_page_for_entries_is_cleared);
    tcase_add_test(frames, frames_are_placed_in_any_order);
    tcase_add_test(frames, a_frame_placed_elsewhere_takes_its_entries_along);
    tcase_add_test(frames, frames_that_are_no_pages_of_ram_are_refused);
    tcase_add_test(held, a_handle_gives_back_what_was_mapped);
    tcase_add_test(held, a_handle_is_taken_once_and_a_bad_one_never);
    tcase_add_test(held, a_handle_at_another_address_stays);
    tcase_add_test(held, handles_run_out_and_come_back);
    tcase_add_test(held, a_mapper_that_dies_leaves_no_pin);
    tcase_add_test(races, a_flickering_entry_is_pinned_whole_or_refused);
    tcase_add_test(races, a_revoked_page_is_mapped_by_nobody);
    tcase_add_test(races, marks_stay_as_long_as_any_thread_has_a_pin);
    tcase_add_test(races, a_granter_may_die_while_it_is_mapped_from);
    tcase_add_test(races, of_two_threads_that_take_a_handle_one_gets_it);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        tcase_add_checked_fixture(all[i], setup, teardown);
        suite_add_tcase(suite, all[i]);
    }
    return suite;
}
