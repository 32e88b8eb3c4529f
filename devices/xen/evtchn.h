/*
 * Event channels, 2-level: ports of a domain, whom they are bound to, and how an event arrives.
 *
 * Plain C over guest memory: no KVM in it. Pending and mask bits lie in the guest's shared_info page
 * and are changed by atomic operations; what the guest puts there decides only whether that guest hears
 * of its events. How a vCPU hears of its upcall is a function that is given.
 *
 * Threads: any, for all but the _init and _destroy functions. One lock for all ports of a world, since
 * binding concerns two domains, held for at most EVTCHN_PORTS steps; (upcall) and (arrived) are called
 * without it, by the thread whose operation caused them. So they may be called until the last thread
 * that has a bound peer has ended: the structs of all domains of a world go together.
 */
#ifndef DEVICES_XEN_EVTCHN_H
#define DEVICES_XEN_EVTCHN_H

#include "devices/xen/public.h"
#include "vmm/io/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define EVTCHN_PORTS 4096u /* port 0 is reserved */
#define EVTCHN_VCPUS 32u   /* that shared_info has room for */

struct evtchn_domain;

/* What the domains of a world share. */
struct evtchn_world {
    pthread_mutex_t lock;
};

struct evtchn_port {
    uint8_t state; /* EVTCHNSTAT_… */
    uint8_t virq;
    uint16_t vcpu;                /* who gets the upcall */
    domid_t remote_domid;         /* unbound: who may bind it */
    struct evtchn_domain *remote; /* interdomain: the peer, */
    evtchn_port_t remote_port;    /* whose port refers back to this one */
};

/* A page as the guest has it. Guest words are only touched by atomic operations. */
union evtchn_page {
    struct shared_info info;
    uint64_t words[PAGE_SIZE / sizeof(uint64_t)];
};

/* The ports of a domain. It does not move: it holds pointers into itself. */
struct evtchn_domain {
    struct evtchn_world *world;
    domid_t domid;
    unsigned vcpu_count;
    struct memory *memory;                     /* NULL: no guest, the monitor itself */
    union evtchn_page *page;                   /* shared_info: the guest's, before that (early) */
    struct vcpu_info *vcpu_info[EVTCHN_VCPUS]; /* in (page), or where it was registered */
    union evtchn_page early;                   /* events until the guest has placed its page */

    /* A vCPU has an upcall that it did not have, or maybe has not heard of. NULL: nobody is told. */
    void (*upcall)(void *opaque, unsigned vcpu);
    /*
     * An event has arrived at (port). With a guest: its pending bit was clear, masked or not: for
     * SCHEDOP_poll. Without: every event, since there are no bits. The port may have been closed by
     * another thread since. NULL: nobody is told.
     */
    void (*arrived)(void *opaque, evtchn_port_t port);
    void *opaque; /* for both */

    struct evtchn_port ports[EVTCHN_PORTS];
};

void evtchn_world_init(struct evtchn_world *world);
void evtchn_world_destroy(struct evtchn_world *world);

/*
 * All ports closed, nobody to be told: (upcall), (arrived) and (opaque) are set afterwards, before
 * anything is bound. (vcpu_count) is at most EVTCHN_VCPUS; (memory) NULL: there is no guest.
 */
void evtchn_init(struct evtchn_domain *domain, struct evtchn_world *world, domid_t domid,
                 unsigned vcpu_count, struct memory *memory);

/*
 * shared_info is the page at (info), which is overwritten: what was pending before moves there, and so
 * it does when the page is placed once more elsewhere. -EINVAL: no page of RAM.
 */
int evtchn_place_info(struct evtchn_domain *domain, gpa_t info);

/*
 * VCPUOP_register_vcpu_info: (vcpu) has its struct at (address), and what was pending moves there.
 * -ENOENT: no such vCPU; -EINVAL: not in RAM, not aligned to 8 bytes, across a page's end, or it is
 * registered already.
 */
int evtchn_place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, gpa_t address);

/*
 * The operations, EVTCHNOP_…; ports and vCPUs are any numbers of a guest. 0, with *port the new port, or
 * an errno of Xen's, which are Linux's: -EINVAL, a port that is none, is closed, or is not of the kind
 * the operation is for; -ENOENT, no such vCPU; -ENOSPC, all ports are in use. Then nothing has changed.
 */

/* DOMID_SELF for (remote) is (domain) itself. Nobody asks whether there is such a domain. */
int evtchn_alloc_unbound(struct evtchn_domain *domain, domid_t remote, evtchn_port_t *port);

/* The new port is pending at once. -ESRCH: (remote) is NULL, there is no such domain. */
int evtchn_bind_interdomain(struct evtchn_domain *domain, struct evtchn_domain *remote,
                            evtchn_port_t remote_port, evtchn_port_t *port);

/* -EINVAL: no VIRQ, or a global one not on vCPU 0; -EEXIST: it has a port. No VIRQ is ever raised. */
int evtchn_bind_virq(struct evtchn_domain *domain, uint32_t virq, unsigned vcpu,
                     evtchn_port_t *port);
int evtchn_bind_ipi(struct evtchn_domain *domain, unsigned vcpu, evtchn_port_t *port);

/* -EINVAL also for ports that stay where they were bound: IPIs and a vCPU's own VIRQs. */
int evtchn_bind_vcpu(struct evtchn_domain *domain, evtchn_port_t port, unsigned vcpu);

/* The port's pending bit is cleared, its mask is not; a peer's port becomes unbound, for (domain). */
int evtchn_close(struct evtchn_domain *domain, evtchn_port_t port);

/* 0 on an unbound port: the event is dropped. */
int evtchn_send(struct evtchn_domain *domain, evtchn_port_t port);
int evtchn_unmask(struct evtchn_domain *domain, evtchn_port_t port);

/* IN status->port; OUT all that follows it. A closed port is no error; status->dom is not looked at. */
int evtchn_status(struct evtchn_domain *domain, struct evtchn_status *status);

/* Close all ports: EVTCHNOP_reset, and the end of the domain. Its memory is not touched afterwards. */
void evtchn_reset(struct evtchn_domain *domain);

/*
 * Is the upcall of (vcpu) pending: to be asked by SCHEDOP_block, and once the vCPU has a vector for it.
 * Is (port) pending, masked or not: by SCHEDOP_poll. False where there is no such vCPU or port.
 */
bool evtchn_is_pending(struct evtchn_domain *domain, unsigned vcpu);
bool evtchn_port_is_pending(struct evtchn_domain *domain, evtchn_port_t port);

#endif
