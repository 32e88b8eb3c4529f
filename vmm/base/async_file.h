/*
 * Bytes on their way to a file, written by a thread of their own: for recordings and traces, which
 * a vCPU must not wait for.
 *
 * What is put in lies in a ring until the thread writes it: at the latest after ASYNC_FILE_DELAY_MS, so
 * that a monitor that is killed leaves all but its last moments. Nothing is dropped silently: while
 * the ring is full whoever puts waits, and the waits are counted.
 *
 * A regular file always ends behind whole calls of async_file_put(), unless a call passed half of the
 * ring or the monitor was killed in the middle of a write.
 */
#ifndef VMM_BASE_ASYNC_FILE_H
#define VMM_BASE_ASYNC_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ASYNC_FILE_SIZE        (4u << 20) /* bytes of the ring, a power of two */
#define ASYNC_FILE_DELAY_MS    50
#define ASYNC_FILE_PATIENCE_MS 200 /* that an abandoned file may stall, all its stalls together */

struct async_file;

/*
 * Write to (fd), which stays the caller's and open until async_file_finish(). Once *(abandoned), a file
 * that stalls is not waited for longer than ASYNC_FILE_PATIENCE_MS; what it does not take is lost, which
 * async_file_finish() tells. NULL: no memory or no thread.
 */
struct async_file *async_file_create(int fd, const atomic_bool *abandoned);

/* Put in all of (length) bytes, from any thread; several calls never mix. After a failure nothing is put. */
void async_file_put(struct async_file *spool, const void *bytes, size_t length);

/* The negative errno of the first failed write, or 0; -ETIMEDOUT: bytes were lost to a stalled file. */
int async_file_failure(const struct async_file *spool);

/* How many calls of async_file_put() had to wait because the ring was full. */
uint64_t async_file_waits(const struct async_file *spool);

/* Write out all, end the thread and free (spool), which may be NULL. As async_file_failure(). */
int async_file_finish(struct async_file *spool);

#endif
