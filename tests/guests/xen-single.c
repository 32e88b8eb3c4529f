/*
 * A front end, domain 1, against any back end in domain 0: the monitor's own, or xen-back.c. It
 * checks cases 1 to 3 and 13 from outside.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/xen/start.h"
#include "guest/xen/test_ring.h"

#define WAIT_ROUNDS 200000u

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

/* Operation 0 is the last: the back end unmaps the page, so that the grant can end. */
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
    (void)boot;
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    check_connect();
    check_requests();
    check_end();
    return check_summary();
}
