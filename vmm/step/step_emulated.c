/*
 * Two instructions that a KVM which emulates ring 0 (kvm_pvm) does not step: IRET, after which it
 * does not stop, and HLT, which it executes later, after an instruction that is not stepped.
 *
 * An IRET gets a breakpoint at its target. A HLT is executed here.
 */
#include "vmm/step/step_emulated.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/snapshot/kvm_state_ioctl.h"
#include "vmm/step/step_code.h"
#include "vmm/step/stepping.h"

#define OPCODE_IRET 0xcf
#define OPCODE_HLT  0xf4
#define RING        3

/* The target of the IRET, if it is in ring 0; false: it is not, or it cannot be read. */
static bool return_address(struct vcpu *vcpu, const struct instruction *iret, uint64_t *address)
{
    const struct kvm_sregs *sregs = vcpu_special_registers(vcpu);
    const struct paging_registers registers = x86_paging(sregs);
    const unsigned bits = x86_code_bits(sregs);
    const unsigned size = iret->wide ? 8 : (bits == 16) == iret->operand ? 4 : 2;
    uint64_t stack = vcpu_registers(vcpu)->rsp, rip = 0, cs = 0;

    if (bits != 64)
        stack = (uint32_t)(sregs->ss.base + (sregs->ss.db ? (uint32_t)stack : (uint16_t)stack));
    if (paging_read(&vcpu->machine->memory, &registers, gva(stack), &rip, size) < 0 ||
        paging_read(&vcpu->machine->memory, &registers, gva(stack + size), &cs, size) < 0 ||
        cs & RING)
        return false;
    *address = bits == 64 ? rip : (uint32_t)(sregs->cs.base + rip);
    return true;
}

int step_update_kvm(struct vcpu *vcpu, const uint64_t *breakpoint, struct error *error)
{
    struct kvm_regs registers, elsewhere;
    int result = kvm_get_registers(vcpu->fd, &registers, error);
    int back;

    if (result < 0)
        return result;
    elsewhere = registers;
    elsewhere.rip = ~registers.rip;
    result = kvm_set_registers(vcpu->fd, &elsewhere, error);
    if (result < 0)
        return result;
    result = kvm_set_single_step(vcpu->fd, true, breakpoint, error);
    back = kvm_set_registers(vcpu->fd, &registers, result < 0 ? NULL : error);
    return result < 0 ? result : back;
}

static int begin_iret(struct vcpu *vcpu, const struct instruction *iret, struct error *error)
{
    uint64_t address;
    int result;

    if (!return_address(vcpu, iret, &address))
        return STEP_AS_USUAL;
    result = step_update_kvm(vcpu, &address, error);
    if (result < 0)
        return result;
    step_of(vcpu)->breakpoint = true;
    return STEP_AS_USUAL;
}

/* Interrupts are enabled after it, even if an STI is right before it. */
static int clear_shadow(struct vcpu *vcpu, struct error *error)
{
    struct kvm_vcpu_events events;
    int result = kvm_get_events(vcpu->fd, &events, error);

    if (result < 0)
        return result;
    events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
    events.interrupt.shadow = 0;
    return kvm_set_item(vcpu->fd, KVM_ITEM_EVENTS, &events, error);
}

static int halt(struct vcpu *vcpu, const struct instruction *hlt, struct error *error)
{
    const struct kvm_mp_state halted = {.mp_state = KVM_MP_STATE_HALTED};
    int result;

    /* Without interrupt controllers it is an exit, and the end of the machine. */
    if (!vcpu->machine->irqs.needed) {
        step_of(vcpu)->on = false;
        result = kvm_set_single_step(vcpu->fd, false, NULL, error);
        return result < 0 ? result : STEP_AS_USUAL;
    }
    /* The stub's changes of registers are in the run page. */
    vcpu->run->kvm_dirty_regs = 0;
    vcpu_registers(vcpu)->rip += hlt->length;
    result = kvm_set_registers(vcpu->fd, vcpu_registers(vcpu), error);
    if (result == 0)
        result = clear_shadow(vcpu, error);
    return result < 0 ? result : kvm_set_item(vcpu->fd, KVM_ITEM_MP_STATE, &halted, error);
}

/* Then an interrupt, and its handler, come first. */
static bool has_halted(struct vcpu *vcpu)
{
    struct kvm_mp_state state;

    return vcpu->machine->irqs.needed && kvm_get_mp_state(vcpu->fd, &state, NULL) == 0 &&
           state.mp_state == KVM_MP_STATE_HALTED;
}

int step_begin_emulated(struct vcpu *vcpu, struct error *error)
{
    const struct kvm_sregs *sregs = vcpu_special_registers(vcpu);
    struct instruction code;

    if (sregs->ss.dpl == RING || !(sregs->cr0 & X86_CR0_PE))
        return STEP_AS_USUAL;
    code = step_decode(vcpu);
    if ((code.opcode != OPCODE_IRET && code.opcode != OPCODE_HLT) || has_halted(vcpu))
        return STEP_AS_USUAL;
    return code.opcode == OPCODE_IRET ? begin_iret(vcpu, &code, error) : halt(vcpu, &code, error);
}

int step_end_emulated(struct vcpu *vcpu, struct error *error)
{
    if (!step_of(vcpu)->breakpoint)
        return 0;
    step_of(vcpu)->breakpoint = false;
    return step_update_kvm(vcpu, NULL, error);
}
