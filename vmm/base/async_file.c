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
#define STALL_CHECK_MS 10 /* how often a stalled file is asked whether it is abandoned */
#define NS_IN_MS       1000000l
#define NS_IN_S        1000000000l

struct async_file {
    int fd;
    bool stalls;       /* the file has a reader, who may not read */
    unsigned patience; /* polls in vain that are left once abandoned; the writer's own */
    const atomic_bool *abandoned;
    uint8_t *ring;
    pthread_t writer;

    pthread_mutex_t lock;   /* of what follows; the bytes from (tail) to (head) are the writer's */
    pthread_cond_t filled;  /* half of the ring, or (ending) */
    pthread_cond_t emptied; /* there is room, the file failed, or (waiting) has ended */
    uint64_t head, tail;    /* bytes put and bytes written since the ring was last empty */
    bool waiting;           /* somebody puts in parts, waiting for room: others wait behind */
    bool ending;
    atomic_int failure; /* a negative errno; set once */
    _Atomic uint64_t waits;
};

static size_t used(const struct async_file *spool)
{
    return (size_t)(spool->head - spool->tail);
}

static bool failed(const struct async_file *spool)
{
    return atomic_load_explicit(&spool->failure, memory_order_relaxed) != 0;
}

/* There is room for it. The writer is woken once for each time that the ring fills. */
static void copy_in(struct async_file *spool, const uint8_t *bytes, size_t length)
{
    const size_t start = spool->head % ASYNC_FILE_SIZE;
    const size_t to_end = ASYNC_FILE_SIZE - start;
    const size_t first = length < to_end ? length : to_end;
    const bool was_low = used(spool) < HALF;

    memcpy(spool->ring + start, bytes, first);
    memcpy(spool->ring, bytes + first, length - first);
    spool->head += length;
    if (was_low && used(spool) >= HALF)
        pthread_cond_signal(&spool->filled);
}

/* Up to half of the ring goes in as a whole: whatever the writer takes ends behind it. */
static void put_in_parts(struct async_file *spool, const uint8_t *bytes, size_t length)
{
    spool->waits++;
    while (spool->waiting && !failed(spool))
        pthread_cond_wait(&spool->emptied, &spool->lock);
    spool->waiting = true;
    while (length && !failed(spool)) {
        const size_t part = length < HALF ? length : HALF;

        if (ASYNC_FILE_SIZE - used(spool) < part) {
            pthread_cond_wait(&spool->emptied, &spool->lock);
            continue;
        }
        copy_in(spool, bytes, part);
        bytes += part;
        length -= part;
    }
    spool->waiting = false;
    pthread_cond_broadcast(&spool->emptied);
}

void async_file_put(struct async_file *spool, const void *bytes, size_t length)
{
    if (failed(spool))
        return;
    pthread_mutex_lock(&spool->lock);
    if (!spool->waiting && length <= ASYNC_FILE_SIZE - used(spool))
        copy_in(spool, bytes, length);
    else
        put_in_parts(spool, bytes, length);
    pthread_mutex_unlock(&spool->lock);
}

static bool is_abandoned(const struct async_file *spool)
{
    return spool->abandoned && atomic_load_explicit(spool->abandoned, memory_order_acquire);
}

/* 0: PIPE_BUF bytes can be written without waiting, or with an error. A negative errno: give up. */
static int await_reader(struct async_file *spool)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = spool->fd, .events = POLLOUT};
        const bool abandoned = is_abandoned(spool);
        const int ready = poll(&poll_fd, 1, STALL_CHECK_MS);

        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0 && abandoned && spool->patience-- == 0)
            return -ETIMEDOUT;
    }
}

/* Write some of the (length) bytes from (from) on: how many, 0 to try again, or a negative errno. */
static ssize_t write_some(struct async_file *spool, uint64_t from, size_t length)
{
    const size_t start = from % ASYNC_FILE_SIZE;
    struct iovec pieces[2] = {{.iov_base = spool->ring + start}, {.iov_base = spool->ring}};
    ssize_t written;

    if (spool->stalls) {
        const int result = await_reader(spool);

        if (result < 0)
            return result;
        if (length > PIPE_BUF)
            length = PIPE_BUF;
    }
    pieces[0].iov_len = length < ASYNC_FILE_SIZE - start ? length : ASYNC_FILE_SIZE - start;
    pieces[1].iov_len = length - pieces[0].iov_len;
    written = writev(spool->fd, pieces, pieces[1].iov_len ? 2 : 1);
    if (written > 0)
        return written;
    if (written == 0)
        return -EIO;
    return errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

/* Write all that the ring holds at the moment. Locked, but not while the file is busy. */
static void write_batch(struct async_file *spool)
{
    const uint64_t end = spool->head;

    while (spool->tail < end && !failed(spool)) {
        const uint64_t from = spool->tail;
        ssize_t written;

        pthread_mutex_unlock(&spool->lock);
        written = write_some(spool, from, (size_t)(end - from));
        pthread_mutex_lock(&spool->lock);
        if (written < 0)
            spool->failure = (int)written;
        else
            spool->tail += (uint64_t)written;
        pthread_cond_broadcast(&spool->emptied);
    }
    /* A ring that is seldom full touches only its first pages. */
    if (spool->tail == spool->head)
        spool->head = spool->tail = 0;
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
    struct async_file *spool = argument;

    pthread_mutex_lock(&spool->lock);
    while (!failed(spool) && (!spool->ending || used(spool))) {
        const struct timespec until = delay_from_now();
        int result = 0;

        while (result == 0 && !spool->ending && used(spool) < HALF)
            result = pthread_cond_timedwait(&spool->filled, &spool->lock, &until);
        write_batch(spool);
    }
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

static void destroy(struct async_file *spool)
{
    munmap(spool->ring, ASYNC_FILE_SIZE);
    pthread_cond_destroy(&spool->emptied);
    pthread_cond_destroy(&spool->filled);
    pthread_mutex_destroy(&spool->lock);
    free(spool);
}

static void init_locks(struct async_file *spool)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&spool->lock, NULL);
    pthread_cond_init(&spool->filled, &monotonic);
    pthread_cond_init(&spool->emptied, NULL);
    pthread_condattr_destroy(&monotonic);
}

/* Nobody can keep a write to a disk waiting. */
static bool may_stall(int fd)
{
    struct stat status;

    return fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode));
}

struct async_file *async_file_create(int fd, const atomic_bool *abandoned)
{
    struct async_file *spool = calloc(1, sizeof(*spool));
    void *ring =
        mmap(NULL, ASYNC_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (!spool || ring == MAP_FAILED) {
        free(spool);
        if (ring != MAP_FAILED)
            munmap(ring, ASYNC_FILE_SIZE);
        return NULL;
    }
    madvise(ring, ASYNC_FILE_SIZE, MADV_NOHUGEPAGE); /* which would be 2 MiB for the first byte */
    spool->fd = fd;
    spool->stalls = may_stall(fd);
    spool->patience = ASYNC_FILE_PATIENCE_MS / STALL_CHECK_MS;
    spool->abandoned = abandoned;
    spool->ring = ring;
    init_locks(spool);
    if (thread_start(&spool->writer, writer_thread, spool) < 0) {
        destroy(spool);
        return NULL;
    }
    return spool;
}

int async_file_failure(const struct async_file *spool)
{
    return atomic_load(&spool->failure);
}

uint64_t async_file_waits(const struct async_file *spool)
{
    return atomic_load(&spool->waits);
}

int async_file_finish(struct async_file *spool)
{
    int failure;

    if (!spool)
        return 0;
    pthread_mutex_lock(&spool->lock);
    spool->ending = true;
    pthread_cond_signal(&spool->filled);
    pthread_mutex_unlock(&spool->lock);
    pthread_join(spool->writer, NULL);
    failure = async_file_failure(spool);
    destroy(spool);
    return failure;
}
