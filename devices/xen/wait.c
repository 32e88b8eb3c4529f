/*
 * A vCPU that waits for an event, in its own thread and in the middle of its exit.
 *
 * A kick (for the end, a pause or a checkpoint) is a signal, which ends the futex's wait; the guest then
 * goes on as if it had been woken for nothing, and asks again. A kick can come just before the wait, and
 * interrupts of other devices are not seen here at all: both wait until the time is over.
 */
#include "devices/xen/domain.h"

#include "vmm/core/vcpu.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void xen_domain_wake(struct xen_domain *domain)
{
    atomic_fetch_add(&domain->wakes, 1);
    if (atomic_load(&domain->waiters))
        syscall(SYS_futex, &domain->wakes, FUTEX_WAKE_PRIVATE, EVTCHN_VCPUS, NULL, NULL, 0);
}

static bool is_kicked(const struct vcpu *vcpu)
{
    return vcpu_is_kicked(vcpu) || machine_outcome(vcpu->machine) != OUTCOME_NONE;
}

/*
 * An event sets its bits, then counts a wake; here the count is read, then the bits. So an event that is
 * not seen makes the futex differ from (wakes).
 */
void xen_wait(struct xen_call *call, bool (*is_ready)(struct xen_call *call, const void *opaque),
              const void *opaque, uint64_t ns)
{
    const struct timespec end = {.tv_nsec = (long)(ns < XEN_WAIT_NS ? ns : XEN_WAIT_NS)};
    struct xen_domain *domain = call->domain;
    unsigned wakes;

    atomic_fetch_add(&domain->waiters, 1);
    wakes = atomic_load(&domain->wakes);
    if (!is_ready(call, opaque) && !is_kicked(call->vcpu))
        syscall(SYS_futex, &domain->wakes, FUTEX_WAIT_PRIVATE, wakes, &end, NULL, 0);
    atomic_fetch_sub(&domain->waiters, 1);
}
