#include "vmm/step/step_code.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#define PAGE_REST(address) (PAGE_SIZE - ((address)&PAGE_MASK))

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
