/*
 * Timers of devices: a device asks for a call at a time of the machine's clock.
 *
 * A device embeds struct device_timer, initializes it in create() and sets it in its ops. When the
 * deadline has come, the machine calls expire() like an op: under the device's lock, and with a journal
 * as an event of its own. A device needs no thread, no clock and no lock for it. The machine has one
 * thread for all timers, see vmm/core/machine_timer.h. Timers wait while the machine rests, and none
 * fires once it has ended. A replay fires them where its stream says so.
 *
 * Deadlines are nanoseconds of machine_clock(). A checkpoint saves them with the device, and the clock of
 * the restored machine continues where it was. A reset of the device cancels its timers.
 *
 * A deadline in the past means at once, but the same timer fires at most once in TIMER_INTERVAL_NS, so
 * a guest that sets deadlines as fast as it can takes less than one core.
 *
 * Order of locks: the journal's, the device's, the list's.
 */
#ifndef VMM_IO_TIMER_H
#define VMM_IO_TIMER_H

#include "vmm/io/device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TIMER_NEVER       UINT64_MAX /* as a deadline: the timer is not set */
#define TIMER_INTERVAL_NS 10000

struct journal;
struct timer_list;

struct device_timer {
    struct device *device;
    /* (deadline) has come; the timer is not set any more. The function may set it again. */
    void (*expire)(struct device_timer *timer, uint64_t deadline);
    struct timer_list *list;
    struct device_timer *next;           /* of the machine */
    struct device_timer *next_of_device; /* in order of device_timer_init() */
    char name
        [DEVICE_NAME_MAX]; /* the device's, and from the second timer on its index: "alarm.0.1" */
    uint64_t deadline;     /* the list's lock is held for it; TIMER_NEVER: not set */
    uint64_t earliest;     /* of clock_now(): it does not fire before */
};

/* All timers of a machine. */
struct timer_list {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a deadline is before (awaited), or (stopping) */
    struct device_timer *first;
    struct journal *journal; /* NULL: a plain run */
    uint64_t offset;         /* machine_clock() - clock_now(), modulo 2^64 */
    uint64_t awaited;        /* until when the thread waits, of the machine's clock */
    atomic_bool stopping;    /* the thread must end */
};

/* ---- for devices ---- */

/*
 * For create(): let (timer) be a timer of (device) that is not set. (list) is device->machine->timers. The
 * timer lies in the device's instance. Ops of a DEVICE_LOCKED type run under the device's lock then, also with
 * one vCPU; ops of a DEVICE_LOCK_FREE type take it themselves where they use what expire() uses.
 */
void device_timer_init(struct timer_list *list, struct device_timer *timer, struct device *device,
                       void (*expire)(struct device_timer *timer, uint64_t deadline));

/* For ops and expire(), under the device's lock: fire at (deadline), in place of an earlier deadline. */
void device_timer_set(struct device_timer *timer, uint64_t deadline);

/* The same for TIMER_NEVER: it does not fire. Cancelling a timer that is not set does nothing. */
void device_timer_cancel(struct device_timer *timer);

/* Returns the deadline, or TIMER_NEVER. */
uint64_t device_timer_deadline(struct device_timer *timer);

static inline bool device_timer_is_set(struct device_timer *timer)
{
    return device_timer_deadline(timer) != TIMER_NEVER;
}

/* ---- for the machine ---- */

void timer_list_init(struct timer_list *list);
void timer_list_destroy(struct timer_list *list);

/* Remove or cancel all timers of (device). No timer thread runs, or all rest. */
void timer_list_remove(struct timer_list *list, const struct device *device);
void timer_list_cancel(struct timer_list *list, const struct device *device);

/* Returns the timer (name), or NULL. */
struct device_timer *timer_list_find(const struct timer_list *list, const char *name);

/* Returns the machine's clock; and lets it be (now), which shifts no deadline. No timer thread runs. */
uint64_t timer_list_clock(const struct timer_list *list);
void timer_list_set_clock(struct timer_list *list, uint64_t now);

/* Wait until a timer is due. False: timer_list_stop() was called. */
bool timer_list_wait(struct timer_list *list);
void timer_list_stop(struct timer_list *list);

/* Fire one timer that is due, if there is one. No lock is held. */
void timer_list_fire(struct timer_list *list);

/* Fire (timer) whatever the time is, for replays and tests. False: it is not set. */
bool device_timer_fire(struct device_timer *timer);

/* For loading a state: let the deadline be (deadline) without an effect. */
void device_timer_restore(struct device_timer *timer, uint64_t deadline);

#endif
