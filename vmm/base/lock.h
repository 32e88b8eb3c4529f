/*
 * A lock that costs two atomic operations and no call while there is no contention: for locks that every exit
 * takes. A zeroed lock is free. A thread that waits for it sleeps.
 */
#ifndef VMM_BASE_LOCK_H
#define VMM_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>

enum { LOCK_FREE, LOCK_HELD, LOCK_WANTED };

struct lock {
    atomic_int state; /* LOCK_WANTED: held, and a thread may sleep */
};

/* Sleep until the caller holds (lock); wake one thread that sleeps. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

/* Returns true if the caller holds it now. */
static inline bool lock_try(struct lock *lock)
{
    int state = LOCK_FREE;

    return atomic_compare_exchange_strong_explicit(&lock->state, &state, LOCK_HELD,
                                                   memory_order_acquire, memory_order_relaxed);
}

static inline void lock_take(struct lock *lock)
{
    if (!lock_try(lock))
        lock_wait(lock);
}

static inline void lock_release(struct lock *lock)
{
    if (atomic_exchange_explicit(&lock->state, LOCK_FREE, memory_order_release) == LOCK_WANTED)
        lock_wake(lock);
}

#endif
