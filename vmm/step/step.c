#include "vmm/step/step.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/step/step_emulated.h"

#include <errno.h>
#include <string.h>

#define STOPPED            1 /* of vcpu_run_once(): KVM_EXIT_DEBUG */
#define PAGE_REST(address) (PAGE_SIZE - ((address)&PAGE_MASK))

/* ---- The next instruction ---- */

static int need_registers(struct vcpu *vcpu, struct error *error)
{
    return vcpu->registers_valid ? 0 : vcpu_fetch_registers(vcpu, error);
}

uint64_t step_address(const struct vcpu *vcpu)
{
    const uint64_t rip = vcpu->run->s.regs.regs.rip;

    if (x86_code_bits(vcpu_special_registers(vcpu)) == 64)
        return rip;
    return (uint32_t)(vcpu_special_registers(vcpu)->cs.base + rip);
}

unsigned step_fetch(const struct vcpu *vcpu, uint8_t bytes[15])
{
    const struct paging_registers registers = x86_paging(vcpu_special_registers(vcpu));
    const struct memory *memory = &vcpu->machine->memory;
    const uint64_t address = step_address(vcpu);
    const unsigned first =
        PAGE_REST(address) < INSTRUCTION_MAX ? (unsigned)PAGE_REST(address) : INSTRUCTION_MAX;

    if (paging_read(memory, &registers, gva(address), bytes, first) < 0)
        return 0;
    if (first < INSTRUCTION_MAX && paging_read(memory, &registers, gva(address + first),
                                               bytes + first, INSTRUCTION_MAX - first) < 0)
        return first;
    return INSTRUCTION_MAX;
}

struct instruction step_decode(const struct vcpu *vcpu)
{
    uint8_t bytes[INSTRUCTION_MAX];
    const unsigned count = step_fetch(vcpu, bytes);

    return instruction_decode(bytes, count, x86_code_bits(vcpu_special_registers(vcpu)));
}

/* ---- Beginning and ending ---- */

static bool ring_3_is_stepped(struct machine *machine)
{
    int steps = atomic_load(&machine->steps_ring_3);

    if (steps == 0) {
        steps = step_probe() ? 1 : -1;
        atomic_store(&machine->steps_ring_3, steps);
    }
    return steps > 0;
}

int step_begin(struct vcpu *vcpu, struct error *error)
{
    int result;

    vcpu->step.half = false;
    vcpu->registers_valid = false;
    result = ring_3_is_stepped(vcpu->machine) ? kvm_set_single_step(vcpu->fd, true, NULL, error)
                                              : step_tell_kvm(vcpu, NULL, error);
    vcpu->step.on = result == 0;
    return result;
}

int step_end(struct vcpu *vcpu, struct error *error)
{
    vcpu->step.on = false;
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
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
 * What is left of an instruction whose exit was served: as vcpu_run_once(). Without another exit it is over,
 * also if KVM did not stop behind it. Who kicked meanwhile is answered all the same: the flag stays.
 */
static int complete(struct vcpu *vcpu)
{
    int result;

    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    result = vcpu_run_once(vcpu);
    if (result != 0)
        vcpu->step.half = false;
    return result == -EINTR ? STOPPED : result;
}

/* Has this exit, which was served, an instruction that waits for what came of it? */
static bool is_access(uint32_t reason)
{
    return reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO || reason == KVM_EXIT_X86_RDMSR ||
           reason == KVM_EXIT_X86_WRMSR;
}

static int run_step(struct vcpu *vcpu, struct error *error)
{
    int result;

    for (;;) {
        result = vcpu->step.half ? complete(vcpu) : vcpu_run_once(vcpu);
        if (result == STOPPED)
            return 0;
        if (result == -EINTR || result == -EAGAIN)
            return result;
        if (result < 0)
            return error_set(error, result, "KVM_RUN: vCPU %u: %s", vcpu->id, strerror(-result));
        if (machine_outcome(vcpu->machine) != OUTCOME_NONE)
            return 1;
        vcpu->step.half = is_access(vcpu->run->exit_reason);
    }
}

/* Where a processor runs the guest: the flag is set anew. */
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
        vcpu->step.asked = false;
    return result;
}

/* ---- For a stub ---- */

/* Is the instruction at (address) one that the stub knows of, and not begun anew? */
static bool goes_on(struct vcpu *vcpu, uint64_t address)
{
    const struct step *step = &vcpu->step;

    return step->any && step->address == address && (step->asked || step_decode(vcpu).repeats);
}

bool step_ask(struct vcpu *vcpu)
{
    struct step *step = &vcpu->step;
    struct error error;

    if (need_registers(vcpu, &error) < 0) {
        stub_give_up(vcpu->machine->stub, vcpu, error.text);
        return false;
    }
    if (goes_on(vcpu, step_address(vcpu)))
        return true;
    step->any = step->asked = false;
    if (stub_step(vcpu->machine->stub, vcpu, step_address(vcpu),
                  x86_code_bits(vcpu_special_registers(vcpu))) != MINIVMM_STEP)
        return false;
    /* It may have let the guest go on elsewhere. */
    vcpu_return_registers(vcpu);
    step->any = step->asked = true;
    step->address = step_address(vcpu);
    return true;
}
