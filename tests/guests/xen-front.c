/*
 * A front end, domain 1: it grants domain 0 a page with a ring, allocates a port for it, and sends
 * requests {id, status, operation}, one after another. The back end, xen-back.c, answers each with
 * status + 1. Operation 0 marks the last request.
 *
 * It is a Linux module retyped, name by name; docs/domains.md lists the differences.
 *
 * Guest argument requests=N: before the last one, 3 unless given.
 */
#include "guest/lib/guest.h"
#include "guest/xen/events.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/linux.h"
#include "guest/xen/ring.h"
#include "guest/xen/start.h"
#include "guest/xen/xen.h"

static unsigned long page;

struct as_request {
    unsigned int id;
    unsigned int status;
    unsigned int operation;
};

struct as_response {
    unsigned int id;
    unsigned int status;
    unsigned int operation;
};

DEFINE_RING_TYPES(as, struct as_request, struct as_response);

static struct info_t {
    struct as_front_ring ring;
    int gref;
    int irq;
    int port;
} info;

#define DOM0_ID 0

#define OPERATION_END 0

static int send_request_to_dom0(unsigned int operation)
{
    struct as_request *ring_req;
    int notify;
    static unsigned int reqid = 9;

    ring_req = RING_GET_REQUEST(&(info.ring), info.ring.req_prod_pvt);
    ring_req->id = reqid;
    ring_req->operation = operation == OPERATION_END ? operation : reqid;
    ring_req->status = reqid;
    printk(KERN_DEBUG "xen:DomU: Fill in IDX-%u, with id=%u, op=%u, st=%u\n",
           info.ring.req_prod_pvt, ring_req->id, ring_req->operation, ring_req->status);
    reqid++;
    info.ring.req_prod_pvt += 1;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&(info.ring), notify);
    if (notify) {
        printk(KERN_DEBUG "xen:DomU: sent a req to Dom0\n");
        notify_remote_via_irq(info.irq);
    } else {
        printk(KERN_DEBUG "xen:DomU: No notify req to Dom0\n");
    }
    return 0;
}

static irqreturn_t as_int(int irq, void *dev_id)
{
    struct as_response ring_resp;
    RING_IDX i, rp;

    (void)irq;
    (void)dev_id;
    printk("xen:DomU: as_int called\n");
again:
    rp = info.ring.sring->rsp_prod;
    xen_rmb(); /* the responses are read after their index */
    printk(KERN_DEBUG "xen:DomU: ring pointers %u to %u\n", info.ring.rsp_cons, rp);
    if (RING_RESPONSE_PROD_OVERFLOW(&info.ring, rp))
        guest_exit(3);
    for (i = info.ring.rsp_cons; i != rp; i++) {
        RING_COPY_RESPONSE(&(info.ring), i, &ring_resp);
        printk(KERN_DEBUG "xen:DomU: Recvd in IDX-%u, with id=%u, op=%u, st=%u\n", i, ring_resp.id,
               ring_resp.operation, ring_resp.status);
        switch (ring_resp.operation) {
        case OPERATION_END:
            printk(KERN_DEBUG "xen:DomU: operation: 0\n");
            break;
        default:
            break;
        }
    }
    info.ring.rsp_cons = i;
    if (i != info.ring.req_prod_pvt) {
        int more_to_do;
        RING_FINAL_CHECK_FOR_RESPONSES(&info.ring, more_to_do);
        if (more_to_do)
            goto again;
    } else {
        info.ring.sring->rsp_event = i + 1;
    }
    return IRQ_HANDLED;
}

static int gnt_init(void)
{
    unsigned long mfn;
    int err;
    struct as_sring *sring;
    struct evtchn_alloc_unbound alloc_unbound;

    printk(KERN_INFO "gnt_init\n");
    page = __get_free_pages(GFP_KERNEL, 0);
    if (page == 0) {
        printk(KERN_DEBUG "xen:DomU: could not get free page\n");
        return -XEN_ENOMEM;
    }
    sring = (struct as_sring *)page;
    SHARED_RING_INIT(sring);
    FRONT_RING_INIT(&(info.ring), sring, PAGE_SIZE);
    mfn = virt_to_mfn(page);

    printk(KERN_INFO "grant foreign access\n");
    info.gref = gnttab_grant_foreign_access(DOM0_ID, mfn, 0);
    if (info.gref < 0) {
        printk(KERN_DEBUG "xen:DomU: could not grant foreign access\n");
        free_page(page);
        info.ring.sring = NULL;
        return info.gref;
    }
    printk(KERN_DEBUG " gref = %d\n", info.gref);

    alloc_unbound.dom = DOMID_SELF;
    alloc_unbound.remote_dom = DOM0_ID;
    err = (int)HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc_unbound);
    if (err) {
        printk(KERN_DEBUG "xen:DomU: alloc unbound port failure\n");
        return err;
    }
    err = bind_evtchn_to_irqhandler(alloc_unbound.port, as_int, 0, "xen-eg", &info);
    if (err < 0) {
        printk(KERN_DEBUG "xen:DomU: bind evtchn to irqhandler failure\n");
        return err;
    }
    info.irq = err;
    info.port = (int)alloc_unbound.port;
    printk(KERN_DEBUG " interrupt = %d, local_port = %d\n", info.irq, info.port);
    return 0;
}

/* The grant ends when the back end has unmapped the page, or has died. */
static void gnt_exit(void)
{
    printk(KERN_DEBUG "xen:DomU: cleanup grant ref\n");
    while (gnttab_end_foreign_access((grant_ref_t)info.gref, 0, page) == -XEN_EBUSY)
        xen_yield();
    printk(KERN_DEBUG "xen:DomU: No one has mapped this frame\n");
    unbind_from_irqhandler(info.irq, &info);
}

static void send_and_wait(unsigned int operation)
{
    send_request_to_dom0(operation);
    while (info.ring.rsp_cons != info.ring.req_prod_pvt)
        events_wait();
}

int main(const struct boot_info *boot)
{
    int requests = module_parameter(boot, "requests", 3);
    int err = xen_init();

    if (err < 0) {
        printk("xen:DomU: no Xen here: %d\n", err);
        return 1;
    }
    if (gnt_init() < 0)
        return 2;
    while (requests-- > 0)
        send_and_wait(1);
    send_and_wait(OPERATION_END);
    gnt_exit();
    return 0;
}
