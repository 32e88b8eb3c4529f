#include "vmm/host/host_parts.h"

#include "vmm/base/clock.h"
#include "vmm/base/descriptor.h"
#include "vmm/core/kick.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/console.h"
#include "vmm/snapshot/checkpoint.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOOK_MS       100
#define KICK_AGAIN_MS 10 /* a signal can come just before the call that it is to end */
#define NS_IN_MS      1000000u

static void prepare_signals(struct host *host, sigset_t *taken)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    kick_take();
    sigaction(SIGPIPE, &ignore, &host->old_pipe);
    sigaction(SIGXFSZ, &ignore, &host->old_size); /* a file over the user's limit is no end */
    sigemptyset(taken);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        sigaddset(taken, endings[i]);
    sigaddset(taken, SIGCONT);
    if (host->checkpoint_signal)
        sigaddset(taken, host->checkpoint_signal);
    pthread_sigmask(SIG_BLOCK, taken, NULL);
}

void host_go_on(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        if (!host->machines[i].away)
            machine_go_on(host->machines[i].machine);
}

static void end_machine(struct host_machine *ended, enum outcome outcome)
{
    if (ended->ended == OUTCOME_NONE)
        ended->ended = outcome;
    if (ended->away)
        return;
    machine_stop(ended->machine, outcome);
    atomic_store(&ended->machine->abandoned, true);
    machine_go_on(ended->machine);
}

void host_end_machines(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        end_machine(&host->machines[i], OUTCOME_INTERRUPTED);
}

static void check_deadlines(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++) {
        struct host_machine *machine = &host->machines[i];

        if (machine->deadline && clock_now() >= machine->deadline)
            end_machine(machine, OUTCOME_TIMEOUT);
    }
}

/* By the host, or by anybody else. */
static bool is_abandoned(const struct host_machine *machine)
{
    return !machine->away && atomic_load(&machine->machine->abandoned);
}

static void kick_abandoned(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        if (is_abandoned(&host->machines[i]))
            machine_kick(host->machines[i].machine);
}

static bool runs(const struct host_machine *machine)
{
    return !machine->away && machine_outcome(machine->machine) == OUTCOME_NONE;
}

/* Whose console what is typed goes to; NULL: there is nobody at this moment. */
static struct console *find_listener(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        if (runs(&host->machines[i]) && host->machines[i].machine->console.heard)
            return &host->machines[i].machine->console;
    return host->machines[0].away ? NULL : &host->machines[0].machine->console;
}

/*
 * Milliseconds until something is to be done unasked. Guests may sleep without an exit, and whoever
 * ends a machine otherwise does not tell us.
 */
static int wait_ms(const struct host *host, const struct console *listener)
{
    const bool busy = host->pending_count && listener && console_room(listener) > 0;
    uint64_t wait = busy ? CONSOLE_BUSY_MS : LOOK_MS;

    for (unsigned i = 0; i < host->machine_count; i++) {
        const uint64_t deadline = host->machines[i].deadline;
        uint64_t now, left = KICK_AGAIN_MS;

        if (!is_abandoned(&host->machines[i])) {
            if (!deadline)
                continue;
            now = clock_now();
            left = now >= deadline ? 0 : (deadline - now) / NS_IN_MS + 1;
        }
        if (left < wait)
            wait = left;
    }
    return (int)wait;
}

static void save(const struct host_machine *machine, const char *path)
{
    if (!machine->away)
        checkpoint_save(machine->machine, path);
}

static void take_signal(struct host *host)
{
    struct signalfd_siginfo signal;

    if (read(host->signals, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (signal.ssi_signo == SIGCONT)
        host_go_on(host);
    else if ((int)signal.ssi_signo == host->checkpoint_signal)
        save(&host->machines[0], host->checkpoint_path);
    else
        host_end_machines(host);
}

/* No vCPU had an exit since the last time: does anything still run? */
static void check_sleep(struct host_machine *host_machine)
{
    struct machine *machine = host_machine->machine;
    uint64_t counts[EXIT_REASONS];
    uint64_t exits = 0;

    if (!runs(host_machine) || !machine->irqs.needed)
        return;
    machine_count_exits(machine, counts);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        exits += counts[reason];
    if (exits == host_machine->exits && machine_sleeps_for_ever(machine)) {
        machine_stop(machine, OUTCOME_GUEST);
        machine_kick(machine);
    }
    host_machine->exits = exits;
}

static void check_sleepers(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        check_sleep(&host->machines[i]);
}

/* Wait until there is something to do, with the lock given up: the number of (waits), 0 for none. */
static int wait_for(struct host *host, struct pollfd *waits, unsigned count, int ms)
{
    int ready;

    pthread_mutex_unlock(&host->lock);
    ready = poll(waits, count, ms);
    pthread_mutex_lock(&host->lock);
    return ready;
}

/* One turn; false: the run is over. */
static bool serve(struct host *host)
{
    const struct console *console = find_listener(host);
    const bool reads = host->input >= 0 && (host->raw || host->pending_count < HOST_PENDING);
    struct pollfd waits[] = {
        {.fd = host->stop, .events = POLLIN},
        {.fd = host->signals, .events = POLLIN},
        {.fd = reads ? host->input : -1, .events = POLLIN},
        {.fd = host->pending_count ? host->room : -1, .events = POLLIN},
    };

    if (wait_for(host, waits, sizeof(waits) / sizeof(waits[0]), wait_ms(host, console)) == 0)
        check_sleepers(host);
    if (waits[0].revents)
        return false;
    if (waits[1].revents)
        take_signal(host);
    check_deadlines(host);
    if (waits[2].revents)
        host_read_input(host);
    if (waits[3].revents)
        event_clear(host->room);
    host_hand_over_input(host, find_listener(host));
    kick_abandoned(host);
    return true;
}

/* Signals are for other threads, but those that (signals) tells of. */
static void *host_thread(void *argument)
{
    struct host *host = argument;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_mutex_lock(&host->lock);
    while (serve(host))
        ;
    pthread_mutex_unlock(&host->lock);
    return NULL;
}

static void restore(struct host *host)
{
    host_restore_input(host);
    descriptor_close(&host->signals);
    descriptor_close(&host->stop);
    for (unsigned i = 0; i < host->machine_count; i++)
        if (!host->machines[i].away)
            host->machines[i].machine->console.room_event = -1;
    descriptor_close(&host->room);
    pthread_mutex_destroy(&host->lock);
    pthread_sigmask(SIG_SETMASK, &host->old_mask, NULL);
}

/* What the thread waits for, besides input. */
static int open_events(struct host *host, const sigset_t *taken)
{
    if (host->foreground) {
        host->signals = signalfd(-1, taken, SFD_CLOEXEC | SFD_NONBLOCK);
        if (host->signals < 0)
            return -errno;
    }
    host->stop = eventfd(0, EFD_CLOEXEC);
    host->room = host->stop < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (host->room < 0)
        return -errno;
    for (unsigned i = 0; i < host->machine_count; i++)
        host->machines[i].machine->console.room_event = host->room;
    return 0;
}

static void init(struct host *host, struct machine *const *machines, unsigned count,
                 const struct host_options *options)
{
    memset(host, 0, sizeof(*host));
    for (unsigned i = 0; i < count; i++)
        host->machines[i] =
            (struct host_machine){.machine = machines[i], .deadline = options->deadlines[i]};
    host->machine_count = count;
    pthread_mutex_init(&host->lock, NULL);
    host->foreground = options->foreground;
    host->checkpoint_signal = options->checkpoint_signal;
    host->checkpoint_path = options->checkpoint_path;
    host->signals = host->stop = host->room = host->input = -1;
    kick_unblock(&host->old_mask);
}

int host_begin(struct host *host, struct machine *const *machines, unsigned count,
               const struct host_options *options, struct error *error)
{
    sigset_t taken;
    int result;

    init(host, machines, count, options);
    if (host->foreground)
        prepare_signals(host, &taken);
    result = open_events(host, &taken);
    if (result < 0) {
        error_set(error, result, "signals cannot be taken: %s", strerror(-result));
    } else {
        if (host->foreground)
            host_prepare_input(host);
        result = -pthread_create(&host->thread, NULL, host_thread, host);
        if (result < 0)
            error_set(error, result, "no thread for the host's side: %s", strerror(-result));
    }
    if (result < 0) {
        restore(host);
        host_give_back_signals(host);
    }
    return result;
}

void host_take_away(struct host *host, unsigned index)
{
    pthread_mutex_lock(&host->lock);
    host->machines[index].away = true;
    pthread_mutex_unlock(&host->lock);
}

void host_give_back(struct host *host, unsigned index)
{
    struct host_machine *machine = &host->machines[index];

    pthread_mutex_lock(&host->lock);
    machine->away = false;
    machine->exits = 0;
    machine->machine->console.room_event = host->room;
    if (machine->ended != OUTCOME_NONE)
        end_machine(machine, machine->ended);
    pthread_mutex_unlock(&host->lock);
}

void host_end(struct host *host)
{
    event_raise(host->stop);
    pthread_join(host->thread, NULL);
    restore(host);
}

void host_give_back_signals(const struct host *host)
{
    if (!host->foreground)
        return;
    sigaction(SIGPIPE, &host->old_pipe, NULL);
    sigaction(SIGXFSZ, &host->old_size, NULL);
}
