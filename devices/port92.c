/* System control port A of a PC: fast reset, and the A20 line, which is always on. */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#define PORT92       0x92
#define PORT92_RESET 0x01 /* a change from 0 to 1 resets; so a guest never reads it as 1 */
#define PORT92_A20   0x02

static const struct property port92_properties[] = {{0}};

static int port92_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = PORT92,
        .size = 1,
        .widest = 1,
        .name = "port92",
    };

    return device_claim(device, &claim, error);
}

static uint64_t port92_read(struct device *device, const struct device_access *access)
{
    (void)device;
    (void)access;
    return PORT92_A20;
}

static void port92_write(struct device *device, const struct device_access *access, uint64_t value)
{
    (void)access;
    if (value & PORT92_RESET)
        machine_end(device->machine, OUTCOME_RESET, 0);
}

const struct device_type port92_type = {
    .name = "port92",
    .help = "system control port 0x92: a write with bit 0 resets",
    .instance_size = sizeof(struct device),
    .locking =
        DEVICE_LOCK_FREE, /* nothing changes after create; machine_end() may be called on any thread */
    .properties = port92_properties,
    .create = port92_create,
    .read = port92_read,
    .write = port92_write,
};
