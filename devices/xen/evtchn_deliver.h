/*
 * How an event arrives: the bits in shared_info, and who is to be told of them.
 *
 * The guest changes every word at any time, so each is touched by one atomic operation, in the order
 * that Xen has: pending, mask, selector, upcall.
 */
#ifndef DEVICES_XEN_EVTCHN_DELIVER_H
#define DEVICES_XEN_EVTCHN_DELIVER_H

#include "devices/xen/evtchn.h"

#define EVTCHN_WORD_PORTS 64u /* a bit of the selector is a word of pending bits */

/* Whom to tell of what, once the world's lock is given back. */
struct evtchn_news {
    struct evtchn_domain *domain;
    evtchn_port_t port; /* an event has arrived here; 0: none has */
    uint32_t vcpus;     /* bit n: vCPU n has an upcall */
};

/* With the world's lock held. The port is a valid one. */
struct evtchn_news evtchn_deliver(struct evtchn_domain *domain, evtchn_port_t port);
struct evtchn_news evtchn_deliver_unmasked(struct evtchn_domain *domain, evtchn_port_t port);
void evtchn_clear_pending(struct evtchn_domain *domain, evtchn_port_t port);
bool evtchn_bit_is_pending(const struct evtchn_domain *domain, evtchn_port_t port);

/* Without it. */
void evtchn_tell(const struct evtchn_news *news);

#endif
