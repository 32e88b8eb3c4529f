/*
 * Running guests as the command line says: one, or domains.
 */
#ifndef PROGRAM_RUN_H
#define PROGRAM_RUN_H

#include "program/options.h"

/*
 * Run the guests of (options) until all have ended, and write their messages. Returns the exit status of the process:
 * the first that is not 0, in order of domid.
 */
int run_guests(const struct options *options);

/* The sentence of (error) on stderr, after (who), "d1: " or "": gives the exit status. */
int run_fail(const char *who, const struct minivmm_error *error);

#endif
