/*
 * A vCPU's thread: KVM_RUN and its exit, repeated; or a runner. The rest of a vCPU is in
 * vmm/core/vcpu.c.
 */
#include "vmm/core/vcpu.h"

#include "vmm/base/clock.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/vcpu_runner.h"

#include <errno.h>
#include <string.h>

/* After this many successive exits that used no registers, KVM is not asked for them. */
#define REGISTERS_IDLE_MAX 64

#define REGISTERS_WANTED ((uint64_t)(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS))

/* End the machine because KVM failed; vcpu->failure has the sentence. */
static void fail(struct vcpu *vcpu)
{
    if (machine_stop(vcpu->machine, OUTCOME_INTERNAL))
        vcpu->machine->ended_by = vcpu;
}

static bool registers_are_synced(const struct vcpu *vcpu)
{
    return (vcpu->machine->kvm.sync_registers & REGISTERS_WANTED) == REGISTERS_WANTED;
}

/*
 * A device needs registers: fetch them now, and let KVM copy them to the run page from the next
 * exit on. That costs every exit a little and saves two ioctls when they are used.
 */
static void bring_registers(struct vcpu *vcpu)
{
    if (vcpu_fetch_registers(vcpu, &vcpu->failure) < 0)
        fail(vcpu);
    if (registers_are_synced(vcpu))
        vcpu->run->kvm_valid_regs = REGISTERS_WANTED;
}

void vcpu_return_registers(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    if (run->kvm_dirty_regs && !(vcpu->machine->kvm.sync_registers & KVM_SYNC_X86_REGS)) {
        run->kvm_dirty_regs = 0;
        if (kvm_set_registers(vcpu->fd, &run->s.regs.regs, &vcpu->failure) < 0)
            fail(vcpu);
    }
}

static void return_registers(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    vcpu_return_registers(vcpu);
    if (vcpu->registers_used)
        vcpu->registers_idle = 0;
    else if (run->kvm_valid_regs && ++vcpu->registers_idle == REGISTERS_IDLE_MAX)
        run->kvm_valid_regs = 0;
    vcpu->registers_used = false;
}

static void handle(struct vcpu *vcpu)
{
    enum exit_action action;

    vcpu_count_exit(vcpu);
    vcpu->registers_valid = vcpu->run->kvm_valid_regs == REGISTERS_WANTED;
    action = exit_handle(vcpu->machine, vcpu);
    if (action == EXIT_REGISTERS) {
        bring_registers(vcpu);
        if (vcpu->registers_valid)
            action = exit_handle(vcpu->machine, vcpu);
    }
    if (action == EXIT_SERVE)
        vcpu_set_immediate_exit(vcpu, true);
    exit_remember(vcpu);
    return_registers(vcpu);
}

static void tell_observers(struct vcpu *vcpu, const struct exit_times *times)
{
    for (struct observer *observer = vcpu->machine->observers; observer; observer = observer->next)
        if (observer->exit)
            observer->exit(observer, vcpu, times);
}

/* Handle the exit as an event of the journal: one exit at a time. */
static uint64_t handle_journaled(struct vcpu *vcpu, uint64_t exited)
{
    struct journal *journal = vcpu->machine->journal;
    uint64_t handled;

    journal_begin_exit(journal, vcpu, exited);
    handle(vcpu);
    handled = clock_now();
    journal_end_exit(journal, handled);
    return handled;
}

/* Handle the exit with time stamps, which are too slow for a run without observers. */
static void handle_measured(struct vcpu *vcpu, uint64_t entered, uint64_t exited)
{
    struct exit_times times = {.entered = entered, .exited = exited};

    if (vcpu->machine->journal) {
        times.handled = handle_journaled(vcpu, exited);
    } else {
        handle(vcpu);
        times.handled = clock_now();
    }
    tell_observers(vcpu, &times);
}

static bool is_measured(const struct vcpu *vcpu)
{
    return vcpu->machine->observers || vcpu->machine->journal;
}

/*
 * One KVM_RUN and its exit, with time stamps if the machine has observers. (debug): KVM_EXIT_DEBUG
 * is left to the caller, and the result is 1. Not inlined, so that run_plain() stays small.
 */
static __attribute__((noinline)) int run_once(struct vcpu *vcpu, bool debug)
{
    const bool measured = is_measured(vcpu);
    const uint64_t entered = measured ? clock_now() : 0;
    const int result = kvm_run_vcpu(vcpu->fd);

    if (result < 0)
        return result;
    if (debug && vcpu->run->exit_reason == KVM_EXIT_DEBUG)
        return 1;
    if (measured)
        handle_measured(vcpu, entered, clock_now());
    else
        handle(vcpu);
    return 0;
}

/*
 * Inlined as one function: branch predictors are flushed on the way into the guest and out, so
 * calls and returns cost more here than elsewhere.
 */
__attribute__((flatten)) static int run_plain(struct vcpu *vcpu)
{
    int result = kvm_run_vcpu_here(vcpu->fd);

    if (result < 0)
        return result;
    handle(vcpu);
    return 0;
}

int vcpu_run_once(struct vcpu *vcpu)
{
    const bool synced = registers_are_synced(vcpu);
    int result;

    if (synced)
        vcpu->run->kvm_valid_regs = REGISTERS_WANTED;
    result = run_once(vcpu, true);
    if (result != 0)
        vcpu->registers_valid = synced;
    return result;
}

/* The thread may be signalled between the two calls; after the second it may be joined. */
static void set_thread(struct vcpu *vcpu, bool in_thread)
{
    pthread_mutex_lock(&vcpu->kick_lock);
    vcpu->thread = pthread_self();
    vcpu->in_thread = in_thread;
    pthread_mutex_unlock(&vcpu->kick_lock);
}

/*
 * A kick means an end, a pause, or work. KVM_RUN has completed the I/O of the last exit before it
 * checks immediate_exit. The flag is cleared first, so that a kick that comes later sets it again.
 */
static void answer_kick(struct vcpu *vcpu)
{
    struct pause *pause = &vcpu->machine->pause;

    vcpu_set_immediate_exit(vcpu, false);
    vcpu_run_work(vcpu);
    if (atomic_load(&pause->wanted))
        pause_rest(pause);
}

enum way { WAY_PLAIN, WAY_MEASURED, WAY_RUNNER };

/* A comparison costs less than a call by pointer. */
static inline int run_in(enum way way, struct vcpu *vcpu)
{
    if (way == WAY_PLAIN)
        return run_plain(vcpu);
    return way == WAY_MEASURED ? run_once(vcpu, false) : vcpu->machine->runner->run(vcpu);
}

/*
 * Choose how the vCPU runs until the next kick. To start a runner, kick the vCPU; so this costs
 * nothing otherwise.
 */
static enum way choose_way(struct vcpu *vcpu)
{
    const struct vcpu_runner *runner = vcpu->machine->runner;

    if (runner && runner->takes(vcpu))
        return WAY_RUNNER;
    return is_measured(vcpu) ? WAY_MEASURED : WAY_PLAIN;
}

void vcpu_loop(struct vcpu *vcpu)
{
    struct machine *machine = vcpu->machine;
    enum way way;

    set_thread(vcpu, true);
    way = choose_way(vcpu);
    while (machine_outcome(machine) == OUTCOME_NONE) {
        int result = run_in(way, vcpu);

        if (result == 0)
            continue;
        /* EINTR: a kick. EAGAIN: no INIT or SIPI has come yet. */
        if (result == -EINTR || result == -EAGAIN) {
            answer_kick(vcpu);
            way = choose_way(vcpu);
            continue;
        }
        error_set(&vcpu->failure, result, "KVM_RUN: vCPU %u: %s", vcpu->id, strerror(-result));
        fail(vcpu);
    }
    /* Now, while a kick can still end the wait for a stalled reader. */
    console_drain(&machine->console);
    set_thread(vcpu, false);
    pause_leave(&machine->pause);
    if (!atomic_exchange(&machine->all_kicked, true))
        machine_kick(machine);
}
