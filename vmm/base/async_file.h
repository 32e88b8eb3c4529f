/*
 * Bytes on their way to a file, written by a thread of their own: for recordings and traces, which
 * a vCPU must not wait for.
 *
 * What is put in lies in a ring until the thread writes it: at the latest after SPOOL_DELAY_MS, so
 * that a monitor that is killed leaves all but its last moments. Nothing is dropped silently: while
 * the ring is full whoever puts waits, and the waits are counted.
 *
 * A regular file always ends behind whole calls of spool_put(), unless a call passed half of the
 * ring or the monitor was killed in the middle of a write.
 */
#ifndef VMM_SPOOL_H
#define VMM_SPOOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_SIZE        (4u << 20) /* bytes of the ring, a power of two */
#define SPOOL_DELAY_MS    50
#define SPOOL_PATIENCE_MS 200 /* that an abandoned file may stall, all its stalls together */

struct spool;

/*
 * Write to (fd), which stays the caller's and open until spool_finish(). Once *(abandoned), a file
 * that stalls is not waited for longer than SPOOL_PATIENCE_MS; what it does not take is lost, which
 * spool_finish() tells. NULL: no memory or no thread.
 */
struct spool *spool_create(int fd, const atomic_bool *abandoned);

/* Put in all of (length) bytes, from any thread; several calls never mix. After a failure nothing is put. */
void spool_put(struct spool *spool, const void *bytes, size_t length);

/* The negative errno of the first failed write, or 0; -ETIMEDOUT: bytes were lost to a stalled file. */
int spool_failure(const struct spool *spool);

/* How many calls of spool_put() had to wait because the ring was full. */
uint64_t spool_waits(const struct spool *spool);

/* Write out all, end the thread and free (spool), which may be NULL. As spool_failure(). */
int spool_finish(struct spool *spool);

#endif
