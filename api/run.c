/* Running machines of the API: one on the calling thread, or several at a time. */
#include "api/access.h"
#include "api/boot.h"
#include "api/domains.h"
#include "api/result.h"
#include "vmm/base/clock.h"
#include "vmm/core/kick.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/machine_run.h"
#include "vmm/host/host.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

_Static_assert(MINIVMM_FOREGROUND_MAX == HOST_MACHINES, "as many as the host's thread serves");

struct run;

/* The part of one machine. */
struct turn {
    struct run *run;
    unsigned index;
    struct minivmm_machine *machine;
    struct minivmm_result *result;
    bool broken; /* it failed before its end; (result) has the reason */
    pthread_t thread;
};

struct run {
    struct turn turns[MINIVMM_FOREGROUND_MAX];
    unsigned count;
    const struct minivmm_foreground *foreground; /* NULL: not in the foreground */
    struct host host;
    pthread_mutex_t reporting; /* one end at a time */
};

/* Nothing can fail any more, and the next boot may be stopped. */
static void begin_boot(struct turn *turn)
{
    struct minivmm_machine *machine = turn->machine;

    pthread_rwlock_wrlock(&machine->lock);
    atomic_store(&machine->state, HANDLE_RUNNING);
    if (atomic_load(&machine->stopped))
        machine_stop(&machine->machine, OUTCOME_INTERRUPTED);
    pthread_rwlock_unlock(&machine->lock);
    host_add_machine(&turn->run->host, turn->index);
}

/* Create the machine again from its image. The files of the first boot are finished. False: (broken). */
static bool reboot(struct turn *turn)
{
    struct minivmm_machine *machine = turn->machine;
    struct minivmm_error error;

    host_remove_machine(&turn->run->host, turn->index);
    turn->broken = result_finish(machine, turn->result) < 0;
    if (turn->broken)
        return false;
    boot_unmake(machine);
    run_files_close(&machine->watch); /* the machine used its journal */
    if (boot_make(machine, false, &error) < 0) {
        boot_unmake(machine);
        result_set(turn->result, error.outcome, error.text);
        turn->broken = true;
        return false;
    }
    begin_boot(turn);
    return true;
}

/* Run all its boots. */
static void run_boots(struct turn *turn)
{
    struct minivmm_machine *machine = turn->machine;
    bool again;

    do {
        machine_run(&machine->machine);
        atomic_store(&machine->state, HANDLE_CHANGING);
        again = result_is_reboot(machine);
        boot_close(machine);
    } while (again && reboot(turn));
}

/* Report the end to the owner, before the other machines have ended. */
static void report_end(struct turn *turn)
{
    const struct minivmm_foreground *foreground = turn->run->foreground;

    if (!turn->broken)
        result_explain(turn->machine, turn->result);
    if (!foreground || !foreground->ended)
        return;
    pthread_mutex_lock(&turn->run->reporting);
    foreground->ended(foreground->opaque, turn->index, turn->result);
    pthread_mutex_unlock(&turn->run->reporting);
}

static void *turn_thread(void *argument)
{
    run_boots(argument);
    report_end(argument);
    return NULL;
}

/* Machines from (started) on have no thread, so all must end. */
static void give_up(struct run *run, unsigned started, int code)
{
    struct error error;

    error_set(&error, -code, "no thread for a machine: %s", strerror(code));
    for (unsigned i = 0; i < run->count; i++) {
        struct turn *turn = &run->turns[i];

        machine_stop(&turn->machine->machine, OUTCOME_SETUP);
        machine_kick(&turn->machine->machine);
        if (i < started)
            continue;
        turn->broken = true;
        result_set(turn->result, MINIVMM_SETUP, error.text);
        boot_close(turn->machine);
    }
}

/* Run all, each in a thread, until the last has ended. */
static void run_threads(struct run *run)
{
    unsigned started = 0;
    int code = 0;

    while (started < run->count && code == 0) {
        struct turn *turn = &run->turns[started];

        code = pthread_create(&turn->thread, NULL, turn_thread, turn);
        started += code == 0;
    }
    if (code)
        give_up(run, started, code);
    for (unsigned i = 0; i < started; i++)
        pthread_join(run->turns[i].thread, NULL);
}

static void run_all(struct run *run)
{
    if (run->count > 1) {
        run_threads(run);
        host_end(&run->host);
    } else {
        run_boots(&run->turns[0]);
        host_end(&run->host);
        report_end(&run->turns[0]);
    }
    /* Output at the end is written in this order, not in the order of the ends. */
    for (unsigned i = 0; i < run->count; i++)
        if (!run->turns[i].broken)
            result_finish(run->turns[i].machine, run->turns[i].result);
    host_restore_signals(&run->host);
}

/* 0: no limit, also for a limit beyond the clock's range. */
static uint64_t deadline_after(uint64_t timeout)
{
    const uint64_t now = clock_now();

    return timeout && timeout < UINT64_MAX - now ? now + timeout : 0;
}

static int begin_host(struct run *run, struct minivmm_error *error)
{
    const struct minivmm_foreground *foreground = run->foreground;
    struct host_options options = {.foreground = foreground != NULL};
    struct machine *machines[MINIVMM_FOREGROUND_MAX];
    struct error cause;
    int result;

    if (foreground) {
        options.checkpoint_signal = foreground->checkpoint_signal;
        options.checkpoint_path = foreground->checkpoint_path;
    }
    for (unsigned i = 0; i < run->count; i++) {
        struct minivmm_machine *machine = run->turns[i].machine;
        const uint64_t timeout = machine->config.timeout_ns;

        machines[i] = &machine->machine;
        machine->deadline = deadline_after(timeout);
        options.deadlines[i] = machine->deadline;
    }
    result = host_begin(&run->host, machines, run->count, &options, &cause);
    return result < 0 ? api_fail(error, MINIVMM_SETUP, result, &cause) : 0;
}

static int check_kick(struct minivmm_error *error)
{
    if (kick_is_installed())
        return 0;
    return api_refuse(error, -EINVAL,
                      "SIGRTMIN interrupts nothing, and a vCPU could not be stopped; call "
                      "minivmm_take_kick_signal() once, or handle it without SA_RESTART");
}

/* Finish the first (count) machines, which have ended or did not start. */
static void release(struct run *run, unsigned count, enum handle_state state)
{
    for (unsigned i = 0; i < count; i++) {
        struct minivmm_machine *machine = run->turns[i].machine;

        if (machine->config.world)
            domains_count_running(machine->config.world, -1);
        atomic_store(&machine->state, state);
    }
}

/* All of them, or none. */
static int claim(struct run *run, struct minivmm_error *error)
{
    for (unsigned i = 0; i < run->count; i++) {
        struct minivmm_machine *machine = run->turns[i].machine;
        int result = api_claim(machine, HANDLE_LOADED, HANDLE_RUNNING, error);

        if (result < 0) {
            release(run, i, HANDLE_LOADED);
            return result;
        }
        atomic_store(&machine->stopped, false);
        if (machine->config.world)
            domains_count_running(machine->config.world, 1);
    }
    return 0;
}

static int try_run(struct run *run, struct minivmm_error *error)
{
    int result = check_kick(error);
    sigset_t mask;

    if (result == 0)
        result = claim(run, error);
    if (result < 0)
        return result;
    kick_unblock(&mask);
    result = begin_host(run, error);
    if (result == 0)
        run_all(run);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    release(run, run->count, result < 0 ? HANDLE_LOADED : HANDLE_ENDED);
    return result;
}

static int run_machines(struct minivmm_machine *const *machines, unsigned count,
                        const struct minivmm_foreground *foreground, struct minivmm_result *results)
{
    struct run run = {.count = count, .foreground = foreground};
    struct minivmm_error error;
    int result;

    for (unsigned i = 0; i < count; i++) {
        results[i] = (struct minivmm_result){.outcome = MINIVMM_NONE};
        run.turns[i] =
            (struct turn){.run = &run, .index = i, .machine = machines[i], .result = &results[i]};
    }
    pthread_mutex_init(&run.reporting, NULL);
    result = try_run(&run, &error);
    pthread_mutex_destroy(&run.reporting);
    for (unsigned i = 0; result < 0 && i < count; i++)
        result_set(&results[i], error.outcome, error.text);
    return result;
}

int minivmm_run(struct minivmm_machine *machine, struct minivmm_result *result)
{
    struct minivmm_result unwanted;

    return run_machines(&machine, 1, NULL, result ? result : &unwanted);
}

/* Returns the first invalid argument as a sentence, or NULL. */
static const char *check_foreground(struct minivmm_machine *const *machines, unsigned count,
                                    const struct minivmm_foreground *foreground)
{
    const int number = foreground->checkpoint_signal;

    if (count == 0 || count > MINIVMM_FOREGROUND_MAX)
        return "minivmm_run_foreground() runs one or two machines; give one or two";
    if (number && number != SIGUSR1 && number != SIGUSR2)
        return "a checkpoint's signal is SIGUSR1 or SIGUSR2; give one of them, or 0";
    if (number && (!foreground->checkpoint_path || !*foreground->checkpoint_path))
        return "checkpoint_signal without checkpoint_path; name the file";
    if (number && machines[0]->config.world)
        return "a domain is not saved; leave out checkpoint_signal";
    return NULL;
}

int minivmm_run_foreground(struct minivmm_machine *const *machines, unsigned count,
                           const struct minivmm_foreground *foreground,
                           struct minivmm_result *results)
{
    const struct minivmm_foreground nothing = {0};
    const char *mistake;

    if (!foreground)
        foreground = &nothing;
    mistake = check_foreground(machines, count, foreground);
    if (mistake) {
        for (unsigned i = 0; i < count; i++) {
            results[i] = (struct minivmm_result){.outcome = MINIVMM_NONE};
            result_set(&results[i], MINIVMM_USAGE, mistake);
        }
        return -EINVAL;
    }
    kick_install();
    return run_machines(machines, count, foreground, results);
}

int minivmm_take_kick_signal(struct minivmm_error *error)
{
    const int result = kick_install();

    return result == 0
               ? 0
               : api_refuse(
                     error, result,
                     "SIGRTMIN has a handler already; it serves as well if it has no SA_RESTART");
}
