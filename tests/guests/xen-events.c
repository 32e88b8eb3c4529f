/*
 * Event channels, cases 20 to 27: one guest binds ports of its own to each other.
 *
 * Case 26 needs a second vCPU; without it, the case is skipped.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"
#include "guest/xen/events.h"
#include "guest/xen/linux.h"
#include "guest/xen/start.h"
#include "guest/xen/xen.h"

#define STRANGER    5u
#define NOBODY      0x7000u
#define SENDS       10u
#define WAIT_ROUNDS 20000u

/* Two ports, each the other's remote. */
struct pair {
    evtchn_port_t first, second;
};

struct counter {
    volatile unsigned calls;
    volatile unsigned vcpu; /* of the last */
};

static irqreturn_t count(int irq, void *data)
{
    struct counter *counter = data;

    (void)irq;
    counter->calls++;
    counter->vcpu = xen_vcpu_id();
    return IRQ_HANDLED;
}

/* A port that (remote) may bind, or 0. */
static evtchn_port_t alloc(domid_t remote)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};

    return HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc) == 0 ? alloc.port : 0;
}

static long bind(domid_t remote, evtchn_port_t remote_port, evtchn_port_t *port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = remote, .remote_port = remote_port};
    long result = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    *port = bind.local_port;
    return result;
}

static long close(evtchn_port_t port)
{
    struct evtchn_close close = {.port = port};

    return HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

/* Begin the group of checks (name) with two ports. */
static struct pair pair_open(const char *name)
{
    struct pair pair = {.first = alloc(DOMID_SELF)};

    check_group(name);
    check("a port", pair.first != 0);
    check_result("bound", bind(xen_domid(), pair.first, &pair.second), 0);
    return pair;
}

static void pair_close(struct pair pair)
{
    check_result("closed", close(pair.second), 0);
    check_result("the other, which is unbound", close(pair.first), 0);
}

static void check_binding(void)
{
    struct pair pair = pair_open("20 binding");
    evtchn_port_t stranger = alloc(STRANGER), port;

    check_result("a bound port again", bind(xen_domid(), pair.first, &port), -XEN_EINVAL);
    check_result("another's", bind(xen_domid(), stranger, &port), -XEN_EINVAL);
    check_result("port 0", bind(xen_domid(), 0, &port), -XEN_EINVAL);
    check_result("beyond the last port", bind(xen_domid(), EVENTS_PORTS, &port), -XEN_EINVAL);
    check_result("the last number", bind(xen_domid(), ~0u, &port), -XEN_EINVAL);
    check_result("an unknown domain", bind(NOBODY, pair.first, &port), -XEN_ESRCH);
    pair_close(pair);
    check_result("closed", close(stranger), 0);
}

static void check_sending(void)
{
    struct pair pair = pair_open("21 sending");

    check_result("closed", close(pair.second), 0);
    check_result("on a closed port: refused", notify_remote_via_evtchn(pair.second), -XEN_EINVAL);
    check_result("on an unbound port: dropped", notify_remote_via_evtchn(pair.first), 0);
    check_result("on port 0", notify_remote_via_evtchn(0), -XEN_EINVAL);
    check_result("beyond the last port", notify_remote_via_evtchn(EVENTS_PORTS), -XEN_EINVAL);
    check_result("closed", close(pair.first), 0);
    check_result("closed twice", close(pair.first), -XEN_EINVAL);
}

static void check_reuse(void)
{
    struct pair pair = pair_open("22 close and reallocate");
    evtchn_port_t again;

    check_result("sent", notify_remote_via_evtchn(pair.second), 0);
    check("pending", evtchn_is_pending(pair.first));
    check_result("closed", close(pair.first), 0);
    again = alloc(STRANGER);
    check_equal("the same port", again, pair.first);
    check("nothing inherited", !evtchn_is_pending(again));
    check_result("closed", close(again), 0);
    check_result("the other", close(pair.second), 0);
}

static void check_merging(void)
{
    struct counter counter = {0};
    struct pair pair = pair_open("23 many before handling");
    int irq = bind_evtchn_to_irqhandler(pair.first, count, 0, "count", &counter);
    unsigned before;

    check("bound", irq >= 0);
    events_allow();
    before = events_upcalls();
    for (unsigned i = 0; i < SENDS; i++)
        check_result("sent", notify_remote_via_evtchn(pair.second), 0);
    check_equal("none so far", counter.calls, 0);
    events_allow();
    check_equal("one event", counter.calls, 1);
    check_equal("one upcall", events_upcalls() - before, 1);
    events_allow();
    check_equal("no more", counter.calls, 1);

    check_group("24 masked");
    mask_evtchn(pair.first);
    before = events_upcalls();
    check_result("sent", notify_remote_via_evtchn(pair.second), 0);
    events_allow();
    check("pending", evtchn_is_pending(pair.first));
    check_equal("no upcall", events_upcalls(), before);
    check_result("unmasked", unmask_evtchn(pair.first), 0);
    events_allow();
    check_equal("delivered", counter.calls, 2);
    unbind_from_irqhandler(irq, &counter);
    check_result("the other", close(pair.second), 0);
}

static void check_early(void)
{
    struct pair pair;

    check_group("25 event before bind");
    pair.first = alloc(DOMID_SELF);
    check_result("sent", notify_remote_via_evtchn(pair.first), 0);
    check_result("bound", bind(xen_domid(), pair.first, &pair.second), 0);
    check("pending", evtchn_is_pending(pair.second));
    check("not where it was sent from", !evtchn_is_pending(pair.first));
    pair_close(pair);
}

/* The second vCPU takes its events, until it must stop. */
static volatile bool second_ready, second_stop;
static volatile int second_init;

static void run_second(void *unused)
{
    (void)unused;
    second_init = events_init_vcpu();
    second_ready = true;
    while (!second_stop)
        events_allow();
    second_ready = false;
}

static void check_routed(struct pair pair, struct counter *counter, unsigned vcpu)
{
    struct evtchn_bind_vcpu route = {.port = pair.first, .vcpu = vcpu};
    const unsigned before = counter->calls;

    check_result("routed", HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &route), 0);
    check_result("sent", notify_remote_via_evtchn(pair.second), 0);
    for (unsigned round = 0; round < WAIT_ROUNDS && counter->calls == before; round++)
        events_allow();
    check_equal("delivered", counter->calls, before + 1);
    check_equal("to that vCPU", counter->vcpu, vcpu);
}

static void check_vcpus(unsigned vcpu_count)
{
    struct counter counter = {0};
    struct pair pair = pair_open("26 two vCPUs");
    struct evtchn_bind_vcpu route = {.port = pair.first, .vcpu = vcpu_count};
    int irq = bind_evtchn_to_irqhandler(pair.first, count, 0, "count", &counter);

    check("bound", irq >= 0);
    check("the second starts", smp_start(1, run_second, NULL));
    while (!second_ready)
        xen_yield();
    check_result("its upcalls", second_init, 0);
    check_routed(pair, &counter, 1);
    check_routed(pair, &counter, 0);
    check_routed(pair, &counter, 1);
    check_result("no such vCPU", HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &route),
                 -XEN_ENOENT);
    second_stop = true;
    while (second_ready)
        xen_yield();
    unbind_from_irqhandler(irq, &counter);
    check_result("the other", close(pair.second), 0);
}

static void check_all(void)
{
    struct evtchn_alloc_unbound one_more = {.dom = DOMID_SELF, .remote_dom = STRANGER};
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    unsigned ports = 0;

    check_group("27 all ports");
    while (alloc(STRANGER) != 0)
        ports++;
    check_equal("as many as there are", ports, EVENTS_PORTS - 1);
    check_result("one more", HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &one_more),
                 -XEN_ENOSPC);
    check_result("all closed", HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset), 0);
    check_equal("the first again", alloc(STRANGER), 1);
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    check_binding();
    check_sending();
    check_reuse();
    check_merging();
    check_early();
    if (boot->vcpu_count > 1)
        check_vcpus(boot->vcpu_count);
    check_all();
    return check_summary();
}
