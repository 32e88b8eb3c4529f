/* vmm/base/async_file.c: everything arrives in order with any reader; and failures to write. */
#include "vmm/base/async_file.h"

#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

Suite *async_file_suite(void);

#define LARGE   (5 * (size_t)ASYNC_FILE_SIZE + 12345)
#define THREADS 4
#define LINES   20000

static atomic_bool abandoned;

static void setup(void)
{
    atomic_store(&abandoned, false);
}

static char pattern(size_t at)
{
    return (char)(at * 7 + at / 251 + at / 70001);
}

static char *make_pattern(size_t length)
{
    char *bytes = malloc(length);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern(i);
    return bytes;
}

static void check_pattern(const char *bytes, size_t length, size_t from)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != pattern(from + i))
            ck_abort_msg("byte %zu is another", from + i);
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    nanosleep(&time, NULL);
}

static struct async_file *start(int fd)
{
    struct async_file *async = async_file_create(fd, &abandoned);

    ck_assert_ptr_nonnull(async);
    return async;
}

/* In pieces of many lengths, from 1 byte to some pages. */
static void put_pattern(struct async_file *async, const char *bytes, size_t length)
{
    for (size_t done = 0, piece = 1; done < length; done += piece) {
        piece = 1 + (piece * 31 + 7) % 20011;
        if (piece > length - done)
            piece = length - done;
        async_file_write(async, bytes + done, piece);
    }
}

/* A thread that reads a pipe to its end and checks the pattern, with (rest_ms) between reads. */
struct reader {
    int fd;
    long rest_ms;
    size_t count;
    pthread_t thread;
};

static void *read_pattern(void *argument)
{
    struct reader *reader = argument;
    static char bytes[65536];
    ssize_t got;

    while ((got = read(reader->fd, bytes, sizeof(bytes))) > 0) {
        check_pattern(bytes, (size_t)got, reader->count);
        reader->count += (size_t)got;
        if (reader->rest_ms)
            sleep_ms(reader->rest_ms);
    }
    return NULL;
}

/* The write end of a pipe that (reader) reads. */
static int start_reader(struct reader *reader, long rest_ms)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    *reader = (struct reader){.fd = ends[0], .rest_ms = rest_ms};
    ck_assert_int_eq(pthread_create(&reader->thread, NULL, read_pattern, reader), 0);
    return ends[1];
}

static void end_reader(struct reader *reader, int write_end)
{
    close(write_end);
    pthread_join(reader->thread, NULL);
    close(reader->fd);
}

/* The write end of a pipe without a reader. */
static int stalled_pipe(int *read_end)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    *read_end = ends[0];
    return ends[1];
}

START_TEST(a_file_gets_everything_in_order)
{
    int fd = memfd_create("async_file", MFD_CLOEXEC);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);
    char *got;

    put_pattern(async, bytes, LARGE);
    ck_assert_int_eq(async_file_destroy(async), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), LARGE);
    got = mmap(NULL, LARGE, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(got, MAP_FAILED);
    ck_assert_int_eq(memcmp(got, bytes, LARGE), 0);
    free(bytes);
}
END_TEST

START_TEST(a_pipe_gets_everything_in_order)
{
    struct reader reader;
    int fd = start_reader(&reader, 0);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);

    put_pattern(async, bytes, LARGE);
    ck_assert_int_eq(async_file_destroy(async), 0);
    end_reader(&reader, fd);
    ck_assert_uint_eq(reader.count, LARGE);
    free(bytes);
}
END_TEST

START_TEST(one_piece_may_be_larger_than_the_ring)
{
    struct reader reader;
    int fd = start_reader(&reader, 0);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);

    async_file_write(async, bytes, LARGE);
    ck_assert_int_eq(async_file_destroy(async), 0);
    end_reader(&reader, fd);
    ck_assert_uint_eq(reader.count, LARGE);
    free(bytes);
}
END_TEST

START_TEST(a_slow_reader_is_waited_for_and_that_is_counted)
{
    struct reader reader;
    int fd = start_reader(&reader, 1);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);

    put_pattern(async, bytes, LARGE);
    ck_assert_uint_gt(async_file_waits(async), 0);
    ck_assert_int_eq(async_file_destroy(async), 0);
    end_reader(&reader, fd);
    ck_assert_uint_eq(reader.count, LARGE);
    free(bytes);
}
END_TEST

START_TEST(what_fits_into_the_ring_waits_for_nobody)
{
    int read_end;
    int fd = stalled_pipe(&read_end);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(ASYNC_FILE_SIZE);

    put_pattern(async, bytes, ASYNC_FILE_SIZE);
    ck_assert_uint_eq(async_file_waits(async), 0);
    ck_assert_int_eq(async_file_failure(async), 0);
    atomic_store(&abandoned, true);
    async_file_destroy(async);
    free(bytes);
}
END_TEST

/* Lines of 8 to 307 bytes: thread, number, and that number of dots. */
static void *put_lines(void *argument)
{
    struct async_file *async = *(struct async_file **)argument;
    static atomic_uint next_id;
    const unsigned id = atomic_fetch_add(&next_id, 1);
    char line[320];

    for (unsigned i = 0; i < LINES; i++) {
        const int head = snprintf(line, sizeof(line), "%u %05u ", id, i);

        memset(line + head, '.', i % 300);
        line[(unsigned)head + i % 300] = '\n';
        async_file_write(async, line, (unsigned)head + i % 300 + 1);
    }
    return NULL;
}

static void check_lines(FILE *file)
{
    unsigned next[THREADS] = {0};
    unsigned id, number;
    char line[512];

    while (fgets(line, sizeof(line), file)) {
        ck_assert_int_eq(sscanf(line, "%u %u ", &id, &number), 2);
        ck_assert_uint_lt(id, THREADS);
        ck_assert_uint_eq(number, next[id]++);
        ck_assert_uint_eq(strspn(line + 8, "."), number % 300);
        ck_assert_int_eq(line[8 + number % 300], '\n');
    }
    for (id = 0; id < THREADS; id++)
        ck_assert_uint_eq(next[id], LINES);
}

START_TEST(pieces_of_several_threads_never_mix)
{
    FILE *file = tmpfile();
    struct async_file *async = start(fileno(file));
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, put_lines, &async), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(async_file_destroy(async), 0);
    rewind(file);
    check_lines(file);
    fclose(file);
}
END_TEST

/* Pieces of one letter each, some larger than the ring and many small ones. */
static const struct letter {
    size_t length, pieces;
} letters[] = {{ASYNC_FILE_SIZE + 1000, 2}, {ASYNC_FILE_SIZE + 3000, 2}, {100, 100000}};

#define LETTERS (sizeof(letters) / sizeof(letters[0]))

/* A thread for each letter, which puts its pieces into (async). */
struct writer {
    struct async_file *async;
    unsigned id;
    pthread_t thread;
};

static void *put_letters(void *argument)
{
    const struct writer *writer = argument;
    const struct letter *letter = &letters[writer->id];
    char *piece = malloc(letter->length);

    ck_assert_ptr_nonnull(piece);
    memset(piece, 'A' + (int)writer->id, letter->length);
    for (size_t i = 0; i < letter->pieces; i++)
        async_file_write(writer->async, piece, letter->length);
    free(piece);
    return NULL;
}

/* All letters at once through a pipe, which makes room page by page. */
static void *put_all_letters(void *argument)
{
    const int fd = *(int *)argument;
    struct async_file *async = start(fd);
    struct writer writers[LETTERS];

    for (unsigned id = 0; id < LETTERS; id++) {
        writers[id] = (struct writer){.async = async, .id = id};
        ck_assert_int_eq(pthread_create(&writers[id].thread, NULL, put_letters, &writers[id]), 0);
    }
    for (unsigned id = 0; id < LETTERS; id++)
        pthread_join(writers[id].thread, NULL);
    ck_assert_int_eq(async_file_destroy(async), 0);
    close(fd);
    return NULL;
}

/* Each run of a letter is some whole pieces, and all pieces are there. */
static void check_letters(FILE *file)
{
    size_t counts[LETTERS] = {0};
    size_t run = 0;
    int last = EOF;
    int letter;

    do {
        letter = getc_unlocked(file);
        if (letter != last && last != EOF) {
            ck_assert_uint_eq(run % letters[last - 'A'].length, 0);
            counts[last - 'A'] += run / letters[last - 'A'].length;
            run = 0;
        }
        run++;
        last = letter;
    } while (letter != EOF);
    for (unsigned id = 0; id < LETTERS; id++)
        ck_assert_uint_eq(counts[id], letters[id].pieces);
}

START_TEST(pieces_that_wait_for_room_never_mix_either)
{
    int read_end;
    int fd = stalled_pipe(&read_end);
    FILE *file = fdopen(read_end, "r");
    pthread_t thread;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(pthread_create(&thread, NULL, put_all_letters, &fd), 0);
    check_letters(file);
    pthread_join(thread, NULL);
    fclose(file);
}
END_TEST

START_TEST(bytes_are_in_the_file_after_the_delay)
{
    int fd = memfd_create("async_file", MFD_CLOEXEC);
    struct async_file *async = start(fd);
    const uint64_t end = now_ms(CLOCK_MONOTONIC) + patience_ms();

    async_file_write(async, "killed", 6);
    while (lseek(fd, 0, SEEK_END) == 0 && now_ms(CLOCK_MONOTONIC) < end)
        sleep_ms(5);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 6);
    async_file_destroy(async);
}
END_TEST

START_TEST(an_idle_file_burns_no_time)
{
    int fd = memfd_create("async_file", MFD_CLOEXEC);
    struct async_file *async = start(fd);
    const uint64_t before = now_ms(CLOCK_PROCESS_CPUTIME_ID);

    sleep_ms(400);
    ck_assert_uint_lt(now_ms(CLOCK_PROCESS_CPUTIME_ID) - before, 100);
    async_file_destroy(async);
}
END_TEST

START_TEST(a_full_disk_is_told_and_holds_nobody_up)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);

    async_file_write(async, bytes, LARGE);
    async_file_write(async, bytes, LARGE);
    ck_assert_int_eq(async_file_failure(async), -ENOSPC);
    ck_assert_int_eq(async_file_destroy(async), -ENOSPC);
    free(bytes);
}
END_TEST

START_TEST(a_reader_who_left_is_an_error_and_no_signal)
{
    int read_end;
    int fd = stalled_pipe(&read_end);
    struct async_file *async = start(fd);

    close(read_end);
    async_file_write(async, "text", 4);
    ck_assert_int_eq(async_file_destroy(async), -EPIPE);
}
END_TEST

static void *abandon_later(void *argument)
{
    (void)argument;
    sleep_ms(100);
    atomic_store(&abandoned, true);
    return NULL;
}

START_TEST(who_waits_for_a_stalled_reader_goes_on_once_that_is_abandoned)
{
    int read_end;
    int fd = stalled_pipe(&read_end);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(LARGE);
    const uint64_t begin = now_ms(CLOCK_MONOTONIC);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, abandon_later, NULL), 0);
    async_file_write(async, bytes, LARGE);
    ck_assert_int_eq(async_file_failure(async), -ETIMEDOUT);
    ck_assert_int_eq(async_file_destroy(async), -ETIMEDOUT);
    ck_assert_uint_lt(now_ms(CLOCK_MONOTONIC) - begin, patience_ms());
    pthread_join(thread, NULL);
    free(bytes);
}
END_TEST

START_TEST(finish_waits_for_no_stalled_reader_that_is_abandoned)
{
    int read_end;
    int fd = stalled_pipe(&read_end);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(ASYNC_FILE_SIZE);
    const uint64_t begin = now_ms(CLOCK_MONOTONIC);

    async_file_write(async, bytes, ASYNC_FILE_SIZE);
    atomic_store(&abandoned, true);
    ck_assert_int_eq(async_file_destroy(async), -ETIMEDOUT);
    ck_assert_uint_lt(now_ms(CLOCK_MONOTONIC) - begin, patience_ms());
    free(bytes);
}
END_TEST

START_TEST(a_stalled_reader_is_waited_for_as_long_as_it_takes)
{
    struct reader reader = {0};
    int fd = stalled_pipe(&reader.fd);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(ASYNC_FILE_SIZE);

    async_file_write(async, bytes, ASYNC_FILE_SIZE);
    sleep_ms(ASYNC_FILE_PATIENCE_MS + 300);
    ck_assert_int_eq(pthread_create(&reader.thread, NULL, read_pattern, &reader), 0);
    ck_assert_int_eq(async_file_destroy(async), 0);
    end_reader(&reader, fd);
    ck_assert_uint_eq(reader.count, ASYNC_FILE_SIZE);
    free(bytes);
}
END_TEST

START_TEST(an_abandoned_reader_who_reads_gets_everything)
{
    struct reader reader;
    int fd = start_reader(&reader, 1);
    struct async_file *async = start(fd);
    char *bytes = make_pattern(ASYNC_FILE_SIZE);

    atomic_store(&abandoned, true);
    async_file_write(async, bytes, ASYNC_FILE_SIZE);
    ck_assert_int_eq(async_file_destroy(async), 0);
    end_reader(&reader, fd);
    ck_assert_uint_eq(reader.count, ASYNC_FILE_SIZE);
    free(bytes);
}
END_TEST

START_TEST(the_descriptor_stays_open)
{
    int fd = memfd_create("async_file", MFD_CLOEXEC);

    ck_assert_int_eq(async_file_destroy(start(fd)), 0);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
}
END_TEST

START_TEST(no_file_is_finished)
{
    ck_assert_int_eq(async_file_destroy(NULL), 0);
}
END_TEST

Suite *async_file_suite(void)
{
    Suite *suite = suite_create("async_file");
    TCase *bytes = tcase_create("bytes");
    TCase *failures = tcase_create("failures");

    tcase_add_checked_fixture(bytes, setup, NULL);
    tcase_add_test(bytes, a_file_gets_everything_in_order);
    tcase_add_test(bytes, a_pipe_gets_everything_in_order);
    tcase_add_test(bytes, one_piece_may_be_larger_than_the_ring);
    tcase_add_test(bytes, a_slow_reader_is_waited_for_and_that_is_counted);
    tcase_add_test(bytes, what_fits_into_the_ring_waits_for_nobody);
    tcase_add_test(bytes, pieces_of_several_threads_never_mix);
    tcase_add_test(bytes, pieces_that_wait_for_room_never_mix_either);
    tcase_add_test(bytes, bytes_are_in_the_file_after_the_delay);
    tcase_add_test(bytes, an_idle_file_burns_no_time);
    suite_add_tcase(suite, bytes);

    tcase_add_checked_fixture(failures, setup, NULL);
    needs_test_add(failures, NEED_FULL, a_full_disk_is_told_and_holds_nobody_up, 1);
    tcase_add_test(failures, a_reader_who_left_is_an_error_and_no_signal);
    tcase_add_test(failures, who_waits_for_a_stalled_reader_goes_on_once_that_is_abandoned);
    tcase_add_test(failures, finish_waits_for_no_stalled_reader_that_is_abandoned);
    tcase_add_test(failures, a_stalled_reader_is_waited_for_as_long_as_it_takes);
    tcase_add_test(failures, an_abandoned_reader_who_reads_gets_everything);
    tcase_add_test(failures, the_descriptor_stays_open);
    tcase_add_test(failures, no_file_is_finished);
    suite_add_tcase(suite, failures);
    return suite;
}
