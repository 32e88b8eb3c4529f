/*
 * How a run ended, and the exit status that says so.
 *
 * 0..127 is the guest's own status and only that; every outcome of the monitor has
 * a status of its own from 200 on: above what shells use for signals, and never 0 for a crash.
 */
#ifndef VMM_BASE_OUTCOME_H
#define VMM_BASE_OUTCOME_H

#include "include/minivmm.h"

/* The numbers are the API's. */
enum outcome {
    OUTCOME_NONE = MINIVMM_NONE,
    OUTCOME_GUEST = MINIVMM_GUEST,
    OUTCOME_USAGE = MINIVMM_USAGE,
    OUTCOME_IMAGE = MINIVMM_IMAGE,
    OUTCOME_NO_KVM = MINIVMM_NO_KVM,
    OUTCOME_SETUP = MINIVMM_SETUP,
    OUTCOME_TRIPLE_FAULT = MINIVMM_TRIPLE_FAULT,
    OUTCOME_CRASH = MINIVMM_CRASH,
    OUTCOME_TIMEOUT = MINIVMM_TIMEOUT,
    OUTCOME_INTERRUPTED = MINIVMM_INTERRUPTED,
    OUTCOME_RESET = MINIVMM_RESET,
    OUTCOME_OUTPUT = MINIVMM_OUTPUT,
    OUTCOME_INTERNAL = MINIVMM_INTERNAL,
    OUTCOME_STREAM = MINIVMM_STREAM,
    OUTCOME_DIFFERS = MINIVMM_DIFFERS,
    OUTCOME_COUNT = MINIVMM_OUTCOMES,
};

#define GUEST_STATUS_MAX 127

struct outcome_info {
    const char *name;    /* a word, for exit streams */
    int exit_status;     /* -1 for OUTCOME_NONE and OUTCOME_GUEST */
    const char *meaning; /* one line for --help and the documentation */
};

extern const struct outcome_info outcome_table[OUTCOME_COUNT];

/* The exit status of the process; (guest_status) is used for OUTCOME_GUEST only. */
int outcome_exit_status(enum outcome outcome, int guest_status);

#endif
