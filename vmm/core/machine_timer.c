#include "vmm/core/machine_timer.h"

#include "vmm/base/thread.h"
#include "vmm/core/machine.h"

static void *timer_thread(void *argument)
{
    struct machine *machine = argument;
    struct timer_list *timers = &machine->timers;

    while (timer_list_wait(timers) && pause_enter(&machine->pause, &timers->stopping)) {
        const bool ended = machine_outcome(machine) != OUTCOME_NONE;

        if (!ended)
            timer_list_fire(timers);
        pause_leave(&machine->pause);
        if (ended)
            break;
    }
    return NULL;
}

int machine_timers_start(struct machine *machine)
{
    int result;

    if (!machine->timers.first)
        return 0;
    atomic_store(&machine->timers.stopping, false);
    result = thread_start(&machine->timer_thread, timer_thread, machine);
    machine->has_timer_thread = result == 0;
    return result;
}

void machine_timers_stop(struct machine *machine)
{
    if (!machine->has_timer_thread)
        return;
    timer_list_stop(&machine->timers);
    pause_wake(&machine->pause);
    pthread_join(machine->timer_thread, NULL);
    machine->has_timer_thread = false;
}
