/* A guest of the command line: the machine's config and its image. */
#ifndef PROGRAM_GUEST_H
#define PROGRAM_GUEST_H

#include "program/options.h"

#include <stdbool.h>

struct guest {
    struct minivmm_config config;
    struct minivmm_image image; /* (path) NULL: restored from a checkpoint */
    char who[16];               /* "d1: ", or "" if it is the only one */

    /* A domain's own part of (options); owned. */
    char *path, *arguments, *stats_file, *trace;
    const char *words[1];
    const char *devices[OPTIONS_DEVICES + 1];
    int console; /* of --domain-console; -1: stdout */

    struct minivmm_machine *machine; /* NULL: not created */
    char told[MINIVMM_TEXT_MAX];     /* the last message about its end */
};

/*
 * The guest (index) of (options), which must outlive it; (world) is NULL if it is no domain. The caller frees it, also
 * after an error.
 */
int guest_configure(struct guest *guest, const struct options *options, unsigned index,
                    struct minivmm_world *world, struct minivmm_error *error);

/* Create and load it: 0, or (error) has an outcome. */
int guest_load(struct guest *guest, const struct options *options, struct minivmm_error *error);

/* Destroy it; it must not run. */
void guest_free(struct guest *guest);

#endif
