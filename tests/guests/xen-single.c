/*
 * A front end, domain 1, against whatever back end domain 0 is: the monitor's own, or xen-back.c. It
 * checks cases 1 to 3 from outside, and prints what requests cost in batches, for the benchmark:
 *
 *     exit: N ticks
 *     hypercall: N ticks
 *     notification: N ticks
 *     batch B: R requests, N ticks each, S notifications, E events
 *
 * Ticks are those of the time-stamp counter. Guest argument batches=R: requests of each size of batch,
 * 2048 unless given; 0: nothing is measured.
 */
#include "bench/guests/measure.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "tests/guests/xen-as.h"

#define WAIT_ROUNDS 200000u
#define REPEATS     256u

static struct as_front front;

static void check_connect(void)
{
    check_group("connection");
    as_front_init(&front, (struct as_sring *)__get_free_pages(GFP_KERNEL, 0), 0);
    check_result("granted and allocated", as_front_connect(&front, 0), 0);
    check_equal("the first reference", (uint64_t)front.gref, GNTTAB_NR_RESERVED_ENTRIES);
    check_equal("the first port", front.port, 1);
    check("the back end binds", as_front_wait_bound(&front, WAIT_ROUNDS));
    events_allow();
}

static void check_requests(void)
{
    check_group("1 one request");
    front.called = 0;
    as_front_send(&front, 1);
    check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("one event", front.called, 1);
    check_equal("with status + 1", front.wrong, 0);

    check_group("2 256 requests");
    front.notified = 0;
    front.called = 0;
    as_front_send(&front, AS_SLOTS);
    check_equal("one notification", front.notified, 1);
    check_group("3 the 257th");
    check("the ring is full", RING_FULL(&front.ring));
    check_group("2 256 requests");
    check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    check("in order, each with status + 1", front.wrong == 0);
    check("an event", front.called > 0);
    check_group("13 revoke while mapped");
    check_result("refused", gnttab_end_foreign_access((grant_ref_t)front.gref, 0, 0), -XEN_EBUSY);
}

static void print_ticks(const char *what, uint64_t begun)
{
    printf("%s: %lu ticks\n", what, (measure_ticks() - begun) / REPEATS);
}

/* What a batch's parts cost: a plain exit, the least hypercall, and an event with nothing to serve. */
static void measure_parts(void)
{
    uint64_t begun = measure_ticks();

    for (unsigned i = 0; i < REPEATS; i++)
        out8(MEASURE_PORT, 0);
    print_ticks("exit", begun);
    begun = measure_ticks();
    for (unsigned i = 0; i < REPEATS; i++)
        HYPERVISOR_xen_version(XENVER_version, NULL);
    print_ticks("hypercall", begun);
    begun = measure_ticks();
    for (unsigned i = 0; i < REPEATS; i++)
        notify_remote_via_evtchn(front.port);
    print_ticks("notification", begun);
}

/* (total) requests in batches of (size): each is sent when the one before is answered. */
static void measure_batch(unsigned size, unsigned total)
{
    uint64_t begun, ticks;

    front.notified = 0;
    front.called = 0;
    begun = measure_ticks();
    for (unsigned done = 0; done < total; done += size) {
        as_front_send(&front, size);
        while (as_front_open(&front) != 0)
            events_wait();
    }
    ticks = measure_ticks() - begun;
    printf("batch %u: %u requests, %lu ticks each, %u notifications, %u events\n", size, total,
           ticks / total, front.notified, front.called);
}

static void measure(unsigned total)
{
    static const unsigned sizes[] = {1, 8, 64, AS_SLOTS};

    if (total == 0)
        return;
    total = (total + AS_SLOTS - 1) / AS_SLOTS * AS_SLOTS;
    measure_parts();
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        measure_batch(sizes[i], total);
    check_group("batches");
    check_equal("each answered with status + 1", front.wrong, 0);
}

/* Operation 0 is the last: the back end lets go, so that the grant can end. */
static void check_end(void)
{
    int result = -XEN_EBUSY;

    check_group("end");
    as_front_fill(&front);
    RING_GET_REQUEST(&front.ring, front.ring.req_prod_pvt - 1)->operation = 0;
    as_front_push(&front);
    notify_remote_via_evtchn(front.port);
    check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    for (unsigned i = 0; i < WAIT_ROUNDS && result == -XEN_EBUSY; i++) {
        xen_yield();
        result = gnttab_end_foreign_access((grant_ref_t)front.gref, 0, 0);
    }
    check_result("taken back", result, 0);
    check_result("the port is unbound", as_port_status(front.port), EVTCHNSTAT_unbound);
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    check_connect();
    check_requests();
    measure((unsigned)module_parameter(boot, "batches", 2048));
    check_end();
    return check_summary();
}
