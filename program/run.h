/* Running the guests of the command line: one, or domains. */
#ifndef PROGRAM_RUN_H
#define PROGRAM_RUN_H

#include "program/options.h"

/*
 * Run the guests of (options) until all have ended, and write their messages. Returns the exit status of the process:
 * the first that is not 0, in order of domid.
 */
int run_guests(const struct options *options);

/* Print the sentence of (error) to stderr, after (who), "d1: " or "". Returns the exit status. */
int run_fail(const char *who, const struct minivmm_error *error);

#endif
