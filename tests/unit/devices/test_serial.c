/* devices/serial.c: the registers, as drivers that probe and poll use them. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PORT 0x3f8

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

Suite *serial_suite(void);

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
    fixture_device(&fixture, "serial", NULL);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static void put(unsigned offset, uint8_t value)
{
    fixture_out(&fixture, (uint16_t)(PORT + offset), 1, value);
}

static unsigned get(unsigned offset)
{
    return fixture_in(&fixture, (uint16_t)(PORT + offset), 1);
}

static void type_text(const char *text)
{
    size_t length = strlen(text);

    ck_assert_uint_eq(console_type(&fixture.machine.console, (const uint8_t *)text, length),
                      length);
}

/* Bytes that reached the console's file, without a flush by the test. */
static size_t shown_bytes(void)
{
    return (size_t)lseek(fixture.console, 0, SEEK_END);
}

/* Write the byte to the register, after the registers are as at the start. */
struct register_case {
    unsigned offset;
    uint8_t start, written, then;
};

static const struct register_case registers[] = {
    {IER, 0x00, 0xff, 0x0f}, {IIR, 0x01, 0x00, 0x01}, {LCR, 0x00, 0x7f, 0x7f},
    {MCR, 0x00, 0xff, 0x1f}, {LSR, 0x60, 0x00, 0x60}, {MSR, 0xb0, 0x00, 0xb0},
    {SCR, 0x00, 0xa5, 0xa5},
};

START_TEST(each_register_starts_and_is_written_as_on_the_chip)
{
    const struct register_case *c = &registers[_i];

    ck_assert_uint_eq(get(c->offset), c->start);
    put(c->offset, c->written);
    ck_assert_uint_eq(get(c->offset), c->then);
}
END_TEST

START_TEST(a_reset_brings_each_register_back)
{
    const struct register_case *c = &registers[_i];
    struct device *device = fixture.machine.devices;

    put(c->offset, c->written);
    device->type->reset(device);
    ck_assert_uint_eq(get(c->offset), c->start);
}
END_TEST

START_TEST(a_byte_sent_is_shown)
{
    put(DATA, 'h');
    put(DATA, 'i');
    ck_assert_str_eq(fixture_console(&fixture), "hi");
}
END_TEST

START_TEST(a_byte_typed_is_received_once)
{
    type_text("ab");
    ck_assert_uint_eq(get(LSR), 0x61);
    ck_assert_uint_eq(get(DATA), 'a');
    ck_assert_uint_eq(get(LSR), 0x61);
    ck_assert_uint_eq(get(DATA), 'b');
    ck_assert_uint_eq(get(LSR), 0x60);
    ck_assert_uint_eq(get(DATA), 0);
}
END_TEST

START_TEST(a_wide_access_is_split_into_registers)
{
    fixture_out(&fixture, PORT + LCR, 2, 0x0203);
    ck_assert_uint_eq(get(LCR), 0x03);
    ck_assert_uint_eq(get(MCR), 0x02);
    ck_assert_uint_eq(fixture_in(&fixture, PORT + LCR, 2), 0x0203);
}
END_TEST

START_TEST(the_divisor_hides_behind_its_latch_bit)
{
    type_text("a");
    put(LCR, 0x83);
    put(DATA, 0x34);
    put(IER, 0x12);
    ck_assert_uint_eq(get(DATA), 0x34);
    ck_assert_uint_eq(get(IER), 0x12);
    put(LCR, 0x03);
    ck_assert_uint_eq(get(IER), 0);
    ck_assert_uint_eq(get(DATA), 'a');
    ck_assert_str_eq(fixture_console(&fixture), "");
}
END_TEST

START_TEST(the_divisor_starts_with_a_speed)
{
    put(LCR, 0x80);
    ck_assert_uint_eq(get(DATA) | get(IER) << 8, 1);
}
END_TEST

START_TEST(a_driver_finds_a_16550a)
{
    put(FCR, 0x01);
    ck_assert_uint_eq(get(IIR), 0xc1);
    put(FCR, 0x00);
    ck_assert_uint_eq(get(IIR), 0x01);
}
END_TEST

START_TEST(loopback_shows_the_guest_its_own_lines)
{
    static const struct {
        uint8_t mcr, msr;
    } cases[] = {{0x10, 0x00}, {0x11, 0x20}, {0x12, 0x10}, {0x14, 0x40},
                 {0x18, 0x80}, {0x1a, 0x90}, {0x1f, 0xf0}, {0x0f, 0xb0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(MCR, cases[i].mcr);
        ck_assert_msg((get(MSR) & 0xf0) == cases[i].msr, "MCR 0x%x", cases[i].mcr);
    }
}
END_TEST

START_TEST(loopback_sends_to_the_receiver_and_shows_nothing)
{
    put(MCR, 0x10);
    put(DATA, 0xae);
    ck_assert_uint_eq(get(LSR), 0x61);
    ck_assert_uint_eq(get(DATA), 0xae);
    ck_assert_uint_eq(get(LSR), 0x60);
    ck_assert_str_eq(fixture_console(&fixture), "");
}
END_TEST

START_TEST(loopback_keeps_what_is_typed_for_later)
{
    type_text("a");
    put(MCR, 0x10);
    ck_assert_uint_eq(get(LSR), 0x60);
    ck_assert_uint_eq(get(DATA), 0);
    put(MCR, 0x00);
    ck_assert_uint_eq(get(DATA), 'a');
}
END_TEST

START_TEST(a_change_of_a_modem_line_is_told_once)
{
    static const struct {
        uint8_t before, after, deltas;
    } cases[] = {
        {0x10, 0x11, 0x02}, {0x11, 0x10, 0x02}, {0x10, 0x12, 0x01}, {0x10, 0x18, 0x08},
        {0x10, 0x14, 0x00}, {0x14, 0x10, 0x04}, {0x10, 0x1f, 0x0b}, {0x1f, 0x10, 0x0f},
        {0x1f, 0x1f, 0x00}, {0x00, 0x10, 0x0b}, {0x1a, 0x00, 0x02}, {0x00, 0x0f, 0x00},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(MCR, cases[i].before);
        get(MSR);
        put(MCR, cases[i].after);
        ck_assert_msg((get(MSR) & 0x0f) == cases[i].deltas, "case %zu", i);
        ck_assert_uint_eq(get(MSR) & 0x0f, 0);
    }
}
END_TEST

START_TEST(the_fifo_holds_the_first_16_bytes)
{
    put(MCR, 0x10);
    put(FCR, 0x01);
    for (uint8_t byte = 0; byte < 20; byte++)
        put(DATA, byte);
    for (unsigned byte = 0; byte < 16; byte++)
        ck_assert_uint_eq(get(DATA), byte);
    ck_assert_uint_eq(get(LSR) & 1, 0);
}
END_TEST

START_TEST(without_the_fifo_the_last_byte_is_held)
{
    put(MCR, 0x10);
    for (uint8_t byte = 0; byte < 20; byte++)
        put(DATA, byte);
    ck_assert_uint_eq(get(DATA), 19);
    ck_assert_uint_eq(get(LSR) & 1, 0);
}
END_TEST

START_TEST(the_fifo_may_be_filled_and_emptied_for_ever)
{
    put(MCR, 0x10);
    put(FCR, 0x01);
    for (uint8_t byte = 0; byte < 100; byte++) {
        put(DATA, byte);
        put(DATA, (uint8_t)(byte + 100));
        ck_assert_uint_eq(get(DATA), byte);
        ck_assert_uint_eq(get(DATA), byte + 100u);
    }
}
END_TEST

START_TEST(a_byte_too_many_is_told_once)
{
    put(MCR, 0x10);
    put(DATA, 1);
    ck_assert_uint_eq(get(LSR), 0x61);
    put(DATA, 2);
    ck_assert_uint_eq(get(LSR), 0x63);
    ck_assert_uint_eq(get(LSR), 0x61);
}
END_TEST

START_TEST(clearing_or_switching_the_fifo_empties_it)
{
    static const struct {
        uint8_t fcr;
        bool empties;
    } cases[] = {{0x03, true}, {0x00, true}, {0x01, false}, {0x05, false}};

    put(MCR, 0x10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(FCR, 0x00);
        put(FCR, 0x01);
        put(DATA, 1);
        put(FCR, cases[i].fcr);
        ck_assert_msg((get(LSR) & 1) == !cases[i].empties, "FCR 0x%x", cases[i].fcr);
    }
}
END_TEST

START_TEST(clearing_the_fifo_keeps_what_is_typed)
{
    type_text("a");
    put(FCR, 0x07);
    ck_assert_uint_eq(get(LSR), 0x61);
    ck_assert_uint_eq(get(DATA), 'a');
}
END_TEST

START_TEST(polling_before_each_byte_leaves_the_output_buffered)
{
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(get(LSR), 0x60);
        put(DATA, 'a');
    }
    ck_assert_uint_eq(shown_bytes(), 0);
}
END_TEST

START_TEST(polling_for_an_answer_shows_the_question)
{
    put(DATA, '?');
    get(LSR);
    get(LSR);
    ck_assert_uint_eq(shown_bytes(), 1);
}
END_TEST

/* From now on the console goes to a pipe without a reader. */
static int lose_the_reader(enum output_policy policy)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    fixture.machine.console.output.fd = ends[1];
    fixture.machine.console.output.policy = policy;
    return ends[1];
}

START_TEST(sending_to_a_reader_that_went_away_ends_the_machine)
{
    int fd = lose_the_reader(OUTPUT_AT_ONCE);

    ck_assert_int_eq(fixture_out(&fixture, PORT, 1, 'a'), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_OUTPUT);
    close(fd);
}
END_TEST

START_TEST(asking_a_reader_that_went_away_ends_the_machine)
{
    int fd = lose_the_reader(OUTPUT_FULL);

    put(DATA, '?');
    get(LSR);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
    get(LSR);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_OUTPUT);
    close(fd);
}
END_TEST

START_TEST(it_can_be_at_another_port)
{
    fixture_device(&fixture, "serial", "port=0xfff8");
    fixture_out(&fixture, 0xffff, 1, 0x5a);
    ck_assert_uint_eq(fixture_in(&fixture, 0xffff, 1), 0x5a);
    ck_assert_uint_eq(get(SCR), 0);
}
END_TEST

START_TEST(a_port_that_leaves_no_room_is_refused)
{
    struct error error;

    ck_assert_int_lt(fixture_try_device(&fixture, "serial", "port=0xfff9", &error), 0);
    ck_assert_str_eq(error.text,
                     "device serial: port=0xfff9 is not allowed; give a number from 0 to 0xfff8");
}
END_TEST

Suite *serial_suite(void)
{
    const int register_count = sizeof(registers) / sizeof(registers[0]);
    Suite *suite = suite_create("serial");
    TCase *tcase = tcase_create("serial");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, each_register_starts_and_is_written_as_on_the_chip, 0,
                        register_count);
    tcase_add_loop_test(tcase, a_reset_brings_each_register_back, 0, register_count);
    tcase_add_test(tcase, a_byte_sent_is_shown);
    tcase_add_test(tcase, a_byte_typed_is_received_once);
    tcase_add_test(tcase, a_wide_access_is_split_into_registers);
    tcase_add_test(tcase, the_divisor_hides_behind_its_latch_bit);
    tcase_add_test(tcase, the_divisor_starts_with_a_speed);
    tcase_add_test(tcase, a_driver_finds_a_16550a);
    tcase_add_test(tcase, loopback_shows_the_guest_its_own_lines);
    tcase_add_test(tcase, loopback_sends_to_the_receiver_and_shows_nothing);
    tcase_add_test(tcase, loopback_keeps_what_is_typed_for_later);
    tcase_add_test(tcase, a_change_of_a_modem_line_is_told_once);
    tcase_add_test(tcase, the_fifo_holds_the_first_16_bytes);
    tcase_add_test(tcase, without_the_fifo_the_last_byte_is_held);
    tcase_add_test(tcase, the_fifo_may_be_filled_and_emptied_for_ever);
    tcase_add_test(tcase, a_byte_too_many_is_told_once);
    tcase_add_test(tcase, clearing_or_switching_the_fifo_empties_it);
    tcase_add_test(tcase, clearing_the_fifo_keeps_what_is_typed);
    tcase_add_test(tcase, polling_before_each_byte_leaves_the_output_buffered);
    tcase_add_test(tcase, polling_for_an_answer_shows_the_question);
    tcase_add_test(tcase, sending_to_a_reader_that_went_away_ends_the_machine);
    tcase_add_test(tcase, asking_a_reader_that_went_away_ends_the_machine);
    tcase_add_test(tcase, it_can_be_at_another_port);
    tcase_add_test(tcase, a_port_that_leaves_no_room_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
