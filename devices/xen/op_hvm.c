/* HYPERVISOR_hvm_op: the domain's parameters, its clock, and the upcall vectors of its vCPUs. */
#include "devices/xen/ops.h"

#include "vmm/core/vcpu.h"

#include <errno.h>

#define VECTOR_MIN 0x10 /* lower vectors are not valid for a local APIC */

static int copy_param(struct xen_call *call, uint64_t argument, struct xen_hvm_param *param)
{
    int result = xen_copy_from_guest(call, param, argument, sizeof(*param));

    if (result == 0)
        result = xen_domain_check_self(call->domain, param->domid);
    if (result == 0 && param->index >= HVM_NR_PARAMS)
        result = -EINVAL;
    return result;
}

/*
 * Parameters are stored and read back. A callback for the whole domain is not supported: as a
 * vector it would lack the EOI that an interrupt of the local APIC needs.
 */
static int64_t set_param(struct xen_call *call, uint64_t argument)
{
    struct xen_domain *domain = call->domain;
    struct xen_hvm_param param;
    int result = copy_param(call, argument, &param);

    if (result < 0)
        return result;
    if (param.index == HVM_PARAM_CALLBACK_IRQ && param.value)
        return -EOPNOTSUPP;
    pthread_mutex_lock(&domain->lock);
    domain->params[param.index] = param.value;
    pthread_mutex_unlock(&domain->lock);
    return 0;
}

static int64_t get_param(struct xen_call *call, uint64_t argument)
{
    struct xen_domain *domain = call->domain;
    struct xen_hvm_param param;
    int result = copy_param(call, argument, &param);

    if (result < 0)
        return result;
    pthread_mutex_lock(&domain->lock);
    param.value = domain->params[param.index];
    pthread_mutex_unlock(&domain->lock);
    return xen_copy_to_guest(call, argument, &param, sizeof(param));
}

static int64_t get_time(struct xen_call *call, uint64_t argument)
{
    const struct xen_hvm_get_time time = {.now = machine_clock(call->domain->machine)};

    return xen_copy_to_guest(call, argument, &time, sizeof(time));
}

/* An upcall that is pending already is sent by the new vector as well. */
static int64_t set_vector(struct xen_call *call, uint64_t argument)
{
    struct evtchn_domain *events = &call->domain->events;
    struct xen_hvm_evtchn_upcall_vector op;
    int result = xen_copy_from_guest(call, &op, argument, sizeof(op));

    if (result < 0)
        return result;
    if (op.vector < VECTOR_MIN)
        return -EINVAL;
    if (op.vcpu >= events->vcpu_count)
        return -ENOENT;
    atomic_store(&call->domain->upcall_vector[op.vcpu], op.vector);
    if (evtchn_is_pending(events, op.vcpu))
        events->upcall(events->opaque, op.vcpu);
    return 0;
}

int64_t xen_op_hvm(struct xen_call *call)
{
    const uint64_t argument = call->arguments[1];

    switch (call->arguments[0]) {
    case HVMOP_set_param:
        return set_param(call, argument);
    case HVMOP_get_param:
        return get_param(call, argument);
    case HVMOP_get_time:
        return get_time(call, argument);
    case HVMOP_set_evtchn_upcall_vector:
        return set_vector(call, argument);
    default:
        return -ENOSYS;
    }
}
