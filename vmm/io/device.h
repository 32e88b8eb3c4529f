/*
 * Devices: a type is a const table of data and functions, an instance hangs off its machine.
 *
 * A new device is one file in devices/ and one line in devices/devices.def. Its instance struct
 * begins with struct device. Ops get values, not pointers into the guest, and the bus promises
 * that offset + size stays inside the region and size is at most the region's widest access.
 */
#ifndef VMM_IO_DEVICE_H
#define VMM_IO_DEVICE_H

#include "vmm/base/error.h"
#include "vmm/base/lock.h"
#include "vmm/base/property.h"
#include "vmm/io/device_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_NAME_MAX 32 /* bytes of a type's name, and of a device's */

struct machine;
struct vcpu;

enum bus_space { BUS_PIO, BUS_MMIO, BUS_SPACES };

struct device_access {
    unsigned region;   /* the index that the device gave in device_claim() */
    uint64_t offset;   /* bytes from the region's start */
    unsigned size;     /* 1, 2, 4 or 8; 1 to 8 in a region that is (whole) */
    struct vcpu *vcpu; /* who calls */
};

struct device {
    const struct device_type *type;
    struct machine *machine;
    char name[DEVICE_NAME_MAX]; /* its type and number: "serial.1" */
    char *property_text;        /* owned; string properties point into it */
    bool locked; /* ops run under (lock): more than one vCPU, and the type wants it */
    struct lock lock;
    struct device *next; /* in the machine's list, in order of creation */
};

enum device_locking {
    DEVICE_LOCKED,    /* one op of an instance at a time */
    DEVICE_LOCK_FREE, /* the ops look after themselves */
};

struct device_type {
    const char *name;
    const char *help; /* one line */
    size_t instance_size;
    enum device_locking locking;
    const struct property *properties; /* ended by a NULL name */
    const struct device_state *state;  /* NULL: it has none beside its properties */

    /* Properties are set, the rest of the instance is zero: claim regions, open files. */
    int (*create)(struct device *device, struct error *error);
    uint64_t (*read)(struct device *device, const struct device_access *access);
    void (*write)(struct device *device, const struct device_access *access, uint64_t value);
    void (*reset)(struct device *device); /* to the state after create; may be NULL */
    /* The run is over: write out what is buffered; may be NULL. */
    int (*finish)(struct device *device, struct error *error);
    void (*destroy)(struct device *device); /* what create made; may be NULL */
};

/* All types, in the order of devices.def; ended by NULL. */
extern const struct device_type *const device_types[];

const struct device_type *device_type_find(const char *name);

/* For --device help: all types with one line each, or one type with its properties, on (fd). */
void device_print_types(int fd);
void device_print_properties(const struct device_type *type, int fd);

/*
 * What `--device TYPE` or `--device TYPE,NAME=VALUE,…` names: the type, and the text of the property list, NULL if there is none. NULL:
 * no such type; (error) says so.
 */
const struct device_type *device_type_of(const char *description, const char **properties,
                                         struct error *error);

/*
 * Make an instance of (type) with the property list (text), NULL for none, and append it to the
 * machine's devices. The machine owns it.
 */
int device_create(struct machine *machine, const struct device_type *type, const char *text,
                  struct error *error);

/* Decode (size) bytes at (base) for (device), as its region (index); called from create(). */
struct device_claim {
    enum bus_space space;
    unsigned index;
    uint64_t base, size;
    unsigned widest; /* bytes; wider accesses are split */
    bool registers;  /* read() or write() looks at access->vcpu's registers */
    bool whole;      /* one op for one access: never split */
    const char *name;
};
int device_claim(struct device *device, const struct device_claim *claim, struct error *error);

/* The same for (count) of them, up to the first that is refused. */
int device_claim_all(struct device *device, const struct device_claim *claims, unsigned count,
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

void device_destroy(struct device *device);

#endif
