/*
 * Event channels, 2-level: the ports of a domain, and their bindings.
 *
 * Threads: any.
 */
#ifndef DEVICES_XEN_EVTCHN_H
#define DEVICES_XEN_EVTCHN_H

#include "devices/xen/evtchn_info.h"

/*
 * The operations, EVTCHNOP_…; ports and vCPUs may be any numbers from a guest. 0, with *port the
 * new port, or one of Xen's errnos, which equal Linux's: -EINVAL, the port does not exist, is
 * closed, or is not of a kind that the operation is for; -ENOENT, no such vCPU; -ENOSPC, all ports
 * are in use. An error changes nothing.
 */

/* DOMID_SELF for (remote) is (domain) itself. Whether the domain exists is not checked. */
int evtchn_alloc_unbound(struct evtchn_domain *domain, domid_t remote, evtchn_port_t *port);

/* The new port is pending at once. -ESRCH: (remote) is NULL, there is no such domain. */
int evtchn_bind_interdomain(struct evtchn_domain *domain, struct evtchn_domain *remote,
                            evtchn_port_t remote_port, evtchn_port_t *port);

/*
 * -EINVAL: no such VIRQ, or a global one not on vCPU 0; -EEXIST: it has a port. No VIRQ is ever
 * raised.
 */
int evtchn_bind_virq(struct evtchn_domain *domain, uint32_t virq, unsigned vcpu,
                     evtchn_port_t *port);
int evtchn_bind_ipi(struct evtchn_domain *domain, unsigned vcpu, evtchn_port_t *port);

/* -EINVAL also for ports that cannot be rebound: IPIs and a vCPU's own VIRQs. */
int evtchn_bind_vcpu(struct evtchn_domain *domain, evtchn_port_t port, unsigned vcpu);

/* Clears the port's pending bit, but not its mask; a peer's port becomes unbound, for (domain). */
int evtchn_close(struct evtchn_domain *domain, evtchn_port_t port);

/* 0 on an unbound port: the event is dropped. */
int evtchn_send(struct evtchn_domain *domain, evtchn_port_t port);
int evtchn_unmask(struct evtchn_domain *domain, evtchn_port_t port);

/* IN status->port; OUT all fields after it. A closed port is no error; status->dom is ignored. */
int evtchn_status(struct evtchn_domain *domain, struct evtchn_status *status);

/*
 * Close all ports: EVTCHNOP_reset, and the end of the domain. Its memory is not accessed
 * afterwards.
 */
void evtchn_reset(struct evtchn_domain *domain);

#endif
