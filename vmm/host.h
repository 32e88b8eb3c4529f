/*
 * The host's side of a run: signals, the time limit and what is typed.
 *
 * One thread waits for all of them, so that the vCPUs never look. It ends the machine from
 * outside, and hands input to the console.
 */
#ifndef VMM_HOST_H
#define VMM_HOST_H

#include "vmm/error.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct machine;

struct host_options {
    uint64_t deadline;           /* of clock_now(): then the guest ends; 0: none */
    int checkpoint_signal;       /* SIGUSR1 or SIGUSR2: the machine is saved; 0: none */
    const char *checkpoint_path; /* to this file */
};

#define HOST_PENDING 4096 /* as much as a terminal holds in a line */

struct host {
    struct machine *machine;
    pthread_t thread;
    int signals;           /* signalfd */
    int stop;              /* eventfd: the run is over */
    int input;             /* stdin; -1 at its end */
    uint64_t deadline;     /* of machine_clock(); 0: none */
    uint64_t exits;        /* of all vCPUs, at the last look */
    int checkpoint_signal; /* 0: none */
    const char *checkpoint_path;
    sigset_t old_mask;
    bool raw; /* stdin is a terminal in raw mode; (saved) is what it was */
    struct termios saved;
    bool escape;                   /* Ctrl-A was typed */
    uint8_t pending[HOST_PENDING]; /* read, but not yet taken by the console */
    size_t pending_count;
};

/*
 * Begin: SIGINT, SIGTERM, SIGHUP and SIGQUIT end the machine instead of the process; SIGPIPE is
 * ignored; a terminal on stdin becomes raw. To be called before threads are made. (host) must not
 * move until host_end().
 */
int host_begin(struct host *host, struct machine *machine, const struct host_options *options,
               struct error *error);

/* End the thread and give the terminal back as it was. */
void host_end(struct host *host);

#endif
