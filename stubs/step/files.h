/*
 * A file that `--stub step` writes as it goes, at the path its user gave: a trace, or vectors.
 *
 * The user may give a pipe: then a reader that does not read holds the guest up.
 */
#ifndef STUBS_STEP_FILES_H
#define STUBS_STEP_FILES_H

#include "vmm/base/error.h"
#include "vmm/io/output.h"

#include <stdbool.h>

struct step_file {
    struct output output; /* takes what is written; after a failure drops it */
    const char *path;     /* the owner's; NULL: no such file is wanted */
    bool told;            /* the failure has been asked for */
};

/* Empty, at (path), which may be NULL. A negative errno. */
int step_file_open(struct step_file *file, const char *path, struct error *error);

/* Has it failed since this was last asked? Then with a sentence, once. */
bool step_file_has_failed(struct step_file *file, struct error *error);

/* What is buffered is written; output_failure() still tells afterwards. */
void step_file_close(struct step_file *file);

#endif
