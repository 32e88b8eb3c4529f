/*
 * The POST port of a PC: a guest writes a byte there at each milestone of its start, and the crash
 * report shows the last one.
 */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#define POST_PORT 0x80

struct post {
    struct device device;
    uint32_t last; /* a copy of the machine's number, for checkpoints */
};

static const struct property post_properties[] = {{0}};

static int post_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = POST_PORT,
        .size = 1,
        .widest = 1,
        .name = "post",
    };

    return device_claim(device, &claim, error);
}

static uint64_t post_read(struct device *device, const struct device_access *access)
{
    (void)access;
    return (uint8_t)atomic_load_explicit(&device->machine->post, memory_order_relaxed);
}

static void post_write(struct device *device, const struct device_access *access, uint64_t value)
{
    (void)access;
    machine_pass_milestone(device->machine, MILESTONE_POST, (uint8_t)value);
}

static void post_reset(struct device *device)
{
    atomic_store_explicit(&device->machine->post, 0, memory_order_relaxed);
}

static void post_saving(struct device *device)
{
    ((struct post *)device)->last =
        atomic_load_explicit(&device->machine->post, memory_order_relaxed);
}

static int post_loaded(struct device *device, struct error *error)
{
    const uint32_t last = ((const struct post *)device)->last;

    if (last != 0 && !(last & MACHINE_POST))
        return state_refuse(device, "last", error);
    atomic_store_explicit(&device->machine->post, last, memory_order_relaxed);
    return 0;
}

static const struct state_field post_fields[] = {
    STATE_BITS(struct post, last, MACHINE_POST | 0xff),
    {0},
};

static const struct device_state post_state = {
    .version = 1,
    .fields = post_fields,
    .saving = post_saving,
    .loaded = post_loaded,
};

const struct device_type post_type = {
    .name = "post",
    .help = "POST port 0x80: the last byte written is in crash reports",
    .instance_size = sizeof(struct post),
    .locking = DEVICE_LOCK_FREE, /* its only state is one atomic number */
    .properties = post_properties,
    .state = &post_state,
    .create = post_create,
    .read = post_read,
    .write = post_write,
    .reset = post_reset,
};
