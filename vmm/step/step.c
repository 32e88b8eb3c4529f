#include "vmm/step/step.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/step/step_emulated.h"

#include <errno.h>
#include <string.h>

#define STOPPED 1 /* vcpu_run_once() returned for KVM_EXIT_DEBUG */

static int need_registers(struct vcpu *vcpu, struct error *error)
{
    return vcpu->registers_valid ? 0 : vcpu_fetch_registers(vcpu, error);
}

/* ---- Beginning and ending ---- */

static bool ring_3_is_stepped(struct machine *machine)
{
    atomic_int *ring_3 = &stepping_of(machine)->ring_3;
    int steps = atomic_load(ring_3);

    if (steps == 0) {
        steps = step_probe() ? 1 : -1;
        atomic_store(ring_3, steps);
    }
    return steps > 0;
}

int step_begin(struct vcpu *vcpu, struct error *error)
{
    int result;

    step_of(vcpu)->half = false;
    vcpu->registers_valid = false;
    result = ring_3_is_stepped(vcpu->machine) ? kvm_set_single_step(vcpu->fd, true, NULL, error)
                                              : step_update_kvm(vcpu, NULL, error);
    step_of(vcpu)->on = result == 0;
    return result;
}

int step_end(struct vcpu *vcpu, struct error *error)
{
    step_of(vcpu)->on = false;
    vcpu_set_immediate_exit(vcpu, true);
    return kvm_set_single_step(vcpu->fd, false, NULL, error);
}

bool step_is_possible(struct vcpu *vcpu)
{
    struct kvm_mp_state state;

    if (!vcpu->machine->irqs.needed || kvm_get_mp_state(vcpu->fd, &state, NULL) < 0)
        return true;
    return state.mp_state == KVM_MP_STATE_RUNNABLE || state.mp_state == KVM_MP_STATE_HALTED;
}

/* ---- One instruction ---- */

/*
 * Complete an instruction whose exit was handled; returns as vcpu_run_once(). Without another exit
 * it is complete, even if KVM did not stop after it. A kick that came meanwhile is still answered:
 * the flag stays set.
 */
static int complete(struct vcpu *vcpu)
{
    int result;

    vcpu_set_immediate_exit(vcpu, true);
    result = vcpu_run_once(vcpu);
    if (result != 0)
        step_of(vcpu)->half = false;
    return result == -EINTR ? STOPPED : result;
}

/* Does the instruction of this exit, which was handled, wait for the result? */
static bool is_access(uint32_t reason)
{
    return reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO || reason == KVM_EXIT_X86_RDMSR ||
           reason == KVM_EXIT_X86_WRMSR;
}

static int run_step(struct vcpu *vcpu, struct error *error)
{
    int result;

    for (;;) {
        result = step_of(vcpu)->half ? complete(vcpu) : vcpu_run_once(vcpu);
        if (result == STOPPED)
            return 0;
        if (result == -EINTR || result == -EAGAIN)
            return result;
        if (result < 0)
            return error_set(error, result, "KVM_RUN: vCPU %u: %s", vcpu->id, strerror(-result));
        if (machine_outcome(vcpu->machine) != OUTCOME_NONE)
            return 1;
        step_of(vcpu)->half = is_access(vcpu->run->exit_reason);
    }
}

/* The processor runs the guest: set the flag again. */
static int step_native(struct vcpu *vcpu, struct error *error)
{
    const int result = kvm_set_single_step(vcpu->fd, true, NULL, error);

    return result < 0 ? result : run_step(vcpu, error);
}

static int step_emulated(struct vcpu *vcpu, struct error *error)
{
    int result = need_registers(vcpu, error), ended;

    if (result == 0)
        result = step_begin_emulated(vcpu, error);
    if (result == STEP_AS_USUAL)
        result = run_step(vcpu, error);
    ended = step_end_emulated(vcpu, error);
    return result == 0 ? ended : result;
}

int step_one(struct vcpu *vcpu, struct error *error)
{
    int result =
        ring_3_is_stepped(vcpu->machine) ? step_native(vcpu, error) : step_emulated(vcpu, error);

    if (result == 0)
        step_of(vcpu)->asked = false;
    return result;
}
