/* devices/serial.c and vmm/io/console_file.c: input and output by files. */
#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT     0x2f8
#define IRQ      3
#define LONG_IN  1000 /* bytes: more than the console's ring */
#define PIPE_MAX 100000

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

Suite *serial_files_suite(void);

static struct fixture fixture;
static char path[128];
static char properties[256];
static atomic_uint rises; /* of the interrupt line */

static void record(void *opaque, unsigned gsi, bool level)
{
    (void)opaque;
    if (gsi == IRQ && level)
        atomic_fetch_add(&rises, 1);
}

static void setup(void)
{
    atomic_store(&rises, 0);
    fixture_setup(&fixture);
    fixture.machine.irqs.sink.set = record;
    snprintf(path, sizeof(path), "%s/file", fixture.out_dir);
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

static void make_file(const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
}

/* A port whose property (name) is the file. */
static struct device *make_port(const char *name)
{
    snprintf(properties, sizeof(properties), "port=0x2f8,irq=3,%s=%s", name, path);
    return fixture_device(&fixture, "serial", properties);
}

static int finish(struct device *device, struct error *error)
{
    return device->type->finish(device, error);
}

static void type_text(const char *text)
{
    console_type(&fixture.machine.console, (const uint8_t *)text, strlen(text));
}

START_TEST(output_goes_to_its_file_and_not_to_the_console)
{
    struct error error;
    struct device *device;

    make_file("what was there before", 21);
    device = make_port("out");
    put(DATA, 'a');
    put(DATA, 'b');
    ck_assert_int_eq(finish(device, &error), 0);
    ck_assert_str_eq(fixture_out_file(&fixture, "file"), "ab");
    ck_assert_str_eq(fixture_console(&fixture), "");
}
END_TEST

START_TEST(output_without_a_file_goes_to_the_console)
{
    fixture_device(&fixture, "serial", "port=0x2f8");
    put(DATA, 'a');
    ck_assert_str_eq(fixture_console(&fixture), "a");
}
END_TEST

START_TEST(output_that_cannot_be_written_ends_the_machine_and_is_told)
{
    struct error error;
    struct device *device = fixture_device(&fixture, "serial", "port=0x2f8,out=/dev/full");

    put(DATA, 'a');
    ck_assert_int_eq(fixture_out(&fixture, PORT + DATA, 1, '\n'), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_OUTPUT);
    ck_assert_int_lt(finish(device, &error), 0);
    ck_assert_str_eq(error.text, "device serial: out=/dev/full: No space left on device; start "
                                 "a reader or free disk space");
}
END_TEST

START_TEST(a_file_is_read_to_its_end_and_then_nothing_comes)
{
    char bytes[LONG_IN];

    for (unsigned i = 0; i < LONG_IN; i++)
        bytes[i] = (char)i;
    make_file(bytes, LONG_IN);
    make_port("in");
    for (unsigned i = 0; i < LONG_IN; i++) {
        ck_assert_uint_eq(get(LSR) & 1, 1);
        ck_assert_uint_eq(get(DATA), i & 0xff);
    }
    ck_assert_uint_eq(get(LSR) & 1, 0);
    ck_assert_uint_eq(get(DATA), 0);
}
END_TEST

START_TEST(a_file_fills_the_fifo_up_to_its_end)
{
    char bytes[LONG_IN] = "";
    unsigned timeouts = 0;

    make_file(bytes, LONG_IN);
    make_port("in");
    put(IIR, 0xc1); /* the FIFO, 14 bytes */
    put(IER, 0x01);
    for (unsigned i = 0; i < LONG_IN; i++) {
        timeouts += get(IIR) == 0xcc;
        get(DATA);
    }
    ck_assert_uint_eq(timeouts, 13);
}
END_TEST

START_TEST(a_file_interrupts_as_soon_as_it_may)
{
    make_file("ab", 2);
    make_port("in");
    put(MCR, 0x08);
    ck_assert_uint_eq(atomic_load(&rises), 0);
    put(IER, 0x01);
    ck_assert_uint_eq(atomic_load(&rises), 1);
}
END_TEST

/* Wait until the line was raised (count) times. */
static void wait_for_rises(unsigned count)
{
    ck_assert(comes_true(atomic_load(&rises) >= count));
}

START_TEST(a_fifo_interrupts_when_something_is_written_to_it)
{
    int fd;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    make_port("in");
    put(MCR, 0x08);
    put(IER, 0x01);
    for (unsigned i = 0; i < 3; i++) {
        fd = open(path, O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        close(fd); /* the end of one writer is not the end of the input */
        wait_for_rises(i + 1);
        ck_assert_uint_eq(get(DATA), 'x');
        ck_assert_uint_eq(get(LSR) & 1, 0);
    }
}
END_TEST

static void *write_fifo(void *argument)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    for (unsigned i = 0; i < PIPE_MAX; i++) {
        uint8_t byte = (uint8_t)i;

        if (write(fd, &byte, 1) != 1)
            break;
    }
    close(fd);
    return argument;
}

START_TEST(a_fifo_waits_until_the_guest_reads_and_loses_nothing)
{
    pthread_t writer;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    make_port("in");
    ck_assert_int_eq(pthread_create(&writer, NULL, write_fifo, NULL), 0);
    for (unsigned taken = 0; taken < PIPE_MAX;) {
        if (!(get(LSR) & 1))
            continue;
        ck_assert_uint_eq(get(DATA), taken & 0xff);
        taken++;
    }
    pthread_join(writer, NULL);
}
END_TEST

START_TEST(what_is_typed_goes_to_the_first_port_without_a_file)
{
    make_file("f", 1);
    make_port("in");
    fixture_device(&fixture, "serial", "port=0x3f8");
    fixture_device(&fixture, "serial", "port=0x3e8");
    type_text("t");
    ck_assert_uint_eq(fixture_in(&fixture, 0x3e8 + LSR, 1), 0x60);
    ck_assert_uint_eq(fixture_in(&fixture, 0x3e8 + DATA, 1), 0);
    ck_assert_uint_eq(fixture_in(&fixture, 0x3f8 + LSR, 1), 0x61);
    ck_assert_uint_eq(fixture_in(&fixture, 0x3f8 + DATA, 1), 't');
    ck_assert_uint_eq(get(DATA), 'f');
    ck_assert_uint_eq(get(LSR), 0x60);
}
END_TEST

START_TEST(loopback_keeps_a_file_for_later)
{
    make_file("f", 1);
    make_port("in");
    put(MCR, 0x10);
    ck_assert_uint_eq(get(LSR), 0x60);
    put(MCR, 0x00);
    ck_assert_uint_eq(get(DATA), 'f');
}
END_TEST

static const struct {
    const char *properties, *sentence;
} refused[] = {
    {"in=/nowhere/file", "device serial: in=/nowhere/file: No such file or directory; name a file "
                         "that can be read"},
    {"in=/tmp", "device serial: in=/tmp: Is a directory; name a file that can be read"},
    {"out=/nowhere/file", "device serial: out=/nowhere/file: No such file or directory; name a "
                          "file that can be written"},
    {"out=/tmp", "device serial: out=/tmp: Is a directory; name a file that can be written"},
    {"out=", "device serial: out= is not allowed; give the name of a file"},
};

START_TEST(a_file_that_cannot_be_used_is_refused)
{
    struct error error;

    ck_assert_int_lt(fixture_try_device(&fixture, "serial", refused[_i].properties, &error), 0);
    ck_assert_str_eq(error.text, refused[_i].sentence);
}
END_TEST

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(a_port_that_is_refused_leaves_nothing_open)
{
    unsigned before = open_descriptors();
    struct error error;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(properties, sizeof(properties), "in=%s,out=/dev/null", path);
    fixture_device(&fixture, "serial", "in=/dev/null");
    ck_assert_int_lt(fixture_try_device(&fixture, "serial", properties, &error), 0);
    ck_assert_uint_eq(open_descriptors(), before + 3); /* the first one's: reader, stop, room */
}
END_TEST

Suite *serial_files_suite(void)
{
    Suite *suite = suite_create("serial_files");
    TCase *tcase = tcase_create("files");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, output_goes_to_its_file_and_not_to_the_console);
    tcase_add_test(tcase, output_without_a_file_goes_to_the_console);
    needs_test_add(tcase, NEED_FULL, output_that_cannot_be_written_ends_the_machine_and_is_told, 1);
    tcase_add_test(tcase, a_file_is_read_to_its_end_and_then_nothing_comes);
    tcase_add_test(tcase, a_file_fills_the_fifo_up_to_its_end);
    tcase_add_test(tcase, a_file_interrupts_as_soon_as_it_may);
    tcase_add_test(tcase, a_fifo_interrupts_when_something_is_written_to_it);
    tcase_add_test(tcase, a_fifo_waits_until_the_guest_reads_and_loses_nothing);
    tcase_add_test(tcase, what_is_typed_goes_to_the_first_port_without_a_file);
    tcase_add_test(tcase, loopback_keeps_a_file_for_later);
    tcase_add_loop_test(tcase, a_file_that_cannot_be_used_is_refused, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, a_port_that_is_refused_leaves_nothing_open);
    suite_add_tcase(suite, tcase);
    return suite;
}
