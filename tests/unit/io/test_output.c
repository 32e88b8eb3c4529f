/* vmm/io/output.c: when bytes are written, and what happens when they cannot be. */
#include "vmm/io/output.h"

#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 20000 /* bytes: some buffers full, and not a multiple of one */

Suite *output_suite(void);

/* A pipe; O_NONBLOCK in (flags) makes the write end non-blocking. */
static void make_pipe(int ends[2], int flags)
{
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, flags), 0);
}

/* Fill the pipe until it takes no byte more; its flags stay. How many bytes it holds. */
static size_t fill_pipe(int fd)
{
    static const char zeros[4096];
    int flags = fcntl(fd, F_GETFL);
    size_t filled = 0;
    ssize_t written;

    ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    while ((written = write(fd, zeros, sizeof(zeros))) > 0)
        filled += (size_t)written;
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
    return filled;
}

/* How many bytes can be read at once. */
static size_t file_size(int fd)
{
    return (size_t)lseek(fd, 0, SEEK_END);
}

static void fill_pattern(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 7 + i / 251);
}

/* Read exactly (length) bytes. */
static void read_all(int fd, char *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, bytes + done, length - done);

        ck_assert_int_gt(got, 0);
        done += (size_t)got;
    }
}

START_TEST(the_policy_says_when_bytes_are_written)
{
    static const struct {
        enum output_policy policy;
        const char *text;
        size_t written;
    } cases[] = {
        {OUTPUT_AT_ONCE, "a", 1},    {OUTPUT_LINES, "abc", 0}, {OUTPUT_LINES, "abc\n", 4},
        {OUTPUT_LINES, "ab\ncd", 5}, {OUTPUT_FULL, "abc", 0},  {OUTPUT_FULL, "abc\n", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = memfd_create("output", MFD_CLOEXEC);
        struct output output;

        output_init(&output, fd, cases[i].policy, NULL);
        ck_assert_int_eq(output_write(&output, cases[i].text, strlen(cases[i].text)), 0);
        ck_assert_msg(file_size(fd) == cases[i].written, "case %zu: %zu", i, file_size(fd));
        close(fd);
    }
}
END_TEST

START_TEST(a_full_buffer_is_written_whatever_the_policy)
{
    static const enum output_policy policies[] = {OUTPUT_LINES, OUTPUT_FULL};
    static const char bytes[OUTPUT_BUFFER];

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        int fd = memfd_create("output", MFD_CLOEXEC);
        struct output output;

        output_init(&output, fd, policies[i], NULL);
        ck_assert_int_eq(output_write(&output, bytes, sizeof(bytes) - 1), 0);
        ck_assert_uint_eq(file_size(fd), 0);
        ck_assert_int_eq(output_write(&output, bytes, 1), 0);
        ck_assert_uint_eq(file_size(fd), OUTPUT_BUFFER);
        close(fd);
    }
}
END_TEST

START_TEST(a_flush_writes_what_is_buffered_once)
{
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output output;

    output_init(&output, fd, OUTPUT_FULL, NULL);
    output_write(&output, "abc", 3);
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_uint_eq(file_size(fd), 3);
    close(fd);
}
END_TEST

START_TEST(more_than_the_buffer_holds_arrives_whole_and_in_order)
{
    static char bytes[MANY], seen[MANY];
    int fd = memfd_create("output", MFD_CLOEXEC);
    struct output output;

    fill_pattern(bytes, MANY);
    output_init(&output, fd, OUTPUT_FULL, NULL);
    ck_assert_int_eq(output_write(&output, bytes, 100), 0);
    ck_assert_int_eq(output_write(&output, bytes + 100, MANY - 100), 0);
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_int_eq(pread(fd, seen, MANY, 0), MANY);
    ck_assert_mem_eq(seen, bytes, MANY);
    close(fd);
}
END_TEST

START_TEST(without_a_descriptor_everything_is_dropped)
{
    struct output output;

    output_init(&output, -1, OUTPUT_AT_ONCE, NULL);
    for (int i = 0; i < 2 * OUTPUT_BUFFER; i++)
        ck_assert_int_eq(output_write(&output, "a", 1), 0);
    ck_assert_int_eq(output_flush(&output), 0);
}
END_TEST

/* What (fd) holds, as a string. */
static const char *file_text(int fd)
{
    static char text[3 * OUTPUT_BUFFER];
    ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return text;
}

static int begin_prefixed(struct output *output)
{
    int fd = memfd_create("output", MFD_CLOEXEC);

    output_init(output, fd, OUTPUT_AT_ONCE, NULL);
    output_set_prefix(output, "d0: ");
    return fd;
}

static void put(struct output *output, const char *text)
{
    ck_assert_int_eq(output_write(output, text, strlen(text)), 0);
}

START_TEST(with_a_prefix_a_line_is_written_when_it_is_whole)
{
    struct output output;
    int fd = begin_prefixed(&output);

    put(&output, "ab");
    put(&output, "c");
    ck_assert_int_eq(output_flush(&output), 0);
    ck_assert_str_eq(file_text(fd), "");
    put(&output, "\nde");
    ck_assert_str_eq(file_text(fd), "d0: abc\n");
    put(&output, "f\n\ng\nh");
    ck_assert_str_eq(file_text(fd), "d0: abc\nd0: def\nd0: \nd0: g\n");
    close(fd);
}
END_TEST

START_TEST(with_a_prefix_the_last_line_gets_its_end)
{
    struct output output;
    int fd = begin_prefixed(&output);

    put(&output, "abc");
    ck_assert_int_eq(output_drain(&output), 0);
    ck_assert_int_eq(output_drain(&output), 0);
    ck_assert_str_eq(file_text(fd), "d0: abc\n");
    put(&output, "d\n");
    ck_assert_int_eq(output_drain(&output), 0);
    ck_assert_str_eq(file_text(fd), "d0: abc\nd0: d\n");
    close(fd);
}
END_TEST

/* Lines about as long as the buffer, with the prefix and a newline. */
static const size_t long_lines[] = {OUTPUT_BUFFER - 6, OUTPUT_BUFFER - 5, OUTPUT_BUFFER - 4,
                                    OUTPUT_BUFFER, 2 * OUTPUT_BUFFER};

START_TEST(with_a_prefix_a_line_longer_than_the_buffer_is_cut)
{
    char line[2 * OUTPUT_BUFFER + 2];
    struct output output;
    int fd = begin_prefixed(&output);
    size_t letters = 0;

    memset(line, 'x', long_lines[_i]);
    strcpy(line + long_lines[_i], "\n");
    put(&output, line);
    ck_assert_uint_eq(output.used, 0);
    for (const char *at = file_text(fd); *at;) {
        const size_t length = strcspn(at, "\n");

        ck_assert_int_eq(strncmp(at, "d0: ", 4), 0);
        ck_assert_uint_lt(length, OUTPUT_BUFFER);
        letters += length - 4;
        at += length + 1;
    }
    ck_assert_uint_eq(letters, long_lines[_i]);
    close(fd);
}
END_TEST

START_TEST(a_reader_that_went_away_is_told_each_time_again)
{
    struct output output;
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    make_pipe(ends, 0);
    close(ends[0]);
    output_init(&output, ends[1], OUTPUT_AT_ONCE, NULL);
    ck_assert_int_eq(output_write(&output, "a", 1), -EPIPE);
    ck_assert_int_eq(output_write(&output, "", 0), -EPIPE);
    ck_assert_int_eq(output_flush(&output), -EPIPE);
    ck_assert_uint_eq(output.used, 0);
    close(ends[1]);
}
END_TEST

START_TEST(the_first_failure_is_the_one_that_is_told)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct output output;

    output_init(&output, fd, OUTPUT_AT_ONCE, NULL);
    ck_assert_int_eq(output_write(&output, "a", 1), -ENOSPC);
    close(fd);
    ck_assert_int_eq(output_write(&output, "a", 1), -ENOSPC);
}
END_TEST

/* A thread at one end, while the test is at the other. */
struct end {
    struct output output;
    int fd;
    size_t length;
    char bytes[MANY];
    int result;
};

static void *write_thread(void *argument)
{
    struct end *end = argument;

    end->result = output_write(&end->output, end->bytes, end->length);
    if (end->result == 0)
        end->result = output_flush(&end->output);
    return NULL;
}

START_TEST(a_descriptor_that_does_not_block_is_waited_for)
{
    static struct end writer;
    static char seen[MANY];
    pthread_t thread;
    int ends[2];

    make_pipe(ends, O_NONBLOCK);
    ck_assert_int_gt(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    fill_pattern(writer.bytes, MANY);
    writer.length = MANY;
    output_init(&writer.output, ends[1], OUTPUT_FULL, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_thread, &writer), 0);
    usleep(2000);
    read_all(ends[0], seen, MANY);
    pthread_join(thread, NULL);
    ck_assert_int_eq(writer.result, 0);
    ck_assert_mem_eq(seen, writer.bytes, MANY);
}
END_TEST

START_TEST(what_a_short_write_left_is_written_too)
{
    static struct end writer;
    static char seen[MANY];
    pthread_t thread;
    int ends[2], size = 1; /* the least that a socket buffer can be: under OUTPUT_BUFFER */

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, 0), 0);
    fill_pattern(writer.bytes, MANY);
    writer.length = MANY;
    output_init(&writer.output, ends[1], OUTPUT_FULL, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_thread, &writer), 0);
    read_all(ends[0], seen, MANY);
    pthread_join(thread, NULL);
    ck_assert_int_eq(writer.result, 0);
    ck_assert_mem_eq(seen, writer.bytes, MANY);
}
END_TEST

START_TEST(an_abandoned_output_drops_what_a_full_pipe_does_not_take)
{
    static const int flags[] = {0, O_NONBLOCK};

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        atomic_bool abandoned = true;
        struct output output;
        int ends[2];

        make_pipe(ends, flags[i]);
        fill_pipe(ends[1]);
        output_init(&output, ends[1], OUTPUT_AT_ONCE, &abandoned);
        ck_assert_int_eq(output_write(&output, "abc", 3), 0);
        ck_assert_int_eq(output_flush(&output), 0);
        ck_assert_uint_eq(output.used, 0);
        close(ends[0]);
        close(ends[1]);
    }
}
END_TEST

START_TEST(an_abandoned_output_still_writes_where_there_is_room)
{
    atomic_bool abandoned = true;
    struct output output;
    char seen[3];
    int ends[2];

    make_pipe(ends, 0);
    output_init(&output, ends[1], OUTPUT_AT_ONCE, &abandoned);
    ck_assert_int_eq(output_write(&output, "abc", 3), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(read(ends[0], seen, 3), 3);
}
END_TEST

START_TEST(an_abandoned_output_tells_that_the_reader_went_away)
{
    atomic_bool abandoned = true;
    struct output output;
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    make_pipe(ends, 0);
    close(ends[0]);
    output_init(&output, ends[1], OUTPUT_AT_ONCE, &abandoned);
    ck_assert_int_eq(output_write(&output, "a", 1), -EPIPE);
}
END_TEST

static void ignore_signal(int number)
{
    (void)number;
}

/* SIGUSR1 only makes system calls end with EINTR. */
static void make_signals_interrupt(void)
{
    struct sigaction action = {.sa_handler = ignore_signal};

    sigaction(SIGUSR1, &action, NULL);
}

/* Signal the thread again and again, as a kick does, until it ends; no more than (times). */
static bool kick_until_joined(pthread_t thread, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        if (pthread_tryjoin_np(thread, NULL) == 0)
            return true;
        pthread_kill(thread, SIGUSR1);
        usleep(1000);
    }
    return false;
}

START_TEST(a_signal_frees_a_writer_whose_output_was_abandoned)
{
    static const int flags[] = {0, O_NONBLOCK};

    make_signals_interrupt();
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        static struct end writer;
        atomic_bool abandoned = false;
        pthread_t thread;
        int ends[2];

        make_pipe(ends, flags[i]);
        fill_pipe(ends[1]);
        writer.length = 100;
        output_init(&writer.output, ends[1], OUTPUT_FULL, &abandoned);
        ck_assert_int_eq(pthread_create(&thread, NULL, write_thread, &writer), 0);
        usleep(2000);
        atomic_store(&abandoned, true);
        ck_assert(kick_until_joined(thread, patience_ms()));
        ck_assert_int_eq(writer.result, 0);
    }
}
END_TEST

START_TEST(a_signal_alone_loses_nothing)
{
    static const int flags[] = {0, O_NONBLOCK};

    make_signals_interrupt();
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        static struct end writer;
        static char seen[1 << 20], text[100];
        pthread_t thread;
        size_t filled;
        int ends[2];

        make_pipe(ends, flags[i]);
        filled = fill_pipe(ends[1]);
        ck_assert_uint_le(filled, sizeof(seen));
        fill_pattern(writer.bytes, sizeof(text));
        writer.length = sizeof(text);
        output_init(&writer.output, ends[1], OUTPUT_FULL, NULL);
        ck_assert_int_eq(pthread_create(&thread, NULL, write_thread, &writer), 0);
        ck_assert(!kick_until_joined(thread, 10));
        read_all(ends[0], seen, filled);
        read_all(ends[0], text, sizeof(text));
        pthread_join(thread, NULL);
        ck_assert_mem_eq(text, writer.bytes, sizeof(text));
    }
}
END_TEST

Suite *output_suite(void)
{
    Suite *suite = suite_create("output");
    TCase *policy = tcase_create("policy");
    TCase *trouble = tcase_create("trouble");

    tcase_add_test(policy, the_policy_says_when_bytes_are_written);
    tcase_add_test(policy, a_full_buffer_is_written_whatever_the_policy);
    tcase_add_test(policy, a_flush_writes_what_is_buffered_once);
    tcase_add_test(policy, more_than_the_buffer_holds_arrives_whole_and_in_order);
    tcase_add_test(policy, without_a_descriptor_everything_is_dropped);
    tcase_add_test(policy, with_a_prefix_a_line_is_written_when_it_is_whole);
    tcase_add_test(policy, with_a_prefix_the_last_line_gets_its_end);
    tcase_add_loop_test(policy, with_a_prefix_a_line_longer_than_the_buffer_is_cut, 0,
                        sizeof(long_lines) / sizeof(long_lines[0]));
    suite_add_tcase(suite, policy);

    tcase_add_test(trouble, a_reader_that_went_away_is_told_each_time_again);
    needs_test_add(trouble, NEED_FULL, the_first_failure_is_the_one_that_is_told, 1);
    tcase_add_test(trouble, a_descriptor_that_does_not_block_is_waited_for);
    tcase_add_test(trouble, what_a_short_write_left_is_written_too);
    tcase_add_test(trouble, an_abandoned_output_drops_what_a_full_pipe_does_not_take);
    tcase_add_test(trouble, an_abandoned_output_still_writes_where_there_is_room);
    tcase_add_test(trouble, an_abandoned_output_tells_that_the_reader_went_away);
    tcase_add_test(trouble, a_signal_frees_a_writer_whose_output_was_abandoned);
    tcase_add_test(trouble, a_signal_alone_loses_nothing);
    suite_add_tcase(suite, trouble);
    return suite;
}
