/*
 * Running guests as the command line says: one, or domains.
 */
#ifndef PROGRAM_RUN_H
#define PROGRAM_RUN_H

#include "program/options.h"

/*
 * Run what (options) say until all have ended: the exit status of the process, which is the first that is not
 * 0, in order of domid. What is to be said is said.
 */
int run_guests(const struct options *options);

/* The sentence of (error) on stderr, after (who), "d1: " or "": gives the exit status. */
int run_fail(const char *who, const struct minivmm_error *error);

#endif
