/*
 * The table of options: how each is written, what it means, and what takes its value.
 */
#ifndef PROGRAM_OPTIONS_TABLE_H
#define PROGRAM_OPTIONS_TABLE_H

#include "program/options.h"

#include <stddef.h>

#define OPTION_SPECS 28

typedef int (*option_parser)(struct options *options, const char *value,
                             struct minivmm_error *error);

/* One option: how it is written, what it means, and what takes its value. */
struct option_spec {
    const char *name;
    char letter;       /* 0: none */
    int has_argument;  /* as getopt_long() has it */
    const char *value; /* for --help */
    const char *help;
    option_parser parse; /* NULL: what it sets is the field at (field) */
    size_t field;        /* of struct options: a bool if the option has no argument, else a text */
};

extern const struct option_spec option_specs[];

/* -EINVAL, with a sentence: (value) of (option) is none of what is (allowed). */
int options_bad_value(struct minivmm_error *error, const char *option, const char *value,
                      const char *allowed);

#endif
