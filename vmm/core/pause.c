#include "vmm/core/pause.h"

#include <errno.h>
#include <time.h>

#define NS_IN_S  1000000000
#define NS_IN_MS 1000000

void pause_init(struct pause *pause)
{
    pthread_condattr_t clock;

    pthread_mutex_init(&pause->lock, NULL);
    pthread_mutex_init(&pause->alone, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&pause->changed, &clock);
    pthread_condattr_destroy(&clock);
    pause->running = 0;
    atomic_init(&pause->wanted, 0);
}

void pause_finish(struct pause *pause)
{
    pthread_cond_destroy(&pause->changed);
    pthread_mutex_destroy(&pause->lock);
    pthread_mutex_destroy(&pause->alone);
}

void pause_start(struct pause *pause, unsigned count)
{
    pthread_mutex_lock(&pause->lock);
    pause->running = count;
    pthread_mutex_unlock(&pause->lock);
}

static struct timespec time_after_ms(unsigned ms)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_nsec += (long)(ms % 1000) * NS_IN_MS;
    time.tv_sec += ms / 1000 + time.tv_nsec / NS_IN_S;
    time.tv_nsec %= NS_IN_S;
    return time;
}

static bool wait_for_change(struct pause *pause, const struct timespec *deadline)
{
    return pthread_cond_timedwait(&pause->changed, &pause->lock, deadline) != ETIMEDOUT;
}

/* Bring the caller's vCPU to rest, or let it continue once no pause is wanted. The lock is held. */
static void stop_running(struct pause *pause)
{
    pause->running--;
    pthread_cond_broadcast(&pause->changed);
}

static void run_on(struct pause *pause)
{
    while (atomic_load(&pause->wanted))
        pthread_cond_wait(&pause->changed, &pause->lock);
    pause->running++;
}

static void release(struct pause *pause, bool self)
{
    atomic_fetch_sub(&pause->wanted, 1);
    pthread_cond_broadcast(&pause->changed);
    if (self)
        run_on(pause);
}

void pause_want(struct pause *pause, bool self)
{
    pthread_mutex_lock(&pause->lock);
    if (self)
        stop_running(pause);
    atomic_fetch_add(&pause->wanted, 1);
    pthread_mutex_unlock(&pause->lock);
}

bool pause_wait(struct pause *pause, unsigned timeout_ms, bool self)
{
    const struct timespec deadline = time_after_ms(timeout_ms);
    bool resting;

    pthread_mutex_lock(&pause->lock);
    while (pause->running > 0 && wait_for_change(pause, &deadline))
        ;
    resting = pause->running == 0;
    if (!resting)
        release(pause, self);
    pthread_mutex_unlock(&pause->lock);
    return resting;
}

void pause_release(struct pause *pause, bool self)
{
    pthread_mutex_lock(&pause->lock);
    release(pause, self);
    pthread_mutex_unlock(&pause->lock);
}

void pause_rest(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    stop_running(pause);
    run_on(pause);
    pthread_mutex_unlock(&pause->lock);
}

bool pause_enter(struct pause *pause, const atomic_bool *stopping)
{
    bool entered;

    pthread_mutex_lock(&pause->lock);
    while (atomic_load(&pause->wanted) && !atomic_load(stopping))
        pthread_cond_wait(&pause->changed, &pause->lock);
    entered = !atomic_load(stopping);
    pause->running += entered;
    pthread_mutex_unlock(&pause->lock);
    return entered;
}

void pause_wake(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    pthread_cond_broadcast(&pause->changed);
    pthread_mutex_unlock(&pause->lock);
}

void pause_leave(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    pause->running--;
    pthread_cond_broadcast(&pause->changed);
    pthread_mutex_unlock(&pause->lock);
}
