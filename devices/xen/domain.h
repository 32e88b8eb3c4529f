/*
 * Domains: machines that reach each other through Xen's interface.
 *
 * A world has at most two domains: each is a machine with a guest, or for dom0 the monitor itself
 * with a back end (devices/xen/backend.h). A guest's requests are hypercalls, an OUT from the
 * hypercall page.
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
#define XEN_CONSOLE_LINE_MAX 1024u

struct xen_domain;

struct xen_world {
    struct evtchn_world events;
    struct xen_domain *domains[XEN_DOMAINS]; /* by domid; NULL: it does not exist, or it died */
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
    atomic_uint upcall_vector[EVTCHN_VCPUS]; /* HVMOP_set_evtchn_upcall_vector; 0: not set */

    pthread_mutex_t lock; /* of the three members below */
    uint64_t params[HVM_NR_PARAMS];
    char line[XEN_CONSOLE_LINE_MAX]; /* CONSOLEIO_write: the text since the last newline */
    unsigned line_length;

    atomic_uint wakes;   /* counts events: a futex for xen_domain_wait() */
    atomic_uint waiters; /* vCPUs in xen_domain_wait() */

    /*
     * Map the host page (host) at (address), outside of RAM, in the mapper's machine, or unmap it
     * (host NULL). Set by the owner of the machine; uses KVM's memory slots. 0 or -errno; -EINVAL
     * and -EBUSY: no page can be there. Called with the world's lock held.
     */
    int (*map)(void *opaque, uint64_t address, void *host, bool readonly);
    void *map_opaque;
};

void xen_world_init(struct xen_world *world);
void xen_world_finish(struct xen_world *world);

/*
 * Make (domain) the domain (domid) of (world), before the machine's devices are created, of which
 * "xen" is one, and before anything runs. (machine) NULL: the monitor, whose owner then sets
 * events.arrived. Otherwise xen_domain_of(machine) is (domain). The struct must not move. -EINVAL: no
 * such domid, or too many vCPUs; -EBUSY: the domain exists already.
 */
int xen_domain_init(struct xen_domain *domain, struct xen_world *world, domid_t domid,
                    struct machine *machine, struct error *error);

/*
 * The domain dies; a second call has no effect. Its mappings and ports are released, and its peers'
 * ports become unbound. Its vCPUs must be at rest. Its memory must stay valid until all peers that
 * map it are closed; call xen_domain_finish() when all domains of the world are.
 */
void xen_domain_close(struct xen_domain *domain);
void xen_domain_finish(struct xen_domain *domain);

/* The domain that (machine) is; NULL: it is not one. */
struct xen_domain *xen_domain_of(const struct machine *machine);

/*
 * The domain (domid), which may be DOMID_SELF, as seen by (domain), or NULL; world->lock is held.
 */
struct xen_domain *xen_domain_find(struct xen_domain *domain, domid_t domid);

/*
 * For operations on the caller's own domain only: 0; -EPERM: (domid) is another domain; -ESRCH:
 * there is no such domain.
 */
int xen_domain_check_self(struct xen_domain *domain, domid_t domid);

/* Wake the vCPUs in xen_domain_wait(), which check again; from any thread. */
void xen_domain_wake(struct xen_domain *domain);

/*
 * Unless (is_ready), wait in the thread of (vcpu) for any event of the domain, a kick of the vCPU,
 * or (ns) nanoseconds, at most XEN_WAIT_NS. Guests must expect spurious wake-ups.
 */
#define XEN_WAIT_NS 10000000u
void xen_domain_wait(struct xen_domain *domain, const struct vcpu *vcpu,
                     bool (*is_ready)(struct xen_domain *domain, const void *opaque),
                     const void *opaque, uint64_t ns);

/*
 * CONSOLEIO_write: write (length) bytes to the machine's console, by whole lines, so that the
 * output of two domains never mixes within a line.
 */
void xen_domain_show_text(struct xen_domain *domain, const char *bytes, size_t length);

#endif
