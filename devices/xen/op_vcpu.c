/* HYPERVISOR_vcpu_op: a vCPU registers its struct. */
#include "devices/xen/ops.h"

#include <errno.h>

static int64_t register_vcpu_info(struct xen_call *call, uint64_t vcpu, uint64_t argument)
{
    struct vcpu_register_vcpu_info info;
    int result = xen_copy_from_guest(call, &info, argument, sizeof(info));

    if (result < 0)
        return result;
    if (info.mfn > UINT64_MAX / PAGE_SIZE || info.offset >= PAGE_SIZE)
        return -EINVAL;
    return evtchn_place_vcpu_info(&call->domain->events, (unsigned)vcpu,
                                  gpa(info.mfn * PAGE_SIZE + info.offset));
}

int64_t xen_op_vcpu(struct xen_call *call)
{
    const uint64_t vcpu = call->arguments[1];

    if (call->arguments[0] != VCPUOP_register_vcpu_info)
        return -ENOSYS;
    if (vcpu >= call->domain->events.vcpu_count)
        return -ENOENT;
    return register_vcpu_info(call, vcpu, call->arguments[2]);
}
