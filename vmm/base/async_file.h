/*
 * A file that a thread of its own writes: for recordings and traces, which must not block a vCPU.
 *
 * Bytes are put into a ring. The thread writes them after at most ASYNC_FILE_DELAY_MS, so a monitor
 * that is killed loses only its last moments. Nothing is dropped silently: while the ring is full,
 * async_file_write() waits, and the waits are counted.
 *
 * A regular file always ends with a whole call of async_file_write(), unless a call had more bytes than
 * half of the ring, or the monitor was killed during a write.
 */
#ifndef VMM_BASE_ASYNC_FILE_H
#define VMM_BASE_ASYNC_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ASYNC_FILE_SIZE        (4u << 20) /* bytes of the ring, a power of two */
#define ASYNC_FILE_DELAY_MS    50
#define ASYNC_FILE_PATIENCE_MS 200 /* total time that an abandoned file may stall */

struct async_file;

/*
 * Write to (fd), which the caller owns and keeps open until async_file_destroy(). Once *(abandoned) is
 * true, a stalled file is waited for at most ASYNC_FILE_PATIENCE_MS; bytes that it does not take are
 * lost, and async_file_destroy() returns -ETIMEDOUT. (abandoned) may be NULL. Returns NULL if memory
 * runs out or the thread cannot be started.
 */
struct async_file *async_file_create(int fd, const atomic_bool *abandoned);

/* Put (length) bytes, from any thread; calls never mix. After a failure the bytes are dropped. */
void async_file_write(struct async_file *file, const void *bytes, size_t length);

/* Returns 0 or the negative errno of the first failed write; -ETIMEDOUT: a stalled file lost bytes. */
int async_file_failure(const struct async_file *file);

/* Returns how many calls of async_file_write() had to wait because the ring was full. */
uint64_t async_file_waits(const struct async_file *file);

/* Write the rest, end the thread and free (file), which may be NULL. Returns as async_file_failure(). */
int async_file_destroy(struct async_file *file);

#endif
