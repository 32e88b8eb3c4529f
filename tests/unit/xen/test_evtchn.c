/*
 * devices/xen/evtchn*.c: ports and their bindings, and that no event is lost or delivered twice, whatever
 * the guests do. Numbers are those of the cases in docs/domains.md; those in round brackets
 * are the numbers of Xen's advisories.
 */
#include "devices/xen/evtchn.h"

#include "tests/unit/patience.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *evtchn_suite(void);

#define RAM     (2 * MIB)
#define INFO    0x10000u /* gpa of shared_info, and of other places */
#define MOVED   0x20000u
#define AREA    0x30040u
#define VCPUS   3
#define MILLION 1000000u

/* A guest: its memory, and its notifications. */
struct guest {
    struct evtchn_domain domain;
    struct memory memory;
    atomic_uint upcalls[VCPUS];
    atomic_uint arrivals;
    _Atomic evtchn_port_t arrived;
};

static struct evtchn_world world;
static struct guest guests[2];
static struct evtchn_domain *const front = &guests[1].domain, *const back = &guests[0].domain;
static atomic_bool stop;

static void note_upcall(void *opaque, unsigned vcpu)
{
    struct guest *guest = opaque;

    atomic_fetch_add(&guest->upcalls[vcpu], 1);
}

static void note_arrival(void *opaque, evtchn_port_t port)
{
    struct guest *guest = opaque;

    atomic_store(&guest->arrived, port);
    atomic_fetch_add(&guest->arrivals, 1);
}

static void guest_init(struct guest *guest, domid_t domid, struct memory *memory)
{
    evtchn_init(&guest->domain, &world, domid, VCPUS, memory);
    guest->domain.opaque = guest;
    guest->domain.upcall = note_upcall;
    guest->domain.arrived = note_arrival;
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
        atomic_store(&guest->upcalls[vcpu], 0);
    atomic_store(&guest->arrivals, 0);
}

static void setup(void)
{
    evtchn_world_init(&world);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(memory_init(&guests[i].memory, RAM, NULL), 0);
        guest_init(&guests[i], (domid_t)i, &guests[i].memory);
        ck_assert_int_eq(evtchn_place_info(&guests[i].domain, gpa(INFO)), 0);
    }
    atomic_store(&stop, false);
}

static void teardown(void)
{
    memory_finish(&guests[0].memory);
    memory_finish(&guests[1].memory);
    evtchn_world_finish(&world);
}

/* The guest's hands. */

static struct shared_info *info_of(struct evtchn_domain *domain)
{
    return memory_at(domain->memory, gpa(INFO), PAGE_SIZE);
}

static bool bit_of(xen_ulong_t *words, evtchn_port_t port)
{
    return __atomic_load_n(&words[port / 64], __ATOMIC_SEQ_CST) >> port % 64 & 1;
}

static bool pending(struct evtchn_domain *domain, evtchn_port_t port)
{
    return bit_of(info_of(domain)->evtchn_pending, port);
}

static void mask(struct evtchn_domain *domain, evtchn_port_t port)
{
    __atomic_fetch_or(&info_of(domain)->evtchn_mask[port / 64], 1UL << port % 64, __ATOMIC_SEQ_CST);
}

/* What a handler does: how many events were pending on (vcpu)'s unmasked ports, which are cleared. */
static unsigned handle(struct evtchn_domain *domain, unsigned vcpu)
{
    struct shared_info *info = info_of(domain);
    struct vcpu_info *mine = &info->vcpu_info[vcpu];
    unsigned events = 0;
    xen_ulong_t selected;

    __atomic_store_n(&mine->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    selected = __atomic_exchange_n(&mine->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (unsigned word = 0; word < 64; word++) {
        xen_ulong_t open = ~__atomic_load_n(&info->evtchn_mask[word], __ATOMIC_SEQ_CST);

        if (!(selected >> word & 1))
            continue;
        open &= __atomic_fetch_and(&info->evtchn_pending[word], ~open, __ATOMIC_SEQ_CST);
        events += (unsigned)__builtin_popcountl(open);
    }
    return events;
}

static unsigned upcalls(struct evtchn_domain *domain, unsigned vcpu)
{
    const struct guest *guest = domain->opaque;

    return atomic_load(&guest->upcalls[vcpu]);
}

static evtchn_port_t alloc(struct evtchn_domain *domain, domid_t remote)
{
    evtchn_port_t port = 0;

    ck_assert_int_eq(evtchn_alloc_unbound(domain, remote, &port), 0);
    return port;
}

static evtchn_port_t bind(struct evtchn_domain *domain, struct evtchn_domain *remote,
                          evtchn_port_t remote_port)
{
    evtchn_port_t port = 0;

    ck_assert_int_eq(evtchn_bind_interdomain(domain, remote, remote_port, &port), 0);
    return port;
}

static struct evtchn_status status_of(struct evtchn_domain *domain, evtchn_port_t port)
{
    struct evtchn_status status;

    memset(&status, 0xff, sizeof(status));
    status.port = port;
    ck_assert_int_eq(evtchn_status(domain, &status), 0);
    return status;
}

/* A channel, as the shared ring has it: the back end binds the front end's port. No event is pending. */
struct channel {
    evtchn_port_t front, back;
};

static struct channel connect(void)
{
    struct channel channel;

    channel.front = alloc(front, 0);
    channel.back = bind(back, front, channel.front);
    ck_assert_uint_eq(handle(back, 0), 1);
    atomic_store(&guests[0].upcalls[0], 0);
    return channel;
}

/* What is bound refers to a port that is bound back to it. */
static void ck_bound_both_ways(void)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct evtchn_domain *domain = &guests[i].domain;

        for (evtchn_port_t port = 0; port < EVTCHN_PORTS; port++) {
            const struct evtchn_port *mine = &domain->ports[port], *peer;

            if (mine->state != EVTCHNSTAT_interdomain)
                continue;
            peer = &mine->remote->ports[mine->remote_port];
            ck_assert_uint_eq(peer->state, EVTCHNSTAT_interdomain);
            ck_assert_ptr_eq(peer->remote, domain);
            ck_assert_uint_eq(peer->remote_port, port);
        }
        ck_assert_uint_eq(domain->ports[0].state, EVTCHNSTAT_closed);
    }
}

/* Ports. */

START_TEST(the_lowest_free_port_is_allocated)
{
    ck_assert_uint_eq(alloc(front, 0), 1);
    ck_assert_uint_eq(alloc(front, 0), 2);
    ck_assert_uint_eq(alloc(front, 0), 3);
    ck_assert_int_eq(evtchn_close(front, 2), 0);
    ck_assert_uint_eq(alloc(front, 0), 2);
}
END_TEST

START_TEST(a_port_says_what_it_is)
{
    struct channel channel = connect();
    evtchn_port_t unbound = alloc(front, DOMID_SELF), virq, ipi;
    struct evtchn_status status;

    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_DEBUG, 2, &virq), 0);
    ck_assert_int_eq(evtchn_bind_ipi(front, 1, &ipi), 0);
    ck_assert_int_eq(evtchn_bind_vcpu(front, unbound, 2), 0);

    status = status_of(front, channel.front);
    ck_assert_uint_eq(status.status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(status.u.interdomain.dom, 0);
    ck_assert_uint_eq(status.u.interdomain.port, channel.back);
    status = status_of(front, unbound);
    ck_assert_uint_eq(status.status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status.u.unbound.dom, 1);
    ck_assert_uint_eq(status.vcpu, 2);
    status = status_of(front, virq);
    ck_assert_uint_eq(status.status, EVTCHNSTAT_virq);
    ck_assert_uint_eq(status.u.virq, VIRQ_DEBUG);
    ck_assert_uint_eq(status.vcpu, 2);
    status = status_of(front, ipi);
    ck_assert_uint_eq(status.status, EVTCHNSTAT_ipi);
    ck_assert_uint_eq(status.vcpu, 1);
    status = status_of(front, 4095);
    ck_assert_uint_eq(status.status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status.u.interdomain.port, 0);
}
END_TEST

/* 20 */
START_TEST(only_an_unbound_port_for_this_domain_is_bound)
{
    struct channel channel = connect();
    evtchn_port_t port = 77;

    ck_assert_int_eq(evtchn_bind_interdomain(back, front, channel.front, &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_interdomain(front, back, channel.back, &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_interdomain(back, front, alloc(front, 1), &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_interdomain(back, front, alloc(front, 7), &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_interdomain(back, NULL, channel.front, &port), -ESRCH);
    ck_assert_uint_eq(port, 77);
    ck_assert_uint_eq(status_of(front, channel.front).u.interdomain.port, channel.back);
}
END_TEST

START_TEST(a_domain_binds_its_own_port)
{
    evtchn_port_t one = alloc(front, DOMID_SELF), other = bind(front, front, one);

    ck_assert_uint_ne(one, other);
    ck_assert_int_eq(evtchn_send(front, other), 0);
    ck_assert(pending(front, one));
    ck_assert_int_eq(evtchn_close(front, other), 0);
    ck_assert_uint_eq(status_of(front, one).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(bind(front, front, one), other);
}
END_TEST

/* 21 */
START_TEST(sending_to_nobody_is_an_error_only_on_a_closed_port)
{
    evtchn_port_t port = alloc(front, 0);

    ck_assert_int_eq(evtchn_send(front, port), 0);
    ck_assert(!pending(front, port));
    ck_assert_int_eq(evtchn_close(front, port), 0);
    ck_assert_int_eq(evtchn_send(front, port), -EINVAL);
    ck_assert_int_eq(evtchn_close(front, port), -EINVAL);
}
END_TEST

/* 28 */
START_TEST(closing_makes_the_peer_unbound_and_bindable_again)
{
    struct channel channel = connect();

    ck_assert_int_eq(evtchn_bind_vcpu(front, channel.front, 2), 0);
    ck_assert_int_eq(evtchn_close(back, channel.back), 0);
    ck_assert_uint_eq(status_of(back, channel.back).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status_of(front, channel.front).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status_of(front, channel.front).vcpu, 2);
    ck_assert_uint_eq(status_of(front, channel.front).u.unbound.dom, 0);
    ck_assert_int_eq(evtchn_send(front, channel.front), 0);
    channel.back = bind(back, front, channel.front);
    ck_assert_uint_eq(status_of(front, channel.front).u.interdomain.port, channel.back);
}
END_TEST

/* 22 */
START_TEST(a_port_allocated_again_has_nothing_of_its_former_life)
{
    struct channel channel = connect();

    ck_assert_int_eq(evtchn_bind_vcpu(front, channel.front, 2), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert(pending(front, channel.front));
    ck_assert_int_eq(evtchn_close(front, channel.front), 0);
    ck_assert(!pending(front, channel.front));
    ck_assert_uint_eq(alloc(front, 0), channel.front);
    ck_assert_uint_eq(status_of(front, channel.front).vcpu, 0);
    ck_assert(!evtchn_port_is_pending(front, channel.front));
}
END_TEST

/* 27, and (317): a port that could not be made leaves no state. */
START_TEST(all_ports_in_use_is_an_error_that_changes_nothing)
{
    evtchn_port_t remote = alloc(back, 1), port = 77;

    for (unsigned i = 1; i < EVTCHN_PORTS; i++)
        ck_assert_uint_eq(alloc(front, 0), i);
    ck_assert_int_eq(evtchn_alloc_unbound(front, 0, &port), -ENOSPC);
    ck_assert_int_eq(evtchn_bind_ipi(front, 0, &port), -ENOSPC);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_TIMER, 0, &port), -ENOSPC);
    ck_assert_int_eq(evtchn_bind_interdomain(front, back, remote, &port), -ENOSPC);
    ck_assert_uint_eq(port, 77);
    ck_assert_uint_eq(status_of(back, remote).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(evtchn_close(front, 4095), 0);
    ck_assert_uint_eq(bind(front, back, remote), 4095);
    ck_assert_uint_eq(status_of(back, remote).u.interdomain.port, 4095);
}
END_TEST

/* 28, and what EVTCHNOP_reset does. */
START_TEST(reset_closes_all_ports)
{
    struct channel channel = connect();
    evtchn_port_t ipi;

    ck_assert_int_eq(evtchn_bind_ipi(front, 0, &ipi), 0);
    ck_assert_int_eq(evtchn_send(front, ipi), 0);
    evtchn_reset(front);
    for (evtchn_port_t port = 0; port < EVTCHN_PORTS; port++) {
        ck_assert_uint_eq(status_of(front, port).status, EVTCHNSTAT_closed);
        ck_assert(!pending(front, port));
    }
    ck_assert_uint_eq(status_of(back, channel.back).status, EVTCHNSTAT_unbound);
    ck_assert_uint_eq(status_of(back, channel.back).u.unbound.dom, 1);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
}
END_TEST

START_TEST(a_virq_has_one_port_for_each_vcpu_or_for_all)
{
    evtchn_port_t port;

    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_TIMER, 0, &port), 0);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_TIMER, 0, &port), -EEXIST);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_TIMER, 1, &port), 0);
    ck_assert_int_eq(evtchn_bind_vcpu(front, port, 0), -EINVAL);
    ck_assert_int_eq(evtchn_send(front, port), -EINVAL);

    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_CONSOLE, 1, &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_CONSOLE, 0, &port), 0);
    ck_assert_int_eq(evtchn_bind_vcpu(front, port, 1), 0);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_CONSOLE, 0, &port), -EEXIST);
    ck_assert_int_eq(evtchn_close(front, port), 0);
    ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_CONSOLE, 0, &port), 0);

    ck_assert_int_eq(evtchn_bind_virq(front, NR_VIRQS, 0, &port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_virq(front, 256 + VIRQ_DEBUG, 0, &port), -EINVAL);
}
END_TEST

static const uint32_t no_ports[] = {0, 9, 4095, 4096, 65537, 0x7fffffff, 0x80000000, UINT32_MAX};

START_TEST(numbers_that_are_no_ports_are_refused)
{
    const uint32_t port = no_ports[_i];
    struct evtchn_status status = {.port = port};
    evtchn_port_t made;

    connect();
    ck_assert_int_eq(evtchn_send(front, port), -EINVAL);
    ck_assert_int_eq(evtchn_close(front, port), -EINVAL);
    ck_assert_int_eq(evtchn_unmask(front, port), -EINVAL);
    ck_assert_int_eq(evtchn_bind_vcpu(front, port, 0), -EINVAL);
    ck_assert_int_eq(evtchn_bind_interdomain(front, back, port, &made), -EINVAL);
    ck_assert_int_eq(evtchn_status(front, &status), port < EVTCHN_PORTS ? 0 : -EINVAL);
    ck_assert(!evtchn_port_is_pending(front, port));
}
END_TEST

START_TEST(numbers_that_are_no_vcpus_are_refused)
{
    static const unsigned vcpus[] = {VCPUS, EVTCHN_VCPUS, 65536, 0x80000000, UINT32_MAX};
    struct channel channel = connect();
    evtchn_port_t port;

    for (size_t i = 0; i < sizeof(vcpus) / sizeof(vcpus[0]); i++) {
        ck_assert_int_eq(evtchn_bind_vcpu(front, channel.front, vcpus[i]), -ENOENT);
        ck_assert_int_eq(evtchn_bind_ipi(front, vcpus[i], &port), -ENOENT);
        ck_assert_int_eq(evtchn_bind_virq(front, VIRQ_TIMER, vcpus[i], &port), -ENOENT);
        ck_assert_int_eq(evtchn_place_vcpu_info(front, vcpus[i], gpa(AREA)), -ENOENT);
        ck_assert(!evtchn_is_pending(front, vcpus[i]));
    }
}
END_TEST

/* Delivery. */

START_TEST(an_event_sets_pending_selector_and_upcall_and_tells)
{
    struct channel channel = {0};
    struct shared_info *info = info_of(front);

    for (unsigned i = 0; i < 130; i++)
        channel.front = alloc(front, 0);
    channel.back = bind(back, front, channel.front);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(info->evtchn_pending[2], 1UL << 2);
    ck_assert_uint_eq(info->vcpu_info[0].evtchn_pending_sel, 1UL << 2);
    ck_assert_uint_eq(info->vcpu_info[0].evtchn_upcall_pending, 1);
    ck_assert_uint_eq(upcalls(front, 0), 1);
    ck_assert(evtchn_is_pending(front, 0) && evtchn_port_is_pending(front, channel.front));
}
END_TEST

/* 23 */
START_TEST(many_sends_are_one_upcall)
{
    struct channel channel = connect();

    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(upcalls(front, 0), 1);
    ck_assert_uint_eq(handle(front, 0), 1);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(upcalls(front, 0), 2);
}
END_TEST

/* 23, on ports of several words: each is pending, the vCPU is notified once. */
START_TEST(many_ports_are_one_upcall)
{
    for (unsigned i = 0; i < 200; i++) {
        evtchn_port_t port = bind(back, front, alloc(front, 0));

        ck_assert_int_eq(evtchn_send(back, port), 0);
    }
    ck_assert_uint_eq(upcalls(front, 0), 1);
    ck_assert_uint_eq(handle(front, 0), 200);
}
END_TEST

/* 23: between taking the upcall and the selector, a vCPU will still find the port. */
START_TEST(an_event_in_a_selected_word_is_no_upcall)
{
    struct channel channel = connect();
    struct vcpu_info *vcpu = &info_of(front)->vcpu_info[0];

    vcpu->evtchn_pending_sel = 1;
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert_uint_eq(vcpu->evtchn_upcall_pending, 0);
}
END_TEST

/* 24 */
START_TEST(a_masked_event_is_pending_and_told_when_unmasked)
{
    struct channel channel = connect();

    mask(front, channel.front);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert(pending(front, channel.front));
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert(!evtchn_is_pending(front, 0));
    ck_assert_int_eq(evtchn_unmask(front, channel.front), 0);
    ck_assert(!bit_of(info_of(front)->evtchn_mask, channel.front));
    ck_assert_uint_eq(upcalls(front, 0), 1);
    ck_assert_uint_eq(handle(front, 0), 1);
}
END_TEST

START_TEST(unmasking_without_an_event_or_a_mask_tells_nobody)
{
    struct channel channel = connect();

    mask(front, channel.front);
    ck_assert_int_eq(evtchn_unmask(front, channel.front), 0);
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_int_eq(evtchn_unmask(front, channel.front), 0);
    ck_assert_uint_eq(upcalls(front, 0), 1);
}
END_TEST

/* 25 */
START_TEST(an_event_sent_before_the_bind_is_pending_after_it)
{
    evtchn_port_t port = alloc(front, 0), bound;

    ck_assert_int_eq(evtchn_send(front, port), 0);
    bound = bind(back, front, port);
    ck_assert(pending(back, bound));
    ck_assert(!pending(front, port));
    ck_assert_uint_eq(upcalls(back, 0), 1);
}
END_TEST

/* 26 */
START_TEST(the_upcall_goes_to_the_vcpu_of_the_port)
{
    struct channel channel = connect();

    ck_assert_int_eq(evtchn_bind_vcpu(front, channel.front, 2), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert_uint_eq(upcalls(front, 2), 1);
    ck_assert_uint_eq(info_of(front)->vcpu_info[2].evtchn_pending_sel, 1);
    ck_assert(evtchn_is_pending(front, 2) && !evtchn_is_pending(front, 0));
}
END_TEST

START_TEST(an_ipi_is_sent_to_its_own_vcpu_for_good)
{
    evtchn_port_t port;

    ck_assert_int_eq(evtchn_bind_ipi(front, 1, &port), 0);
    ck_assert_int_eq(evtchn_bind_vcpu(front, port, 0), -EINVAL);
    ck_assert_int_eq(evtchn_send(front, port), 0);
    ck_assert_uint_eq(upcalls(front, 1), 1);
    ck_assert_uint_eq(handle(front, 1), 1);
}
END_TEST

/* For SCHEDOP_poll, which waits for masked ports above all. */
START_TEST(arrival_is_told_once_per_pending_bit_masked_or_not)
{
    struct channel channel = connect();

    mask(front, channel.front);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(atomic_load(&guests[1].arrivals), 1);
    ck_assert_uint_eq(atomic_load(&guests[1].arrived), channel.front);
    ck_assert_int_eq(evtchn_unmask(front, channel.front), 0);
    ck_assert_uint_eq(atomic_load(&guests[1].arrivals), 1);
}
END_TEST

START_TEST(a_domain_without_a_guest_hears_of_every_event)
{
    evtchn_port_t port, bound;

    guest_init(&guests[0], 0, NULL);
    port = alloc(front, 0);
    bound = bind(back, front, port);
    ck_assert_uint_eq(atomic_load(&guests[0].arrivals), 1);
    ck_assert_int_eq(evtchn_send(front, port), 0);
    ck_assert_int_eq(evtchn_send(front, port), 0);
    ck_assert_uint_eq(atomic_load(&guests[0].arrivals), 3);
    ck_assert_uint_eq(atomic_load(&guests[0].arrived), bound);
    ck_assert_uint_eq(upcalls(back, 0), 0);
    ck_assert_int_eq(evtchn_place_info(back, gpa(INFO)), -EINVAL);
    ck_assert_int_eq(evtchn_place_vcpu_info(back, 0, gpa(AREA)), -EINVAL);
    ck_assert_int_eq(evtchn_unmask(back, bound), 0);
    ck_assert(!evtchn_is_pending(back, 0) && !evtchn_port_is_pending(back, bound));
}
END_TEST

START_TEST(nobody_need_listen)
{
    struct channel channel = connect();

    front->upcall = NULL;
    front->arrived = NULL;
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert(pending(front, channel.front));
}
END_TEST

/* Takes the world's lock: a caller that still held it would wait for ever. */
static void answer(void *opaque, evtchn_port_t port)
{
    note_arrival(opaque, port);
    evtchn_send(front, port);
}

static void look(void *opaque, unsigned vcpu)
{
    note_upcall(opaque, vcpu);
    ck_assert(evtchn_is_pending(front, vcpu));
}

START_TEST(who_is_told_may_call_back)
{
    evtchn_port_t port;

    front->arrived = answer;
    front->upcall = look;
    port = bind(front, back, alloc(back, 1));
    ck_assert(pending(back, status_of(front, port).u.interdomain.port));
    handle(front, 0);
    mask(front, port);
    ck_assert_int_eq(evtchn_send(back, status_of(front, port).u.interdomain.port), 0);
    ck_assert_uint_eq(atomic_load(&guests[1].arrivals), 2);
    ck_assert_int_eq(evtchn_unmask(front, port), 0);
    ck_assert_int_eq(evtchn_place_info(front, gpa(INFO)), 0);
    ck_assert_int_eq(evtchn_place_vcpu_info(front, 0, gpa(AREA)), 0);
    ck_assert_uint_eq(upcalls(front, 0), 4);
}
END_TEST

/* Places. */

START_TEST(the_page_is_overwritten_and_keeps_what_was_early)
{
    struct shared_info *info = info_of(front);
    evtchn_port_t port;

    memset(info, 0xff, PAGE_SIZE);
    guest_init(&guests[1], 1, &guests[1].memory);
    port = bind(front, back, alloc(back, 1));
    ck_assert_int_eq(evtchn_place_info(front, gpa(INFO)), 0);
    ck_assert_uint_eq(info->evtchn_pending[0], 1UL << port);
    ck_assert_uint_eq(info->evtchn_mask[0], 0);
    ck_assert_uint_eq(info->vcpu_info[1].evtchn_pending_sel, 0);
    ck_assert_uint_eq(((uint8_t *)info)[PAGE_SIZE - 1], 0);
    ck_assert_uint_eq(upcalls(front, 0), 2); /* by the bind, and where it has moved */
    ck_assert_uint_eq(handle(front, 0), 1);
}
END_TEST

START_TEST(the_page_moves_with_what_is_pending)
{
    struct channel channel = connect();
    struct shared_info *moved = memory_at(&guests[1].memory, gpa(MOVED), PAGE_SIZE);

    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_int_eq(evtchn_place_info(front, gpa(MOVED)), 0);
    ck_assert_uint_eq(moved->evtchn_pending[0], 1UL << channel.front);
    ck_assert_uint_eq(moved->vcpu_info[0].evtchn_upcall_pending, 1);
    memset(moved, 0, PAGE_SIZE);
    memset(info_of(front), 0, PAGE_SIZE);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(moved->evtchn_pending[0], 1UL << channel.front);
    ck_assert_uint_eq(info_of(front)->evtchn_pending[0], 0);
}
END_TEST

START_TEST(a_page_that_is_none_is_refused)
{
    static const uint64_t places[] = {RAM, RAM - 8, INFO + 8, 1ULL << 63, UINT64_MAX};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ck_assert_int_eq(evtchn_place_info(front, gpa(places[i])), -EINVAL);
    ck_assert_ptr_eq(front->page, info_of(front));
}
END_TEST

START_TEST(a_registered_struct_takes_over_what_is_pending)
{
    struct channel channel = connect();
    struct vcpu_info *area = memory_at(&guests[1].memory, gpa(AREA), sizeof(*area));

    memset(area, 0xff, sizeof(*area));
    ck_assert_int_eq(evtchn_bind_vcpu(front, channel.front, 1), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_int_eq(evtchn_place_vcpu_info(front, 1, gpa(AREA)), 0);
    ck_assert_uint_eq(area->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(area->evtchn_pending_sel, 1);
    ck_assert_uint_eq(upcalls(front, 1), 2);
}
END_TEST

START_TEST(events_go_to_the_registered_struct_wherever_the_page_moves)
{
    struct channel channel = connect();
    struct vcpu_info *area = memory_at(&guests[1].memory, gpa(AREA), sizeof(*area));

    ck_assert_int_eq(evtchn_place_vcpu_info(front, 0, gpa(AREA)), 0);
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert_int_eq(evtchn_place_info(front, gpa(MOVED)), 0);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_uint_eq(area->evtchn_upcall_pending, 1);
    ck_assert_uint_eq(area->evtchn_pending_sel, 1);
    ck_assert_uint_eq(front->page->info.vcpu_info[0].evtchn_pending_sel, 0);
    ck_assert_uint_eq(upcalls(front, 0), 1);
}
END_TEST

START_TEST(a_struct_in_a_bad_place_or_a_second_one_is_refused)
{
    static const uint64_t places[] = {AREA + 4, AREA + 1,        0x30000 - 56, RAM - 56,
                                      RAM,      UINT64_MAX - 63, UINT64_MAX};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ck_assert_int_eq(evtchn_place_vcpu_info(front, 0, gpa(places[i])), -EINVAL);
    ck_assert_int_eq(evtchn_place_vcpu_info(front, 0, gpa(RAM - 64)), 0);
    ck_assert_int_eq(evtchn_place_vcpu_info(front, 0, gpa(AREA)), -EINVAL);
}
END_TEST

/* Hostile guests. */

START_TEST(a_page_full_of_ones_costs_only_its_own_guest_events)
{
    struct channel channel = connect();

    memset(info_of(front), 0xff, PAGE_SIZE);
    ck_assert_int_eq(evtchn_send(back, channel.back), 0);
    ck_assert_int_eq(evtchn_unmask(front, channel.front), 0);
    ck_assert_uint_eq(upcalls(front, 0), 0);
    ck_assert_int_eq(evtchn_send(front, channel.front), 0);
    ck_assert_uint_eq(handle(back, 0), 1);
    ck_assert_uint_eq(upcalls(back, 0), 1);
}
END_TEST

/* One operation of a guest that knows no rules; ports and vCPUs are mostly near the valid ones. */
static void do_anything(struct evtchn_domain *domain, unsigned *seed)
{
    static const domid_t domids[] = {0, 1, 2, DOMID_SELF, 0xffff};
    const uint32_t port = rand_r(seed) % 50 ? (uint32_t)rand_r(seed) % 24 : ~(uint32_t)rand_r(seed);
    const unsigned vcpu = (unsigned)rand_r(seed) % (VCPUS + 1);
    struct evtchn_status status = {.port = port};
    evtchn_port_t made;

    switch (rand_r(seed) % 11) {
    case 0:
        evtchn_alloc_unbound(domain, domids[(unsigned)rand_r(seed) % 5], &made);
        break;
    case 1:
    case 2:
        evtchn_bind_interdomain(domain, rand_r(seed) % 4 ? front : back, port, &made);
        break;
    case 3:
        evtchn_bind_virq(domain, port, vcpu, &made);
        break;
    case 4:
        evtchn_bind_ipi(domain, vcpu, &made);
        break;
    case 5:
        evtchn_bind_vcpu(domain, port, vcpu);
        break;
    case 6:
        evtchn_close(domain, port);
        break;
    case 7:
        evtchn_unmask(domain, port);
        break;
    case 8:
        evtchn_status(domain, &status);
        break;
    case 9:
        evtchn_place_info(domain, gpa(rand_r(seed) % 2 ? INFO : MOVED));
        break;
    default:
        evtchn_send(domain, port);
    }
    if (rand_r(seed) % 500 == 0)
        evtchn_reset(domain);
}

static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, body, argument), 0);
    return thread;
}

static void *do_many_things(void *argument)
{
    struct evtchn_domain *domain = argument;
    unsigned seed = domain->domid;

    for (unsigned i = 0; i < MILLION / 4; i++)
        do_anything(domain, &seed);
    return NULL;
}

START_TEST(anything_two_guests_do_leaves_ports_bound_both_ways)
{
    pthread_t thread = start(do_many_things, front);

    do_many_things(back);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_bound_both_ways();
}
END_TEST

/* A sender of a million events, without synchronisation with the peer. */
static void *send_a_million(void *argument)
{
    unsigned *odd = argument;

    for (unsigned i = 0; i < MILLION; i++) {
        int result = evtchn_send(back, 1 + i % 3);

        if (result != 0 && result != -EINVAL)
            ++*odd;
    }
    atomic_store(&stop, true);
    return NULL;
}

/* (340), (343): bind, close and reset against send; at first the peer is there, or is not. */
static void bind_and_unbind(unsigned i)
{
    evtchn_port_t port = 0, bound;

    if (evtchn_alloc_unbound(front, 0, &port) != 0 ||
        evtchn_bind_interdomain(back, front, port, &bound) != 0)
        return;
    evtchn_unmask(front, port);
    if (i % 3 == 0)
        evtchn_close(front, port);
    if (i % 3 != 1)
        evtchn_close(back, bound);
    if (i % 7 == 0)
        evtchn_reset(front);
    if (i % 11 == 0)
        evtchn_reset(back);
}

START_TEST(a_million_sends_race_with_bind_close_and_reset)
{
    unsigned odd = 0;
    pthread_t thread = start(send_a_million, &odd);

    for (unsigned i = 0; !atomic_load(&stop); i++) {
        bind_and_unbind(i);
        sched_yield(); /* a sanitizer makes the lock's holder slow, and the sender would hardly get it */
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(odd, 0);
    ck_bound_both_ways();
    evtchn_reset(front);
    for (evtchn_port_t port = 0; port < EVTCHN_PORTS; port++)
        ck_assert(!pending(front, port));
}
END_TEST

/* (344): with every port bound, a teardown does not hold the others up for long. */
START_TEST(the_teardown_of_all_ports_is_short)
{
    struct timespec begin, end;

    for (unsigned i = 1; i < EVTCHN_PORTS; i++)
        bind(back, front, alloc(front, 0));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    evtchn_reset(front);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    ck_assert_int_lt((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000,
                     100);
    ck_assert_uint_eq(status_of(back, 4095).status, EVTCHNSTAT_unbound);
}
END_TEST

/* No event is lost: a vCPU handles upcalls when it is notified, and only then. */

#define TURNS 40000u

struct consumer {
    struct evtchn_domain *domain;
    evtchn_port_t port;
    bool masks; /* as Linux does: masked while the event's work is done */
    atomic_uint sent, seen;
};

static struct consumer consumer;

static void take_upcalls(struct consumer *self)
{
    struct guest *guest = self->domain->opaque;

    if (atomic_exchange(&guest->upcalls[0], 0) == 0) {
        sched_yield();
        return;
    }
    handle(self->domain, 0);
    if (self->masks)
        mask(self->domain, self->port);
    atomic_store(&self->seen, atomic_load(&self->sent));
    if (self->masks)
        evtchn_unmask(self->domain, self->port);
}

static void *consume(void *argument)
{
    struct consumer *self = argument;

    while (!atomic_load(&stop))
        take_upcalls(self);
    return NULL;
}

static void ck_seen(unsigned turn)
{
    const time_t deadline = time(NULL) + patience_ms() / 1000;

    while (atomic_load(&consumer.seen) != turn) {
        ck_assert_msg(time(NULL) < deadline, "event %u was not seen", turn);
        sched_yield();
    }
}

/* Events in fours: the last of each is seen, the others unless a later one comes first. */
static void ck_all_seen(evtchn_port_t port)
{
    for (unsigned turn = 1; turn <= TURNS; turn++) {
        atomic_store(&consumer.sent, turn);
        ck_assert_int_eq(evtchn_send(back, port), 0);
        if (turn % 4 == 0)
            ck_seen(turn);
    }
}

static void run_consumer(bool masks, void (*meanwhile)(void))
{
    struct channel channel = connect();
    pthread_t thread;

    consumer.domain = front;
    consumer.port = channel.front;
    consumer.masks = masks;
    atomic_store(&consumer.seen, 0);
    thread = start(consume, &consumer);
    if (meanwhile)
        meanwhile();
    ck_all_seen(channel.back);
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* 23 */
START_TEST(an_event_sent_while_others_are_handled_is_seen)
{
    run_consumer(false, NULL);
}
END_TEST

/* 24 */
START_TEST(an_event_sent_around_an_unmask_is_seen)
{
    run_consumer(true, NULL);
}
END_TEST

static void *mask_and_unmask(void *argument)
{
    while (!atomic_load(&stop)) {
        mask(front, consumer.port);
        evtchn_unmask(front, consumer.port);
        sched_yield();
    }
    return argument;
}

/* 24, by another vCPU, which has the last word by an unmask. */
static pthread_t masker;

static void start_masker(void)
{
    masker = start(mask_and_unmask, NULL);
}

START_TEST(an_event_is_seen_however_another_vcpu_masks_and_unmasks)
{
    run_consumer(false, start_masker);
    ck_assert_int_eq(pthread_join(masker, NULL), 0);
}
END_TEST

Suite *evtchn_suite(void)
{
    Suite *suite = suite_create("evtchn");
    TCase *ports = tcase_create("ports"), *delivery = tcase_create("delivery");
    TCase *places = tcase_create("places"), *hostile = tcase_create("hostile");
    TCase *all[] = {ports, delivery, places, hostile};

    tcase_add_test(ports, the_lowest_free_port_is_allocated);
    tcase_add_test(ports, a_port_says_what_it_is);
    tcase_add_test(ports, only_an_unbound_port_for_this_domain_is_bound);
    tcase_add_test(ports, a_domain_binds_its_own_port);
    tcase_add_test(ports, sending_to_nobody_is_an_error_only_on_a_closed_port);
    tcase_add_test(ports, closing_makes_the_peer_unbound_and_bindable_again);
    tcase_add_test(ports, a_port_allocated_again_has_nothing_of_its_former_life);
    tcase_add_test(ports, all_ports_in_use_is_an_error_that_changes_nothing);
    tcase_add_test(ports, reset_closes_all_ports);
    tcase_add_test(ports, a_virq_has_one_port_for_each_vcpu_or_for_all);
    tcase_add_loop_test(ports, numbers_that_are_no_ports_are_refused, 0,
                        sizeof(no_ports) / sizeof(no_ports[0]));
    tcase_add_test(ports, numbers_that_are_no_vcpus_are_refused);
    tcase_add_test(delivery, an_event_sets_pending_selector_and_upcall_and_tells);
    tcase_add_test(delivery, many_sends_are_one_upcall);
    tcase_add_test(delivery, many_ports_are_one_upcall);
    tcase_add_test(delivery, an_event_in_a_selected_word_is_no_upcall);
    tcase_add_test(delivery, a_masked_event_is_pending_and_told_when_unmasked);
    tcase_add_test(delivery, unmasking_without_an_event_or_a_mask_tells_nobody);
    tcase_add_test(delivery, an_event_sent_before_the_bind_is_pending_after_it);
    tcase_add_test(delivery, the_upcall_goes_to_the_vcpu_of_the_port);
    tcase_add_test(delivery, an_ipi_is_sent_to_its_own_vcpu_for_good);
    tcase_add_test(delivery, arrival_is_told_once_per_pending_bit_masked_or_not);
    tcase_add_test(delivery, a_domain_without_a_guest_hears_of_every_event);
    tcase_add_test(delivery, nobody_need_listen);
    tcase_add_test(delivery, who_is_told_may_call_back);
    tcase_add_test(places, the_page_is_overwritten_and_keeps_what_was_early);
    tcase_add_test(places, the_page_moves_with_what_is_pending);
    tcase_add_test(places, a_page_that_is_none_is_refused);
    tcase_add_test(places, a_registered_struct_takes_over_what_is_pending);
    tcase_add_test(places, events_go_to_the_registered_struct_wherever_the_page_moves);
    tcase_add_test(places, a_struct_in_a_bad_place_or_a_second_one_is_refused);
    tcase_add_test(hostile, a_page_full_of_ones_costs_only_its_own_guest_events);
    tcase_add_test(hostile, anything_two_guests_do_leaves_ports_bound_both_ways);
    tcase_add_test(hostile, a_million_sends_race_with_bind_close_and_reset);
    tcase_add_test(hostile, the_teardown_of_all_ports_is_short);
    tcase_add_test(hostile, an_event_sent_while_others_are_handled_is_seen);
    tcase_add_test(hostile, an_event_sent_around_an_unmask_is_seen);
    tcase_add_test(hostile, an_event_is_seen_however_another_vcpu_masks_and_unmasks);
    tcase_set_timeout(hostile, 600);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        tcase_add_checked_fixture(all[i], setup, teardown);
        suite_add_tcase(suite, all[i]);
    }
    return suite;
}
