/*
 * The contents of a command line, and the table of options: name, meaning, and parser of the value.
 */
#ifndef PROGRAM_OPTIONS_TABLE_H
#define PROGRAM_OPTIONS_TABLE_H

#include "include/minivmm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_DEVICES 32
#define OPTIONS_DOMAINS 2

enum options_action {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_DEVICE_HELP,
    OPTIONS_STUB_HELP,
    OPTIONS_REPLAY,
    OPTIONS_EXITS,  /* (words) are exit streams */
    OPTIONS_REPORT, /* of (stream), into (report) */
    OPTIONS_INFO,   /* of (restore) */
};

struct options {
    enum options_action action;
    const char *image;
    const char *const *words; /* the guest arguments, after --; for OPTIONS_EXITS, files */
    unsigned word_count;

    const char *domains[OPTIONS_DOMAINS]; /* an image, then a space and the guest's arguments */
    unsigned domain_count;                /* 0: (image) is no domain */
    const char *domain_console;           /* files PREFIX.DOMID; NULL: stdout */

    uint64_t memory_size; /* bytes; 0: not given, as for the next two */
    unsigned vcpu_count;
    enum minivmm_mode mode;
    bool has_load, has_entry;
    uint64_t load, entry;
    uint64_t timeout_ns; /* 0: none */
    const char *initrd;  /* NULL: none */
    const char *append;
    const char
        *devices[OPTIONS_DEVICES]; /* TYPE[,NAME=VALUE…]; for OPTIONS_DEVICE_HELP the first */
    unsigned device_count;
    bool irqchip;
    bool quiet;
    enum minivmm_stats stats;
    const char *stats_file; /* NULL: stderr */
    const char *ptlcall;    /* property lists; NULL: the presets; "off": no such device */
    const char *debug_exit;
    const char *stub;    /* NULL: the preset */
    const char *out_dir; /* NULL: the working directory */

    const char *record, *trace; /* files to be written; NULL: none */
    const char *stream;         /* the exit stream to be replayed or reported */
    const char *report;         /* the page to be written */
    const char *restore;        /* the checkpoint to be restored or described */
    bool allow_files;           /* open files that the checkpoint's devices name */
    bool translate;             /* OPTIONS_INFO translates the guest address (translated) */
    uint64_t translated;
    uint64_t checkpoint_at; /* exits; 0: never */
    const char *checkpoint_at_path;
    int checkpoint_signal; /* 0: none */
    const char *checkpoint_signal_path;
};

#define OPTION_SPECS 28

typedef int (*option_parser)(struct options *options, const char *value,
                             struct minivmm_error *error);

/* One option: its name, its meaning, and the parser of its value. */
struct option_spec {
    const char *name;
    char letter;       /* 0: none */
    int has_argument;  /* as in getopt_long() */
    const char *value; /* for --help */
    const char *help;
    option_parser parse; /* NULL: the value is stored in (field) */
    size_t field;        /* of struct options: a bool if the option has no argument, else a text */
};

extern const struct option_spec option_specs[];

/* -EINVAL, with a sentence: (value) of (option) is not one of (allowed). */
int options_bad_value(struct minivmm_error *error, const char *option, const char *value,
                      const char *allowed);

#endif
