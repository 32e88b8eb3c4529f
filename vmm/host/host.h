/*
 * The host's side of a run: the time limit, guests that sleep for ever, signals and what is typed.
 *
 * One thread waits for all of them, so that the vCPUs never look. It ends machines from outside, and
 * hands input to a console. There may be several machines: what ends one from outside ends all, but
 * for its time limit, and input goes to the first that still runs and has a device that listens.
 */
#ifndef VMM_HOST_HOST_H
#define VMM_HOST_HOST_H

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

struct machine;

#define HOST_PENDING  4096 /* as much as a terminal holds in a line */
#define HOST_MACHINES 2

struct host_options {
    uint64_t deadlines[HOST_MACHINES]; /* of clock_now(): then that guest ends; 0: none */
    bool foreground;                   /* signals, and what is typed */
    int checkpoint_signal;             /* SIGUSR1 or SIGUSR2: the machine is saved; 0: none */
    const char *checkpoint_path;       /* to this file */
};

/* A machine that it looks after. */
struct host_machine {
    struct machine *machine;
    bool away;          /* between two boots: there is none at (machine) */
    enum outcome ended; /* from outside, by this */
    uint64_t deadline;  /* 0: none */
    uint64_t exits;     /* of all vCPUs, at the last look */
};

struct host {
    struct host_machine machines[HOST_MACHINES];
    unsigned machine_count;
    pthread_mutex_t lock; /* of (machines); the thread has it, but while it waits */
    pthread_t thread;
    bool foreground;
    int signals;           /* signalfd; -1: not in the foreground */
    int stop;              /* eventfd: the run is over */
    int room;              /* eventfd: a console has room again; of all of them */
    int input;             /* stdin; -1 at its end */
    int checkpoint_signal; /* 0: none */
    const char *checkpoint_path;
    sigset_t old_mask;
    struct sigaction old_pipe, old_size; /* what SIGPIPE and SIGXFSZ did */
    bool raw; /* stdin is a terminal in raw mode; (saved) is what it was */
    struct termios saved;
    bool escape;                   /* Ctrl-A was typed */
    uint8_t pending[HOST_PENDING]; /* read, but not yet taken by the console */
    size_t pending_count;
};

/*
 * Begin, for (count) machines, 1 to HOST_MACHINES. In the foreground: SIGINT, SIGTERM, SIGHUP and SIGQUIT
 * end them instead of the process; SIGPIPE and SIGXFSZ are ignored; a terminal on stdin becomes raw; a
 * checkpoint is of the first. To be called before threads are made. (host) must not move until
 * host_end(), nor may a machine go, unless it is taken away.
 */
int host_begin(struct host *host, struct machine *const *machines, unsigned count,
               const struct host_options *options, struct error *error);

/*
 * Machine (index) is to be made anew: away with it, and back, at the same place. What ended it
 * meanwhile, ends it then. Both from any thread.
 */
void host_remove_machine(struct host *host, unsigned index);
void host_add_machine(struct host *host, unsigned index);

/* End the thread and give the terminal back as it was. */
void host_end(struct host *host);

/* After host_end(), when all is written: SIGPIPE and SIGXFSZ do what they did. */
void host_restore_signals(const struct host *host);

#endif
