/* devices/serial.c: what it interrupts for, and when its line is up. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PORT 0x3f8
#define IRQ  4

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

#define CONNECTED  0x08 /* MCR.OUT2 */
#define LOOPBACK   0x10
#define LEVEL_NONE 99

Suite *serial_irq_suite(void);

static struct fixture fixture;

/* What arrived at the other end of the interrupt lines. */
static struct {
    pthread_mutex_t lock;
    bool level[IRQ_GSIS];
    unsigned rises[IRQ_GSIS];
} sink;

static void record(void *opaque, unsigned gsi, bool level)
{
    (void)opaque;
    pthread_mutex_lock(&sink.lock);
    sink.level[gsi] = level;
    sink.rises[gsi] += level;
    pthread_mutex_unlock(&sink.lock);
}

static void setup_without_device(void)
{
    memset(&sink, 0, sizeof(sink));
    pthread_mutex_init(&sink.lock, NULL);
    fixture_setup(&fixture);
    fixture.machine.irqs.sink.set = record;
}

static void setup(void)
{
    setup_without_device();
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

static void type_bytes(size_t count)
{
    static const uint8_t bytes[CONSOLE_INPUT];

    ck_assert_uint_eq(console_type(&fixture.machine.console, bytes, count), count);
}

/* A cause of every kind: bytes that came back, one too many of them, THR empty, lines that changed. */
static void make_every_cause(void)
{
    put(MCR, LOOPBACK);
    put(DATA, 1);
    put(DATA, 2);
}

START_TEST(the_identification_tells_the_most_urgent_that_is_enabled)
{
    static const struct {
        uint8_t ier, iir;
    } cases[] = {{0x00, 0x01}, {0x01, 0x04}, {0x02, 0x02}, {0x03, 0x04}, {0x04, 0x06},
                 {0x07, 0x06}, {0x08, 0x00}, {0x0a, 0x02}, {0x09, 0x04}, {0x0f, 0x06}};

    make_every_cause();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(IER, 0x00);
        put(IER, cases[i].ier);
        ck_assert_msg(get(IIR) == cases[i].iir, "IER 0x%x", cases[i].ier);
    }
}
END_TEST

START_TEST(each_cause_ends_by_its_own_acknowledgement)
{
    make_every_cause();
    put(IER, 0x0f);
    ck_assert_uint_eq(get(IIR), 0x06);
    ck_assert_uint_eq(get(LSR), 0x63);
    ck_assert_uint_eq(get(IIR), 0x04);
    get(DATA);
    ck_assert_uint_eq(get(IIR), 0x02);
    ck_assert_uint_eq(get(IIR), 0x00);
    get(MSR);
    ck_assert_uint_eq(get(IIR), 0x01);
}
END_TEST

START_TEST(an_empty_transmitter_is_told_once_for_each_byte)
{
    put(IER, 0x02);
    ck_assert_uint_eq(get(IIR), 0x02);
    ck_assert_uint_eq(get(IIR), 0x01);
    put(IER, 0x02);
    ck_assert_uint_eq(get(IIR), 0x01);
    put(DATA, 'a');
    ck_assert_uint_eq(get(IIR), 0x02);
    ck_assert_uint_eq(get(IIR), 0x01);
}
END_TEST

START_TEST(an_empty_transmitter_is_told_anew_when_it_is_asked_anew)
{
    put(IER, 0x02);
    get(IIR);
    put(IER, 0x00);
    put(IER, 0x02);
    ck_assert_uint_eq(get(IIR), 0x02);
}
END_TEST

START_TEST(a_more_urgent_cause_leaves_the_empty_transmitter_untold)
{
    type_bytes(1);
    put(IER, 0x03);
    ck_assert_uint_eq(get(IIR), 0x04);
    get(DATA);
    ck_assert_uint_eq(get(IIR), 0x02);
}
END_TEST

START_TEST(typed_input_is_identified_until_it_is_read)
{
    put(IER, 0x01);
    ck_assert_uint_eq(get(IIR), 0x01);
    type_bytes(1);
    ck_assert_uint_eq(get(IIR), 0x04);
    ck_assert_uint_eq(get(IIR), 0x04);
    get(DATA);
    ck_assert_uint_eq(get(IIR), 0x01);
}
END_TEST

struct trigger_case {
    uint8_t fcr;
    unsigned level;
};

static const struct trigger_case triggers[] = {
    {0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}, {0xc0, LEVEL_NONE},
};

/* (more) bytes come; what is identified then. */
static void check_trigger(const struct trigger_case *c)
{
    unsigned level = c->level == LEVEL_NONE ? 1 : c->level;
    unsigned fifo = c->level == LEVEL_NONE ? 0x00 : 0xc0;

    put(FCR, c->fcr);
    put(IER, 0x01);
    ck_assert_uint_eq(get(IIR), fifo | 0x01);
    for (unsigned count = 1; count < level; count++) {
        type_bytes(1);
        ck_assert_uint_eq(get(IIR), fifo | 0x0c);
    }
    type_bytes(1);
    ck_assert_uint_eq(get(IIR), fifo | 0x04);
    get(DATA);
    ck_assert_uint_eq(get(IIR), fifo | (level > 1 ? 0x0c : 0x01));
}

START_TEST(below_the_trigger_level_it_is_a_timeout)
{
    check_trigger(&triggers[_i]);
}
END_TEST

START_TEST(the_trigger_level_counts_what_loopback_sent)
{
    put(FCR, 0x41);
    put(IER, 0x01);
    put(MCR, LOOPBACK);
    for (unsigned count = 1; count <= 16; count++) {
        put(DATA, 0);
        ck_assert_uint_eq(get(IIR), count < 4 ? 0xcc : 0xc4);
    }
}
END_TEST

START_TEST(the_line_is_up_while_there_is_a_cause)
{
    put(MCR, CONNECTED);
    put(IER, 0x01);
    ck_assert(!sink.level[IRQ]);
    type_bytes(2);
    ck_assert(sink.level[IRQ]);
    get(IIR);
    get(DATA);
    ck_assert(sink.level[IRQ]);
    get(DATA);
    ck_assert(!sink.level[IRQ]);
    ck_assert_uint_eq(sink.rises[IRQ], 1);
}
END_TEST

START_TEST(a_cause_that_is_not_enabled_leaves_the_line_down)
{
    put(MCR, CONNECTED);
    type_bytes(1);
    ck_assert(!sink.level[IRQ]);
    put(IER, 0x01);
    ck_assert(sink.level[IRQ]);
    put(IER, 0x00);
    ck_assert(!sink.level[IRQ]);
}
END_TEST

START_TEST(only_out2_connects_the_line)
{
    put(IER, 0x02);
    for (unsigned mcr = 0; mcr < 0x20; mcr++) {
        put(MCR, (uint8_t)mcr);
        ck_assert_msg(sink.level[IRQ] == ((mcr & 0x18) == CONNECTED), "MCR 0x%x", mcr);
    }
}
END_TEST

START_TEST(a_cause_from_loopback_interrupts_when_it_ends)
{
    put(IER, 0x08);
    put(MCR, LOOPBACK | CONNECTED);
    ck_assert(!sink.level[IRQ]);
    put(MCR, CONNECTED);
    ck_assert(sink.level[IRQ]);
    get(MSR);
    ck_assert(!sink.level[IRQ]);
}
END_TEST

START_TEST(enabling_the_empty_transmitter_interrupts_and_identifying_it_ends_that)
{
    put(MCR, CONNECTED);
    put(IER, 0x02);
    ck_assert(sink.level[IRQ]);
    get(IIR);
    ck_assert(!sink.level[IRQ]);
}
END_TEST

/* An edge-triggered controller sees nothing of a line that stays up. */
START_TEST(each_byte_sent_is_an_edge)
{
    put(MCR, CONNECTED);
    put(IER, 0x02);
    for (unsigned count = 1; count <= 5; count++) {
        ck_assert_uint_eq(sink.rises[IRQ], count);
        put(DATA, 'a');
    }
    ck_assert_str_eq(fixture_console(&fixture), "aaaaa");
}
END_TEST

START_TEST(a_reset_takes_the_line_down)
{
    put(MCR, CONNECTED);
    put(IER, 0x02);
    fixture.machine.devices->type->reset(fixture.machine.devices);
    ck_assert(!sink.level[IRQ]);
}
END_TEST

START_TEST(a_driver_that_uses_interrupts_leaves_no_output_buffered)
{
    put(DATA, 'a');
    ck_assert_int_eq(lseek(fixture.console, 0, SEEK_END), 0);
    put(IER, 0x01);
    ck_assert_int_eq(lseek(fixture.console, 0, SEEK_END), 1);
    put(DATA, 'b');
    ck_assert_int_eq(lseek(fixture.console, 0, SEEK_END), 2);
}
END_TEST

struct irq_case {
    const char *properties;
    uint16_t port;
    unsigned gsi; /* 0: none */
    bool needed;
};

static const struct irq_case irqs[] = {
    {"port=0x3f8", 0x3f8, 4, false},
    {"port=0x2f8", 0x2f8, 3, false},
    {"port=0x3e8", 0x3e8, 4, false},
    {"port=0x2e8", 0x2e8, 3, false},
    {"port=0x1000", 0x1000, 0, false},
    {"irq=0", 0x3f8, 0, false},
    {"irq=4", 0x3f8, 4, true},
    {"port=0x1000,irq=23", 0x1000, 23, true},
    {"port=0x2f8,irq=auto", 0x2f8, 3, false},
};

START_TEST(the_interrupt_follows_from_port_and_property)
{
    const struct irq_case *c = &irqs[_i];

    fixture_device(&fixture, "serial", c->properties);
    fixture_out(&fixture, c->port + MCR, 1, CONNECTED);
    fixture_out(&fixture, c->port + IER, 1, 0x02);
    for (unsigned gsi = 0; gsi < IRQ_GSIS; gsi++)
        ck_assert_msg(sink.level[gsi] == (gsi && gsi == c->gsi), "%s: %u", c->properties, gsi);
    ck_assert_int_eq(fixture.machine.irqs.needed, c->needed);
}
END_TEST

START_TEST(an_interrupt_that_does_not_exist_is_refused)
{
    struct error error;

    ck_assert_int_lt(fixture_try_device(&fixture, "serial", "irq=24", &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "device serial: irq=24 is not allowed"));
}
END_TEST

#define STREAM 20000 /* bytes */

/* The host's thread: types 0, 1, 2 … as there is room. */
static void *host_thread(void *argument)
{
    struct console *console = &fixture.machine.console;

    (void)argument;
    for (unsigned typed = 0; typed < STREAM;) {
        uint8_t byte = (uint8_t)typed;

        typed += (unsigned)console_type(console, &byte, 1);
    }
    return NULL;
}

static bool line_is_up(void)
{
    bool level;

    pthread_mutex_lock(&sink.lock);
    level = sink.level[IRQ];
    pthread_mutex_unlock(&sink.lock);
    return level;
}

/* Like an interrupt handler: it is called by the line alone, and reads what IIR reports. */
START_TEST(input_from_another_thread_is_never_left_without_an_interrupt)
{
    unsigned taken = 0;
    pthread_t host;

    put(MCR, CONNECTED);
    put(FCR, 0xc1);
    put(IER, 0x01);
    ck_assert_int_eq(pthread_create(&host, NULL, host_thread, NULL), 0);
    while (taken < STREAM) {
        if (!line_is_up())
            continue;
        ck_assert_uint_eq(get(IIR) & 0x07, 0x04);
        ck_assert_uint_eq(get(DATA), taken & 0xff);
        taken++;
    }
    pthread_join(host, NULL);
    ck_assert(!line_is_up());
}
END_TEST

static void *send_thread(void *argument)
{
    put(DATA, 'a');
    return argument;
}

/* The vCPU waits for a full pipe; the typing thread must not wait for the vCPU. */
START_TEST(typing_does_not_wait_for_output_that_blocks)
{
    static const char zeros[4096];
    char drained[4096];
    pthread_t sender;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], zeros, sizeof(zeros)) > 0)
        continue;
    fixture.machine.console.output.fd = ends[1];
    fixture.machine.console.output.policy = OUTPUT_AT_ONCE;
    put(MCR, CONNECTED);
    put(IER, 0x01);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_thread, NULL), 0);
    poll(NULL, 0, 50); /* ms: by now it blocks */
    type_bytes(1);
    ck_assert(line_is_up());
    while (read(ends[0], drained, sizeof(drained)) > 0)
        continue;
    pthread_join(sender, NULL);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

Suite *serial_irq_suite(void)
{
    Suite *suite = suite_create("serial_irq");
    TCase *tcase = tcase_create("interrupts");
    TCase *connections = tcase_create("connections");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_identification_tells_the_most_urgent_that_is_enabled);
    tcase_add_test(tcase, each_cause_ends_by_its_own_acknowledgement);
    tcase_add_test(tcase, an_empty_transmitter_is_told_once_for_each_byte);
    tcase_add_test(tcase, an_empty_transmitter_is_told_anew_when_it_is_asked_anew);
    tcase_add_test(tcase, a_more_urgent_cause_leaves_the_empty_transmitter_untold);
    tcase_add_test(tcase, typed_input_is_identified_until_it_is_read);
    tcase_add_loop_test(tcase, below_the_trigger_level_it_is_a_timeout, 0,
                        sizeof(triggers) / sizeof(triggers[0]));
    tcase_add_test(tcase, the_trigger_level_counts_what_loopback_sent);
    tcase_add_test(tcase, the_line_is_up_while_there_is_a_cause);
    tcase_add_test(tcase, a_cause_that_is_not_enabled_leaves_the_line_down);
    tcase_add_test(tcase, only_out2_connects_the_line);
    tcase_add_test(tcase, a_cause_from_loopback_interrupts_when_it_ends);
    tcase_add_test(tcase, enabling_the_empty_transmitter_interrupts_and_identifying_it_ends_that);
    tcase_add_test(tcase, each_byte_sent_is_an_edge);
    tcase_add_test(tcase, a_reset_takes_the_line_down);
    tcase_add_test(tcase, a_driver_that_uses_interrupts_leaves_no_output_buffered);
    tcase_add_test(tcase, input_from_another_thread_is_never_left_without_an_interrupt);
    tcase_add_test(tcase, typing_does_not_wait_for_output_that_blocks);
    suite_add_tcase(suite, tcase);

    tcase_add_checked_fixture(connections, setup_without_device, teardown);
    tcase_add_loop_test(connections, the_interrupt_follows_from_port_and_property, 0,
                        sizeof(irqs) / sizeof(irqs[0]));
    tcase_add_test(connections, an_interrupt_that_does_not_exist_is_refused);
    suite_add_tcase(suite, connections);
    return suite;
}
