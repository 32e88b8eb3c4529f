/* The small ports of a PC: devices/i8042.c, devices/port92.c and devices/post.c. */
#include "tests/unit/fixture.h"

Suite *pc_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define DATA    0x60
#define COMMAND 0x64
#define FULL    0x01

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
    fixture_device(&fixture, "i8042", NULL);
    fixture_device(&fixture, "port92", NULL);
    fixture_device(&fixture, "post", NULL);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static unsigned status(void)
{
    return fixture_in(&fixture, COMMAND, 1);
}

static void check_runs(void)
{
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
}

START_TEST(the_keyboard_controller_listens_and_has_nothing_to_say)
{
    ck_assert_uint_eq(status() & 3, 0);
}
END_TEST

static const struct answer_case {
    uint8_t command, answer;
} answer_cases[] = {{0xaa, 0x55}, {0x20, 0x00}, {0xd0, 0x03}};

START_TEST(a_command_with_an_answer_has_it_at_the_data_port_once)
{
    const struct answer_case *c = &answer_cases[_i];

    ck_assert_int_eq(fixture_out(&fixture, COMMAND, 1, c->command), EXIT_RESUME);
    ck_assert_uint_eq(status() & FULL, FULL);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), c->answer);
    ck_assert_uint_eq(status() & FULL, 0);
}
END_TEST

START_TEST(the_command_byte_is_given_back)
{
    fixture_out(&fixture, COMMAND, 1, 0x60);
    fixture_out(&fixture, DATA, 1, 0x47);
    fixture_out(&fixture, DATA, 1, 0x99);
    fixture_out(&fixture, COMMAND, 1, 0x20);
    ck_assert_uint_eq(fixture_in(&fixture, DATA, 1), 0x47);
}
END_TEST

START_TEST(the_last_command_is_the_one_that_waits)
{
    fixture_out(&fixture, COMMAND, 1, 0xd1);
    fixture_out(&fixture, COMMAND, 1, 0x60);
    fixture_out(&fixture, DATA, 1, 0x00);
    check_runs();
}
END_TEST

START_TEST(a_reset_forgets_the_command_that_waits)
{
    struct device *device = fixture.machine.devices;

    fixture_out(&fixture, COMMAND, 1, 0xaa);
    fixture_out(&fixture, COMMAND, 1, 0xd1);
    device->type->reset(device);
    ck_assert_uint_eq(status() & FULL, 0);
    fixture_out(&fixture, DATA, 1, 0x00);
    check_runs();
}
END_TEST

/* Bytes written to one port after another; (second) is not written if its port is 0. */
static const struct write_case {
    uint16_t port, first;
    uint16_t second_port, second;
} reset_cases[] =
    {
        {COMMAND, 0xfe, 0, 0},       {COMMAND, 0xf0, 0, 0}, {COMMAND, 0xd1, DATA, 0xfe},
        {COMMAND, 0xd1, DATA, 0x00}, {0x92, 0x01, 0, 0},    {0x92, 0xff, 0, 0},
        {0x92, 0x02, 0x92, 0x03},
},
  harmless_cases[] = {
      {COMMAND, 0xff, 0, 0},       {COMMAND, 0xf1, 0, 0},       {COMMAND, 0xd1, DATA, 0xdf},
      {COMMAND, 0xd1, DATA, 0x01}, {COMMAND, 0x00, DATA, 0x00}, {COMMAND, 0xad, DATA, 0xfe},
      {DATA, 0xfe, DATA, 0xf0},    {0x92, 0x00, 0x92, 0x02},    {0x92, 0xfe, 0, 0},
      {0x80, 0xfe, 0x80, 0x01},
};

static enum exit_action write_both(const struct write_case *c)
{
    enum exit_action action = fixture_out(&fixture, c->port, 1, c->first);

    if (c->second_port)
        action = fixture_out(&fixture, c->second_port, 1, c->second);
    return action;
}

START_TEST(what_resets_a_pc_ends_the_machine)
{
    ck_assert_int_eq(write_both(&reset_cases[_i]), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_RESET);
}
END_TEST

START_TEST(nothing_else_does)
{
    ck_assert_int_eq(write_both(&harmless_cases[_i]), EXIT_RESUME);
    check_runs();
}
END_TEST

START_TEST(a20_is_on_whatever_is_written)
{
    ck_assert_uint_eq(fixture_in(&fixture, 0x92, 1), 0x02);
    fixture_out(&fixture, 0x92, 1, 0x00);
    ck_assert_uint_eq(fixture_in(&fixture, 0x92, 1), 0x02);
}
END_TEST

START_TEST(the_post_port_gives_back_the_last_byte)
{
    ck_assert_uint_eq(fixture_in(&fixture, 0x80, 1), 0);
    fixture_out(&fixture, 0x80, 1, 0x41);
    fixture_out(&fixture, 0x80, 1, 0x42);
    ck_assert_uint_eq(fixture_in(&fixture, 0x80, 1), 0x42);
}
END_TEST

START_TEST(a_milestone_of_0_is_one)
{
    ck_assert_uint_eq(fixture.machine.post, 0);
    fixture_out(&fixture, 0x80, 1, 0);
    ck_assert_uint_eq(fixture.machine.post, MACHINE_POST);
}
END_TEST

START_TEST(a_reset_forgets_the_milestone)
{
    struct device *device = fixture.machine.devices->next->next;

    fixture_out(&fixture, 0x80, 1, 0x42);
    device->type->reset(device);
    ck_assert_uint_eq(fixture.machine.post, 0);
}
END_TEST

Suite *pc_suite(void)
{
    Suite *suite = suite_create("pc");
    TCase *tcase = tcase_create("pc");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_keyboard_controller_listens_and_has_nothing_to_say);
    tcase_add_loop_test(tcase, a_command_with_an_answer_has_it_at_the_data_port_once, 0,
                        COUNT(answer_cases));
    tcase_add_test(tcase, the_command_byte_is_given_back);
    tcase_add_test(tcase, the_last_command_is_the_one_that_waits);
    tcase_add_test(tcase, a_reset_forgets_the_command_that_waits);
    tcase_add_loop_test(tcase, what_resets_a_pc_ends_the_machine, 0, COUNT(reset_cases));
    tcase_add_loop_test(tcase, nothing_else_does, 0, COUNT(harmless_cases));
    tcase_add_test(tcase, a20_is_on_whatever_is_written);
    tcase_add_test(tcase, the_post_port_gives_back_the_last_byte);
    tcase_add_test(tcase, a_milestone_of_0_is_one);
    tcase_add_test(tcase, a_reset_forgets_the_milestone);
    suite_add_tcase(suite, tcase);
    return suite;
}
