/*
 * Running a guest as the command line says: a machine is made, run, and its end explained.
 */
#ifndef VMM_RUN_H
#define VMM_RUN_H

#include "vmm/error.h"
#include "vmm/options.h"
#include "vmm/plan.h"

/* The exit status of the process; what is to be said is said. */
int run_guest(const struct options *options);

/* What the machine of (options) is made of; (plan) is empty, and to be freed also after an error. */
int run_plan(const struct options *options, struct plan *plan, struct error *error);

#endif
