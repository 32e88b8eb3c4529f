/*
 * Bringing all vCPUs to rest, and letting them go on, from any other thread.
 *
 * Whoever pauses counts up (wanted) and kicks the vCPUs; each comes to rest between two KVM_RUNs, where
 * nothing of an exit is half done, until nobody wants a pause. (running) counts those that have not.
 */
#ifndef VMM_CORE_PAUSE_H
#define VMM_CORE_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct machine;

struct pause {
    pthread_mutex_t lock; /* of (running), and of changes of (wanted) */
    pthread_cond_t changed;
    unsigned running;
    atomic_uint wanted; /* pauses that have begun and not ended */
    /*
     * Held by the one caller that reads or changes the whole machine while all vCPUs rest: two vCPUs that
     * pause at the same time both count as resting.
     */
    pthread_mutex_t alone;
};

void pause_init(struct pause *pause);
void pause_destroy(struct pause *pause);

/* From now on (count) vCPUs run, or are about to. */
void pause_start(struct pause *pause, unsigned count);

/*
 * Wait at most (timeout_ms) until all vCPUs rest. True: they do, until pause_end(). False: one of
 * them was in the middle of something, such as a write that blocks, and all run on. (self): the caller
 * is a vCPU's thread between two KVM_RUNs, which rests too while it waits.
 */
bool pause_begin(struct machine *machine, unsigned timeout_ms, bool self);
void pause_end(struct machine *machine, bool self);

/* The same without waiting: they come to rest, and stay so until pause_end(). */
void pause_hold(struct machine *machine);

/* A vCPU's thread: in its loop, before each KVM_RUN, once (wanted) is seen; and when it leaves. */
void pause_rest(struct pause *pause);
void pause_leave(struct pause *pause);

#endif
