/*
 * Running domains: one guest that has the monitor for its domain 0, or two guests, domains 0 and 1.
 *
 * Each is a machine of its own: its memory, devices, console and threads. Nothing ends one of them but
 * itself, or what ends all from outside: the time limit, a signal, Ctrl-A x.
 */
#ifndef VMM_RUN_DOMAINS_H
#define VMM_RUN_DOMAINS_H

#include "vmm/options.h"

/*
 * Run the domains of (options) until all have ended: the exit status of the process, which is the
 * first that is not 0, in order of domid. What is to be said is said.
 */
int run_domains(const struct options *options);

#endif
