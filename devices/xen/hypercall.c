#include "devices/xen/hypercall.h"

#include "devices/xen/ops.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <string.h>

#define STUB_SIZE 32u
#define STUBS     (PAGE_SIZE / STUB_SIZE)
#define INT3      0xccu

static int64_t (*const operations[])(struct xen_call *call) = {
    [__HYPERVISOR_memory_op] = xen_op_memory,       [__HYPERVISOR_xen_version] = xen_op_version,
    [__HYPERVISOR_console_io] = xen_op_console,     [__HYPERVISOR_grant_table_op] = xen_op_grant,
    [__HYPERVISOR_vcpu_op] = xen_op_vcpu,           [__HYPERVISOR_sched_op] = xen_op_sched,
    [__HYPERVISOR_event_channel_op] = xen_op_event, [__HYPERVISOR_hvm_op] = xen_op_hvm,
};

/* Structures have the layout of 64-bit guests; the ABI of other guests is not implemented. */
static int64_t dispatch(struct xen_call *call)
{
    static const enum vcpu_register registers[] = {VCPU_RDI, VCPU_RSI, VCPU_RDX, VCPU_R10, VCPU_R8};
    const uint64_t number = vcpu_register(call->vcpu, VCPU_RAX);

    if (vcpu_register(call->vcpu, VCPU_CPL) > 0)
        return -EPERM;
    if (number >= sizeof(operations) / sizeof(operations[0]) || !operations[number] ||
        !vcpu_in_64_bit_mode(call->vcpu))
        return -ENOSYS;
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        call->arguments[i] = vcpu_register(call->vcpu, registers[i]);
    return operations[number](call);
}

void xen_hypercall(struct xen_domain *domain, struct vcpu *vcpu)
{
    struct xen_call call = {.domain = domain, .vcpu = vcpu};

    vcpu_set_rax(vcpu, (uint64_t)dispatch(&call));
}

/* mov $number, %eax; out %al, $port; ret */
static void put_stub(uint8_t *stub, uint32_t number)
{
    const uint8_t code[] = {0xb8, (uint8_t)number, 0, 0, 0, 0xe6, XEN_HYPERCALL_PORT, 0xc3};

    _Static_assert(STUBS <= 256, "a number is a byte");
    memcpy(stub, code, sizeof(code));
}

int xen_fill_hypercall_page(struct xen_domain *domain, uint64_t address)
{
    uint8_t page[PAGE_SIZE];

    memset(page, INT3, sizeof(page));
    for (uint32_t number = 0; number < STUBS; number++)
        put_stub(&page[number * STUB_SIZE], number);
    if ((address & PAGE_MASK) ||
        memory_write(&domain->machine->memory, gpa(address), page, sizeof(page)) < 0)
        return -EINVAL;
    return 0;
}
