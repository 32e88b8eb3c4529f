/*
 * The back end of xen-front.c, domain 0: it maps the page that domain 1 granted, binds its port,
 * and answers each request {id, status, operation} with status + 1, until one has operation 0.
 *
 * It is a Linux module retyped, name by name; docs/domains.md lists the differences.
 *
 * Guest arguments domid=N, gref=N and port=N: the front end, and its first reference and port; the
 * defaults are 1, 8 and 1.
 */
#include "guest/lib/guest.h"
#include "guest/xen/events.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/linux.h"
#include "guest/xen/ring.h"
#include "guest/xen/start.h"
#include "guest/xen/xen.h"

static struct gnttab_map_grant_ref ops;
static struct gnttab_unmap_grant_ref unmap_ops;

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

typedef struct as_request as_request_t;
typedef struct as_response as_response_t;

DEFINE_RING_TYPES(as, struct as_request, struct as_response);

static struct info_t {
    int irq;
    int gref;
    int remoteDomain;
    int evtchn;
    struct as_back_ring ring;
} info;

#define OPERATION_END 0

static enum {
    SERVING,
    ENDED,
    STOPPED, /* the front end broke the protocol */
} state;

static int domid;
static int gref;
static int port;

/* Answer (req), which is a copy. */
static void as_answer(const as_request_t *req)
{
    as_response_t resp;
    int notify;

    resp.id = req->id;
    resp.operation = req->operation;
    resp.status = req->status + 1;
    switch (req->operation) {
    case OPERATION_END:
        printk(KERN_DEBUG "xen:Dom0: req.operation = 0\n");
        state = ENDED;
        break;
    default:
        printk(KERN_DEBUG "xen:Dom0: req.operation = %u\n", req->operation);
        break;
    }
    memcpy(RING_GET_RESPONSE(&info.ring, info.ring.rsp_prod_pvt), &resp, sizeof(resp));
    info.ring.rsp_prod_pvt++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&info.ring, notify);
    if (notify) {
        printk(KERN_DEBUG "xen:Dom0: send notify to domu\n");
        notify_remote_via_irq(info.irq);
    }
}

static irqreturn_t as_int(int irq, void *dev_id)
{
    RING_IDX rc, rp;
    as_request_t req;
    int more_to_do = 1;

    (void)irq;
    printk(KERN_DEBUG "xen:Dom0: as_int called with dev_id %lx info=%lx\n", (unsigned long)dev_id,
           (unsigned long)&info);
    while (more_to_do && state != STOPPED) {
        rc = info.ring.req_cons;
        rp = info.ring.sring->req_prod;
        xen_rmb(); /* the requests are read after their index, which is read once */
        printk(KERN_DEBUG " rc = %u rp = %u\n", rc, rp);
        if (RING_REQUEST_PROD_OVERFLOW(&info.ring, rp)) {
            printk(KERN_DEBUG "xen:Dom0: more requests than the ring holds\n");
            state = STOPPED;
            break;
        }
        while (rc != rp) {
            if (RING_REQUEST_CONS_OVERFLOW(&info.ring, rc))
                break;
            RING_COPY_REQUEST(&info.ring, rc, &req);
            printk(KERN_DEBUG "xen:Dom0: Recvd at IDX-%u: id = %u, op=%u, status=%u\n", rc, req.id,
                   req.operation, req.status);
            info.ring.req_cons = ++rc;
            as_answer(&req);
        }
        RING_FINAL_CHECK_FOR_REQUESTS(&info.ring, more_to_do);
    }
    return IRQ_HANDLED;
}

static int gnt_init(void)
{
    struct vm_struct *v_start;
    int err;
    struct as_sring *sring;

    info.gref = gref;
    info.remoteDomain = domid;
    info.evtchn = port;
    printk(KERN_DEBUG "xen:Dom0: gnt_init with gref = %d\n", info.gref);
    v_start = alloc_vm_area(PAGE_SIZE);
    if (v_start == 0) {
        printk("xen:Dom0: could not allocate page\n");
        return -EFAULT;
    }

    gnttab_set_map_op(&ops, (unsigned long)v_start->addr, GNTMAP_host_map, (grant_ref_t)info.gref,
                      (domid_t)info.remoteDomain);
    if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &ops, 1)) {
        printk(KERN_DEBUG "xen:Dom0: HYPERVISOR map grant ref failed\n");
        return -EFAULT;
    }
    if (ops.status) {
        printk(KERN_DEBUG "xen:Dom0: HYPERVISOR map grant ref failed status = %d\n", ops.status);
        return -EFAULT;
    }
    printk(KERN_DEBUG "xen:Dom0: shared_page=%lx, handle = %x, status = %x\n",
           (unsigned long)v_start->addr, ops.handle, (unsigned)ops.status);

    unmap_ops.host_addr = (unsigned long)(v_start->addr);
    unmap_ops.handle = ops.handle;
    sring = (struct as_sring *)v_start->addr;
    BACK_RING_INIT(&info.ring, sring, PAGE_SIZE);
    err = bind_interdomain_evtchn_to_irqhandler((domid_t)info.remoteDomain,
                                                (evtchn_port_t)info.evtchn, as_int, 0,
                                                "dom0-backend", &info);
    if (err < 0) {
        printk(KERN_DEBUG "xen:Dom0: gnt_init failed binding to evtchn\n");
        HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap_ops, 1);
        return -EFAULT;
    }
    info.irq = err;
    printk(KERN_DEBUG "xen:Dom0: end gnt_init: int = %d\n", info.irq);
    return 0;
}

static int gnt_exit(void)
{
    int ret;

    printk(KERN_DEBUG "xen:Dom0: gnt_exit\n");
    unbind_from_irqhandler(info.irq, &info);
    ret = (int)HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap_ops, 1);
    if (ret == 0 && unmap_ops.status == GNTST_okay) {
        printk(KERN_DEBUG "gnt_exit: unmapped shared frame\n");
        return 0;
    }
    printk(KERN_DEBUG "gnt_exit: unmapped shared frame failed\n");
    return -EFAULT;
}

/*
 * Wait until the front end has begun, as the person who loaded the modules did: its port can be
 * bound, and the earlier steps of its program are done too. Binding raises an event at once, so no
 * event of the front end is lost by closing the port again.
 */
static void wait_for_front_end(void)
{
    struct evtchn_bind_interdomain bind = {
        .remote_dom = (domid_t)domid,
        .remote_port = (evtchn_port_t)port,
    };
    struct evtchn_close close;

    while (HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind) < 0)
        xen_yield();
    close.port = bind.local_port;
    HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

int main(const struct boot_info *boot)
{
    int err = xen_init();

    if (err < 0) {
        printk("xen:Dom0: no Xen here: %d\n", err);
        return 1;
    }
    domid = module_parameter(boot, "domid", 1);
    gref = module_parameter(boot, "gref", 8);
    port = module_parameter(boot, "port", 1);
    wait_for_front_end();
    if (gnt_init() < 0)
        return 2;
    while (state == SERVING)
        events_wait();
    if (gnt_exit() < 0)
        return 2;
    return state == ENDED ? 0 : 3;
}
