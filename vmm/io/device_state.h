/*
 * The state of a device, for checkpoints: its fields by name, as text.
 *
 * A device type declares what of its instance is state in a const table; what follows from the
 * properties, or is the host's (descriptors, threads, pointers), is not. The text has a line for each
 * field, NAME=HEX: the field's bytes as they lie in memory, so integers little-endian. The deadlines of a
 * device's timers follow by themselves, as 8 bytes each with the names timer.0, timer.1 and so on.
 */
#ifndef VMM_IO_DEVICE_STATE_H
#define VMM_IO_DEVICE_STATE_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

struct state_field {
    const char *name;    /* NULL ends a table */
    size_t offset, size; /* in the instance; at most STATE_FIELD_MAX bytes */
    uint64_t bits;       /* of an integer, those that may be set, any other is refused; 0: all */
};

#define STATE_FIELD_MAX 65536

/* A field by the name it has in the source. A bool is refused unless it is 0 or 1. */
#define STATE_FIELD(instance, field)                                                               \
    STATE_BITS(instance, field, _Generic(((instance *)0)->field, bool : 1, default : 0))

/* An integer with no other bits than (mask). */
#define STATE_BITS(instance, field, mask)                                                          \
    {                                                                                              \
        .name = #field, .offset = offsetof(instance, field),                                       \
        .size = sizeof(((instance *)0)->field), .bits = (mask)                                     \
    }

struct device_state {
    unsigned version; /* another one when the meaning of a field, or the table, changes */
    const struct state_field *fields;

    /* Bring up to date those fields that copy what lies outside of the instance. May be NULL. */
    void (*saving)(struct device *device);

    /*
     * The fields are loaded, from a file that nobody has checked: refuse what create() and the ops
     * could never have left there (indices out of range above all), by state_refuse(), and only
     * then let what hangs on them follow: interrupt lines, BARs. May be NULL.
     */
    int (*loaded)(struct device *device, struct error *error);
};

/*
 * Append the state of (device), whose type may have none: the line "device NAME version N", then its
 * fields. No vCPU runs. Input may come meanwhile: the device's lock is held, also around saving().
 * What the device shows and has not written yet is no state: to be flushed before.
 */
void state_put(struct device *device, struct text *text);

/*
 * Take in what state_put() gave, (length) bytes at (text), untrusted, into a device that was just made
 * with the same properties. -EINVAL: another device, another version, a field that is missing,
 * unknown, in another place or of another size, or refused by the type; then the device is as it was.
 * No interrupt goes off by it: lines have the level they had, as the interrupt controllers have; those
 * come first, as they are told of what was typed since. No vCPU runs; the device's lock is held, also
 * around loaded().
 */
int state_take(struct device *device, const char *text, size_t length, struct error *error);

/* For loaded(): (field) has a value that it cannot have. -EINVAL. */
int state_refuse(const struct device *device, const char *field, struct error *error);

#endif
