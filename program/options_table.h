/*
 * What a command line can say, and the table of options: how each is written, what it means, and what takes its
 * value.
 */
#ifndef PROGRAM_OPTIONS_TABLE_H
#define PROGRAM_OPTIONS_TABLE_H

#include "include/minivmm.h"
#include "vmm/base/host_needs.h"

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
    const char *const *words; /* the guest arguments, behind --; of OPTIONS_EXITS, files */
    unsigned word_count;

    const char *domains[OPTIONS_DOMAINS]; /* an image, and behind a space the guest's arguments */
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
    const char *stream;         /* the exit stream to be replayed or drawn */
    const char *report;         /* the page to be written */
    const char *restore;        /* the checkpoint to go on from, or to tell of */
    bool allow_files;           /* that the checkpoint's devices name */
    bool translate;             /* the address (translated) of the guest's, for OPTIONS_INFO */
    uint64_t translated;
    uint64_t checkpoint_at; /* exits; 0: never */
    const char *checkpoint_at_path;
    int checkpoint_signal; /* 0: none */
    const char *checkpoint_signal_path;
};

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
    unsigned needs;      /* of the host: HOST_NEED() bits; 0: no more than each run */
};

extern const struct option_spec option_specs[];

/* -EINVAL, with a sentence: (value) of (option) is none of what is (allowed). */
int options_bad_value(struct minivmm_error *error, const char *option, const char *value,
                      const char *allowed);

#endif
