/*
 * A back end for the ring of guest/xen/test_ring.h in the same guest, which grants the page to itself: both
 * sides in one program, so that a test can stop between any two steps.
 */
#ifndef TESTS_GUESTS_XEN_RING_BACK_H
#define TESTS_GUESTS_XEN_RING_BACK_H

#include "guest/xen/test_ring.h"

struct as_back {
    struct as_back_ring ring;
    void *page; /* where the granted page is mapped */
    grant_handle_t handle;
    int irq;
    unsigned called;   /* events received */
    unsigned notified; /* notifications that the ring asked for */
    unsigned served;
    bool stopped; /* the front end broke the protocol: no more requests are served */

    /* Called when a request is copied, and when all are answered; NULL: not called. */
    void (*copied)(struct as_back *back, struct as_request *slot);
    void (*drained)(struct as_back *back);
    void *opaque; /* for both */
};

static inline void as_back_answer(struct as_back *back, const struct as_request *request)
{
    struct as_response *response = RING_GET_RESPONSE(&back->ring, back->ring.rsp_prod_pvt);
    int notify;

    response->id = request->id;
    response->status = request->status + 1;
    response->operation = request->operation;
    back->ring.rsp_prod_pvt++;
    back->served++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back->ring, notify);
    if (notify) {
        back->notified++;
        notify_remote_via_irq(back->irq);
    }
}

/* The number of waiting requests; false: more than possible. */
static inline bool as_back_drain(struct as_back *back)
{
    const RING_IDX end = __atomic_load_n(&back->ring.sring->req_prod, __ATOMIC_ACQUIRE);

    if (RING_REQUEST_PROD_OVERFLOW(&back->ring, end))
        return false;
    while (back->ring.req_cons != end) {
        struct as_request *slot = RING_GET_REQUEST(&back->ring, back->ring.req_cons);
        struct as_request request;

        RING_COPY_REQUEST(&back->ring, back->ring.req_cons, &request);
        back->ring.req_cons++;
        if (back->copied)
            back->copied(back, slot);
        as_back_answer(back, &request);
    }
    return true;
}

static inline irqreturn_t as_back_event(int irq, void *data)
{
    struct as_back *back = data;
    int more = 1;

    (void)irq;
    back->called++;
    while (more && !back->stopped) {
        back->stopped = !as_back_drain(back);
        if (back->drained)
            back->drained(back);
        RING_FINAL_CHECK_FOR_REQUESTS(&back->ring, more);
    }
    return IRQ_HANDLED;
}

/* Map the page granted by (front), from (index) on, and bind its port. 0, or a negative code. */
static inline int as_back_connect(struct as_back *back, const struct as_front *front,
                                  RING_IDX index)
{
    struct vm_struct *area = alloc_vm_area(PAGE_SIZE);
    int result = GNTST_no_space;

    *back = (struct as_back){.page = area ? area->addr : NULL};
    if (area)
        result = gnttab_map(back->page, GNTMAP_host_map, (grant_ref_t)front->gref, xen_domid(),
                            &back->handle);
    if (result != GNTST_okay)
        return result;
    BACK_RING_ATTACH(&back->ring, (struct as_sring *)back->page, index, PAGE_SIZE);
    back->irq = bind_interdomain_evtchn_to_irqhandler(xen_domid(), front->port, as_back_event, 0,
                                                      "as-back", back);
    return back->irq < 0 ? back->irq : 0;
}

/* Undo both connections. 0, or the error. */
static inline int as_disconnect(struct as_front *front, struct as_back *back)
{
    int result;

    unbind_from_irqhandler(back->irq, back);
    unbind_from_irqhandler(front->irq, front);
    result = gnttab_unmap(back->page, back->handle);
    return result < 0 ? result : gnttab_end_foreign_access((grant_ref_t)front->gref, 0, 0);
}

#endif
