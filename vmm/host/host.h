/*
 * The host's side of a run: the time limit, guests that sleep for ever, signals, and the keyboard.
 *
 * One thread waits for all of them, so vCPUs never poll. It ends machines from outside, and
 * passes input to a console. With several machines, a signal ends all of them, a time limit only its own
 * machine; input goes to the first that still runs and has a device that listens.
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

#define HOST_PENDING  4096 /* the length of a terminal's line */
#define HOST_MACHINES 2

struct host_options {
    uint64_t deadlines[HOST_MACHINES]; /* of clock_now(): that guest ends then; 0: none */
    bool foreground;                   /* take signals, and read stdin */
    int checkpoint_signal;             /* SIGUSR1 or SIGUSR2: the machine is saved; 0: none */
    const char *checkpoint_path;       /* to this file */
};

/* One of its machines. */
struct host_machine {
    struct machine *machine;
    bool away;          /* between two boots: (machine) points to no machine */
    enum outcome ended; /* from outside, by this */
    uint64_t deadline;  /* 0: none */
    uint64_t exits;     /* of all vCPUs, at the last check */
};

struct host {
    struct host_machine machines[HOST_MACHINES];
    unsigned machine_count;
    pthread_mutex_t lock; /* of (machines); the thread holds it, except while it waits */
    pthread_t thread;
    bool foreground;
    int signals;           /* signalfd; -1: not in the foreground */
    int stop;              /* eventfd: the run is over */
    int room;              /* eventfd: a console has room again; of all of them */
    int input;             /* stdin; -1 at its end */
    int checkpoint_signal; /* 0: none */
    const char *checkpoint_path;
    sigset_t old_mask;
    struct sigaction old_pipe, old_size; /* the former actions of SIGPIPE and SIGXFSZ */
    bool raw; /* stdin is a terminal in raw mode; (saved) is its former mode */
    struct termios saved;
    bool escape;                   /* Ctrl-A was typed */
    uint8_t pending[HOST_PENDING]; /* read, but not yet taken by the console */
    size_t pending_count;
};

/*
 * Start the thread for (count) machines, 1 to HOST_MACHINES. In the foreground: SIGINT, SIGTERM, SIGHUP and SIGQUIT
 * end the machines instead of the process; SIGPIPE and SIGXFSZ are ignored; a terminal on stdin becomes raw;
 * (checkpoint_signal) saves the first machine. Called before other threads are started. (host) must not move until
 * host_end(), and a machine must not be destroyed unless it is removed. 0, or a negative errno with a sentence.
 */
int host_begin(struct host *host, struct machine *const *machines, unsigned count,
               const struct host_options *options, struct error *error);

/*
 * Remove machine (index) before it is destroyed for a reboot, and add it again, at the same address. If it was ended
 * in between, it ends when it is added. Both on any thread.
 */
void host_remove_machine(struct host *host, unsigned index);
void host_add_machine(struct host *host, unsigned index);

/* End the thread, and restore the terminal. */
void host_end(struct host *host);

/* After host_end(), when all files are written: restore SIGPIPE and SIGXFSZ. */
void host_restore_signals(const struct host *host);

#endif
