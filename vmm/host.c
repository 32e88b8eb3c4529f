#include "vmm/host.h"

#include "vmm/checkpoint.h"
#include "vmm/clock.h"
#include "vmm/console.h"
#include "vmm/descriptor.h"
#include "vmm/machine.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CTRL_A         1
#define SLEEP_CHECK_MS 100
#define KICK_AGAIN_MS  10 /* a signal can come just before the call that it is to end */
#define NS_IN_MS       1000000u
#define POLL_MS_MAX    1000000

static void do_nothing(int number)
{
    (void)number;
}

/*
 * A kick must end a blocked call, so its handler exists and does not restart it, and whoever started
 * us may have blocked it.
 */
static void prepare_signals(struct host *host, sigset_t *taken)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction kick = {.sa_handler = do_nothing};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t kicks;

    sigaction(VCPU_KICK_SIGNAL, &kick, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file over the user's limit is an error, no end */
    sigemptyset(taken);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        sigaddset(taken, endings[i]);
    sigaddset(taken, SIGCONT);
    if (host->checkpoint_signal)
        sigaddset(taken, host->checkpoint_signal);
    pthread_sigmask(SIG_BLOCK, taken, &host->old_mask);
    sigemptyset(&kicks);
    sigaddset(&kicks, VCPU_KICK_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &kicks, NULL);
}

/* A terminal is made raw only if we are in its foreground; else it is not ours to read. */
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
        machine_notice(host->machines[0], "Ctrl-A x ends the guest");
}

static void go_on(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        machine_go_on(host->machines[i]);
}

static void end_from_outside(struct host *host, enum outcome outcome)
{
    for (unsigned i = 0; i < host->machine_count; i++) {
        machine_stop(host->machines[i], outcome);
        atomic_store(&host->machines[i]->abandoned, true);
    }
    go_on(host);
}

/* All machines are, at the same time. */
static bool is_abandoned(const struct host *host)
{
    return atomic_load(&host->machines[0]->abandoned);
}

static void kick_all(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        machine_kick(host->machines[i]);
}

/* Whose console what is typed goes to. */
static struct console *find_listener(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        if (host->machines[i]->console.heard && machine_outcome(host->machines[i]) == OUTCOME_NONE)
            return &host->machines[i]->console;
    return &host->machines[0]->console;
}

/* Ctrl-A x ends the guest, Ctrl-A c lets it go on, Ctrl-A twice is one Ctrl-A; what else follows it is typed as it is. */
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
        end_from_outside(host, OUTCOME_INTERRUPTED);
    if (byte == 'c')
        go_on(host);
    return byte != 'x' && byte != 'c';
}

static void read_input(struct host *host)
{
    uint8_t bytes[256];
    size_t room = HOST_PENDING - host->pending_count;
    /* A terminal is read even when nobody takes the bytes, or Ctrl-A x would go unseen. */
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
    size_t taken = console_type(console, host->pending, host->pending_count);

    host->pending_count -= taken;
    memmove(host->pending, host->pending + taken, host->pending_count);
}

/* Can one of them sleep without an exit? */
static bool can_sleep(const struct host *host)
{
    bool can = false;

    for (unsigned i = 0; i < host->machine_count; i++)
        can |= host->machines[i]->irqs.needed;
    return can;
}

/* Milliseconds until something is to be done unasked; -1: never. */
static int wait_ms(const struct host *host, const struct console *listener)
{
    const bool busy = host->pending_count && console_room(listener) > 0;
    const int rest = busy ? CONSOLE_BUSY_MS : can_sleep(host) ? SLEEP_CHECK_MS : -1;
    uint64_t now, ms;

    if (is_abandoned(host))
        return KICK_AGAIN_MS;
    if (!host->deadline)
        return rest;
    now = clock_now();
    if (now >= host->deadline)
        return 0;
    ms = (host->deadline - now) / NS_IN_MS + 1;
    if (rest >= 0 && ms > (uint64_t)rest)
        return rest;
    return ms < POLL_MS_MAX ? (int)ms : POLL_MS_MAX;
}

static void take_signal(struct host *host)
{
    struct signalfd_siginfo signal;

    if (read(host->signals, &signal, sizeof(signal)) != sizeof(signal))
        return;
    if (signal.ssi_signo == SIGCONT)
        go_on(host);
    else if ((int)signal.ssi_signo == host->checkpoint_signal)
        checkpoint_save(host->machines[0], host->checkpoint_path);
    else
        end_from_outside(host, OUTCOME_INTERRUPTED);
}

/* No vCPU had an exit since the last time: does anything still run? */
static void check_sleep(struct machine *machine, uint64_t *last)
{
    uint64_t counts[EXIT_REASONS];
    uint64_t exits = 0;

    if (!machine->irqs.needed || machine_outcome(machine) != OUTCOME_NONE)
        return;
    machine_count_exits(machine, counts);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        exits += counts[reason];
    if (exits == *last && machine_sleeps_for_ever(machine)) {
        machine_stop(machine, OUTCOME_GUEST);
        machine_kick(machine);
    }
    *last = exits;
}

static void check_sleepers(struct host *host)
{
    for (unsigned i = 0; i < host->machine_count; i++)
        check_sleep(host->machines[i], &host->exits[i]);
}

static void *host_thread(void *argument)
{
    struct host *host = argument;

    for (;;) {
        struct console *console = find_listener(host);
        bool reads = host->input >= 0 && (host->raw || host->pending_count < HOST_PENDING);
        struct pollfd waits[] = {
            {.fd = host->stop, .events = POLLIN},
            {.fd = host->signals, .events = POLLIN},
            {.fd = reads ? host->input : -1, .events = POLLIN},
            {.fd = host->pending_count ? console->room_event : -1, .events = POLLIN},
        };

        if (poll(waits, sizeof(waits) / sizeof(waits[0]), wait_ms(host, console)) == 0)
            check_sleepers(host);
        if (waits[0].revents)
            return NULL;
        if (waits[1].revents)
            take_signal(host);
        if (host->deadline && clock_now() >= host->deadline)
            end_from_outside(host, OUTCOME_TIMEOUT);
        if (waits[2].revents)
            read_input(host);
        if (waits[3].revents)
            event_clear(console->room_event);
        hand_over_input(host, find_listener(host));
        if (is_abandoned(host))
            kick_all(host);
    }
}

static void restore(struct host *host)
{
    if (host->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &host->saved);
    descriptor_close(&host->signals);
    descriptor_close(&host->stop);
    for (unsigned i = 0; i < host->machine_count; i++)
        descriptor_close(&host->machines[i]->console.room_event);
    pthread_sigmask(SIG_SETMASK, &host->old_mask, NULL);
}

/* What the thread waits for, besides input. */
static int open_events(struct host *host, const sigset_t *taken)
{
    bool opened;

    host->signals = signalfd(-1, taken, SFD_CLOEXEC | SFD_NONBLOCK);
    host->stop = host->signals < 0 ? -1 : eventfd(0, EFD_CLOEXEC);
    opened = host->stop >= 0;
    for (unsigned i = 0; opened && i < host->machine_count; i++) {
        host->machines[i]->console.room_event = eventfd(0, EFD_CLOEXEC);
        opened = host->machines[i]->console.room_event >= 0;
    }
    return opened ? 0 : -errno;
}

int host_begin(struct host *host, struct machine *const *machines, unsigned count,
               const struct host_options *options, struct error *error)
{
    sigset_t taken;
    int result;

    memset(host, 0, sizeof(*host));
    memcpy(host->machines, machines, count * sizeof(struct machine *));
    host->machine_count = count;
    host->checkpoint_signal = options->checkpoint_signal;
    host->checkpoint_path = options->checkpoint_path;
    host->deadline = options->deadline;
    prepare_signals(host, &taken);
    result = open_events(host, &taken);
    if (result < 0) {
        restore(host);
        return error_set(error, result, "signals cannot be taken: %s", strerror(-result));
    }
    prepare_input(host);
    result = pthread_create(&host->thread, NULL, host_thread, host);
    if (result != 0) {
        restore(host);
        return error_set(error, -result, "no thread for the host's side: %s", strerror(result));
    }
    return 0;
}

void host_end(struct host *host)
{
    event_raise(host->stop);
    pthread_join(host->thread, NULL);
    restore(host);
}
