/*
 * The event channel state of a domain: its shared_info page, and how an event is delivered.
 *
 * Plain C over guest memory, without KVM. Pending and mask bits are in the guest's shared_info
 * page; what the guest writes there affects only which events it sees itself. The guest may change
 * every word at any time, so each is accessed by one atomic operation, in Xen's order: pending,
 * mask, selector, upcall. The owner provides the function that notifies a vCPU.
 *
 * Threads: any, for all but the _init and _destroy functions. One lock serves all ports of a world,
 * since binding concerns two domains; it is held for at most EVTCHN_PORTS steps. (upcall) and
 * (arrived) are called without it, on the thread whose operation caused them. So they may be called
 * until the last thread that has a bound peer has ended: destroy the structs of all domains of a
 * world together.
 */
#ifndef DEVICES_XEN_EVTCHN_INFO_H
#define DEVICES_XEN_EVTCHN_INFO_H

#include "devices/xen/public.h"
#include "vmm/io/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define EVTCHN_PORTS 4096u /* port 0 is reserved */
#define EVTCHN_VCPUS 32u   /* the number that shared_info has room for */

struct evtchn_domain;

/* What the domains of a world share. */
struct evtchn_world {
    pthread_mutex_t lock;
};

struct evtchn_port {
    uint8_t state; /* EVTCHNSTAT_… */
    uint8_t virq;
    uint16_t vcpu;                /* gets the upcall */
    domid_t remote_domid;         /* unbound: the domain that may bind it */
    struct evtchn_domain *remote; /* interdomain: the peer, */
    evtchn_port_t remote_port;    /* and the peer's port */
};

/* The page in guest memory. Its words are accessed by atomic operations only. */
union evtchn_page {
    struct shared_info info;
    uint64_t words[PAGE_SIZE / sizeof(uint64_t)];
};

/* The ports of a domain. The struct must not move: it holds pointers into itself. */
struct evtchn_domain {
    struct evtchn_world *world;
    domid_t domid;
    unsigned vcpu_count;
    struct memory *memory; /* NULL: no guest, the monitor itself */
    union evtchn_page
        *page; /* shared_info: the guest's, or (early) before the guest has placed it */
    struct vcpu_info *vcpu_info[EVTCHN_VCPUS]; /* in (page), or where the guest registered it */
    union evtchn_page early;                   /* events until the guest has placed its page */

    /* A vCPU has a new upcall, or one that it may not have seen. NULL: no notification. */
    void (*upcall)(void *opaque, unsigned vcpu);
    /*
     * An event has arrived at (port). With a guest: its pending bit was clear, masked or not: for
     * SCHEDOP_poll. Without a guest: every event, since there are no bits. Another thread may have
     * closed the port since. NULL: no notification.
     */
    void (*arrived)(void *opaque, evtchn_port_t port);
    void *opaque; /* for both */

    struct evtchn_port ports[EVTCHN_PORTS];
};

void evtchn_world_init(struct evtchn_world *world);
void evtchn_world_finish(struct evtchn_world *world);

/*
 * All ports are closed, without notifications: set (upcall), (arrived) and (opaque) afterwards,
 * before anything is bound. (vcpu_count) is at most EVTCHN_VCPUS; (memory) NULL: there is no guest.
 */
void evtchn_init(struct evtchn_domain *domain, struct evtchn_world *world, domid_t domid,
                 unsigned vcpu_count, struct memory *memory);

/*
 * shared_info is the page at (info), which is overwritten: pending events move there, also when the
 * page is placed again elsewhere. -EINVAL: not a page of RAM.
 */
int evtchn_place_info(struct evtchn_domain *domain, gpa_t info);

/*
 * VCPUOP_register_vcpu_info: the struct of (vcpu) is at (address), and its pending events move
 * there. -ENOENT: no such vCPU; -EINVAL: not in RAM, not aligned to 8 bytes, across a page
 * boundary, or registered already.
 */
int evtchn_place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, gpa_t address);

/*
 * Is the upcall of (vcpu) pending: for SCHEDOP_block, and when the vCPU gets a vector. Is (port)
 * pending, masked or not: for SCHEDOP_poll. False if there is no such vCPU or port.
 */
bool evtchn_is_pending(struct evtchn_domain *domain, unsigned vcpu);
bool evtchn_port_is_pending(struct evtchn_domain *domain, evtchn_port_t port);

/* The notifications to send when the world's lock is released. */
struct evtchn_notice {
    struct evtchn_domain *domain;
    evtchn_port_t port; /* an event has arrived here; 0: no event */
    uint32_t vcpus;     /* bit n: vCPU n has an upcall */
};

/* Call with the world's lock held, for a valid port. */
struct evtchn_notice evtchn_deliver(struct evtchn_domain *domain, evtchn_port_t port);
struct evtchn_notice evtchn_deliver_unmasked(struct evtchn_domain *domain, evtchn_port_t port);
void evtchn_clear_pending(struct evtchn_domain *domain, evtchn_port_t port);
bool evtchn_bit_is_pending(const struct evtchn_domain *domain, evtchn_port_t port);

/* Call without the lock. */
void evtchn_notify(const struct evtchn_notice *notice);

#endif
