#include "vmm/io/timer.h"

#include "vmm/base/clock.h"
#include "vmm/io/journal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_IN_S 1000000000u

void timer_list_init(struct timer_list *list)
{
    pthread_condattr_t clock;

    memset(list, 0, sizeof(*list));
    list->awaited = TIMER_NEVER;
    pthread_mutex_init(&list->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&list->changed, &clock);
    pthread_condattr_destroy(&clock);
}

void timer_list_destroy(struct timer_list *list)
{
    pthread_cond_destroy(&list->changed);
    pthread_mutex_destroy(&list->lock);
}

void device_timer_init(struct timer_list *list, struct device_timer *timer, struct device *device,
                       void (*expire)(struct device_timer *timer, uint64_t deadline))
{
    struct device_timer **end = &device->timers;
    unsigned index = 0;

    *timer = (struct device_timer){
        .device = device,
        .expire = expire,
        .list = list,
        .next = list->first,
        .deadline = TIMER_NEVER,
    };
    for (; *end; end = &(*end)->next_of_device)
        index++;
    *end = timer;
    list->first = timer;
    if (index)
        snprintf(timer->name, sizeof(timer->name), "%.20s.%u", device->name, index);
    else
        memcpy(timer->name, device->name, sizeof(timer->name));
    device->locked = device->type->locking == DEVICE_LOCKED;
}

/* The deadline in the timer's place. Returns the one before. */
static uint64_t exchange(struct device_timer *timer, uint64_t deadline)
{
    struct timer_list *list = timer->list;
    uint64_t before;

    pthread_mutex_lock(&list->lock);
    before = timer->deadline;
    timer->deadline = deadline;
    if (deadline < list->awaited)
        pthread_cond_signal(&list->changed);
    pthread_mutex_unlock(&list->lock);
    return before;
}

static void record_setting(const struct device_timer *timer, uint64_t deadline)
{
    const bool set = deadline != TIMER_NEVER;
    char words[DEVICE_NAME_MAX + sizeof("timer  off")];

    snprintf(words, sizeof(words), "timer %s%s", timer->name, set ? "" : " off");
    journal_record_effect(timer->list->journal, words, &deadline, set, false);
}

void device_timer_set(struct device_timer *timer, uint64_t deadline)
{
    if (exchange(timer, deadline) != deadline && journal_is_open(timer->list->journal))
        record_setting(timer, deadline);
}

void device_timer_cancel(struct device_timer *timer)
{
    device_timer_set(timer, TIMER_NEVER);
}

uint64_t device_timer_deadline(struct device_timer *timer)
{
    uint64_t deadline;

    pthread_mutex_lock(&timer->list->lock);
    deadline = timer->deadline;
    pthread_mutex_unlock(&timer->list->lock);
    return deadline;
}

void device_timer_restore(struct device_timer *timer, uint64_t deadline)
{
    exchange(timer, deadline);
}

void timer_list_remove(struct timer_list *list, const struct device *device)
{
    struct device_timer **at = &list->first;

    while (*at) {
        if ((*at)->device == device)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

void timer_list_cancel(struct timer_list *list, const struct device *device)
{
    pthread_mutex_lock(&list->lock);
    for (struct device_timer *timer = list->first; timer; timer = timer->next)
        if (timer->device == device)
            timer->deadline = TIMER_NEVER;
    pthread_mutex_unlock(&list->lock);
}

struct device_timer *timer_list_find(const struct timer_list *list, const char *name)
{
    struct device_timer *timer = list->first;

    while (timer && strcmp(timer->name, name) != 0)
        timer = timer->next;
    return timer;
}

uint64_t timer_list_clock(const struct timer_list *list)
{
    return clock_now() + list->offset;
}

void timer_list_set_clock(struct timer_list *list, uint64_t now)
{
    list->offset = now - clock_now();
}

/* ---- firing ---- */

/* Nanoseconds until (timer) is due; 0: it is, TIMER_NEVER: it is not set. The lock is held. */
static uint64_t time_left(const struct device_timer *timer, uint64_t host_now)
{
    const uint64_t now = host_now + timer->list->offset;
    const uint64_t left = timer->deadline > now ? timer->deadline - now : 0;
    const uint64_t least = timer->earliest > host_now ? timer->earliest - host_now : 0;

    if (timer->deadline == TIMER_NEVER)
        return TIMER_NEVER;
    return left > least ? left : least;
}

/* Returns the timer that is due first, NULL if no timer is set, with its *left. The lock is held. */
static struct device_timer *find_first(const struct timer_list *list, uint64_t host_now,
                                       uint64_t *left)
{
    struct device_timer *first = NULL;

    *left = TIMER_NEVER;
    for (struct device_timer *timer = list->first; timer; timer = timer->next) {
        const uint64_t timer_left = time_left(timer, host_now);

        if (timer_left < *left) {
            first = timer;
            *left = timer_left;
        }
    }
    return first;
}

/* The lock is held. */
static void wait_for(struct timer_list *list, uint64_t host_now, uint64_t left)
{
    const uint64_t until = left < TIMER_NEVER - host_now ? host_now + left : TIMER_NEVER;
    const struct timespec time = {.tv_sec = (time_t)(until / NS_IN_S),
                                  .tv_nsec = (long)(until % NS_IN_S)};

    list->awaited = left == TIMER_NEVER ? TIMER_NEVER : host_now + list->offset + left;
    if (left == TIMER_NEVER)
        pthread_cond_wait(&list->changed, &list->lock);
    else
        pthread_cond_timedwait(&list->changed, &list->lock, &time);
}

bool timer_list_wait(struct timer_list *list)
{
    uint64_t now, left;

    pthread_mutex_lock(&list->lock);
    while (!atomic_load(&list->stopping)) {
        now = clock_now();
        find_first(list, now, &left);
        if (left == 0)
            break;
        wait_for(list, now, left);
    }
    list->awaited = 0; /* the thread looks again before it waits */
    pthread_mutex_unlock(&list->lock);
    return !atomic_load(&list->stopping);
}

void timer_list_stop(struct timer_list *list)
{
    pthread_mutex_lock(&list->lock);
    atomic_store(&list->stopping, true);
    pthread_cond_signal(&list->changed);
    pthread_mutex_unlock(&list->lock);
}

/* An op may have set or cancelled the timer since it was found due. */
static bool take_deadline(struct device_timer *timer, bool due_only, uint64_t *deadline)
{
    const uint64_t now = clock_now();
    bool taken;

    pthread_mutex_lock(&timer->list->lock);
    *deadline = timer->deadline;
    taken = due_only ? time_left(timer, now) == 0 : *deadline != TIMER_NEVER;
    if (taken) {
        timer->deadline = TIMER_NEVER;
        timer->earliest = now + TIMER_INTERVAL_NS;
    }
    pthread_mutex_unlock(&timer->list->lock);
    return taken;
}

static bool fire(struct device_timer *timer, bool due_only)
{
    struct journal *journal = timer->list->journal;
    uint64_t deadline;
    bool taken;

    if (journal)
        journal_begin_timer(journal);
    lock_take(&timer->device->lock);
    taken = take_deadline(timer, due_only, &deadline);
    if (taken)
        timer->expire(timer, deadline);
    lock_release(&timer->device->lock);
    if (journal)
        journal_end_timer(journal, taken ? timer->name : NULL);
    return taken;
}

void timer_list_fire(struct timer_list *list)
{
    struct device_timer *timer;
    uint64_t left;

    pthread_mutex_lock(&list->lock);
    timer = find_first(list, clock_now(), &left);
    pthread_mutex_unlock(&list->lock);
    if (timer && left == 0)
        fire(timer, true);
}

bool device_timer_fire(struct device_timer *timer)
{
    return fire(timer, false);
}
