/*
 * The host's side of a run: signals, the time limit and what is typed.
 *
 * One thread waits for all of them, so that the vCPUs never look. It ends machines from outside, and
 * hands input to a console. There may be several machines: what ends one from outside ends all, and
 * input goes to the first that still runs and has a device that listens.
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

#define HOST_PENDING  4096 /* as much as a terminal holds in a line */
#define HOST_MACHINES 2

struct host {
    struct machine *machines[HOST_MACHINES];
    uint64_t exits[HOST_MACHINES]; /* of all vCPUs, at the last look */
    unsigned machine_count;
    pthread_t thread;
    int signals;           /* signalfd */
    int stop;              /* eventfd: the run is over */
    int input;             /* stdin; -1 at its end */
    uint64_t deadline;     /* of machine_clock(); 0: none */
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
 * Begin, for (count) machines, 1 to HOST_MACHINES: SIGINT, SIGTERM, SIGHUP and SIGQUIT end them instead
 * of the process; SIGPIPE is ignored; a terminal on stdin becomes raw; a checkpoint is of the first.
 * To be called before threads are made. (host) must not move until host_end(), nor may a machine go.
 */
int host_begin(struct host *host, struct machine *const *machines, unsigned count,
               const struct host_options *options, struct error *error);

/* End the thread and give the terminal back as it was. */
void host_end(struct host *host);

#endif
