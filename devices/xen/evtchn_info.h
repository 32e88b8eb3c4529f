/*
 * The domain of event channels, its shared_info page, and how an event arrives there.
 *
 * Plain C over guest memory: no KVM in it. Pending and mask bits lie in the guest's shared_info page
 * and are changed by atomic operations; what the guest puts there decides only whether that guest hears
 * of its events. The guest changes every word at any time, so each is touched by one atomic operation,
 * in the order that Xen has: pending, mask, selector, upcall. How a vCPU hears of its upcall is a
 * function that is given.
 *
 * Threads: any, for all but the _init and _destroy functions. One lock for all ports of a world, since
 * binding concerns two domains, held for at most EVTCHN_PORTS steps; (upcall) and (arrived) are called
 * without it, by the thread whose operation caused them. So they may be called until the last thread
 * that has a bound peer has ended: the structs of all domains of a world go together.
 */
#ifndef DEVICES_XEN_EVTCHN_INFO_H
#define DEVICES_XEN_EVTCHN_INFO_H

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
 * Is the upcall of (vcpu) pending: to be asked by SCHEDOP_block, and once the vCPU has a vector for it.
 * Is (port) pending, masked or not: by SCHEDOP_poll. False where there is no such vCPU or port.
 */
bool evtchn_is_pending(struct evtchn_domain *domain, unsigned vcpu);
bool evtchn_port_is_pending(struct evtchn_domain *domain, evtchn_port_t port);

/* Whom to tell of what, once the world's lock is given back. */
struct evtchn_notice {
    struct evtchn_domain *domain;
    evtchn_port_t port; /* an event has arrived here; 0: none has */
    uint32_t vcpus;     /* bit n: vCPU n has an upcall */
};

/* With the world's lock held. The port is a valid one. */
struct evtchn_notice evtchn_deliver(struct evtchn_domain *domain, evtchn_port_t port);
struct evtchn_notice evtchn_deliver_unmasked(struct evtchn_domain *domain, evtchn_port_t port);
void evtchn_clear_pending(struct evtchn_domain *domain, evtchn_port_t port);
bool evtchn_bit_is_pending(const struct evtchn_domain *domain, evtchn_port_t port);

/* Without it. */
void evtchn_notify(const struct evtchn_notice *notice);

#endif
