#include "vmm/pause.h"

#include "vmm/machine.h"

#include <errno.h>
#include <time.h>

#define NS_IN_S  1000000000
#define NS_IN_MS 1000000

void pause_init(struct pause *pause)
{
    pthread_condattr_t clock;

    pthread_mutex_init(&pause->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&pause->changed, &clock);
    pthread_condattr_destroy(&clock);
    pause->running = 0;
    atomic_init(&pause->wanted, false);
}

void pause_destroy(struct pause *pause)
{
    pthread_cond_destroy(&pause->changed);
    pthread_mutex_destroy(&pause->lock);
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

static void release(struct pause *pause)
{
    atomic_store(&pause->wanted, false);
    pthread_cond_broadcast(&pause->changed);
}

static bool wait_for_change(struct pause *pause, const struct timespec *deadline)
{
    return pthread_cond_timedwait(&pause->changed, &pause->lock, deadline) != ETIMEDOUT;
}

bool pause_begin(struct machine *machine, unsigned timeout_ms)
{
    struct pause *pause = &machine->pause;
    const struct timespec deadline = time_after_ms(timeout_ms);
    bool resting = false;

    pthread_mutex_lock(&pause->lock);
    while (atomic_load(&pause->wanted) && wait_for_change(pause, &deadline))
        ;
    if (!atomic_load(&pause->wanted)) {
        atomic_store(&pause->wanted, true);
        machine_kick(machine);
        while (pause->running > 0 && wait_for_change(pause, &deadline))
            ;
        resting = pause->running == 0;
        if (!resting)
            release(pause);
    }
    pthread_mutex_unlock(&pause->lock);
    return resting;
}

void pause_end(struct machine *machine)
{
    struct pause *pause = &machine->pause;

    pthread_mutex_lock(&pause->lock);
    release(pause);
    pthread_mutex_unlock(&pause->lock);
}

void pause_rest(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    pause->running--;
    pthread_cond_broadcast(&pause->changed);
    while (atomic_load(&pause->wanted))
        pthread_cond_wait(&pause->changed, &pause->lock);
    pause->running++;
    pthread_mutex_unlock(&pause->lock);
}

void pause_leave(struct pause *pause)
{
    pthread_mutex_lock(&pause->lock);
    pause->running--;
    pthread_cond_broadcast(&pause->changed);
    pthread_mutex_unlock(&pause->lock);
}
