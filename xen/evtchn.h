/*
 * Event channels, 2-level: ports of a domain, whom they are bound to, and how an event arrives.
 *
 * Plain C over guest memory: no KVM in it. Pending and mask bits lie in the guest's shared_info page
 * and are changed by atomic operations; how a vCPU hears of its upcall is a function that is given.
 *
 * Locks: one lock for all ports of a world (binding concerns two domains). (upcall) is called
 * without it.
 */
#ifndef XEN_EVTCHN_H
#define XEN_EVTCHN_H

#include "vmm/memory.h"
#include "xen/public.h"

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
    uint16_t vcpu;        /* who gets the upcall */
    domid_t remote_domid; /* unbound: who may bind it */
    struct evtchn_domain *remote;
    evtchn_port_t remote_port;
};

/* The ports of a domain. */
struct evtchn_domain {
    struct evtchn_world *world;
    domid_t domid;
    unsigned vcpu_count;
    struct memory *memory;
    bool has_info;
    gpa_t info; /* the shared_info page */
    gpa_t vcpu_info[EVTCHN_VCPUS]; /* where each vCPU has its struct; in the page, or registered */

    /* A vCPU has an upcall that it did not have: from any thread. NULL: nobody is told. */
    void (*upcall)(void *opaque, unsigned vcpu);
    /*
     * A domain without a guest, the monitor itself: an event at (port) arrives here, and bits in
     * memory are not looked at. NULL: there is a guest.
     */
    void (*arrived)(void *opaque, evtchn_port_t port);
    void *opaque;

    struct evtchn_port ports[EVTCHN_PORTS];
};

void evtchn_world_init(struct evtchn_world *world);
void evtchn_world_destroy(struct evtchn_world *world);
void evtchn_init(struct evtchn_domain *domain, struct evtchn_world *world, domid_t domid,
                 unsigned vcpu_count, struct memory *memory);

/* shared_info is the page at (info): cleared. -EINVAL: not all in RAM, or it was placed already. */
int evtchn_place_info(struct evtchn_domain *domain, gpa_t info);

/* VCPUOP_register_vcpu_info: what was pending moves along. -EINVAL. */
int evtchn_place_vcpu_info(struct evtchn_domain *domain, unsigned vcpu, gpa_t address);

/* The operations, with Xen's errors as negative numbers of <xen/errno.h>, which are Linux's. */
int evtchn_alloc_unbound(struct evtchn_domain *domain, domid_t remote, evtchn_port_t *port);
int evtchn_bind_interdomain(struct evtchn_domain *domain, struct evtchn_domain *remote,
                            evtchn_port_t remote_port, evtchn_port_t *port);
int evtchn_bind_virq(struct evtchn_domain *domain, uint32_t virq, unsigned vcpu,
                     evtchn_port_t *port);
int evtchn_bind_ipi(struct evtchn_domain *domain, unsigned vcpu, evtchn_port_t *port);
int evtchn_bind_vcpu(struct evtchn_domain *domain, evtchn_port_t port, unsigned vcpu);
int evtchn_close(struct evtchn_domain *domain, evtchn_port_t port);
int evtchn_send(struct evtchn_domain *domain, evtchn_port_t port);
int evtchn_unmask(struct evtchn_domain *domain, evtchn_port_t port);
int evtchn_status(struct evtchn_domain *domain, struct evtchn_status *status);

/* Close all ports: EVTCHNOP_reset, and the end of the domain. The peers' ports become unbound. */
void evtchn_reset(struct evtchn_domain *domain);

/* The upcall of (vcpu) is pending and events are not masked: to be asked by SCHEDOP_block and poll. */
bool evtchn_is_pending(struct evtchn_domain *domain, unsigned vcpu);
bool evtchn_port_is_pending(struct evtchn_domain *domain, evtchn_port_t port);

#endif
