/* Guest memory by physical and virtual addresses. */
#include "api/access.h"

#include "vmm/core/paging.h"

#include <errno.h>
#include <inttypes.h>

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
static int see_paging(struct minivmm_vcpu *handle, struct vcpu **vcpu,
                      struct paging_registers *registers, struct minivmm_error *error)
{
    int result = api_see_registers(handle, vcpu, error);

    if (result == 0)
        *registers = vcpu_paging(*vcpu);
    return result;
}

int minivmm_read_virtual(struct minivmm_vcpu *handle, uint64_t address, void *buffer, size_t size,
                         struct minivmm_error *error)
{
    struct paging_registers registers;
    struct vcpu *vcpu;
    int result = see_paging(handle, &vcpu, &registers, error);

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
    int result = see_paging(handle, &vcpu, &registers, error);

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
    int result = see_paging(handle, &vcpu, &registers, error);

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
