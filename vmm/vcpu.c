#include "vmm/vcpu.h"

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/stats.h"
#include "vmm/tape_recording.h"
#include "vmm/trace.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* After this many exits in a row without a use for registers, KVM is not asked for them. */
#define REGISTERS_IDLE_MAX 64

#define REGISTERS_WANTED ((uint64_t)(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS))

void vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id)
{
    *vcpu = (struct vcpu){.machine = machine, .id = id, .fd = -1};
    pthread_mutex_init(&vcpu->kick_lock, NULL);
}

int vcpu_create(struct vcpu *vcpu, union kvm_cpuid_table *cpuid, struct error *error)
{
    const struct kvm *kvm = &vcpu->machine->kvm;
    int result = kvm_create_vcpu(kvm, vcpu->id, &vcpu->fd, &vcpu->run, error);

    if (result < 0)
        return result;
    vcpu->run_size = kvm->run_size;
    result = kvm_set_cpuid(vcpu->fd, cpuid, error);
    if (result == 0 && vcpu->machine->irqs.needed)
        result = kvm_list_apic(vcpu->fd, error);
    return result;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    if (vcpu->fd >= 0)
        kvm_destroy_vcpu(&vcpu->machine->kvm, vcpu->fd, vcpu->run);
    pthread_mutex_destroy(&vcpu->kick_lock);
    vcpu->fd = -1;
    vcpu->run = NULL;
}

int vcpu_set_start(struct vcpu *vcpu, const struct x86_start *start, uint64_t root,
                   struct error *error)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs;
    int result = kvm_get_special_registers(vcpu->fd, &sregs, error);

    if (result < 0)
        return result;
    x86_set_start(start, root, &regs, &sregs);
    result = kvm_set_special_registers(vcpu->fd, &sregs, error);
    if (result == 0)
        result = kvm_set_registers(vcpu->fd, &regs, error);
    return result;
}

int vcpu_fetch_registers(struct vcpu *vcpu, struct error *error)
{
    struct kvm_sync_regs *registers = &vcpu->run->s.regs;
    int result = kvm_get_registers(vcpu->fd, &registers->regs, error);

    if (result == 0)
        result = kvm_get_special_registers(vcpu->fd, &registers->sregs, error);
    vcpu->registers_valid = result == 0;
    return result;
}

/* End the machine because KVM failed; vcpu->failure has the sentence. */
static void fail(struct vcpu *vcpu)
{
    if (machine_stop(vcpu->machine, OUTCOME_INTERNAL))
        vcpu->machine->ended_by = vcpu;
}

/*
 * A device asked for registers: get them now, and let KVM put them into the run page from the next
 * exit on. That costs every exit a little and saves two ioctls when they are used.
 */
static void bring_registers(struct vcpu *vcpu)
{
    if (vcpu_fetch_registers(vcpu, &vcpu->failure) < 0)
        fail(vcpu);
    if ((vcpu->machine->kvm.sync_registers & REGISTERS_WANTED) == REGISTERS_WANTED)
        vcpu->run->kvm_valid_regs = REGISTERS_WANTED;
}

/* Changed registers go back with the next KVM_RUN, or by ioctl where KVM cannot do that. */
static void return_registers(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    if (run->kvm_dirty_regs && !(vcpu->machine->kvm.sync_registers & KVM_SYNC_X86_REGS)) {
        run->kvm_dirty_regs = 0;
        if (kvm_set_registers(vcpu->fd, &run->s.regs.regs, &vcpu->failure) < 0)
            fail(vcpu);
    }
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

/* The exit with the machine's tape around it: one at a time. */
static uint64_t handle_on_tape(struct vcpu *vcpu, uint64_t exited)
{
    struct tape *tape = vcpu->machine->tape;
    uint64_t handled;

    tape_open(tape, vcpu, exited);
    handle(vcpu);
    handled = clock_now();
    tape_put_exit(tape, handled);
    tape_close(tape);
    return handled;
}

/* One turn of the loop with time stamps, which cost too much to take when nobody asked. */
static __attribute__((noinline)) int run_measured(struct vcpu *vcpu)
{
    const uint64_t entered = clock_now();
    const int result = kvm_run_vcpu(vcpu->fd);
    const uint64_t exited = clock_now();
    uint64_t handled;

    if (result < 0)
        return result;
    if (vcpu->machine->tape) {
        handled = handle_on_tape(vcpu, exited);
    } else {
        handle(vcpu);
        handled = clock_now();
    }
    tell_times(vcpu, entered, exited, handled);
    if (vcpu->id == 0 && vcpu->history.total == vcpu->machine->config.checkpoint_at)
        checkpoint_ask(vcpu, vcpu->machine->config.checkpoint_path, CHECKPOINT_SHUT_DOWN);
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

void vcpu_loop(struct vcpu *vcpu)
{
    struct machine *machine = vcpu->machine;
    const bool measured =
        vcpu->stats || machine->trace || machine->tape || machine->config.checkpoint_at;

    set_thread(vcpu, true);
    while (machine_outcome(machine) == OUTCOME_NONE) {
        int result = measured ? run_measured(vcpu) : run_plain(vcpu);

        if (result == 0)
            continue;
        /* EINTR: a kick. EAGAIN: INIT or SIPI has not come yet. */
        if (result == -EINTR || result == -EAGAIN) {
            answer_kick(vcpu);
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

bool vcpu_sleeps_for_ever(struct vcpu *vcpu)
{
    struct kvm_vcpu_events events;
    struct kvm_mp_state state;

    if (kvm_get_mp_state(vcpu->fd, &state, NULL) < 0 ||
        kvm_get_events(vcpu->fd, &events, NULL) < 0 || events.nmi.pending || events.nmi.injected)
        return false;
    /* Both wait for another vCPU: one for its INIT, one for its SIPI. */
    return state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
           state.mp_state == KVM_MP_STATE_INIT_RECEIVED ||
           (state.mp_state == KVM_MP_STATE_HALTED && !vcpu->run->if_flag);
}

void vcpu_kick(struct vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->kick_lock);
    if (vcpu->run)
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (vcpu->in_thread)
        pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
    pthread_mutex_unlock(&vcpu->kick_lock);
}
