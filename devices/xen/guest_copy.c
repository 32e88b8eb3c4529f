#include "devices/xen/guest_copy.h"

#include "vmm/core/vcpu.h"

int xen_copy_from_guest(struct xen_call *call, void *to, uint64_t address, uint64_t size)
{
    const struct paging_registers registers = vcpu_paging(call->vcpu);

    return paging_read(&call->domain->machine->memory, &registers, gva(address), to, size);
}

int xen_copy_to_guest(struct xen_call *call, uint64_t address, const void *from, uint64_t size)
{
    const struct paging_registers registers = vcpu_paging(call->vcpu);

    return paging_write(&call->domain->machine->memory, &registers, gva(address), from, size);
}
