/*
 * Event channels, 2-level: the ports of a domain, and whom they are bound to.
 *
 * Threads: any.
 */
#ifndef DEVICES_XEN_EVTCHN_H
#define DEVICES_XEN_EVTCHN_H

#include "devices/xen/evtchn_info.h"

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

#endif
