/* devices/fw_cfg.c: items by key, byte by byte. */
#include "tests/unit/fixture.h"

#include <string.h>

Suite *fw_cfg_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define SELECT 0x510
#define DATA   0x511

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static void get(unsigned key, void *buffer, size_t size)
{
    uint8_t *bytes = buffer;

    fixture_out(&fixture, SELECT, 2, key);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)fixture_in(&fixture, DATA, 1);
}

static uint64_t get_number(unsigned key)
{
    uint64_t number;

    get(key, &number, sizeof(number));
    return number;
}

/* What follows an item reads as 0, so each is the number that its bytes make. */
static const struct number_case {
    unsigned key;
    uint64_t number;
} number_cases[] = {
    {0x00, 0x554d4551},            /* "QEMU" */
    {0x01, 1},                     /* no DMA */
    {0x03, 16 * MIB},              /* RAM */
    {0x05, 7},                     /* CPUs */
    {0x0f, 7},                     /* at most */
    {0x02, 0},          {0x14, 0}, /* nothing */
    {0x21, 0},          {0x8000, 0}, {0xffff, 0},
};

START_TEST(an_item_is_what_its_key_says)
{
    fixture.machine.config.vcpu_count = 7;
    fixture_device(&fixture, "fw_cfg", NULL);
    ck_assert_uint_eq(get_number(number_cases[_i].key), number_cases[_i].number);
}
END_TEST

START_TEST(the_directory_names_the_memory_map)
{
    static const uint8_t start[] = {0, 0, 0, 1, 0, 0, 0, 60, 0, 0x20, 0, 0};
    uint8_t directory[4 + 64 + 1];

    fixture_device(&fixture, "fw_cfg", NULL);
    get(0x19, directory, sizeof(directory));
    ck_assert_mem_eq(directory, start, sizeof(start));
    ck_assert_str_eq((const char *)directory + sizeof(start), "etc/e820");
    ck_assert_uint_eq(directory[4 + 64], 0);
}
END_TEST

struct entry {
    uint64_t address, size;
    uint32_t type;
} __attribute__((packed));

static const struct map_case {
    uint64_t size;
    struct entry entries[5]; /* ended by zeros, as the item is */
} map_cases[] = {
    {MIB, {{0, 0x90000, 1}, {0x90000, 0x70000, 2}}},
    {16 * MIB, {{0, 0x90000, 1}, {0x90000, 0x70000, 2}, {MIB, 15 * MIB, 1}}},
    {5 * GIB,
     {{0, 0x90000, 1}, {0x90000, 0x70000, 2}, {MIB, 3 * GIB - MIB, 1}, {4 * GIB, 2 * GIB, 1}}},
};

START_TEST(the_memory_map_is_that_of_the_machine)
{
    const struct map_case *c = &map_cases[_i];
    struct entry entries[COUNT(c->entries)];

    memory_finish(&fixture.machine.memory);
    ck_assert_int_eq(memory_init(&fixture.machine.memory, c->size, NULL), 0);
    fixture_device(&fixture, "fw_cfg", NULL);
    get(0x20, entries, sizeof(entries));
    ck_assert_mem_eq(entries, c->entries, sizeof(entries));
}
END_TEST

START_TEST(a_key_that_is_selected_again_begins_anew)
{
    char text[5] = "";

    fixture_device(&fixture, "fw_cfg", NULL);
    get(0, text, 2);
    get(0, text, 4);
    ck_assert_str_eq(text, "QEMU");
}
END_TEST

START_TEST(a_reset_selects_the_signature)
{
    struct device *device = fixture_device(&fixture, "fw_cfg", NULL);

    get_number(3);
    device->type->reset(device);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), 'Q');
}
END_TEST

START_TEST(a_wide_read_takes_one_byte_and_what_lies_beside_it)
{
    fixture_device(&fixture, "fw_cfg", NULL);
    fixture_out(&fixture, SELECT, 2, 0);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 2), 0xff00 | 'Q');
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), 'E');
}
END_TEST

/* Writes that select nothing and change nothing. */
static const struct {
    uint16_t port;
    unsigned size;
} idle_cases[] = {{SELECT, 1}, {DATA, 1}, {DATA, 2}, {SELECT - 1, 2}, {DATA, 4}};

START_TEST(only_a_16_bit_write_of_the_selector_does_anything)
{
    fixture_device(&fixture, "fw_cfg", NULL);
    fixture_out(&fixture, SELECT, 2, 0);
    ck_assert_int_eq(fixture_out(&fixture, idle_cases[_i].port, idle_cases[_i].size, 0x03030303),
                     EXIT_RESUME);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), 'Q');
}
END_TEST

START_TEST(the_selector_reads_as_0_and_takes_no_byte)
{
    fixture_device(&fixture, "fw_cfg", NULL);
    fixture_out(&fixture, SELECT, 2, 0);
    ck_assert_uint_eq(fixture_in(&fixture, SELECT, 1), 0);
    ck_assert_uint_eq(fixture_in(&fixture, SELECT, 2), 0);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), 'Q');
}
END_TEST

Suite *fw_cfg_suite(void)
{
    Suite *suite = suite_create("fw_cfg");
    TCase *tcase = tcase_create("fw_cfg");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, an_item_is_what_its_key_says, 0, COUNT(number_cases));
    tcase_add_test(tcase, the_directory_names_the_memory_map);
    tcase_add_loop_test(tcase, the_memory_map_is_that_of_the_machine, 0, COUNT(map_cases));
    tcase_add_test(tcase, a_key_that_is_selected_again_begins_anew);
    tcase_add_test(tcase, a_reset_selects_the_signature);
    tcase_add_test(tcase, a_wide_read_takes_one_byte_and_what_lies_beside_it);
    tcase_add_loop_test(tcase, only_a_16_bit_write_of_the_selector_does_anything, 0,
                        COUNT(idle_cases));
    tcase_add_test(tcase, the_selector_reads_as_0_and_takes_no_byte);
    suite_add_tcase(suite, tcase);
    return suite;
}
