/*
 * The state of a device, for checkpoints: its fields by name, as text.
 *
 * A device type declares what of its instance is state in a const table; what follows from the
 * properties, or is the host's (descriptors, threads, pointers), is not. The text has a line for each
 * field, NAME=HEX: the field's bytes as they lie in memory, so integers little-endian.
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

#include "vmm/error.h"
#include "vmm/text.h"

#include <stddef.h>
#include <stdint.h>

struct device;

struct state_field {
    const char *name;    /* NULL ends a table */
    size_t offset, size; /* in the instance; at most STATE_FIELD_MAX bytes */
};

#define STATE_FIELD_MAX 65536

/* A field by the name it has in the source. */
#define STATE_FIELD(instance, field)                                                               \
    {                                                                                              \
        .name = #field, .offset = offsetof(instance, field),                                       \
        .size = sizeof(((instance *)0)->field)                                                     \
    }

struct device_state {
    unsigned version; /* another one when the meaning of a field, or the table, changes */
    const struct state_field *fields;

    /*
     * The fields are loaded, from a file that nobody has checked: refuse what create() and the ops
     * could never have left there (indices out of range above all), and let what hangs on them
     * follow: interrupt lines, BARs. May be NULL. -EINVAL: the sentence names the field.
     */
    int (*loaded)(struct device *device, struct error *error);
};

/*
 * Append the state of (device), whose type may have none: the line "device NAME version N", then its
 * fields. No vCPU runs.
 */
void state_put(const struct device *device, struct text *text);

/*
 * Take in what state_put() gave, (length) bytes at (text), untrusted. -EINVAL: another device, another
 * version, a field that is missing, unknown, in another place or of another size, or refused by the
 * type; nothing of the machine runs after that.
 */
int state_take(struct device *device, const char *text, size_t length, struct error *error);

#endif
