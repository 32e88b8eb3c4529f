#include "vmm/base/async_file.h"

#include "vmm/base/thread.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define HALF           (ASYNC_FILE_SIZE / 2)
#define STALL_CHECK_MS 10 /* how often a stalled writer checks (abandoned) */
#define NS_IN_MS       1000000l
#define NS_IN_S        1000000000l

struct async_file {
    int fd;
    bool stalls; /* a write may block: the file is not a regular file or a disk */
    unsigned
        patience; /* failed polls that are left once abandoned; used by the writer thread only */
    const atomic_bool *abandoned;
    uint8_t *ring;
    pthread_t writer;

    pthread_mutex_t
        lock; /* protects the fields below; the writer reads (tail) to (head) without it */
    pthread_cond_t filled;  /* the ring is half full, or (ending) is set */
    pthread_cond_t emptied; /* there is room, the file failed, or (waiting) was cleared */
    uint64_t head, tail;    /* bytes put and bytes written since the ring was last empty */
    bool waiting;           /* a caller puts bytes in parts; other callers wait for it */
    bool ending;
    atomic_int failure; /* a negative errno; set once */
    _Atomic uint64_t waits;
};

static size_t used(const struct async_file *file)
{
    return (size_t)(file->head - file->tail);
}

static bool failed(const struct async_file *file)
{
    return atomic_load_explicit(&file->failure, memory_order_relaxed) != 0;
}

/* Copy bytes into the ring, which has room for them. Wakes the writer when the ring gets half full. */
static void copy_in(struct async_file *file, const uint8_t *bytes, size_t length)
{
    const size_t start = file->head % ASYNC_FILE_SIZE;
    const size_t to_end = ASYNC_FILE_SIZE - start;
    const size_t first = length < to_end ? length : to_end;
    const bool was_low = used(file) < HALF;

    memcpy(file->ring + start, bytes, first);
    memcpy(file->ring, bytes + first, length - first);
    file->head += length;
    if (was_low && used(file) >= HALF)
        pthread_cond_signal(&file->filled);
}

/*
 * Put bytes that the ring has no room for. Up to half of the ring is copied in one piece, so that a
 * batch of the writer ends after whole calls.
 */
static void put_in_parts(struct async_file *file, const uint8_t *bytes, size_t length)
{
    file->waits++;
    while (file->waiting && !failed(file))
        pthread_cond_wait(&file->emptied, &file->lock);
    file->waiting = true;
    while (length && !failed(file)) {
        const size_t part = length < HALF ? length : HALF;

        if (ASYNC_FILE_SIZE - used(file) < part) {
            pthread_cond_wait(&file->emptied, &file->lock);
            continue;
        }
        copy_in(file, bytes, part);
        bytes += part;
        length -= part;
    }
    file->waiting = false;
    pthread_cond_broadcast(&file->emptied);
}

void async_file_write(struct async_file *file, const void *bytes, size_t length)
{
    if (failed(file))
        return;
    pthread_mutex_lock(&file->lock);
    if (!file->waiting && length <= ASYNC_FILE_SIZE - used(file))
        copy_in(file, bytes, length);
    else
        put_in_parts(file, bytes, length);
    pthread_mutex_unlock(&file->lock);
}

static bool is_abandoned(const struct async_file *file)
{
    return file->abandoned && atomic_load_explicit(file->abandoned, memory_order_acquire);
}

/* Wait until a write of PIPE_BUF bytes does not block, and return 0; a negative errno: give up. */
static int await_reader(struct async_file *file)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = file->fd, .events = POLLOUT};
        const bool abandoned = is_abandoned(file);
        const int ready = poll(&poll_fd, 1, STALL_CHECK_MS);

        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0 && abandoned && file->patience-- == 0)
            return -ETIMEDOUT;
    }
}

/* Write some of the (length) bytes at (from). Returns their number, 0 to try again, or a negative errno. */
static ssize_t write_some(struct async_file *file, uint64_t from, size_t length)
{
    const size_t start = from % ASYNC_FILE_SIZE;
    struct iovec pieces[2] = {{.iov_base = file->ring + start}, {.iov_base = file->ring}};
    ssize_t written;

    if (file->stalls) {
        const int result = await_reader(file);

        if (result < 0)
            return result;
        if (length > PIPE_BUF)
            length = PIPE_BUF;
    }
    pieces[0].iov_len = length < ASYNC_FILE_SIZE - start ? length : ASYNC_FILE_SIZE - start;
    pieces[1].iov_len = length - pieces[0].iov_len;
    written = writev(file->fd, pieces, pieces[1].iov_len ? 2 : 1);
    if (written > 0)
        return written;
    if (written == 0)
        return -EIO;
    return errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

/* Write the present content of the ring. Called with the lock, which is released during each write. */
static void write_batch(struct async_file *file)
{
    const uint64_t end = file->head;

    while (file->tail < end && !failed(file)) {
        const uint64_t from = file->tail;
        ssize_t written;

        pthread_mutex_unlock(&file->lock);
        written = write_some(file, from, (size_t)(end - from));
        pthread_mutex_lock(&file->lock);
        if (written < 0)
            file->failure = (int)written;
        else
            file->tail += (uint64_t)written;
        pthread_cond_broadcast(&file->emptied);
    }
    /* Start again at the first page, so that a ring that is seldom full uses few pages of memory. */
    if (file->tail == file->head)
        file->head = file->tail = 0;
}

static struct timespec delay_from_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += ASYNC_FILE_DELAY_MS * NS_IN_MS;
    if (time.tv_nsec >= NS_IN_S) {
        time.tv_nsec -= NS_IN_S;
        time.tv_sec++;
    }
    return time;
}

static void *writer_thread(void *argument)
{
    struct async_file *file = argument;

    pthread_mutex_lock(&file->lock);
    while (!failed(file) && (!file->ending || used(file))) {
        const struct timespec until = delay_from_now();
        int result = 0;

        while (result == 0 && !file->ending && used(file) < HALF)
            result = pthread_cond_timedwait(&file->filled, &file->lock, &until);
        write_batch(file);
    }
    pthread_mutex_unlock(&file->lock);
    return NULL;
}

static void destroy(struct async_file *file)
{
    munmap(file->ring, ASYNC_FILE_SIZE);
    pthread_cond_destroy(&file->emptied);
    pthread_cond_destroy(&file->filled);
    pthread_mutex_destroy(&file->lock);
    free(file);
}

static void init_locks(struct async_file *file)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->filled, &monotonic);
    pthread_cond_init(&file->emptied, NULL);
    pthread_condattr_destroy(&monotonic);
}

/* A regular file or a disk has no reader that could block a write. */
static bool may_stall(int fd)
{
    struct stat status;

    return fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode));
}

struct async_file *async_file_create(int fd, const atomic_bool *abandoned)
{
    struct async_file *file = calloc(1, sizeof(*file));
    void *ring =
        mmap(NULL, ASYNC_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (!file || ring == MAP_FAILED) {
        free(file);
        if (ring != MAP_FAILED)
            munmap(ring, ASYNC_FILE_SIZE);
        return NULL;
    }
    madvise(ring, ASYNC_FILE_SIZE, MADV_NOHUGEPAGE); /* else the first byte takes 2 MiB */
    file->fd = fd;
    file->stalls = may_stall(fd);
    file->patience = ASYNC_FILE_PATIENCE_MS / STALL_CHECK_MS;
    file->abandoned = abandoned;
    file->ring = ring;
    init_locks(file);
    if (thread_start(&file->writer, writer_thread, file) < 0) {
        destroy(file);
        return NULL;
    }
    return file;
}

int async_file_failure(const struct async_file *file)
{
    return atomic_load(&file->failure);
}

uint64_t async_file_waits(const struct async_file *file)
{
    return atomic_load(&file->waits);
}

int async_file_destroy(struct async_file *file)
{
    int failure;

    if (!file)
        return 0;
    pthread_mutex_lock(&file->lock);
    file->ending = true;
    pthread_cond_signal(&file->filled);
    pthread_mutex_unlock(&file->lock);
    pthread_join(file->writer, NULL);
    failure = async_file_failure(file);
    destroy(file);
    return failure;
}
