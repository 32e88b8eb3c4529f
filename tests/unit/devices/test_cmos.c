/* devices/cmos.c: the clock over a date that stands still, and CMOS bytes. */
#include "tests/unit/fixture.h"

Suite *cmos_suite(void);

#define COUNT(a)  ((int)(sizeof(a) / sizeof((a)[0])))
#define SECOND_NS 1000000000u

#define STATUS_A 0x0a
#define STATUS_B 0x0b

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
    fixture_device(&fixture, "cmos", NULL);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static unsigned get(unsigned reg)
{
    fixture_out(&fixture, 0x70, 1, reg);
    return fixture_in(&fixture, 0x71, 1);
}

static void put(unsigned reg, unsigned value)
{
    fixture_out(&fixture, 0x70, 1, reg);
    fixture_out(&fixture, 0x71, 1, value);
}

static void set_date(uint64_t seconds)
{
    fixture.machine.config.wall_clock = seconds * SECOND_NS;
}

/* Registers 0, 2, 4, 6, 7, 8, 9 and 0x32. */
static const struct date_case {
    uint64_t seconds;
    uint8_t status_b;
    uint8_t registers[8];
} date_cases[] = {
    /* 2026-11-22 00:32:29, a Sunday */
    {1795307549, 0x02, {0x29, 0x32, 0x00, 0x01, 0x22, 0x11, 0x26, 0x20}},
    {1795307549, 0x06, {29, 32, 0, 1, 22, 11, 26, 20}},
    {1795307549, 0x00, {0x29, 0x32, 0x12, 0x01, 0x22, 0x11, 0x26, 0x20}},
    /* 2024-02-29 23:59:58, a Thursday */
    {1709251198, 0x02, {0x58, 0x59, 0x23, 0x05, 0x29, 0x02, 0x24, 0x20}},
    {1709251198, 0x06, {58, 59, 23, 5, 29, 2, 24, 20}},
    {1709251198, 0x00, {0x58, 0x59, 0x91, 0x05, 0x29, 0x02, 0x24, 0x20}},
    {1709251198, 0x04, {58, 59, 11 | 0x80, 5, 29, 2, 24, 20}},
    /* 1999-12-31 12:00:00, a Friday */
    {946641600, 0x02, {0x00, 0x00, 0x12, 0x06, 0x31, 0x12, 0x99, 0x19}},
    {946641600, 0x00, {0x00, 0x00, 0x92, 0x06, 0x31, 0x12, 0x99, 0x19}},
    /* 2100-01-01 09:05:07, a Friday */
    {4102477507, 0x02, {0x07, 0x05, 0x09, 0x06, 0x01, 0x01, 0x00, 0x21}},
};

START_TEST(the_date_is_given_in_the_form_that_status_b_asks_for)
{
    static const uint8_t registers[] = {0, 2, 4, 6, 7, 8, 9, 0x32};
    const struct date_case *c = &date_cases[_i];

    set_date(c->seconds);
    put(STATUS_B, c->status_b);
    for (int i = 0; i < COUNT(registers); i++)
        ck_assert_msg(get(registers[i]) == c->registers[i], "register 0x%x is 0x%x, not 0x%x",
                      registers[i], get(registers[i]), c->registers[i]);
}
END_TEST

START_TEST(without_a_fixed_date_it_is_the_hosts)
{
    uint64_t before = machine_wall_clock(&fixture.machine);

    ck_assert_uint_gt(before, 1700000000ull * SECOND_NS);
    ck_assert_uint_ge(machine_wall_clock(&fixture.machine), before);
    put(STATUS_B, 0x06);
    ck_assert_uint_ge(get(0x32) * 100 + get(9), 2023);
}
END_TEST

START_TEST(nobody_sets_the_time)
{
    static const uint8_t registers[] = {0, 2, 4, 6, 7, 8, 9, 0x32};

    set_date(1795307549);
    for (int i = 0; i < COUNT(registers); i++) {
        unsigned before = get(registers[i]);

        put(registers[i], before + 1);
        ck_assert_uint_eq(get(registers[i]), before);
    }
}
END_TEST

START_TEST(the_update_bit_is_there_for_the_last_244_us_of_a_second)
{
    static const struct {
        uint64_t ns;
        unsigned status;
    } cases[] = {
        {0, 0x26}, {500000000, 0x26}, {999755999, 0x26}, {999756000, 0xa6}, {999999999, 0xa6},
    };

    for (int i = 0; i < COUNT(cases); i++) {
        fixture.machine.config.wall_clock = 1795307549ull * SECOND_NS + cases[i].ns;
        ck_assert_uint_eq(get(STATUS_A), cases[i].status);
    }
}
END_TEST

/* What is read after (written) was written, where there is no time. */
static const struct byte_case {
    uint8_t reg, before, written, after;
} byte_cases[] = {
    {STATUS_A, 0x26, 0xff, 0x7f}, {STATUS_B, 0x02, 0xff, 0x86}, {0x0c, 0x00, 0xff, 0x00},
    {0x0d, 0x80, 0x00, 0x80},     {0x01, 0x00, 0x59, 0x59},     {0x05, 0x00, 0x23, 0x23},
    {0x0e, 0x00, 0xff, 0xff},     {0x0f, 0x00, 0x0a, 0x0a},     {0x15, 0x80, 0x11, 0x11},
    {0x7f, 0x00, 0xa5, 0xa5},
};

START_TEST(other_bytes_are_kept_as_far_as_they_have_a_meaning)
{
    const struct byte_case *c = &byte_cases[_i];

    set_date(1795307549);
    ck_assert_uint_eq(get(c->reg), c->before);
    put(c->reg, c->written);
    ck_assert_uint_eq(get(c->reg), c->after);
}
END_TEST

START_TEST(a_reset_forgets_what_was_written)
{
    struct device *device = fixture.machine.devices;

    put(STATUS_B, 0x06);
    put(0x0e, 0x55);
    put(0x15, 0x55);
    device->type->reset(device);
    ck_assert_uint_eq(get(STATUS_B), 0x02);
    ck_assert_uint_eq(get(0x0e), 0);
    ck_assert_uint_eq(get(0x15), 0x80);
}
END_TEST

START_TEST(bit_7_of_the_index_is_no_part_of_it)
{
    put(0x0e, 0x55);
    ck_assert_uint_eq(get(0x8e), 0x55);
}
END_TEST

START_TEST(the_index_cannot_be_read_back)
{
    fixture_out(&fixture, 0x70, 1, 0x0d);
    ck_assert_uint_eq(fixture_in(&fixture, 0x70, 1), 0xff);
}
END_TEST

START_TEST(index_and_data_can_be_written_at_once)
{
    fixture_out(&fixture, 0x70, 2, 0x550e);
    ck_assert_uint_eq(get(0x0e), 0x55);
}
END_TEST

static const struct memory_case {
    uint64_t size;
    unsigned extended, above_16m, above_4g;
} memory_cases[] = {
    {MIB, 0, 0, 0},
    {16 * MIB, 15 * 1024, 0, 0},
    {64 * MIB, 63 * 1024, 48 * 16, 0},
    {65 * MIB - 4096, 0xfffc, 48 * 16 + 15, 0},
    {65 * MIB, 0xffff, 49 * 16, 0},
    {3 * GIB, 0xffff, (3 * 1024 - 16) * 16, 0},
    {5 * GIB, 0xffff, (3 * 1024 - 16) * 16, 2 * 1024 * 16},
    {MEMORY_MAX, 0xffff, (3 * 1024 - 16) * 16, 0xffffff},
};

START_TEST(memory_sizes_are_told_where_a_pc_has_them)
{
    const struct memory_case *c = &memory_cases[_i];
    struct memory *memory = &fixture.machine.memory;
    struct device *device = fixture.machine.devices;

    memory_finish(memory);
    ck_assert_int_eq(memory_init(memory, c->size, NULL), 0);
    device->type->reset(device);
    ck_assert_uint_eq(get(0x15) | get(0x16) << 8, 640);
    ck_assert_uint_eq(get(0x17) | get(0x18) << 8, c->extended);
    ck_assert_uint_eq(get(0x30) | get(0x31) << 8, c->extended);
    ck_assert_uint_eq(get(0x34) | get(0x35) << 8, c->above_16m);
    ck_assert_uint_eq(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, c->above_4g);
}
END_TEST

START_TEST(the_number_of_cpus_is_told_less_one)
{
    static const struct {
        unsigned count, told;
    } cases[] = {{1, 0}, {3, 2}, {256, 255}, {1000, 255}};
    struct device *device = fixture.machine.devices;

    for (int i = 0; i < COUNT(cases); i++) {
        fixture.machine.config.vcpu_count = cases[i].count;
        device->type->reset(device);
        ck_assert_uint_eq(get(0x5f), cases[i].told);
    }
}
END_TEST

Suite *cmos_suite(void)
{
    Suite *suite = suite_create("cmos");
    TCase *tcase = tcase_create("cmos");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, the_date_is_given_in_the_form_that_status_b_asks_for, 0,
                        COUNT(date_cases));
    tcase_add_test(tcase, without_a_fixed_date_it_is_the_hosts);
    tcase_add_test(tcase, nobody_sets_the_time);
    tcase_add_test(tcase, the_update_bit_is_there_for_the_last_244_us_of_a_second);
    tcase_add_loop_test(tcase, other_bytes_are_kept_as_far_as_they_have_a_meaning, 0,
                        COUNT(byte_cases));
    tcase_add_test(tcase, a_reset_forgets_what_was_written);
    tcase_add_test(tcase, bit_7_of_the_index_is_no_part_of_it);
    tcase_add_test(tcase, the_index_cannot_be_read_back);
    tcase_add_test(tcase, index_and_data_can_be_written_at_once);
    tcase_add_loop_test(tcase, memory_sizes_are_told_where_a_pc_has_them, 0, COUNT(memory_cases));
    tcase_add_test(tcase, the_number_of_cpus_is_told_less_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
