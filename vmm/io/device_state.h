/*
 * The state of a device, for checkpoints: its fields by name, as text.
 *
 * A device type declares its state fields in a const table. Fields that follow from the properties,
 * or are the host's (descriptors, threads, pointers), are not state. The text has a line for each
 * field, NAME=HEX: the field's bytes in memory order, so integers little-endian. The deadlines of a
 * device's timers follow, as 8 bytes each with the names timer.0, timer.1 and so on.
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
    uint64_t bits; /* of an integer: the bits that may be set, others are refused; 0: all may */
};

#define STATE_FIELD_MAX 65536

/* A field by its name in the source. A bool is refused unless it is 0 or 1. */
#define STATE_FIELD(instance, field)                                                               \
    STATE_BITS(instance, field, _Generic(((instance *)0)->field, bool : 1, default : 0))

/* An integer in which only the bits of (mask) may be set. */
#define STATE_BITS(instance, field, mask)                                                          \
    {                                                                                              \
        .name = #field, .offset = offsetof(instance, field),                                       \
        .size = sizeof(((instance *)0)->field), .bits = (mask)                                     \
    }

struct device_state {
    unsigned version; /* increased when the meaning of a field, or the table, changes */
    const struct state_field *fields;

    /* Update the fields that copy state from outside of the instance. May be NULL. */
    void (*saving)(struct device *device);

    /*
     * The fields are loaded, from an untrusted file: refuse, by state_refuse(), values that
     * create() and the ops never produce (above all indices out of range), and only then update
     * what depends on them: interrupt lines, BARs. May be NULL.
     */
    int (*loaded)(struct device *device, struct error *error);
};

/*
 * Append the state of (device): the line "device NAME version N", then its fields, if its type has
 * any. No vCPU runs. Input may come meanwhile: the device's lock is held, also around saving().
 * Output that is not written yet is not state: flush it before.
 */
void state_write(struct device *device, struct text *text);

/*
 * Load the text of state_write(), (length) bytes at (text), untrusted, into a device that was just
 * made with the same properties. -EINVAL: another device, another version, a field that is missing,
 * unknown, in another place or of another size, or refused by the type; then the device is
 * unchanged. No interrupt is raised: lines get their saved level, as do the interrupt controllers,
 * which are restored first, so that they receive interrupts of input that came since. No vCPU runs;
 * the device's lock is held, also around loaded().
 */
int state_read(struct device *device, const char *text, size_t length, struct error *error);

/* For loaded(): refuse the value of (field). Returns -EINVAL. */
int state_refuse(const struct device *device, const char *field, struct error *error);

#endif
