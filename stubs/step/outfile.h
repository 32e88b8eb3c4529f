/*
 * Files that a guest names: the one thing that a stub of the library's own can and the public header has not.
 */
#ifndef STUBS_STEP_OUTFILE_H
#define STUBS_STEP_OUTFILE_H

#include <stddef.h>

struct minivmm_machine;

/*
 * Write the file (name)(ending), of (length) bytes at (text), in the --out directory of (machine), whole or not
 * at all. In a callback; outfile_name_allowed(name). A negative errno.
 */
int step_outfile_write(struct minivmm_machine *machine, const char *name, const char *ending,
                       const char *text, size_t length);

#endif
