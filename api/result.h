/*
 * The end of a run: its result, and the last writes to its files; and errors of the API.
 */
#ifndef API_RESULT_H
#define API_RESULT_H

#include "api/handle.h"

/* Has the guest asked for a reset, and can its image be loaded again? */
bool result_is_reboot(struct minivmm_machine *machine);

/*
 * Write to (result) how (machine) has ended, and to machine->report the report of a crash. The text is empty if the
 * guest ended itself; if output failed, result_finish() writes it.
 */
void result_explain(struct minivmm_machine *machine, struct minivmm_result *result);

/*
 * Then write all output to its files, the statistics last. 0, or a negative errno, and MINIVMM_OUTPUT with a
 * sentence in (result).
 */
int result_finish(struct minivmm_machine *machine, struct minivmm_result *result);

/* Set (result) to (outcome) and its sentence (text). */
void result_set(struct minivmm_result *result, enum minivmm_outcome outcome, const char *text);

/*
 * Write (outcome) and the sentence of (from) to (error), which may be NULL. Returns (code).
 */
int api_fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code,
             const struct error *from);

#endif
