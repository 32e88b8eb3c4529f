/*
 * The files of `--stub step`.
 *
 * A trace or basic-block vectors are written while the guest runs, to the path that the user gave.
 * That may be a pipe: a stalled reader then stops the guest. Counters are written as a whole, to a
 * file that the guest named.
 */
#ifndef STUBS_STEP_FILES_H
#define STUBS_STEP_FILES_H

#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/io/output.h"

#include <stdbool.h>
#include <stddef.h>

struct step_file {
    struct output output; /* drops everything after a failure */
    const char *path;     /* the owner's; NULL: no such file */
    bool reported;        /* the failure has been reported */
};

/* Empty, at (path), which may be NULL. A negative errno. */
int step_file_open(struct step_file *file, const char *path, struct error *error);

/* Returns true, with a sentence, on the first call after a failure. */
bool step_file_has_failed(struct step_file *file, struct error *error);

/* Write the buffer and close the file; output_failure() stays valid. */
void step_file_close(struct step_file *file);

/*
 * Write the file (name)(ending), of (length) bytes at (text), to the --out directory of (machine): whole, or not
 * at all. Called in a callback; outfile_name_allowed(name) holds. 0 or a negative errno.
 */
int step_file_write_named(struct minivmm_machine *machine, const char *name, const char *ending,
                          const char *text, size_t length);

#endif
