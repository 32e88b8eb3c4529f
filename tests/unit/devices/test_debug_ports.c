/* devices/debugcon.c and devices/debug_exit.c. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

Suite *debug_ports_suite(void);

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

START_TEST(a_byte_written_to_the_debug_console_is_shown)
{
    fixture_device(&fixture, "debugcon", NULL);
    ck_assert_int_eq(fixture_out(&fixture, 0xe9, 1, 'o'), EXIT_RESUME);
    ck_assert_int_eq(fixture_out(&fixture, 0xe9, 1, 'k'), EXIT_RESUME);
    ck_assert_str_eq(fixture_console(&fixture), "ok");
}
END_TEST

START_TEST(a_wide_write_shows_only_the_byte_at_the_port)
{
    fixture_device(&fixture, "debugcon", NULL);
    fixture_out(&fixture, 0xe9, 4, 0x64636261);
    ck_assert_str_eq(fixture_console(&fixture), "a");
}
END_TEST

START_TEST(a_read_of_the_debug_console_tells_that_it_is_there)
{
    fixture_device(&fixture, "debugcon", NULL);
    ck_assert_uint_eq(fixture_in(&fixture, 0xe9, 1), 0xe9);
}
END_TEST

START_TEST(the_debug_console_can_be_at_another_port)
{
    fixture_device(&fixture, "debugcon", "port=0xffff");
    fixture_out(&fixture, 0xffff, 1, 'a');
    fixture_out(&fixture, 0xe9, 1, 'b');
    ck_assert_str_eq(fixture_console(&fixture), "a");
}
END_TEST

START_TEST(a_debug_console_without_a_reader_ends_the_machine)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    fixture.machine.console.output.fd = ends[1];
    fixture.machine.console.output.policy = OUTPUT_AT_ONCE;
    fixture_device(&fixture, "debugcon", NULL);
    ck_assert_int_eq(fixture_out(&fixture, 0xe9, 1, 'a'), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_OUTPUT);
    close(ends[1]);
}
END_TEST

static const struct exit_case {
    const char *properties;
    uint16_t port;
    unsigned size;
    uint32_t value;
    int status;
} exit_cases[] = {
    {NULL, 0xf4, 1, 0, 0},
    {NULL, 0xf4, 1, 1, 1},
    {NULL, 0xf4, 1, 127, 127},
    {NULL, 0xf4, 1, 128, 127},
    {NULL, 0xf4, 1, 255, 127},
    {NULL, 0xf4, 2, 0x0100, 127},
    {NULL, 0xf4, 4, 5, 5},
    {NULL, 0xf4, 4, 0x80000000, 127},
    {NULL, 0xf4, 4, 0xffffff00, 127},
    {NULL, 0xf5, 1, 3, 3},
    {NULL, 0xf6, 2, 0x0200, 127},
    {NULL, 0xf7, 1, 4, 4},
    {"port=0xfffc", 0xfffc, 4, 6, 6},
    {"code=plain", 0xf4, 1, 2, 2},
    {"code=qemu", 0xf4, 4, 0, 1},
    {"code=qemu", 0xf4, 4, 0x10, 0x21},
    {"code=qemu", 0xf4, 4, 63, 127},
    {"code=qemu", 0xf4, 4, 64, 127},
    {"code=qemu", 0xf4, 4, 0x7fffffff, 127},
    {"code=qemu", 0xf4, 4, 0x80000000, 127},
    {"code=qemu", 0xf4, 4, 0xffffffff, 127},
};

START_TEST(a_write_to_the_exit_port_ends_the_guest_with_its_status)
{
    const struct exit_case *c = &exit_cases[_i];

    fixture_device(&fixture, "debug-exit", c->properties);
    ck_assert_int_eq(fixture_out(&fixture, c->port, c->size, c->value), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(&fixture.machine), c->status);
}
END_TEST

START_TEST(a_read_of_the_exit_port_ends_nothing)
{
    fixture_device(&fixture, "debug-exit", NULL);
    ck_assert_uint_eq(fixture_in(&fixture, 0xf4, 4), 0);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
}
END_TEST

START_TEST(wrong_properties_are_refused_with_a_sentence)
{
    static const struct {
        const char *type, *properties, *sentence;
    } cases[] = {
        {"debugcon", "port=0x10000",
         "device debugcon: port=0x10000 is not allowed; give a number from 0 to 0xffff"},
        {"debug-exit", "port=0xfffd",
         "device debug-exit: port=0xfffd is not allowed; give a number from 0 to 0xfffc"},
        {"debug-exit", "code=bochs",
         "device debug-exit: code=bochs is not allowed; give plain or qemu"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error;

        ck_assert_int_lt(fixture_try_device(&fixture, cases[i].type, cases[i].properties, &error),
                         0);
        ck_assert_str_eq(error.text, cases[i].sentence);
    }
}
END_TEST

Suite *debug_ports_suite(void)
{
    Suite *suite = suite_create("debug_ports");
    TCase *tcase = tcase_create("debug_ports");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_byte_written_to_the_debug_console_is_shown);
    tcase_add_test(tcase, a_wide_write_shows_only_the_byte_at_the_port);
    tcase_add_test(tcase, a_read_of_the_debug_console_tells_that_it_is_there);
    tcase_add_test(tcase, the_debug_console_can_be_at_another_port);
    tcase_add_test(tcase, a_debug_console_without_a_reader_ends_the_machine);
    tcase_add_loop_test(tcase, a_write_to_the_exit_port_ends_the_guest_with_its_status, 0,
                        (int)(sizeof(exit_cases) / sizeof(exit_cases[0])));
    tcase_add_test(tcase, a_read_of_the_exit_port_ends_nothing);
    tcase_add_test(tcase, wrong_properties_are_refused_with_a_sentence);
    suite_add_tcase(suite, tcase);
    return suite;
}
