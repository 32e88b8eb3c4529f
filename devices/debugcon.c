/*
 * The debug console: a port that shows each byte written to it, as port 0xe9 of Bochs and QEMU
 * does.
 */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#define DEBUGCON_FOUND 0xe9 /* the value of a read: a guest finds the port by it */

struct debugcon {
    struct device device;
    uint64_t port;
};

static const struct property debugcon_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct debugcon, port),
     .preset = "0xe9",
     .max = BUS_PIO_LAST,
     .help = "the port"},
    {0},
};

static int debugcon_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = ((struct debugcon *)device)->port,
        .size = 1,
        .widest = 1,
        .name = "debugcon",
    };

    return device_claim(device, &claim, error);
}

static uint64_t debugcon_read(struct device *device, const struct device_access *access)
{
    (void)device;
    (void)access;
    return DEBUGCON_FOUND;
}

static void debugcon_write(struct device *device, const struct device_access *access,
                           uint64_t value)
{
    (void)access;
    if (console_write(&device->machine->console, (uint8_t)value) < 0)
        machine_end(device->machine, OUTCOME_OUTPUT, 0);
}

const struct device_type debugcon_type = {
    .name = "debugcon",
    .help = "debug console: a byte written to the port is shown",
    .instance_size = sizeof(struct debugcon),
    .locking = DEVICE_LOCK_FREE, /* nothing changes after create, and the console has a lock */
    .properties = debugcon_properties,
    .create = debugcon_create,
    .read = debugcon_read,
    .write = debugcon_write,
};
