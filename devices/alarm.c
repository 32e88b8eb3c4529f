/*
 * An alarm clock: it goes off once or periodically, counts, and interrupts. docs/devices.md describes
 * what a guest sees.
 *
 * It shows how a device uses time: by a timer of the machine, without a thread, a clock or a lock of its
 * own. So it can be recorded, replayed, saved and reset, and the code is the same for all of that.
 */
#include "guest/abi/alarm.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <errno.h>

#define NS_IN_US 1000u

struct alarm {
    struct device device;
    uint64_t port, irq; /* properties */

    uint32_t period; /* microseconds; 0: it is not periodic */
    uint32_t count;
    bool up; /* the interrupt line */
    struct irq_line line;
    struct device_timer timer;
};

static const struct property alarm_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct alarm, port),
     .preset = "0xda0",
     .max = BUS_PIO_LAST + 1 - ALARM_PORTS,
     .help = "the first of 16 ports"},
    {.name = "irq",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct alarm, irq),
     .preset = "0",
     .max = IRQ_GSIS - 1,
     .help = "the interrupt; 0: none"},
    {0},
};

static void set_line(struct alarm *alarm, bool up)
{
    alarm->up = up && alarm->irq;
    irq_set(&alarm->line, up);
}

/* The machine calls this after the deadline. It counts the periods that went by unnoticed too. */
static void alarm_expire(struct device_timer *timer, uint64_t deadline)
{
    struct alarm *alarm = (struct alarm *)timer->device;
    const uint64_t period = (uint64_t)alarm->period * NS_IN_US;
    uint64_t times = 1;

    if (period) {
        const uint64_t now = machine_clock(alarm->device.machine);

        if (now > deadline)
            times += (now - deadline) / period;
        device_timer_set(timer, deadline + times * period);
    }
    alarm->count += (uint32_t)times;
    set_line(alarm, true);
}

static void start(struct alarm *alarm, uint32_t microseconds)
{
    if (microseconds)
        device_timer_set(&alarm->timer,
                         machine_clock(alarm->device.machine) + (uint64_t)microseconds * NS_IN_US);
    else
        device_timer_cancel(&alarm->timer);
}

static uint64_t alarm_read(struct device *device, const struct device_access *access)
{
    const struct alarm *alarm = (const struct alarm *)device;

    if (access->size == 4 && access->offset == ALARM_COUNT)
        return alarm->count;
    if (access->size == 4 && access->offset == ALARM_EVERY)
        return alarm->period;
    return UINT64_MAX;
}

static void alarm_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct alarm *alarm = (struct alarm *)device;

    if (access->size != 4)
        return;
    switch (access->offset) {
    case ALARM_ONCE:
    case ALARM_EVERY:
        alarm->period = access->offset == ALARM_EVERY ? (uint32_t)value : 0;
        start(alarm, (uint32_t)value);
        break;
    case ALARM_ACKNOWLEDGE:
        set_line(alarm, false);
        break;
    }
}

static int alarm_create(struct device *device, struct error *error)
{
    struct alarm *alarm = (struct alarm *)device;
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = alarm->port,
        .size = ALARM_PORTS,
        .widest = 4,
        .name = "alarm",
    };

    device_timer_init(&device->machine->timers, &alarm->timer, device, alarm_expire);
    if (alarm->irq &&
        irq_connect(&device->machine->irqs, &alarm->line, (unsigned)alarm->irq, true, error) < 0)
        return -EINVAL;
    return device_claim(device, &claim, error);
}

/* The machine has cancelled the timer. */
static void alarm_reset(struct device *device)
{
    struct alarm *alarm = (struct alarm *)device;

    alarm->period = alarm->count = 0;
    set_line(alarm, false);
}

static int alarm_loaded(struct device *device, struct error *error)
{
    struct alarm *alarm = (struct alarm *)device;

    if (alarm->up && !alarm->irq)
        return state_refuse(device, "up", error);
    if (alarm->period && !device_timer_is_set(&alarm->timer))
        return state_refuse(device, "period", error);
    irq_restore(&alarm->line, alarm->up);
    return 0;
}

/* The deadline of the timer is saved with these. */
static const struct state_field alarm_fields[] = {
    STATE_FIELD(struct alarm, period),
    STATE_FIELD(struct alarm, count),
    STATE_FIELD(struct alarm, up),
    {0},
};

static const struct device_state alarm_state = {
    .version = 1,
    .fields = alarm_fields,
    .loaded = alarm_loaded,
};

const struct device_type alarm_type = {
    .name = "alarm",
    .help = "goes off once or periodically, counts, and interrupts",
    .instance_size = sizeof(struct alarm),
    .locking = DEVICE_LOCKED,
    .needs = HOST_NEED(HOST_THREAD),
    .properties = alarm_properties,
    .state = &alarm_state,
    .create = alarm_create,
    .read = alarm_read,
    .write = alarm_write,
    .reset = alarm_reset,
};
