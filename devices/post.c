/*
 * The POST port of a PC: a guest writes a byte there at each milestone of its start, and the crash
 * report tells the last one.
 */
#include "vmm/device.h"
#include "vmm/machine.h"

#define POST_PORT 0x80

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

const struct device_type post_type = {
    .name = "post",
    .help = "POST port 0x80: the last byte written is in crash reports",
    .instance_size = sizeof(struct device),
    .locking = DEVICE_LOCK_FREE, /* its only state is one atomic number */
    .properties = post_properties,
    .create = post_create,
    .read = post_read,
    .write = post_write,
    .reset = post_reset,
};
