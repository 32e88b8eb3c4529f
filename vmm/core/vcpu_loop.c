/*
 * A vCPU's thread: KVM_RUN, its exit, and again; stepped, while a stub wants it so. vmm/core/vcpu.c has the rest.
 */
#include "vmm/core/vcpu.h"

#include "vmm/base/clock.h"
#include "vmm/core/machine.h"
#include "vmm/observe/stats.h"
#include "vmm/observe/trace.h"
#include "vmm/step/step.h"
#include "vmm/step/stub.h"

#include <errno.h>
#include <string.h>

/* After this many exits in a row without a use for registers, KVM is not asked for them. */
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
 * A device asked for registers: get them now, and let KVM put them into the run page from the next
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
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    exit_remember(vcpu);
    return_registers(vcpu);
}

/* Hand on when the exit happened and how long it took, to whoever wants to know. */
static void tell_times(struct vcpu *vcpu, uint64_t entered, uint64_t exited, uint64_t handled)
{
    if (vcpu->stats)
        stats_count(vcpu->stats, vcpu->run, exited - entered, handled - exited);
    if (vcpu->machine->trace)
        trace_exit(vcpu->machine->trace, vcpu, entered, exited, handled);
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

/* Handle the exit with time stamps, which cost too much to take when nobody asked. */
static void handle_measured(struct vcpu *vcpu, uint64_t entered, uint64_t exited)
{
    uint64_t handled;

    if (vcpu->machine->journal) {
        handled = handle_journaled(vcpu, exited);
    } else {
        handle(vcpu);
        handled = clock_now();
    }
    tell_times(vcpu, entered, exited, handled);
    if (vcpu->id == 0 && vcpu->history.total == vcpu->machine->config.checkpoint_at)
        checkpoint_ask(vcpu, vcpu->machine->config.checkpoint_path, CHECKPOINT_SHUT_DOWN);
}

/* Out of the way of run_plain(). */
static __attribute__((noinline)) int run_measured(struct vcpu *vcpu)
{
    const uint64_t entered = clock_now();
    const int result = kvm_run_vcpu(vcpu->fd);

    if (result < 0)
        return result;
    handle_measured(vcpu, entered, clock_now());
    return 0;
}

/*
 * All in one piece: processors forget between a guest and its monitor where branches go, so calls and
 * returns cost more here than what they do.
 */
__attribute__((flatten)) static int run_plain(struct vcpu *vcpu)
{
    int result = kvm_run_vcpu_here(vcpu->fd);

    if (result < 0)
        return result;
    handle(vcpu);
    return 0;
}

static bool is_measured(const struct vcpu *vcpu)
{
    const struct machine *machine = vcpu->machine;

    return vcpu->stats || machine->trace || machine->journal || machine->config.checkpoint_at;
}

int vcpu_run_once(struct vcpu *vcpu)
{
    const bool measured = is_measured(vcpu);
    const uint64_t entered = measured ? clock_now() : 0;
    int result;

    if (registers_are_synced(vcpu))
        vcpu->run->kvm_valid_regs = REGISTERS_WANTED;
    result = kvm_run_vcpu(vcpu->fd);
    vcpu->registers_valid = registers_are_synced(vcpu);
    if (result < 0)
        return result;
    if (vcpu->run->exit_reason == KVM_EXIT_DEBUG)
        return 1;
    if (measured)
        handle_measured(vcpu, entered, clock_now());
    else
        handle(vcpu);
    return 0;
}

/* One instruction, of which the stub is told before. A kick is answered first: it may be the end of stepping. */
static __attribute__((noinline)) int run_stepped(struct vcpu *vcpu)
{
    int result;

    if (__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST))
        return -EINTR;
    if (!step_ask(vcpu))
        return -EINTR;
    if (machine_outcome(vcpu->machine) != OUTCOME_NONE)
        return 0;
    result = step_one(vcpu, &vcpu->failure);
    return result > 0 ? 0 : result;
}

/* Between the two, the thread may be signalled; behind the second it may be joined. */
static void set_thread(struct vcpu *vcpu, bool in_thread)
{
    pthread_mutex_lock(&vcpu->kick_lock);
    vcpu->thread = pthread_self();
    vcpu->in_thread = in_thread;
    pthread_mutex_unlock(&vcpu->kick_lock);
}

/*
 * A kick is for the end, for a pause, or for a request of this vCPU's own. KVM_RUN has completed the
 * I/O of the last exit before it looked at immediate_exit. What the kick set in the run page is taken
 * back before anything is looked at: a kick that comes later sets it again.
 */
static void answer_kick(struct vcpu *vcpu)
{
    struct pause *pause = &vcpu->machine->pause;

    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (vcpu->requested) {
        checkpoint_serve(vcpu, &vcpu->request);
        vcpu->requested = false;
    }
    if (vcpu->id == 0)
        checkpoint_serve_outside(vcpu);
    if (atomic_load(&pause->wanted))
        pause_rest(pause);
}

enum way { WAY_PLAIN, WAY_MEASURED, WAY_STEPPED };

/* Without a call by pointer, which costs more than a comparison. */
static inline int run_in(enum way way, struct vcpu *vcpu)
{
    if (way == WAY_PLAIN)
        return run_plain(vcpu);
    return way == WAY_MEASURED ? run_measured(vcpu) : run_stepped(vcpu);
}

/* Step from here on, or no more. The vCPU rests, with its I/O completed. */
static void set_stepping(struct vcpu *vcpu, bool steps)
{
    struct error error;
    int result;

    vcpu->registers_valid = false;
    if (steps == vcpu->step.on)
        return;
    result = steps ? step_begin(vcpu, &error) : step_end(vcpu, &error);
    if (result < 0)
        stub_give_up(vcpu->machine->stub, vcpu, error.text);
}

/*
 * How the vCPU is to run. Who turns stepping on kicks; so this is looked at after kicks, and costs nothing
 * otherwise. One that waits for its start is stepped as soon as it has it.
 */
static enum way choose_way(struct vcpu *vcpu)
{
    struct stub *stub = vcpu->machine->stub;

    if (vcpu->step.on || stub_steps(stub))
        set_stepping(vcpu, stub_steps(stub));
    if (vcpu->step.on && step_is_possible(vcpu))
        return WAY_STEPPED;
    vcpu->step.any = false;
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
        /* EINTR: a kick. EAGAIN: INIT or SIPI has not come yet. */
        if (result == -EINTR || result == -EAGAIN) {
            answer_kick(vcpu);
            way = choose_way(vcpu);
            continue;
        }
        error_set(&vcpu->failure, result, "KVM_RUN: vCPU %u: %s", vcpu->id, strerror(-result));
        fail(vcpu);
    }
    /* While a kick can still end the wait for a reader that has stalled. */
    console_drain(&machine->console);
    set_thread(vcpu, false);
    pause_leave(&machine->pause);
    if (!atomic_exchange(&machine->all_kicked, true))
        machine_kick(machine);
}
