#include "vmm/host/host.h"

#include "vmm/base/clock.h"
#include "vmm/base/descriptor.h"
#include "vmm/base/thread.h"
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
#define KICK_AGAIN_MS 10 /* a signal can arrive just before the call that it should end */
#define NS_IN_MS      1000000u
#define CTRL_A        1

static void prepare_signals(struct host *host, sigset_t *taken)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    kick_install();
    sigaction(SIGPIPE, &ignore, &host->old_pipe);
    sigaction(SIGXFSZ, &ignore,
              &host->old_size); /* a file over the user's limit does not end the process */
    sigemptyset(taken);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        sigaddset(taken, endings[i]);
    sigaddset(taken, SIGCONT);
    if (host->checkpoint_signal)
        sigaddset(taken, host->checkpoint_signal);
    pthread_sigmask(SIG_BLOCK, taken, NULL);
}

static void continue_machines(struct host *host)
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

static void end_machines(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        end_machine(&host->machines[i], OUTCOME_INTERRUPTED);
}

/* A terminal is made raw only if we are in its foreground; else its input belongs to another program. */
static void prepare_input(struct host *host)
{
    struct termios raw;

    host->input = STDIN_FILENO;
    if (tcgetattr(STDIN_FILENO, &host->saved) < 0)
        return;
    if (tcgetpgrp(STDIN_FILENO) != getpgrp()) {
        host->input = -1;
        return;
    }
    raw = host->saved;
    cfmakeraw(&raw);
    raw.c_oflag = host->saved.c_oflag; /* a newline on stdout stays one */
    host->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    if (host->raw)
        machine_notice(host->machines[0].machine, "Ctrl-A x ends the guest");
}

static void restore_input(const struct host *host)
{
    if (host->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &host->saved);
}

/* Ctrl-A x ends the guest, Ctrl-A c resumes it, Ctrl-A twice types one Ctrl-A; any other key after Ctrl-A is typed. */
static bool is_typed(struct host *host, uint8_t byte)
{
    if (!host->raw)
        return true;
    if (!host->escape) {
        host->escape = byte == CTRL_A;
        return !host->escape;
    }
    host->escape = false;
    if (byte == 'x')
        end_machines(host);
    if (byte == 'c')
        continue_machines(host);
    return byte != 'x' && byte != 'c';
}

static void read_input(struct host *host)
{
    uint8_t bytes[256];
    size_t room = HOST_PENDING - host->pending_count;
    /* A terminal is read even when no console has room, or Ctrl-A x would not be noticed. */
    size_t wanted = host->raw || room > sizeof(bytes) ? sizeof(bytes) : room;
    ssize_t count = read(host->input, bytes, wanted);

    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0) {
        host->input = -1;
        return;
    }
    for (ssize_t i = 0; i < count; i++)
        if (is_typed(host, bytes[i]) && host->pending_count < HOST_PENDING)
            host->pending[host->pending_count++] = bytes[i];
}

static void hand_over_input(struct host *host, struct console *console)
{
    size_t taken = console ? console_type(console, host->pending, host->pending_count) : 0;

    host->pending_count -= taken;
    memmove(host->pending, host->pending + taken, host->pending_count);
}

static void check_deadlines(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++) {
        struct host_machine *machine = &host->machines[i];

        if (machine->deadline && clock_now() >= machine->deadline)
            end_machine(machine, OUTCOME_TIMEOUT);
    }
}

/* The machine was ended from outside, by this thread or another. */
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

/* The console that input goes to; NULL: none at this moment. */
static struct console *find_listener(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        if (runs(&host->machines[i]) && host->machines[i].machine->console.heard)
            return &host->machines[i].machine->console;
    return host->machines[0].away ? NULL : &host->machines[0].machine->console;
}

/*
 * Milliseconds until the thread must wake without an event. Guests may sleep without an exit, and another thread
 * may end a machine without an event.
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

static void read_signal(struct host *host)
{
    struct signalfd_siginfo signal;

    if (read(host->signals, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (signal.ssi_signo == SIGCONT)
        continue_machines(host);
    else if ((int)signal.ssi_signo == host->checkpoint_signal)
        save(&host->machines[0], host->checkpoint_path);
    else
        end_machines(host);
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

/* Poll (waits) without the lock. Returns how many are ready; 0: the time is over. */
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
        read_signal(host);
    check_deadlines(host);
    if (waits[2].revents)
        read_input(host);
    if (waits[3].revents)
        event_clear(host->room);
    hand_over_input(host, find_listener(host));
    kick_abandoned(host);
    return true;
}

static void *host_thread(void *argument)
{
    struct host *host = argument;

    pthread_mutex_lock(&host->lock);
    while (serve(host))
        ;
    pthread_mutex_unlock(&host->lock);
    return NULL;
}

static void restore(struct host *host)
{
    restore_input(host);
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
        error_set(error, result, "signals cannot be handled: %s", strerror(-result));
    } else {
        if (host->foreground)
            prepare_input(host);
        result = thread_start(&host->thread, host_thread, host);
        if (result < 0)
            error_set(error, result, "no thread for the host's side: %s", strerror(-result));
    }
    if (result < 0) {
        restore(host);
        host_restore_signals(host);
    }
    return result;
}

void host_remove_machine(struct host *host, unsigned index)
{
    pthread_mutex_lock(&host->lock);
    host->machines[index].away = true;
    pthread_mutex_unlock(&host->lock);
}

void host_add_machine(struct host *host, unsigned index)
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

void host_restore_signals(const struct host *host)
{
    if (!host->foreground)
        return;
    sigaction(SIGPIPE, &host->old_pipe, NULL);
    sigaction(SIGXFSZ, &host->old_size, NULL);
}
