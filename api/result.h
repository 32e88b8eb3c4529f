/*
 * The end of a run: what there is to say of it, and that everything is written.
 */
#ifndef API_RESULT_H
#define API_RESULT_H

#include "api/handle.h"

/* The guest has asked for a reset, and its image can be loaded again. */
bool result_is_reboot(struct minivmm_machine *machine);

/*
 * How (machine) has ended, into (result), and a crash's report into machine->report. Why is not said if the
 * guest ended itself, and left to result_finish() where it is that something could not be written.
 */
void result_explain(struct minivmm_machine *machine, struct minivmm_result *result);

/*
 * Then everything is written out, the statistics last. A negative errno, MINIVMM_OUTPUT with its sentence in
 * (result), if something could not be.
 */
int result_finish(struct minivmm_machine *machine, struct minivmm_result *result);

/* (result) is of (outcome), with a sentence. */
void result_set(struct minivmm_result *result, enum minivmm_outcome outcome, const char *text);

/*
 * The sentence of (from), and (outcome), which the program exits with, into (error), which may be NULL. Returns
 * (code).
 */
int api_fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code,
             const struct error *from);

#endif
