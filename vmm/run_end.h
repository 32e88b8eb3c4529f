/*
 * The end of a run: what the monitor says of it, and its exit status.
 *
 * (who) begins what is said of one of several machines, such as "d1: "; "" if there is only one.
 */
#ifndef VMM_RUN_END_H
#define VMM_RUN_END_H

#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/outcome.h"
#include "vmm/run_files.h"
#include "vmm/text.h"

/* The sentence of (error) on stderr; gives the exit status of (outcome). */
int run_fail(const char *who, enum outcome outcome, const struct error *error);

/*
 * What there is to say about the end of (machine), on stderr, and a crash's report also into (report):
 * nothing if the guest ended itself; what could not be written is told by run_finish().
 */
void run_explain(struct machine *machine, const struct options *options, const char *who,
                 struct text *report);

/* Then everything is written out, the statistics last: the exit status of the run. */
int run_finish(struct machine *machine, const struct options *options, struct run_files *files,
               const char *who, const struct text *report);

#endif
