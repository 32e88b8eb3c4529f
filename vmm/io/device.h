/*
 * Devices: a type is a const table of data and functions; an instance belongs to its machine.
 *
 * A new device is one file in devices/ and one line in devices/devices.def. Its file includes
 * vmm/core/machine_device.h. Its instance struct begins with struct device. Ops get values, not
 * pointers into the guest. The bus guarantees that offset + size lies in the region, and that size
 * is at most the region's widest access.
 */
#ifndef VMM_IO_DEVICE_H
#define VMM_IO_DEVICE_H

#include "vmm/base/error.h"
#include "vmm/base/host_needs.h"
#include "vmm/base/lock.h"
#include "vmm/base/property.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_NAME_MAX 32 /* bytes of a type's name, and of a device's */

struct device_state;
struct device_timer;
struct machine;
struct vcpu;

struct device_access {
    unsigned region;   /* the index that the device gave in device_claim() */
    uint64_t offset;   /* bytes from the region's start */
    unsigned size;     /* 1, 2, 4 or 8; 1 to 8 in a region that is (whole) */
    struct vcpu *vcpu; /* the vCPU that makes the access */
};

struct device {
    const struct device_type *type;
    struct machine *machine;
    char name[DEVICE_NAME_MAX]; /* its type and number: "serial.1" */
    char *property_text;        /* owned; string properties point into it */
    bool locked; /* ops run under (lock): DEVICE_LOCKED, with several vCPUs or a timer */
    struct lock lock;
    struct device *next;         /* in the machine's list, in order of creation */
    struct device_timer *timers; /* its own, see vmm/io/timer.h; NULL: it has none */
};

enum device_locking {
    DEVICE_LOCKED,    /* one op of an instance at a time */
    DEVICE_LOCK_FREE, /* the ops lock for themselves */
};

struct device_type {
    const char *name;
    const char *help; /* one line */
    size_t instance_size;
    enum device_locking locking;
    unsigned needs;                    /* of the host: HOST_NEED() bits; 0: no more than each run */
    const struct property *properties; /* ended by a NULL name */
    const struct device_state *state;  /* NULL: the properties are its only state */

    /*
     * Make the instance, whose properties are set and whose other members are zero: claim regions,
     * open files.
     */
    int (*create)(struct device *device, struct error *error);
    uint64_t (*read)(struct device *device, const struct device_access *access);
    void (*write)(struct device *device, const struct device_access *access, uint64_t value);
    void (*reset)(struct device *device); /* return to the state after create(); may be NULL */
    /* The run has ended: write buffered output; may be NULL. */
    int (*finish)(struct device *device, struct error *error);
    void (*destroy)(struct device *device); /* free what create() made; may be NULL */
};

/* In the functions below, (types) is a list of types that ends with NULL. */

/* The type (name) of the list, or NULL. */
const struct device_type *device_type_find(const struct device_type *const *types,
                                           const char *name);

/*
 * For --device help: write all types with one line each, or one type with its properties, to (fd).
 */
void device_print_types(const struct device_type *const *types, int fd);
void device_print_properties(const struct device_type *type, int fd);

/*
 * The type in (text), `TYPE` or `TYPE,NAME=VALUE,…` of `--device`. *properties becomes its property
 * list, or NULL. Returns NULL with (error) if there is no such type.
 */
const struct device_type *device_type_of(const struct device_type *const *types,
                                         const char *description, const char **properties,
                                         struct error *error);

/* The bus calls these; they hold the device's lock around the op. */
static inline uint64_t device_read(struct device *device, const struct device_access *access)
{
    uint64_t value;

    if (!device->locked)
        return device->type->read(device, access);
    lock_take(&device->lock);
    value = device->type->read(device, access);
    lock_release(&device->lock);
    return value;
}

static inline void device_write(struct device *device, const struct device_access *access,
                                uint64_t value)
{
    if (!device->locked) {
        device->type->write(device, access, value);
        return;
    }
    lock_take(&device->lock);
    device->type->write(device, access, value);
    lock_release(&device->lock);
}

#endif
