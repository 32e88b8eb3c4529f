/* HYPERVISOR_sched_op: a vCPU waits, or the domain ends. */
#include "devices/xen/ops.h"

#include "vmm/core/vcpu.h"

#include <errno.h>
#include <sched.h>

#define POLL_PORTS_MAX 128u /* as in Xen */

static bool upcall_is_pending(struct xen_domain *domain, const void *opaque)
{
    const struct vcpu *vcpu = opaque;

    return evtchn_is_pending(&domain->events, vcpu->id);
}

/*
 * A guest that also waits for device interrupts should use HLT: this wait does not notice them, and
 * they are delivered when it is over.
 */
static int64_t block(struct xen_call *call)
{
    xen_domain_wait(call->domain, call->vcpu, upcall_is_pending, call->vcpu, XEN_WAIT_NS);
    return 0;
}

struct polled {
    evtchn_port_t ports[POLL_PORTS_MAX];
    unsigned count;
};

static bool port_is_pending(struct xen_domain *domain, const void *opaque)
{
    const struct polled *polled = opaque;

    for (unsigned i = 0; i < polled->count; i++)
        if (evtchn_port_is_pending(&domain->events, polled->ports[i]))
            return true;
    return false;
}

/* Nanoseconds until (timeout) on the clock of HVMOP_get_time; 0 means no timeout. */
static uint64_t ns_left(struct xen_call *call, uint64_t timeout)
{
    const uint64_t now = timeout ? machine_clock(call->domain->machine) : 0;

    if (!timeout)
        return XEN_WAIT_NS;
    return timeout > now ? timeout - now : 0;
}

static int64_t poll_ports(struct xen_call *call, uint64_t argument)
{
    struct sched_poll poll;
    struct polled polled;
    int result = xen_copy_from_guest(call, &poll, argument, sizeof(poll));

    if (result < 0)
        return result;
    if (poll.nr_ports > POLL_PORTS_MAX)
        return -EINVAL;
    polled.count = poll.nr_ports;
    result = xen_copy_from_guest(call, polled.ports, (uintptr_t)poll.ports.p,
                                 polled.count * sizeof(polled.ports[0]));
    if (result < 0)
        return result;
    for (unsigned i = 0; i < polled.count; i++)
        if (polled.ports[i] >= EVTCHN_PORTS)
            return -EINVAL;
    xen_domain_wait(call->domain, call->vcpu, port_is_pending, &polled,
                    ns_left(call, poll.timeout));
    return 0;
}

static int64_t shutdown(struct xen_call *call, uint64_t argument)
{
    static const enum outcome outcomes[] = {
        [SHUTDOWN_poweroff] = OUTCOME_GUEST,
        [SHUTDOWN_reboot] = OUTCOME_RESET,
        [SHUTDOWN_suspend] = OUTCOME_NONE, /* not supported: -ENOSYS */
        [SHUTDOWN_crash] = OUTCOME_CRASH,
    };
    struct machine *machine = call->domain->machine;
    struct sched_shutdown end;
    int result = xen_copy_from_guest(call, &end, argument, sizeof(end));

    if (result < 0)
        return result;
    if (end.reason > SHUTDOWN_MAX)
        return -EINVAL;
    if (end.reason >= sizeof(outcomes) / sizeof(outcomes[0]) || !outcomes[end.reason])
        return -ENOSYS;
    if (!machine_end(machine, outcomes[end.reason], 0))
        return 0;
    machine->ended_by = call->vcpu;
    if (end.reason == SHUTDOWN_crash)
        error_set(&call->vcpu->failure, 0, "the guest says that it has crashed");
    return 0;
}

int64_t xen_op_sched(struct xen_call *call)
{
    switch (call->arguments[0]) {
    case SCHEDOP_yield:
        sched_yield();
        return 0;
    case SCHEDOP_block:
        return block(call);
    case SCHEDOP_poll:
        return poll_ports(call, call->arguments[1]);
    case SCHEDOP_shutdown:
        return shutdown(call, call->arguments[1]);
    default:
        return -ENOSYS;
    }
}
