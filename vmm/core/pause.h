/*
 * A pause: how many vCPUs run, and how many callers want them to rest.
 *
 * vmm/core/machine_pause.h pauses a machine; this is the count alone, without kicks.
 */
#ifndef VMM_CORE_PAUSE_H
#define VMM_CORE_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct pause {
    pthread_mutex_t lock; /* protects (running), and changes of (wanted) */
    pthread_cond_t changed;
    unsigned running;   /* vCPUs that are not at rest, and other threads after pause_enter() */
    atomic_uint wanted; /* pauses that have begun and not ended */
    /*
     * Held by the one caller that reads or changes the whole machine while all vCPUs rest: two
     * vCPUs that pause at the same time both count as resting.
     */
    pthread_mutex_t alone;
};

void pause_init(struct pause *pause);
void pause_finish(struct pause *pause);

/* (count) vCPUs run from now on, or are about to. */
void pause_start(struct pause *pause, unsigned count);

/* Begin a pause. (self): the caller is a vCPU's thread, which counts as resting from now on. */
void pause_want(struct pause *pause, bool self);

/*
 * Wait at most (timeout_ms) until all vCPUs rest. False: a vCPU does not rest, and this pause has
 * ended; a caller with (self) then continues once no other pause is wanted.
 */
bool pause_wait(struct pause *pause, unsigned timeout_ms, bool self);

/* End a pause. A caller with (self) continues once no other pause is wanted. */
void pause_release(struct pause *pause, bool self);

/*
 * For a thread that is not a vCPU's and changes devices at times: wait until no pause is wanted, and count as
 * running until pause_leave(). False: (stopping) was set, and pause_wake() called, before that.
 */
bool pause_enter(struct pause *pause, const atomic_bool *stopping);
void pause_wake(struct pause *pause);

/* For a vCPU's thread: rest until no pause is wanted; leave the count when the thread ends. */
void pause_rest(struct pause *pause);
void pause_leave(struct pause *pause);

#endif
