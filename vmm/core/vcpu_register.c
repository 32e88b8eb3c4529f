/*
 * The registers of an exit, in the run page, as devices read and write them. Each access is
 * journaled.
 */
#include "vmm/core/vcpu.h"

#include "vmm/core/machine.h"
#include "vmm/io/journal.h"

#include <string.h>

const char *const vcpu_register_names[VCPU_REGISTERS] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi",    "rsp", "rbp", "r8",  "r9",   "r10",  "r11",
    "r12", "r13", "r14", "r15", "rip", "rflags", "cr0", "cr3", "cr4", "efer", "cs.l", "cpl",
};

#define GENERAL(name)                                                                              \
    {                                                                                              \
        offsetof(struct kvm_sync_regs, regs.name), sizeof(uint64_t)                                \
    }
#define SPECIAL(name)                                                                              \
    {                                                                                              \
        offsetof(struct kvm_sync_regs, sregs.name), sizeof(((struct kvm_sregs *)0)->name)          \
    }

static const struct {
    size_t offset, size; /* in struct kvm_sync_regs */
} places[VCPU_REGISTERS] = {
    [VCPU_RAX] = GENERAL(rax),   [VCPU_RBX] = GENERAL(rbx),   [VCPU_RCX] = GENERAL(rcx),
    [VCPU_RDX] = GENERAL(rdx),   [VCPU_RSI] = GENERAL(rsi),   [VCPU_RDI] = GENERAL(rdi),
    [VCPU_RSP] = GENERAL(rsp),   [VCPU_RBP] = GENERAL(rbp),   [VCPU_R8] = GENERAL(r8),
    [VCPU_R9] = GENERAL(r9),     [VCPU_R10] = GENERAL(r10),   [VCPU_R11] = GENERAL(r11),
    [VCPU_R12] = GENERAL(r12),   [VCPU_R13] = GENERAL(r13),   [VCPU_R14] = GENERAL(r14),
    [VCPU_R15] = GENERAL(r15),   [VCPU_RIP] = GENERAL(rip),   [VCPU_RFLAGS] = GENERAL(rflags),
    [VCPU_CR0] = SPECIAL(cr0),   [VCPU_CR3] = SPECIAL(cr3),   [VCPU_CR4] = SPECIAL(cr4),
    [VCPU_EFER] = SPECIAL(efer), [VCPU_CS_L] = SPECIAL(cs.l), [VCPU_CPL] = SPECIAL(ss.dpl),
};

uint64_t vcpu_register(struct vcpu *vcpu, enum vcpu_register reg)
{
    const uint8_t *place = (const uint8_t *)&vcpu->run->s.regs + places[reg].offset;
    uint64_t value = *place;

    if (places[reg].size == sizeof(value))
        memcpy(&value, place, sizeof(value));
    vcpu->registers_used = true;
    journal_record_register(vcpu->machine->journal, reg, value);
    return value;
}

void vcpu_set_register(struct vcpu *vcpu, enum vcpu_register reg, uint64_t value)
{
    memcpy((char *)&vcpu->run->s.regs + places[reg].offset, &value, places[reg].size);
}

void vcpu_set_rax(struct vcpu *vcpu, uint64_t value)
{
    journal_record_effect(vcpu->machine->journal, "rax", &value, 1, true);
    vcpu_registers(vcpu)->rax = value;
    vcpu->registers_used = true;
    vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}

bool vcpu_in_64_bit_mode(struct vcpu *vcpu)
{
    return (vcpu_register(vcpu, VCPU_EFER) & X86_EFER_LMA) && vcpu_register(vcpu, VCPU_CS_L);
}

struct paging_registers vcpu_paging(struct vcpu *vcpu)
{
    return (struct paging_registers){
        .cr0 = vcpu_register(vcpu, VCPU_CR0),
        .cr3 = vcpu_register(vcpu, VCPU_CR3),
        .cr4 = vcpu_register(vcpu, VCPU_CR4),
        .efer = vcpu_register(vcpu, VCPU_EFER),
    };
}
