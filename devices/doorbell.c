/*
 * A doorbell: an OUT rings it, and a register counts the rings. docs/devices.md describes what a
 * guest sees.
 *
 * Where KVM handles the OUT itself, KVM adds to an eventfd and the vCPU continues at once. The
 * count is updated from the eventfd at each access, so the guest sees no difference. Only the
 * interrupt needs a thread, which waits for the eventfd while the line is low. So the ops take the
 * device's lock themselves, whatever the number of vCPUs.
 */
#include "guest/abi/doorbell.h"
#include "vmm/base/descriptor.h"
#include "vmm/base/thread.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

struct doorbell {
    struct device device;
    uint64_t port, irq;
    bool ioeventfd;

    uint32_t count; /* without the rings that (event) still holds */
    struct irq_line line;
    bool line_up; /* for checkpoints */

    struct machine_event event; /* (fd) -1: every ring is an exit */
    int wake;                   /* eventfd: wakes the thread; -1: there is no thread */
    bool stopping;              /* the thread must end */
    pthread_t thread;
};

static const struct property doorbell_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct doorbell, port),
     .preset = "0xdb0",
     .max = BUS_PIO_LAST + 1 - DOORBELL_PORTS,
     .help = "the first of 8 ports"},
    {.name = "irq",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct doorbell, irq),
     .preset = "0",
     .max = IRQ_GSIS - 1,
     .help = "the interrupt; 0: none"},
    {.name = "ioeventfd",
     .kind = PROPERTY_BOOL,
     .offset = offsetof(struct doorbell, ioeventfd),
     .preset = "on",
     .help = "a ring is no exit, if KVM can do that; not while recording"},
    {0},
};

/* Add (count) rings; the lock is held. */
static void ring(struct doorbell *doorbell, uint64_t times)
{
    if (times == 0)
        return;
    doorbell->count += (uint32_t)times;
    irq_set(&doorbell->line, true);
}

/* Add the rings that KVM has counted; the lock is held. */
static void drain(struct doorbell *doorbell)
{
    ring(doorbell, event_read(doorbell->event.fd));
}

/* The lock is held. */
static void acknowledge(struct doorbell *doorbell)
{
    drain(doorbell);
    irq_set(&doorbell->line, false);
    event_raise(doorbell->wake);
}

static uint64_t doorbell_read(struct device *device, const struct device_access *access)
{
    struct doorbell *doorbell = (struct doorbell *)device;
    uint64_t count;

    if (access->offset < DOORBELL_COUNT)
        return 0;
    lock_take(&device->lock);
    drain(doorbell);
    count = doorbell->count;
    lock_release(&device->lock);
    return count >> 8 * (access->offset - DOORBELL_COUNT);
}

static void doorbell_write(struct device *device, const struct device_access *access,
                           uint64_t value)
{
    struct doorbell *doorbell = (struct doorbell *)device;

    (void)value;
    lock_take(&device->lock);
    if (access->offset == DOORBELL_RING)
        ring(doorbell, 1);
    else if (access->offset == DOORBELL_COUNT)
        acknowledge(doorbell);
    lock_release(&device->lock);
}

/* While the line is high a ring changes nothing, so the thread does not wake for it. */
static void *raise_thread(void *argument)
{
    struct doorbell *doorbell = argument;

    for (;;) {
        struct pollfd waits[] = {{.fd = doorbell->wake, .events = POLLIN},
                                 {.fd = -1, .events = POLLIN}};
        bool stopping;

        lock_take(&doorbell->device.lock);
        drain(doorbell);
        if (!doorbell->line.level)
            waits[1].fd = doorbell->event.fd;
        stopping = doorbell->stopping;
        lock_release(&doorbell->device.lock);
        if (stopping)
            return NULL;
        poll(waits, sizeof(waits) / sizeof(waits[0]), -1);
        event_read(doorbell->wake);
    }
}

static int start_thread(struct doorbell *doorbell)
{
    int result;

    doorbell->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (doorbell->wake < 0)
        return -errno;
    result = thread_start(&doorbell->thread, raise_thread, doorbell);
    if (result < 0)
        descriptor_close(&doorbell->wake);
    return result;
}

static int open_event(struct doorbell *doorbell, struct error *error)
{
    int result = 0;

    doorbell->event.port = (uint16_t)(doorbell->port + DOORBELL_RING);
    doorbell->event.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (doorbell->event.fd < 0)
        result = -errno;
    else if (doorbell->irq)
        result = start_thread(doorbell);
    if (result == 0) {
        machine_add_event(doorbell->device.machine, &doorbell->event);
        return 0;
    }
    descriptor_close(&doorbell->event.fd);
    return error_set(error, result, "device doorbell: no eventfd for it: %s; give ioeventfd=off",
                     strerror(-result));
}

static int doorbell_create(struct device *device, struct error *error)
{
    struct doorbell *doorbell = (struct doorbell *)device;
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = doorbell->port,
        .size = DOORBELL_PORTS,
        .widest = 4,
        .name = "doorbell",
    };
    int result = device_claim(device, &claim, error);

    doorbell->event.fd = doorbell->wake = -1;
    if (result == 0 && doorbell->irq)
        result = irq_connect(&device->machine->irqs, &doorbell->line, (unsigned)doorbell->irq, true,
                             error);
    if (result == 0 && doorbell->ioeventfd && machine_takes_events(device->machine))
        result = open_event(doorbell, error);
    return result;
}

static void doorbell_destroy(struct device *device)
{
    struct doorbell *doorbell = (struct doorbell *)device;

    if (doorbell->wake >= 0) {
        lock_take(&device->lock);
        doorbell->stopping = true;
        lock_release(&device->lock);
        event_raise(doorbell->wake);
        pthread_join(doorbell->thread, NULL);
    }
    descriptor_close(&doorbell->wake);
    descriptor_close(&doorbell->event.fd);
}

static void doorbell_reset(struct device *device)
{
    struct doorbell *doorbell = (struct doorbell *)device;

    lock_take(&device->lock);
    acknowledge(doorbell);
    doorbell->count = 0;
    lock_release(&device->lock);
}

/* No vCPU runs, so no more rings come. */
static void doorbell_saving(struct device *device)
{
    struct doorbell *doorbell = (struct doorbell *)device;

    drain(doorbell);
    doorbell->line_up = doorbell->line.level;
}

static int doorbell_loaded(struct device *device, struct error *error)
{
    struct doorbell *doorbell = (struct doorbell *)device;

    if (doorbell->line_up && !doorbell->line.hub)
        return state_refuse(device, "line_up", error);
    irq_restore(&doorbell->line, doorbell->line_up);
    event_raise(doorbell->wake);
    return 0;
}

static const struct state_field doorbell_fields[] = {
    STATE_FIELD(struct doorbell, count),
    STATE_FIELD(struct doorbell, line_up),
    {0},
};

static const struct device_state doorbell_state = {
    .version = 1,
    .fields = doorbell_fields,
    .saving = doorbell_saving,
    .loaded = doorbell_loaded,
};

const struct device_type doorbell_type = {
    .name = "doorbell",
    .help = "counts OUTs to a port, which KVM can take itself; with an interrupt",
    .instance_size = sizeof(struct doorbell),
    .locking = DEVICE_LOCK_FREE, /* the ops take the lock, see above */
    .needs = HOST_NEED(HOST_EVENT) | HOST_NEED(HOST_THREAD) | HOST_NEED(HOST_PORT_EVENT),
    .properties = doorbell_properties,
    .state = &doorbell_state,
    .create = doorbell_create,
    .read = doorbell_read,
    .write = doorbell_write,
    .reset = doorbell_reset,
    .destroy = doorbell_destroy,
};
