/*
 * Observers of a machine: they are called with the times of each exit, and at milestones of the
 * guest.
 *
 * An owner adds its observer before the first vCPU runs, removes it after the last has stopped, and
 * does not move it in between. A machine without observers takes no time stamps. Observers are
 * called in the order in which they were added.
 */
#ifndef VMM_CORE_OBSERVER_H
#define VMM_CORE_OBSERVER_H

#include <stdint.h>

struct vcpu;

/* Times of an exit, in nanoseconds of clock_now(). */
struct exit_times {
    uint64_t entered; /* KVM_RUN was called */
    uint64_t exited;  /* KVM_RUN returned */
    uint64_t handled; /* the exit was handled */
};

struct observer {
    /*
     * The exit in the run page of (vcpu), the last one in its history, was handled. On the vCPU's
     * thread. May be NULL.
     */
    void (*exit)(struct observer *observer, struct vcpu *vcpu, const struct exit_times *times);

    /*
     * The guest reported a milestone: (name) is static text without quotes, "marker" or "post". On
     * any vCPU's thread. May be NULL.
     */
    void (*milestone)(struct observer *observer, const char *name, uint64_t value);

    struct observer *next;
};

static inline void observer_add(struct observer **list, struct observer *observer)
{
    while (*list)
        list = &(*list)->next;
    observer->next = *list;
    *list = observer;
}

/* Does nothing if it is not in the list. */
static inline void observer_remove(struct observer **list, const struct observer *observer)
{
    while (*list && *list != observer)
        list = &(*list)->next;
    if (*list)
        *list = observer->next;
}

#endif
