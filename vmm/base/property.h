/*
 * Device properties: declared as data, parsed and checked in one place.
 *
 * A list is written `name=value,name=value`. Values: integers and addresses take 0x and decimal;
 * sizes also K, M, G; choices are one of a few words. A value cannot hold a comma.
 */
#ifndef VMM_BASE_PROPERTY_H
#define VMM_BASE_PROPERTY_H

#include "vmm/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum property_kind {
    PROPERTY_INTEGER, /* field: uint64_t */
    PROPERTY_SIZE,    /* field: uint64_t; K, M and G may follow the number */
    PROPERTY_BOOL,    /* field: bool; on, off */
    PROPERTY_STRING,  /* field: const char *, into the text given to property_parse(), or NULL */
    PROPERTY_FILE,    /* the same, and names a file */
    PROPERTY_CHOICE,  /* field: uint64_t, the index into (choices) */
};

struct property {
    const char *name; /* NULL ends a table */
    enum property_kind kind;
    size_t offset;              /* of the field in the object */
    const char *preset;         /* the value when none is given; NULL: 0, off, NULL, choices[0] */
    uint64_t min, max;          /* PROPERTY_INTEGER and PROPERTY_SIZE, inclusive */
    const char *const *choices; /* PROPERTY_CHOICE, ended by NULL */
    const char *help;           /* one line */
};

/*
 * Set every field of (object): first the presets, then those given in (text). (owner) names the object
 * in errors: "device ptlcall". (text) may be NULL; it is cut up in place, and strings point into
 * it, so it must live as long as (object). -EINVAL: unknown name, or a value that is not allowed;
 * the sentence names owner, property, value and what is allowed.
 */
int property_parse(const struct property *table, void *object, char *text, const char *owner,
                   struct error *error);

/* Write the table to (fd), for people: names, allowed values, presets, meanings. */
void property_print(const struct property *table, int fd);

/*
 * Parse a whole number: decimal, 0x hexadecimal, or with (suffixes) followed by K, M or G.
 * -EINVAL: anything else, or over 2^64 - 1.
 */
int number_parse(const char *text, const char *suffixes, uint64_t *value);

#endif
