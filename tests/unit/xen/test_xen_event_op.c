/* Events between two domains by hypercalls, how they interrupt, and how a vCPU waits for them. */
#include "tests/unit/xen_guest.h"
#include "vmm/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

Suite *xen_event_op_suite(void);

#define VECTOR    0x51
#define TRIES     50
#define PROMPT_NS (XEN_WAIT_NS / 2) /* sooner than a wait that no event ends */
#define LONG_NS   900000000u

static struct xen_pair pair;
static struct xen_guest *front, *back; /* domains 1 and 0 */

static int64_t set_vector(struct xen_guest *guest, uint32_t vcpu, uint8_t vector)
{
    struct xen_hvm_evtchn_upcall_vector op = {.vcpu = vcpu, .vector = vector};

    return XEN_ASK(guest, __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &op);
}

static void setup(void)
{
    xen_pair_begin(&pair);
    back = &pair.guests[0];
    front = &pair.guests[1];
    for (unsigned i = 0; i < XEN_DOMAINS; i++) {
        xen_place_pages(&pair.guests[i]);
        ck_assert_int_eq(set_vector(&pair.guests[i], 0, VECTOR), 0);
    }
}

static void teardown(void)
{
    xen_pair_end(&pair);
}

#define EVENT(guest, operation, argument)                                                          \
    XEN_ASK(guest, __HYPERVISOR_event_channel_op, operation, argument)

static evtchn_port_t alloc_unbound(struct xen_guest *guest, domid_t remote)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};

    ck_assert_int_eq(EVENT(guest, EVTCHNOP_alloc_unbound, &op), 0);
    return op.port;
}

static evtchn_port_t bind(struct xen_guest *guest, domid_t remote, evtchn_port_t port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = port};

    ck_assert_int_eq(EVENT(guest, EVTCHNOP_bind_interdomain, &op), 0);
    return op.local_port;
}

static int64_t send(struct xen_guest *guest, evtchn_port_t port)
{
    struct evtchn_send op = {.port = port};

    return EVENT(guest, EVTCHNOP_send, &op);
}

static struct evtchn_status status(struct xen_guest *guest, evtchn_port_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    ck_assert_int_eq(EVENT(guest, EVTCHNOP_status, &op), 0);
    return op;
}

/* Both ends of a channel, with nothing pending at either. */
struct channel {
    evtchn_port_t front, back;
};

static void clear_events(struct xen_guest *guest)
{
    struct shared_info info;

    xen_get(guest, XEN_SHARED, &info, sizeof(info));
    memset(info.evtchn_pending, 0, sizeof(info.evtchn_pending));
    memset(info.vcpu_info, 0, sizeof(info.vcpu_info));
    xen_put(guest, XEN_SHARED, &info, sizeof(info));
    guest->messages = 0;
}

static struct channel connect(void)
{
    struct channel channel = {.front = alloc_unbound(front, 0)};

    channel.back = bind(back, 1, channel.front);
    clear_events(front);
    clear_events(back);
    return channel;
}

static bool is_pending(struct xen_guest *guest, evtchn_port_t port)
{
    struct shared_info info;

    xen_get(guest, XEN_SHARED, &info, sizeof(info));
    return info.evtchn_pending[port / 64] >> port % 64 & 1;
}

static void mask(struct xen_guest *guest, evtchn_port_t port)
{
    struct shared_info info;

    xen_get(guest, XEN_SHARED, &info, sizeof(info));
    info.evtchn_mask[port / 64] |= 1ULL << port % 64;
    xen_put(guest, XEN_SHARED, &info, sizeof(info));
}

/* ---- channels ---- */

START_TEST(binding_raises_the_local_port_once)
{
    const evtchn_port_t port = alloc_unbound(front, 0), local = bind(back, 1, port);
    const struct evtchn_status told = status(back, local);

    ck_assert_uint_eq(back->messages, 1);
    ck_assert(is_pending(back, local));
    ck_assert_uint_eq(front->messages, 0);
    ck_assert_uint_eq(told.status, EVTCHNSTAT_interdomain);
    ck_assert_uint_eq(told.u.interdomain.dom, 1);
    ck_assert_uint_eq(told.u.interdomain.port, port);
}
END_TEST

START_TEST(an_event_is_one_message_to_the_local_apic)
{
    const struct channel channel = connect();

    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_uint_eq(back->messages, 1);
    ck_assert_uint_eq(back->message_address, 0xfee00000);
    ck_assert_uint_eq(back->message_data, VECTOR);
    ck_assert(is_pending(back, channel.back));
    ck_assert_uint_eq(front->messages, 0);
}
END_TEST

START_TEST(the_message_is_for_the_vcpu)
{
    atomic_store(&back->domain.upcall_vector[3], VECTOR);
    back->domain.events.upcall(back->domain.events.opaque, 3);
    ck_assert_uint_eq(back->message_address, 0xfee03000);
    ck_assert_uint_eq(back->message_data, VECTOR);
}
END_TEST

START_TEST(a_masked_event_interrupts_when_it_is_unmasked)
{
    const struct channel channel = connect();
    struct evtchn_unmask op = {.port = channel.back};

    mask(back, channel.back);
    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_uint_eq(back->messages, 0);
    ck_assert_int_eq(EVENT(back, EVTCHNOP_unmask, &op), 0);
    ck_assert_uint_eq(back->messages, 1);
}
END_TEST

START_TEST(a_closed_port_leaves_the_peers_unbound)
{
    const struct channel channel = connect();
    struct evtchn_close op = {.port = channel.back};

    ck_assert_int_eq(EVENT(back, EVTCHNOP_close, &op), 0);
    ck_assert_uint_eq(status(back, channel.back).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(front, channel.front).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_int_eq(send(back, channel.back), -EINVAL);
}
END_TEST

START_TEST(ports_of_a_dead_domain_are_unbound)
{
    const struct channel channel = connect();
    struct evtchn_bind_interdomain bind_op = {.remote_dom = 0, .remote_port = 1};

    xen_domain_close(&back->domain);
    ck_assert_uint_eq(status(front, channel.front).status, EVTCHNSTAT_unbound);
    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_interdomain, &bind_op), -ESRCH);
}
END_TEST

START_TEST(reset_closes_all_ports)
{
    const struct channel channel = connect();
    struct evtchn_reset op = {.dom = DOMID_SELF};

    ck_assert_int_eq(EVENT(front, EVTCHNOP_reset, &op), 0);
    ck_assert_uint_eq(status(front, channel.front).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(back, channel.back).status, EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(ports_for_virqs_and_ipis_are_made)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 0};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct evtchn_bind_vcpu move = {.vcpu = 0};

    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_virq, &virq), 0);
    ck_assert_uint_eq(status(front, virq.port).status, EVTCHNSTAT_virq);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_ipi, &ipi), 0);
    ck_assert_uint_eq(status(front, ipi.port).status, EVTCHNSTAT_ipi);
    ck_assert_int_eq(send(front, ipi.port), 0);
    ck_assert_uint_eq(front->messages, 1);
    ipi.vcpu = 1;
    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_ipi, &ipi), -ENOENT);
    move.port = connect().front;
    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_vcpu, &move), 0);
    move.vcpu = 1;
    ck_assert_int_eq(EVENT(front, EVTCHNOP_bind_vcpu, &move), -ENOENT);
}
END_TEST

/*
 * The first word of pending bits is an entry of a page table, too: the event that binding raises, at
 * port 40, moves the page with the structure out of RAM.
 */
START_TEST(a_port_that_cannot_be_told_is_closed)
{
    struct evtchn_bind_interdomain op = {.remote_dom = 1, .remote_port = alloc_unbound(front, 0)};
    struct xen_add_to_physmap place = {.domid = DOMID_SELF,
                                       .space = XENMAPSPACE_shared_info,
                                       .gpfn = XEN_BAD_TABLE / PAGE_SIZE};
    const unsigned entry = offsetof(struct shared_info, evtchn_pending) / sizeof(uint64_t);
    const uint64_t present = 0x204003;

    ck_assert_int_eq(XEN_ASK(back, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &place), 0);
    while (alloc_unbound(back, 1) < 39)
        ;
    xen_put(back, XEN_BAD_TABLE + 8 * entry, &present, sizeof(present));
    xen_put(back, 0x204000, &op, sizeof(op));
    ck_assert_int_eq(xen_call(back, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain,
                              XEN_BAD_PAGE(entry), 0),
                     -EFAULT);
    ck_assert_uint_eq(status(back, 40).status, EVTCHNSTAT_closed);
    ck_assert_uint_eq(status(front, op.remote_port).status, EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(other_domains_ports_are_theirs)
{
    struct evtchn_alloc_unbound alloc = {.dom = 0, .remote_dom = 1};
    struct evtchn_status tell = {.dom = 0, .port = 1};
    struct evtchn_reset reset = {.dom = 0};

    ck_assert_int_eq(EVENT(front, EVTCHNOP_alloc_unbound, &alloc), -EPERM);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_status, &tell), -EPERM);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_reset, &reset), -EPERM);
    alloc.dom = tell.dom = reset.dom = 2;
    ck_assert_int_eq(EVENT(front, EVTCHNOP_alloc_unbound, &alloc), -ESRCH);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_status, &tell), -ESRCH);
    ck_assert_int_eq(EVENT(front, EVTCHNOP_reset, &reset), -ESRCH);
}
END_TEST

/* ---- upcalls ---- */

START_TEST(a_vector_is_from_16_on_and_of_a_vcpu_that_there_is)
{
    ck_assert_int_eq(set_vector(front, 0, 0x0f), -EINVAL);
    ck_assert_int_eq(set_vector(front, 0, 0), -EINVAL);
    ck_assert_int_eq(set_vector(front, 0, 0x10), 0);
    ck_assert_int_eq(set_vector(front, 1, VECTOR), -ENOENT);
    ck_assert_int_eq(set_vector(front, UINT32_MAX, VECTOR), -ENOENT);
}
END_TEST

START_TEST(a_pending_upcall_comes_by_a_vector_that_is_set_later)
{
    const struct channel channel = connect();

    atomic_store(&back->domain.upcall_vector[0], 0);
    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_uint_eq(back->messages, 0);
    ck_assert_int_eq(set_vector(back, 0, 0x60), 0);
    ck_assert_uint_eq(back->messages, 1);
    ck_assert_uint_eq(back->message_data, 0x60);
    clear_events(back);
    ck_assert_int_eq(set_vector(back, 0, 0x61), 0);
    ck_assert_uint_eq(back->messages, 0);
}
END_TEST

static int64_t register_vcpu_info(uint64_t vcpu, uint64_t frame, uint32_t offset)
{
    const struct vcpu_register_vcpu_info info = {.mfn = frame, .offset = offset};

    xen_put(back, XEN_ARG, &info, sizeof(info));
    return xen_call(back, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, vcpu, XEN_ARG);
}

START_TEST(a_vcpus_struct_can_be_elsewhere)
{
    const struct channel channel = connect();
    struct vcpu_info info;

    ck_assert_int_eq(register_vcpu_info(0, XEN_BUFFER / PAGE_SIZE, 64), 0);
    ck_assert_int_eq(send(front, channel.front), 0);
    xen_get(back, XEN_BUFFER + 64, &info, sizeof(info));
    ck_assert_uint_eq(info.evtchn_upcall_pending, 1);
}
END_TEST

static const struct {
    uint64_t vcpu, frame;
    uint32_t offset;
    int64_t result;
} vcpu_infos[] = {
    {1, XEN_BUFFER / PAGE_SIZE, 0, -ENOENT},
    {UINT64_MAX, XEN_BUFFER / PAGE_SIZE, 0, -ENOENT},
    {1ULL << 32, XEN_BUFFER / PAGE_SIZE, 0, -ENOENT},
    {0, 16 * MIB / PAGE_SIZE, 0, -EINVAL},
    {0, UINT64_MAX, 0, -EINVAL},
    {0, 1ULL << 52 | XEN_BUFFER / PAGE_SIZE, 0, -EINVAL},
    {0, XEN_BUFFER / PAGE_SIZE, PAGE_SIZE, -EINVAL},
    {0, XEN_BUFFER / PAGE_SIZE, PAGE_SIZE - 8, -EINVAL},
    {0, XEN_BUFFER / PAGE_SIZE, UINT32_MAX, -EINVAL},
};

START_TEST(a_vcpus_struct_is_wholly_in_a_page_of_ram)
{
    ck_assert_int_eq(register_vcpu_info(vcpu_infos[_i].vcpu, vcpu_infos[_i].frame,
                                        vcpu_infos[_i].offset),
                     vcpu_infos[_i].result);
}
END_TEST

/* ---- waiting ---- */

static int64_t block(void)
{
    return xen_call(back, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
}

static int64_t poll_port(evtchn_port_t port, uint64_t timeout)
{
    struct sched_poll op = {.nr_ports = 1, .timeout = timeout};
    const uint64_t ports = XEN_BUFFER;

    memcpy(&op.ports, &ports, sizeof(ports));
    xen_put(back, XEN_BUFFER, &port, sizeof(port));
    return XEN_ASK(back, __HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}

static uint64_t ns_of_block(void)
{
    const uint64_t begin = clock_now();

    ck_assert_int_eq(block(), 0);
    return clock_now() - begin;
}

static uint64_t ns_of_poll(evtchn_port_t port, uint64_t timeout)
{
    const uint64_t begin = clock_now();

    ck_assert_int_eq(poll_port(port, timeout), 0);
    return clock_now() - begin;
}

START_TEST(a_wait_that_nobody_ends_is_over_after_a_while)
{
    const struct channel channel = connect();

    ck_assert_uint_ge(ns_of_block(), XEN_WAIT_NS);
    ck_assert_uint_ge(ns_of_poll(channel.back, 0), XEN_WAIT_NS);
}
END_TEST

/* How fast a host is cannot be promised: one of many tries is enough. */
#define ck_assert_prompt(expression)                                                               \
    do {                                                                                           \
        unsigned tries = 0;                                                                        \
                                                                                                   \
        while ((expression) >= PROMPT_NS)                                                          \
            ck_assert_uint_lt(++tries, TRIES);                                                     \
    } while (0)

START_TEST(who_has_an_upcall_does_not_block)
{
    const struct channel channel = connect();

    ck_assert_int_eq(send(front, channel.front), 0);
    ck_assert_prompt(ns_of_block());
    ck_assert_prompt(ns_of_poll(channel.back, 0));
}
END_TEST

/* An event whose bits were looked at just before. */
static bool is_woken_meanwhile(struct xen_domain *domain, const void *opaque)
{
    (void)opaque;
    xen_domain_wake(domain);
    return false;
}

static uint64_t ns_of_missed_wait(void)
{
    const uint64_t begin = clock_now();

    xen_domain_wait(&back->domain, back->fixture.vcpu, is_woken_meanwhile, NULL, XEN_WAIT_NS);
    return clock_now() - begin;
}

START_TEST(an_event_between_the_look_and_the_wait_is_not_missed)
{
    ck_assert_prompt(ns_of_missed_wait());
}
END_TEST

START_TEST(who_is_kicked_or_at_its_end_does_not_wait)
{
    back->fixture.vcpu->run->immediate_exit = 1;
    ck_assert_prompt(ns_of_block());
    back->fixture.vcpu->run->immediate_exit = 0;
    machine_end(&back->fixture.machine, OUTCOME_GUEST, 0);
    ck_assert_prompt(ns_of_block());
}
END_TEST

/* Once (back) waits, send. */
static void *send_later(void *argument)
{
    const struct channel *channel = argument;

    while (atomic_load(&back->domain.waiters) == 0)
        usleep(10);
    evtchn_send(&front->domain.events, channel->front);
    return NULL;
}

static uint64_t ns_of_wait(struct channel *channel, bool polls)
{
    pthread_t thread;
    uint64_t ns;

    clear_events(back);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_later, channel), 0);
    ns = polls ? ns_of_poll(channel->back, 0) : ns_of_block();
    while (!evtchn_port_is_pending(&back->domain.events,
                                   channel->back)) /* it was over too soon for the sender */
        ck_assert_int_eq(block(), 0);
    pthread_join(thread, NULL);
    return ns;
}

START_TEST(an_event_ends_a_block)
{
    struct channel channel = connect();

    ck_assert_prompt(ns_of_wait(&channel, false));
}
END_TEST

START_TEST(an_event_at_a_masked_port_ends_a_poll)
{
    struct channel channel = connect();

    mask(back, channel.back);
    ck_assert_prompt(ns_of_wait(&channel, true));
    ck_assert_uint_eq(back->messages, 0);
}
END_TEST

START_TEST(a_poll_ends_at_its_time)
{
    const struct channel channel = connect();

    ck_assert_prompt(ns_of_poll(channel.back, 1));
    ck_assert_prompt(ns_of_poll(channel.back, machine_clock(&back->fixture.machine) + 1000));
    ck_assert_uint_ge(ns_of_poll(channel.back, UINT64_MAX), XEN_WAIT_NS);
}
END_TEST

/* Whoever stops the machine would have to wait for it, too. */
START_TEST(a_poll_is_never_long)
{
    const struct channel channel = connect();
    const uint64_t later = machine_clock(&back->fixture.machine) + LONG_NS;

    ck_assert_uint_lt(ns_of_poll(channel.back, later), LONG_NS / 2);
}
END_TEST

START_TEST(ports_to_poll_are_checked)
{
    struct sched_poll op = {.nr_ports = 129};

    ck_assert_int_eq(poll_port(EVTCHN_PORTS, 0), -EINVAL);
    ck_assert_int_eq(XEN_ASK(back, __HYPERVISOR_sched_op, SCHEDOP_poll, &op), -EINVAL);
    op.nr_ports = UINT32_MAX;
    ck_assert_int_eq(XEN_ASK(back, __HYPERVISOR_sched_op, SCHEDOP_poll, &op), -EINVAL);
}
END_TEST

START_TEST(yield_does_nothing)
{
    ck_assert_int_eq(xen_call(back, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0), 0);
}
END_TEST

/* ---- the end ---- */

static const struct {
    unsigned reason;
    int64_t result;
    enum outcome outcome;
} ends[] = {
    {SHUTDOWN_poweroff, 0, OUTCOME_GUEST},
    {SHUTDOWN_reboot, 0, OUTCOME_RESET},
    {SHUTDOWN_crash, 0, OUTCOME_CRASH},
    {SHUTDOWN_suspend, -ENOSYS, OUTCOME_NONE},
    {SHUTDOWN_watchdog, -ENOSYS, OUTCOME_NONE},
    {SHUTDOWN_soft_reset, -ENOSYS, OUTCOME_NONE},
    {6, -EINVAL, OUTCOME_NONE},
    {UINT32_MAX, -EINVAL, OUTCOME_NONE},
};

START_TEST(a_domain_ends_itself_and_says_why)
{
    struct sched_shutdown op = {.reason = ends[_i].reason};

    ck_assert_int_eq(XEN_ASK(front, __HYPERVISOR_sched_op, SCHEDOP_shutdown, &op), ends[_i].result);
    ck_assert_int_eq(machine_outcome(&front->fixture.machine), ends[_i].outcome);
    ck_assert_int_eq(machine_status(&front->fixture.machine), 0);
    ck_assert_int_eq(machine_outcome(&back->fixture.machine), OUTCOME_NONE);
}
END_TEST

Suite *xen_event_op_suite(void)
{
    Suite *suite = suite_create("xen_event_op");
    TCase *tcase = tcase_create("xen_event_op");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, binding_raises_the_local_port_once);
    tcase_add_test(tcase, an_event_is_one_message_to_the_local_apic);
    tcase_add_test(tcase, the_message_is_for_the_vcpu);
    tcase_add_test(tcase, a_masked_event_interrupts_when_it_is_unmasked);
    tcase_add_test(tcase, a_closed_port_leaves_the_peers_unbound);
    tcase_add_test(tcase, ports_of_a_dead_domain_are_unbound);
    tcase_add_test(tcase, reset_closes_all_ports);
    tcase_add_test(tcase, ports_for_virqs_and_ipis_are_made);
    tcase_add_test(tcase, a_port_that_cannot_be_told_is_closed);
    tcase_add_test(tcase, other_domains_ports_are_theirs);
    tcase_add_test(tcase, a_vector_is_from_16_on_and_of_a_vcpu_that_there_is);
    tcase_add_test(tcase, a_pending_upcall_comes_by_a_vector_that_is_set_later);
    tcase_add_test(tcase, a_vcpus_struct_can_be_elsewhere);
    tcase_add_loop_test(tcase, a_vcpus_struct_is_wholly_in_a_page_of_ram, 0,
                        sizeof(vcpu_infos) / sizeof(vcpu_infos[0]));
    tcase_add_test(tcase, a_wait_that_nobody_ends_is_over_after_a_while);
    tcase_add_test(tcase, who_has_an_upcall_does_not_block);
    tcase_add_test(tcase, an_event_between_the_look_and_the_wait_is_not_missed);
    tcase_add_test(tcase, who_is_kicked_or_at_its_end_does_not_wait);
    tcase_add_test(tcase, an_event_ends_a_block);
    tcase_add_test(tcase, an_event_at_a_masked_port_ends_a_poll);
    tcase_add_test(tcase, a_poll_ends_at_its_time);
    tcase_add_test(tcase, a_poll_is_never_long);
    tcase_add_test(tcase, ports_to_poll_are_checked);
    tcase_add_test(tcase, yield_does_nothing);
    tcase_add_loop_test(tcase, a_domain_ends_itself_and_says_why, 0,
                        sizeof(ends) / sizeof(ends[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
