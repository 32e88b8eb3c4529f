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
        machine_notice(host->machine, "Ctrl-A x ends the guest");
}

static void end_from_outside(struct host *host, enum outcome outcome)
{
    machine_stop(host->machine, outcome);
    atomic_store(&host->machine->abandoned, true);
    machine_go_on(host->machine);
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
        machine_go_on(host->machine);
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

/* Not to a machine that has ended: a checkpoint of its end would not have it. */
static void hand_over_input(struct host *host)
{
    size_t taken;

    if (machine_outcome(host->machine) != OUTCOME_NONE)
        return;
    taken = console_type(&host->machine->console, host->pending, host->pending_count);

    host->pending_count -= taken;
    memmove(host->pending, host->pending + taken, host->pending_count);
}

/* Milliseconds until something is to be done unasked; -1: never. */
static int wait_ms(const struct host *host)
{
    const bool busy = host->pending_count && console_room(&host->machine->console) > 0;
    const int rest = busy ? CONSOLE_BUSY_MS : host->machine->irqs.needed ? SLEEP_CHECK_MS : -1;
    uint64_t now, ms;

    if (atomic_load(&host->machine->abandoned))
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
        machine_go_on(host->machine);
    else if ((int)signal.ssi_signo == host->checkpoint_signal)
        checkpoint_save(host->machine, host->checkpoint_path);
    else
        end_from_outside(host, OUTCOME_INTERRUPTED);
}

/* No vCPU had an exit since the last time: does anything still run? */
static void check_sleep(struct host *host)
{
    uint64_t counts[EXIT_REASONS];
    uint64_t exits = 0;

    if (!host->machine->irqs.needed)
        return;
    machine_count_exits(host->machine, counts);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        exits += counts[reason];
    if (exits == host->exits && machine_sleeps_for_ever(host->machine)) {
        machine_stop(host->machine, OUTCOME_GUEST);
        machine_kick(host->machine);
    }
    host->exits = exits;
}

static void *host_thread(void *argument)
{
    struct host *host = argument;
    struct console *console = &host->machine->console;

    for (;;) {
        bool reads = host->input >= 0 && (host->raw || host->pending_count < HOST_PENDING);
        struct pollfd waits[] = {
            {.fd = host->stop, .events = POLLIN},
            {.fd = host->signals, .events = POLLIN},
            {.fd = reads ? host->input : -1, .events = POLLIN},
            {.fd = host->pending_count ? console->room_event : -1, .events = POLLIN},
        };

        if (poll(waits, sizeof(waits) / sizeof(waits[0]), wait_ms(host)) == 0)
            check_sleep(host);
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
        hand_over_input(host);
        if (atomic_load(&host->machine->abandoned))
            machine_kick(host->machine);
    }
}

static void restore(struct host *host)
{
    if (host->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &host->saved);
    descriptor_close(&host->signals);
    descriptor_close(&host->stop);
    descriptor_close(&host->machine->console.room_event);
    pthread_sigmask(SIG_SETMASK, &host->old_mask, NULL);
}

int host_begin(struct host *host, struct machine *machine, const struct host_options *options,
               struct error *error)
{
    sigset_t taken;
    int result;

    memset(host, 0, sizeof(*host));
    host->machine = machine;
    host->checkpoint_signal = options->checkpoint_signal;
    host->checkpoint_path = options->checkpoint_path;
    host->deadline = options->deadline;
    prepare_signals(host, &taken);
    host->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    host->stop = eventfd(0, EFD_CLOEXEC);
    machine->console.room_event = eventfd(0, EFD_CLOEXEC);
    if (host->signals < 0 || host->stop < 0 || machine->console.room_event < 0) {
        result = error_set(error, -errno, "signals cannot be taken: %s", strerror(errno));
        restore(host);
        return result;
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
