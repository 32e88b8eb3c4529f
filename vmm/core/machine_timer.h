/*
 * The thread that fires the timers of a machine's devices: vmm/io/timer.h.
 *
 * A machine whose devices have no timer has no such thread. While the thread fires a timer it counts as running
 * for a pause, like a vCPU; while it waits it rests.
 */
#ifndef VMM_CORE_MACHINE_TIMER_H
#define VMM_CORE_MACHINE_TIMER_H

struct machine;

/* Start the thread if a device has a timer. 0 or -errno. After pause_start(). */
int machine_timers_start(struct machine *machine);

/* End it, if it was started: no timer fires after this. */
void machine_timers_stop(struct machine *machine);

#endif
