/*
 * How a run ended, and the exit status that says so.
 *
 * 0..127 is the guest's own status and only that; every outcome that is the monitor's to tell has
 * a status of its own in 200..: above what shells use for signals, and never 0 for a crash.
 */
#ifndef VMM_OUTCOME_H
#define VMM_OUTCOME_H

enum outcome {
    OUTCOME_NONE,         /* still running */
    OUTCOME_GUEST,        /* the guest ended itself: its own status */
    OUTCOME_USAGE,        /* an option or argument was wrong */
    OUTCOME_IMAGE,        /* an image or checkpoint was refused */
    OUTCOME_NO_KVM,       /* /dev/kvm cannot be used */
    OUTCOME_SETUP,        /* the machine could not be made */
    OUTCOME_TRIPLE_FAULT, /* KVM_EXIT_SHUTDOWN */
    OUTCOME_CRASH,        /* the vCPU cannot go on: see the crash report */
    OUTCOME_TIMEOUT,      /* --timeout */
    OUTCOME_INTERRUPTED,  /* Ctrl-A x, SIGINT, SIGTERM, SIGHUP, SIGQUIT */
    OUTCOME_RESET,        /* the guest asked for a reset */
    OUTCOME_OUTPUT,       /* the console's reader is gone, or the disk is full */
    OUTCOME_INTERNAL,     /* the monitor's own fault */
    OUTCOME_STREAM,       /* an exit stream was refused */
    OUTCOME_DIFFERS,      /* a replay is not as its exit stream says */
    OUTCOME_COUNT,
};

#define GUEST_STATUS_MAX 127

struct outcome_info {
    const char *name;    /* a word, for exit streams */
    int exit_status;     /* -1 for OUTCOME_NONE and OUTCOME_GUEST */
    const char *meaning; /* one line for --help and the documentation */
};

extern const struct outcome_info outcome_table[OUTCOME_COUNT];

/* The exit status of the process; (guest_status) counts for OUTCOME_GUEST only. */
int outcome_exit_status(enum outcome outcome, int guest_status);

#endif
