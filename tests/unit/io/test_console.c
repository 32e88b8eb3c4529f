/* vmm/io/console.c: what is shown, what is typed, and how the two meet. */
#include "vmm/io/console.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *console_suite(void);

static struct console console;
static int shown; /* a memfd */

static void setup(void)
{
    shown = memfd_create("console", MFD_CLOEXEC);
    console_init(&console, shown, OUTPUT_FULL, NULL);
}

static void teardown(void)
{
    console_finish(&console);
    close(shown);
}

static void type_text(const char *text)
{
    ck_assert_uint_eq(console_type(&console, (const uint8_t *)text, strlen(text)), strlen(text));
}

/* Type until the ring is full. */
static void type_full(void)
{
    static const uint8_t bytes[CONSOLE_INPUT];

    console_type(&console, bytes, sizeof(bytes));
    ck_assert_uint_eq(console_room(&console), 0);
}

START_TEST(what_is_put_is_shown_by_a_flush)
{
    char text[3];

    ck_assert_int_eq(console_write(&console, 'a'), 0);
    ck_assert_int_eq(console_write(&console, 0xff), 0);
    ck_assert_int_eq(console_flush(&console), 0);
    ck_assert_int_eq(pread(shown, text, sizeof(text), 0), 2);
    ck_assert_mem_eq(text, "a\xff", 2);
}
END_TEST

START_TEST(what_is_typed_is_taken_in_order)
{
    type_text("a\xff");
    ck_assert_int_eq(console_read(&console), 'a');
    ck_assert_int_eq(console_read(&console), 0xff);
    ck_assert_int_eq(console_read(&console), -1);
}
END_TEST

START_TEST(a_full_ring_takes_no_more)
{
    uint8_t bytes[CONSOLE_INPUT + 10];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    ck_assert_uint_eq(console_type(&console, bytes, 100), 100);
    ck_assert_uint_eq(console_room(&console), CONSOLE_INPUT - 100);
    ck_assert_uint_eq(console_type(&console, bytes + 100, sizeof(bytes) - 100),
                      CONSOLE_INPUT - 100);
    ck_assert_uint_eq(console_type(&console, bytes, 1), 0);
    for (int i = 0; i < CONSOLE_INPUT; i++)
        ck_assert_int_eq(console_read(&console), i & 0xff);
    ck_assert_int_eq(console_read(&console), -1);
}
END_TEST

START_TEST(the_counters_of_the_ring_may_wrap_around)
{
    atomic_store(&console.input_head, UINT_MAX - 1);
    atomic_store(&console.input_tail, UINT_MAX - 1);
    ck_assert_uint_eq(console_room(&console), CONSOLE_INPUT);
    type_text("abcd");
    ck_assert_uint_eq(console_room(&console), CONSOLE_INPUT - 4);
    for (const char *next = "abcd"; *next; next++)
        ck_assert_int_eq(console_read(&console), *next);
    ck_assert_int_eq(console_read(&console), -1);
}
END_TEST

START_TEST(room_is_signalled_once_when_the_ring_was_full)
{
    uint64_t count;

    console.room_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    type_full();
    ck_assert_int_lt(read(console.room_event, &count, sizeof(count)), 0);
    console_read(&console);
    console_read(&console);
    ck_assert_int_eq(read(console.room_event, &count, sizeof(count)), sizeof(count));
    ck_assert_uint_eq(count, 1);
    close(console.room_event);
}
END_TEST

START_TEST(room_is_not_signalled_when_there_was_room)
{
    uint64_t count;

    console.room_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    type_text("ab");
    console_read(&console);
    ck_assert_int_lt(read(console.room_event, &count, sizeof(count)), 0);
    close(console.room_event);
}
END_TEST

static void count_call(void *opaque)
{
    ++*(unsigned *)opaque;
}

START_TEST(a_listener_hears_of_input_and_of_nothing_else)
{
    unsigned calls = 0;

    ck_assert_int_eq(console_listen(&console, count_call, &calls), 0);
    type_text("ab");
    ck_assert_uint_eq(calls, 1);
    console_write(&console, 'a');
    console_read(&console);
    type_text("");
    ck_assert_uint_eq(calls, 1);
    type_full();
    ck_assert_uint_eq(calls, 2);
    console_type(&console, (const uint8_t *)"a", 1);
    ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(a_console_has_one_listener)
{
    unsigned calls = 0, others = 0;

    ck_assert_int_eq(console_listen(&console, count_call, &calls), 0);
    ck_assert_int_eq(console_listen(&console, count_call, &others), -EBUSY);
    type_text("a");
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(others, 0);
}
END_TEST

START_TEST(a_reader_that_went_away_is_told)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    console_finish(&console);
    console_init(&console, ends[1], OUTPUT_FULL, NULL);
    ck_assert_int_eq(console_write(&console, 'a'), 0);
    ck_assert_int_eq(console_flush(&console), -EPIPE);
    ck_assert_int_eq(console_write(&console, 'a'), -EPIPE);
    ck_assert_int_eq(console_flush(&console), -EPIPE);
    close(ends[1]);
}
END_TEST

#define STREAM 200000 /* bytes */

/* The host's thread: types the numbers 0, 1, 2 …, and sleeps when there is no room. */
static void *host_thread(void *argument)
{
    uint32_t typed = 0;

    (void)argument;
    while (typed < STREAM) {
        uint8_t bytes[100];
        size_t length = sizeof(bytes) < STREAM - typed ? sizeof(bytes) : STREAM - typed;
        uint64_t count;

        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(typed + i);
        typed += (uint32_t)console_type(&console, bytes, length);
        if (!console_room(&console) && read(console.room_event, &count, sizeof(count)) < 0)
            return NULL;
    }
    return NULL;
}

START_TEST(a_host_that_sleeps_until_there_is_room_is_always_woken)
{
    pthread_t host;

    console.room_event = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(pthread_create(&host, NULL, host_thread, NULL), 0);
    for (uint32_t taken = 0; taken < STREAM;) {
        int byte = console_read(&console);

        if (byte < 0)
            continue;
        ck_assert_int_eq(byte, taken & 0xff);
        taken++;
    }
    pthread_join(host, NULL);
    close(console.room_event);
}
END_TEST

Suite *console_suite(void)
{
    Suite *suite = suite_create("console");
    TCase *tcase = tcase_create("console");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_put_is_shown_by_a_flush);
    tcase_add_test(tcase, what_is_typed_is_taken_in_order);
    tcase_add_test(tcase, a_full_ring_takes_no_more);
    tcase_add_test(tcase, the_counters_of_the_ring_may_wrap_around);
    tcase_add_test(tcase, room_is_signalled_once_when_the_ring_was_full);
    tcase_add_test(tcase, room_is_not_signalled_when_there_was_room);
    tcase_add_test(tcase, a_listener_hears_of_input_and_of_nothing_else);
    tcase_add_test(tcase, a_console_has_one_listener);
    tcase_add_test(tcase, a_reader_that_went_away_is_told);
    tcase_add_test(tcase, a_host_that_sleeps_until_there_is_room_is_always_woken);
    suite_add_tcase(suite, tcase);
    return suite;
}
