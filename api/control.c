/* Ending, pausing and resuming a machine, from any thread. */
#include "api/access.h"

#include "vmm/base/clock.h"
#include "vmm/core/machine_pause.h"

#include <errno.h>
#include <time.h>

#define PAUSE_MS 1000 /* the longest wait for a vCPU */
#define NS_IN_MS 1000000

/* Between two boots there is no machine to stop, so (stopped) ends the next one. Before the run it ends a step. */
void minivmm_stop(struct minivmm_machine *machine)
{
    enum handle_state state;

    pthread_rwlock_rdlock(&machine->lock);
    state = atomic_load(&machine->state);
    if (state == HANDLE_LOADED || state == HANDLE_RUNNING || state == HANDLE_CHANGING)
        atomic_store(&machine->stopped, true);
    if (state == HANDLE_LOADED)
        machine_kick(&machine->machine);
    if (state == HANDLE_RUNNING && machine->made != HANDLE_NOTHING) {
        machine_stop(&machine->machine, OUTCOME_INTERRUPTED);
        atomic_store(&machine->machine.abandoned, true);
        machine_go_on(&machine->machine);
        machine_kick(&machine->machine);
    }
    pthread_rwlock_unlock(&machine->lock);
}

void minivmm_end(struct minivmm_vcpu *handle, int status)
{
    struct minivmm_machine *machine = minivmm_vcpu_machine(handle);
    bool counts;

    pthread_rwlock_rdlock(&machine->lock);
    counts = api_callback_vcpu(machine) == vcpu_behind(handle);
    if (counts)
        machine_end(&machine->machine, OUTCOME_GUEST, status);
    pthread_rwlock_unlock(&machine->lock);
    if (!counts)
        minivmm_notice(machine, "minivmm_end() counts in a callback of the vCPU's only");
}

/*
 * Pause the machine of this boot, whose lock is held shared. -EAGAIN: it or its vCPUs do not exist yet, or it
 * has just ended; -EINVAL: nothing runs; -ETIMEDOUT: not within (timeout_ms).
 */
static int pause_boot(struct minivmm_machine *handle, unsigned timeout_ms)
{
    struct machine *machine = &handle->machine;

    const enum handle_state state = atomic_load(&handle->state);

    if (state != HANDLE_RUNNING && state != HANDLE_CHANGING)
        return -EINVAL;
    if (state == HANDLE_CHANGING || handle->made == HANDLE_NOTHING ||
        machine_outcome(machine) != OUTCOME_NONE || !api_is_in_loop(&machine->vcpus[0], true))
        return -EAGAIN;
    if (!pause_begin(machine, timeout_ms, false))
        return machine_outcome(machine) == OUTCOME_NONE ? -ETIMEDOUT : -EAGAIN;
    if (machine_outcome(machine) == OUTCOME_NONE)
        return 0;
    pause_end(machine, false);
    return -EAGAIN;
}

/* Between boots, and at the start and end of the run: try again until the time is over. */
static int pause_run(struct minivmm_machine *machine)
{
    const uint64_t deadline = clock_now() + (uint64_t)PAUSE_MS * NS_IN_MS;
    int result;

    for (;;) {
        const uint64_t now = clock_now();

        if (now >= deadline)
            return -ETIMEDOUT;
        pthread_rwlock_rdlock(&machine->lock);
        result = pause_boot(machine, (unsigned)((deadline - now) / NS_IN_MS) + 1);
        pthread_rwlock_unlock(&machine->lock);
        if (result != -EAGAIN)
            return result;
        nanosleep(&(struct timespec){.tv_nsec = NS_IN_MS}, NULL);
    }
}

int minivmm_pause(struct minivmm_machine *machine, struct minivmm_error *error)
{
    enum handle_pause unpaused = HANDLE_UNPAUSED;
    int result;

    if (api_in_callback(machine))
        return api_refuse(error, -EDEADLK,
                          "a callback would wait for its own vCPU; call minivmm_pause() on another "
                          "thread");
    if (!atomic_compare_exchange_strong(&machine->pause, &unpaused, HANDLE_PAUSING))
        return api_refuse(error, -EALREADY, "the machine is paused; call minivmm_resume() first");
    result = pause_run(machine);
    atomic_store(&machine->pause, result < 0 ? HANDLE_UNPAUSED : HANDLE_PAUSED);
    if (result == -ETIMEDOUT)
        return api_refuse(error, result,
                          "a vCPU did not come to rest within %d ms, it may be in a callback; try "
                          "minivmm_pause() again",
                          PAUSE_MS);
    if (result < 0)
        return api_refuse(error, result,
                          "the machine does not run; minivmm_pause() is for the time of "
                          "minivmm_run()");
    return 0;
}

int minivmm_resume(struct minivmm_machine *machine, struct minivmm_error *error)
{
    enum handle_pause paused = HANDLE_PAUSED;

    if (api_in_callback(machine))
        return api_refuse(error, -EBUSY,
                          "a callback cannot let the machine go on; call minivmm_resume() when "
                          "minivmm_step() has returned");
    if (!atomic_compare_exchange_strong(&machine->pause, &paused, HANDLE_UNPAUSED))
        return api_refuse(error, -EINVAL, "the machine is not paused; call minivmm_pause() first");
    pause_end(&machine->machine, false);
    return 0;
}

void minivmm_continue(struct minivmm_machine *machine)
{
    pthread_rwlock_rdlock(&machine->lock);
    if (machine->made != HANDLE_NOTHING)
        machine_go_on(&machine->machine);
    pthread_rwlock_unlock(&machine->lock);
}
