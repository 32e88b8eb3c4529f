/*
 * A vCPU's registers, in the run page of an exit, or read from KVM while the vCPU rests; and guest
 * memory, by physical addresses and by the page tables of a vCPU.
 */
#include "api/access.h"
#include "api/result.h"

#include "vmm/core/callback.h"
#include "vmm/core/paging.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#define PLACE(word, name)                                                                          \
    {                                                                                              \
        VCPU_##word, offsetof(struct minivmm_registers, name)                                      \
    }

struct place {
    enum vcpu_register reg;
    size_t offset; /* in struct minivmm_registers */
};

static const struct place general[] = {
    PLACE(RAX, rax), PLACE(RBX, rbx), PLACE(RCX, rcx),       PLACE(RDX, rdx), PLACE(RSI, rsi),
    PLACE(RDI, rdi), PLACE(RSP, rsp), PLACE(RBP, rbp),       PLACE(R8, r8),   PLACE(R9, r9),
    PLACE(R10, r10), PLACE(R11, r11), PLACE(R12, r12),       PLACE(R13, r13), PLACE(R14, r14),
    PLACE(R15, r15), PLACE(RIP, rip), PLACE(RFLAGS, rflags),
};

/* Registers that cannot be written. */
static const struct place special[] = {
    PLACE(CR0, cr0),
    PLACE(CR3, cr3),
    PLACE(CR4, cr4),
    PLACE(EFER, efer),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fetch(struct vcpu *vcpu, struct error *error)
{
    if (callback_is_here(vcpu) && vcpu->registers_valid)
        return 0;
    return vcpu_fetch_registers(vcpu, error);
}

/*
 * api_check_access() to the registers of (handle), which may be NULL. After 0, *vcpu is its vCPU, and the registers
 * are in the run page.
 */
static int check_registers(struct minivmm_vcpu *handle, struct vcpu **vcpu,
                           struct minivmm_error *error)
{
    struct error failure;
    int result;

    if (!handle)
        return api_refuse(error, -EINVAL,
                          "there is no such vCPU; minivmm_vcpu() gives those that are");
    *vcpu = vcpu_behind(handle);
    result = api_check_access(minivmm_vcpu_machine(handle), *vcpu, error);
    if (result < 0)
        return result;
    result = fetch(*vcpu, &failure);
    return result < 0 ? api_fail(error, MINIVMM_INTERNAL, result, &failure) : 0;
}

static uint64_t *register_at(struct minivmm_registers *registers, const struct place *place)
{
    return (uint64_t *)(void *)((char *)registers + place->offset);
}

static void get(struct vcpu *vcpu, const struct place *places, size_t count,
                struct minivmm_registers *registers)
{
    for (size_t i = 0; i < count; i++)
        *register_at(registers, &places[i]) = vcpu_register(vcpu, places[i].reg);
}

int minivmm_get_registers(struct minivmm_vcpu *handle, struct minivmm_registers *registers,
                          struct minivmm_error *error)
{
    const struct kvm_sregs *sregs;
    struct vcpu *vcpu;
    int result = check_registers(handle, &vcpu, error);

    if (result < 0)
        return result;
    get(vcpu, general, COUNT(general), registers);
    get(vcpu, special, COUNT(special), registers);
    sregs = vcpu_special_registers(vcpu);
    registers->cs_base = sregs->cs.base;
    registers->cr2 = sregs->cr2;
    registers->cr8 = sregs->cr8;
    registers->bits = x86_code_bits(sregs);
    /* Real mode has no privilege levels, and KVM's value is undefined there. */
    registers->cpl = registers->cr0 & X86_CR0_PE ? (unsigned)vcpu_register(vcpu, VCPU_CPL) : 0;
    return 0;
}

/* To KVM: with the KVM_RUN that ends the callback if it takes them so, else at once. */
static int hand_over(struct vcpu *vcpu, struct error *error)
{
    if (callback_is_here(vcpu) && vcpu->machine->kvm.sync_registers & KVM_SYNC_X86_REGS) {
        vcpu->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
        return 0;
    }
    return kvm_set_registers(vcpu->fd, vcpu_registers(vcpu), error);
}

int minivmm_set_registers(struct minivmm_vcpu *handle, const struct minivmm_registers *registers,
                          struct minivmm_error *error)
{
    struct minivmm_registers values = *registers;
    struct error failure;
    struct vcpu *vcpu;
    int result = check_registers(handle, &vcpu, error);

    if (result < 0)
        return result;
    for (size_t i = 0; i < COUNT(general); i++)
        vcpu_set_register(vcpu, general[i].reg, *register_at(&values, &general[i]));
    vcpu->registers_used = true;
    result = hand_over(vcpu, &failure);
    return result < 0 ? api_fail(error, MINIVMM_INTERNAL, result, &failure) : 0;
}

/* ---- Guest memory ---- */

static int no_ram(struct minivmm_error *error, uint64_t address, size_t size)
{
    return api_refuse(error, -EFAULT,
                      "gpa 0x%" PRIx64 ", %zu bytes: not all of it is RAM; give a range within",
                      address, size);
}

static int not_mapped(struct minivmm_error *error, const struct vcpu *vcpu, uint64_t address,
                      size_t size)
{
    return api_refuse(error, -EFAULT,
                      "gva 0x%" PRIx64 ", %zu bytes: vCPU %u's page tables do not map all of it to "
                      "RAM; give a range that they map",
                      address, size, vcpu->id);
}

int minivmm_read_physical(struct minivmm_machine *machine, uint64_t address, void *buffer,
                          size_t size, struct minivmm_error *error)
{
    int result = api_check_access(machine, NULL, error);

    if (result == 0 && size > 0 &&
        memory_read(&machine->machine.memory, gpa(address), buffer, size) < 0)
        result = no_ram(error, address, size);
    return result;
}

int minivmm_write_physical(struct minivmm_machine *machine, uint64_t address, const void *buffer,
                           size_t size, struct minivmm_error *error)
{
    int result = api_check_access(machine, NULL, error);

    if (result == 0 && size > 0 &&
        memory_write(&machine->machine.memory, gpa(address), buffer, size) < 0)
        result = no_ram(error, address, size);
    return result;
}

/* The vCPU behind (handle), whose page tables the caller may look through, and the registers that say which. */
static int get_paging(struct minivmm_vcpu *handle, struct vcpu **vcpu,
                      struct paging_registers *registers, struct minivmm_error *error)
{
    int result = check_registers(handle, vcpu, error);

    if (result == 0)
        *registers = vcpu_paging(*vcpu);
    return result;
}

int minivmm_read_virtual(struct minivmm_vcpu *handle, uint64_t address, void *buffer, size_t size,
                         struct minivmm_error *error)
{
    struct paging_registers registers;
    struct vcpu *vcpu;
    int result = get_paging(handle, &vcpu, &registers, error);

    if (result < 0)
        return result;
    if (paging_read(&vcpu->machine->memory, &registers, gva(address), buffer, size) < 0)
        return not_mapped(error, vcpu, address, size);
    return 0;
}

int minivmm_write_virtual(struct minivmm_vcpu *handle, uint64_t address, const void *buffer,
                          size_t size, struct minivmm_error *error)
{
    struct paging_registers registers;
    struct vcpu *vcpu;
    int result = get_paging(handle, &vcpu, &registers, error);

    if (result < 0)
        return result;
    if (paging_write(&vcpu->machine->memory, &registers, gva(address), buffer, size) < 0)
        return not_mapped(error, vcpu, address, size);
    return 0;
}

int minivmm_translate(struct minivmm_vcpu *handle, uint64_t address, uint64_t *physical,
                      struct minivmm_error *error)
{
    struct paging_registers registers;
    struct paging_walk walk;
    struct vcpu *vcpu;
    int result = get_paging(handle, &vcpu, &registers, error);

    if (result < 0)
        return result;
    if (paging_walk(&vcpu->machine->memory, &registers, gva(address), &walk) < 0)
        return api_refuse(error, -EFAULT,
                          "gva 0x%" PRIx64 ": vCPU %u's page tables do not map it; give an address "
                          "that they map",
                          address, vcpu->id);
    *physical = walk.address.value;
    return 0;
}
