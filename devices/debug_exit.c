/* The exit port: a write ends the guest, and the value written is its status. */
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#define DEBUG_EXIT_PORTS 4 /* so that an OUT of any width lies in the region */

enum debug_exit_code { DEBUG_EXIT_PLAIN, DEBUG_EXIT_QEMU };

struct debug_exit {
    struct device device;
    uint64_t port;
    uint64_t code; /* enum debug_exit_code */
};

static const char *const debug_exit_codes[] = {
    [DEBUG_EXIT_PLAIN] = "plain",
    [DEBUG_EXIT_QEMU] = "qemu",
    NULL,
};

static const struct property debug_exit_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct debug_exit, port),
     .preset = "0xf4",
     .max = BUS_PIO_LAST + 1 - DEBUG_EXIT_PORTS,
     .help = "the first of 4 ports"},
    {.name = "code",
     .kind = PROPERTY_CHOICE,
     .offset = offsetof(struct debug_exit, code),
     .choices = debug_exit_codes,
     .help = "the status of a write of v: plain: v; qemu: (v << 1) | 1"},
    {0},
};

static int debug_exit_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = ((struct debug_exit *)device)->port,
        .size = DEBUG_EXIT_PORTS,
        .widest = DEBUG_EXIT_PORTS,
        .name = "debug-exit",
    };

    return device_claim(device, &claim, error);
}

/* A value without a status of its own becomes the highest status: cut to 7 bits it could be 0. */
static int debug_exit_status(enum debug_exit_code code, uint64_t value)
{
    uint64_t last = code == DEBUG_EXIT_QEMU ? GUEST_STATUS_MAX >> 1 : GUEST_STATUS_MAX;

    if (value > last)
        return GUEST_STATUS_MAX;
    return (int)(code == DEBUG_EXIT_QEMU ? (value << 1) | 1 : value);
}

static uint64_t debug_exit_read(struct device *device, const struct device_access *access)
{
    (void)device;
    (void)access;
    return 0;
}

static void debug_exit_write(struct device *device, const struct device_access *access,
                             uint64_t value)
{
    const struct debug_exit *debug_exit = (const struct debug_exit *)device;

    (void)access;
    machine_end(device->machine, OUTCOME_GUEST,
                debug_exit_status((enum debug_exit_code)debug_exit->code, value));
}

const struct device_type debug_exit_type = {
    .name = "debug-exit",
    .help = "exit port: a write ends the guest with the value as its status",
    .instance_size = sizeof(struct debug_exit),
    .locking =
        DEVICE_LOCK_FREE, /* nothing changes after create; machine_end() may be called on any thread */
    .properties = debug_exit_properties,
    .create = debug_exit_create,
    .read = debug_exit_read,
    .write = debug_exit_write,
};
