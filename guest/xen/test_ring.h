/*
 * The ring of xen-front.c and xen-back.c for guests that test or measure it: a front end that counts
 * and checks, and prints nothing.
 *
 * Request n has id n, status n and operation n | 1; its response differs by status n + 1 alone.
 */
#ifndef GUEST_XEN_TEST_RING_H
#define GUEST_XEN_TEST_RING_H

#include "guest/xen/events.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/linux.h"
#include "guest/xen/ring.h"
#include "guest/xen/xen.h"

#include <stdbool.h>
#include <stdint.h>

#define AS_SLOTS 256u /* of 12 bytes, after the header of 64, in a page */

struct as_request {
    uint32_t id;
    uint32_t status;
    uint32_t operation;
};

struct as_response {
    uint32_t id;
    uint32_t status;
    uint32_t operation;
};

DEFINE_RING_TYPES(as, struct as_request, struct as_response);

struct as_front {
    struct as_front_ring ring;
    struct as_sring *sring;
    int gref;
    evtchn_port_t port;
    int irq;
    unsigned wrong;    /* responses with wrong values */
    unsigned notified; /* notifications that the ring asked for */
    unsigned called;   /* events received */
};

/* Begin at (index), with the ring on a page of its own. */
static inline void as_front_init(struct as_front *front, struct as_sring *page, RING_IDX index)
{
    *front = (struct as_front){.sring = page};
    SHARED_RING_INIT(page);
    page->req_prod = page->rsp_prod = index;
    page->req_event = page->rsp_event = index + 1;
    FRONT_RING_ATTACH(&front->ring, page, index, PAGE_SIZE);
}

/* Write request (n) into its slot; as_front_push() publishes it. */
static inline void as_front_fill(struct as_front *front)
{
    const uint32_t n = front->ring.req_prod_pvt++;
    struct as_request *request = RING_GET_REQUEST(&front->ring, n);

    request->id = n;
    request->status = n;
    request->operation = n | 1;
}

/* Must the back end be notified? */
static inline bool as_front_push(struct as_front *front)
{
    int notify;

    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front->ring, notify);
    front->notified += notify != 0;
    return notify != 0;
}

/* Write (count) requests, push them at once, and notify the back end if it asked for that. */
static inline void as_front_send(struct as_front *front, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        as_front_fill(front);
    if (as_front_push(front))
        notify_remote_via_evtchn(front->port);
}

static inline bool as_response_is(const struct as_response *response, uint32_t n)
{
    return response->id == n && response->status == n + 1 && response->operation == (n | 1);
}

/* Take the responses that are there, and request a notification of the next. */
static inline void as_front_take(struct as_front *front)
{
    int more;

    do {
        const RING_IDX end = __atomic_load_n(&front->sring->rsp_prod, __ATOMIC_ACQUIRE);

        if (RING_RESPONSE_PROD_OVERFLOW(&front->ring, end)) {
            front->wrong++;
            return;
        }
        for (; front->ring.rsp_cons != end; front->ring.rsp_cons++) {
            struct as_response response;

            RING_COPY_RESPONSE(&front->ring, front->ring.rsp_cons, &response);
            front->wrong += !as_response_is(&response, front->ring.rsp_cons);
        }
        RING_FINAL_CHECK_FOR_RESPONSES(&front->ring, more);
    } while (more);
}

static inline irqreturn_t as_front_event(int irq, void *data)
{
    struct as_front *front = data;

    (void)irq;
    front->called++;
    as_front_take(front);
    return IRQ_HANDLED;
}

/* The number of pushed and unanswered requests. */
static inline unsigned as_front_open(const struct as_front *front)
{
    return front->ring.req_prod_pvt - front->ring.rsp_cons;
}

/* Let (remote) map the page. 0 or negative. */
static inline int as_front_grant(struct as_front *front, domid_t remote)
{
    front->gref = gnttab_grant_foreign_access(remote, xen_frame(front->sring), 0);
    return front->gref < 0 ? front->gref : 0;
}

/* Allocate a port that (remote) can bind, and handle its events. 0 or negative. */
static inline int as_front_allocate(struct as_front *front, domid_t remote)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = remote};
    int result = (int)HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    if (result < 0)
        return result;
    front->port = alloc.port;
    front->irq = bind_evtchn_to_irqhandler(alloc.port, as_front_event, 0, "as-front", front);
    return front->irq < 0 ? front->irq : 0;
}

/* Do both: with the port, a back end that waits for it can begin. */
static inline int as_front_connect(struct as_front *front, domid_t remote)
{
    int result = as_front_grant(front, remote);

    return result < 0 ? result : as_front_allocate(front, remote);
}

/* The state of our port by EVTCHNOP_status: EVTCHNSTAT_…, or a negative error. */
static inline int as_port_status(evtchn_port_t port)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = port};
    int result = (int)HYPERVISOR_event_channel_op(EVTCHNOP_status, &status);

    return result < 0 ? result : (int)status.status;
}

/* Wait up to (rounds) yields for a back end to bind our port. */
static inline bool as_front_wait_bound(const struct as_front *front, unsigned rounds)
{
    while (as_port_status(front->port) != EVTCHNSTAT_interdomain) {
        if (rounds-- == 0)
            return false;
        xen_yield();
    }
    return true;
}

/* Allow events for up to (rounds) yields: are all requests answered? */
static inline bool as_front_wait_answered(struct as_front *front, unsigned rounds)
{
    events_allow();
    while (as_front_open(front) != 0) {
        if (rounds-- == 0)
            return false;
        events_allow();
    }
    return true;
}

#endif
