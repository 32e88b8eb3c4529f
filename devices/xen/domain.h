/*
 * Domains: machines that know of each other by Xen's interface.
 *
 * A world has at most two: each a machine with a guest, or for dom0 the monitor itself with a back
 * end (devices/xen/backend.h). Everything a guest asks comes as a hypercall, an OUT from the hypercall page.
 *
 * Locks, in this order: the world's (lock), a domain's (lock), those of event channels and grants.
 */
#ifndef DEVICES_XEN_DOMAIN_H
#define DEVICES_XEN_DOMAIN_H

#include "devices/xen/evtchn.h"
#include "devices/xen/grant.h"
#include "vmm/base/error.h"
#include "vmm/core/machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define XEN_DOMAINS          2
#define XEN_VERSION          (4u << 16 | 17u) /* of the interface that is spoken */
#define XEN_CPUID_BASE       0x40000000u
#define XEN_HYPERCALL_MSR    0x40000000u
#define XEN_HYPERCALL_PORT   0xdau /* the stubs' OUT; an 8-bit number, since DX carries an argument */
#define XEN_CONSOLE_LINE_MAX 1024u

struct xen_domain;

struct xen_world {
    struct evtchn_world events;
    struct xen_domain *domains[XEN_DOMAINS]; /* by domid; NULL: none, or it has died */
    pthread_mutex_t lock;                    /* of (domains): held while a peer is used */
};

struct xen_domain {
    struct machine_part part; /* first; of the machine */
    struct xen_world *world;
    domid_t domid;
    struct machine *machine; /* NULL: the monitor itself */
    struct grant_table grants;
    struct grant_handles handles;
    struct evtchn_domain events;
    atomic_uint upcall_vector[EVTCHN_VCPUS]; /* HVMOP_set_evtchn_upcall_vector; 0: none */

    pthread_mutex_t lock; /* of the three below */
    uint64_t params[HVM_NR_PARAMS];
    char line[XEN_CONSOLE_LINE_MAX]; /* CONSOLEIO_write: up to its newline */
    unsigned line_length;

    atomic_uint wakes;   /* counts events: a futex for xen_wait() */
    atomic_uint waiters; /* vCPUs in xen_wait() */

    /*
     * Let the mapper's machine have the host's page (host) at (address), outside of its RAM, or take it
     * away again (host NULL). Given by whoever runs the machine: KVM's memory slots. 0 or -errno; -EINVAL
     * and -EBUSY: no page can be there. Called with the world's lock.
     */
    int (*map)(void *opaque, uint64_t address, void *host, bool readonly);
    void *map_opaque;
};

void xen_world_init(struct xen_world *world);
void xen_world_destroy(struct xen_world *world);

/*
 * Make (domain) the (domid)th of (world): before the machine's devices are made, of which "xen" is one,
 * and before anything runs. (machine) NULL: the monitor, which then has events.arrived set by its owner.
 * Otherwise xen_domain_of(machine) is (domain). It does not move. -EINVAL: no such domid, or too many vCPUs;
 * -EBUSY: there is such a domain.
 */
int xen_domain_create(struct xen_domain *domain, struct xen_world *world, domid_t domid,
                      struct machine *machine, struct error *error);

/*
 * The domain dies, once, or again without effect: its mappings and ports are given back, its peers see
 * their ports unbound. Its vCPUs are at rest. Its memory must live until the peers' mappings of it are
 * gone, until they are closed; xen_domain_destroy() is for when all of the world's are.
 */
void xen_domain_close(struct xen_domain *domain);
void xen_domain_destroy(struct xen_domain *domain);

/* The domain that (machine) is; NULL: it is not one. */
struct xen_domain *xen_domain_of(const struct machine *machine);

/* The domain (domid) as (domain) may name it (DOMID_SELF too), or NULL; world->lock is held. */
struct xen_domain *xen_domain_find(struct xen_domain *domain, domid_t domid);

/* For what a domain may ask of itself only: 0; -EPERM, (domid) is another one; -ESRCH, it is none. */
int xen_domain_check_self(struct xen_domain *domain, domid_t domid);

/* Let whoever is in xen_wait() look again: from any thread. */
void xen_domain_wake(struct xen_domain *domain);

/* Show what CONSOLEIO_write has left of a line; domain->lock is held. */
void xen_console_flush(struct xen_domain *domain);

/*
 * The device type "xen": CPUID leaves, the MSR of the hypercall page, and the port of its stubs. Its
 * instance finds its domain by xen_domain_of(). A hypercall's registers: number RAX, arguments RDI RSI
 * RDX R10 R8, result RAX.
 */
struct xen_call {
    struct xen_domain *domain;
    struct vcpu *vcpu;
    uint64_t arguments[5];
};

/* Serve the hypercall in the registers of (vcpu), which only 64-bit code at CPL 0 can make. */
void xen_hypercall(struct xen_domain *domain, struct vcpu *vcpu);

/* Fill the hypercall page at (address). -EINVAL: no page of RAM. */
int xen_fill_hypercall_page(struct xen_domain *domain, uint64_t address);

/*
 * Copy a structure of the guest's, whose linear address is (address): -EFAULT where it cannot be read
 * or written. Copied once, checked, then used.
 */
int xen_copy_from_guest(struct xen_call *call, void *to, uint64_t address, uint64_t size);
int xen_copy_to_guest(struct xen_call *call, uint64_t address, const void *from, uint64_t size);

/*
 * Unless (is_ready), wait in the vCPU's own thread: for any event of the domain's, a kick of the vCPU, or
 * (ns) nanoseconds, at most XEN_WAIT_NS. A guest must expect to be woken for nothing anyhow.
 */
#define XEN_WAIT_NS 10000000u
void xen_wait(struct xen_call *call, bool (*is_ready)(struct xen_call *call, const void *opaque),
              const void *opaque, uint64_t ns);

/* One hypercall each: the result, or a negative error. In devices/xen/op_NAME.c. */
int64_t xen_op_memory(struct xen_call *call);
int64_t xen_op_version(struct xen_call *call);
int64_t xen_op_console(struct xen_call *call);
int64_t xen_op_grant(struct xen_call *call);
int64_t xen_op_vcpu(struct xen_call *call);
int64_t xen_op_sched(struct xen_call *call);
int64_t xen_op_event(struct xen_call *call);
int64_t xen_op_hvm(struct xen_call *call);

#endif
