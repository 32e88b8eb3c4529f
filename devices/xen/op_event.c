/*
 * HYPERVISOR_event_channel_op: each operation takes one structure, which is copied from the guest.
 */
#include "devices/xen/ops.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

union event_argument {
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
};

/* With the world's lock held, the peer cannot die between being found and being bound. */
static int bind_interdomain(struct xen_domain *domain, union event_argument *argument)
{
    struct evtchn_bind_interdomain *bind = &argument->bind_interdomain;
    struct xen_domain *peer;
    int result;

    pthread_mutex_lock(&domain->world->lock);
    peer = xen_domain_find(domain, bind->remote_dom);
    result = evtchn_bind_interdomain(&domain->events, peer ? &peer->events : NULL,
                                     bind->remote_port, &bind->local_port);
    pthread_mutex_unlock(&domain->world->lock);
    return result;
}

static int bind_virq(struct xen_domain *domain, union event_argument *argument)
{
    struct evtchn_bind_virq *bind = &argument->bind_virq;

    return evtchn_bind_virq(&domain->events, bind->virq, bind->vcpu, &bind->port);
}

static int close_port(struct xen_domain *domain, union event_argument *argument)
{
    return evtchn_close(&domain->events, argument->close.port);
}

static int send(struct xen_domain *domain, union event_argument *argument)
{
    return evtchn_send(&domain->events, argument->send.port);
}

static int get_status(struct xen_domain *domain, union event_argument *argument)
{
    int result = xen_domain_check_self(domain, argument->status.dom);

    return result < 0 ? result : evtchn_status(&domain->events, &argument->status);
}

static int alloc_unbound(struct xen_domain *domain, union event_argument *argument)
{
    struct evtchn_alloc_unbound *alloc = &argument->alloc_unbound;
    int result = xen_domain_check_self(domain, alloc->dom);

    return result < 0 ? result
                      : evtchn_alloc_unbound(&domain->events, alloc->remote_dom, &alloc->port);
}

static int bind_ipi(struct xen_domain *domain, union event_argument *argument)
{
    struct evtchn_bind_ipi *bind = &argument->bind_ipi;

    return evtchn_bind_ipi(&domain->events, bind->vcpu, &bind->port);
}

static int bind_vcpu(struct xen_domain *domain, union event_argument *argument)
{
    return evtchn_bind_vcpu(&domain->events, argument->bind_vcpu.port, argument->bind_vcpu.vcpu);
}

static int unmask(struct xen_domain *domain, union event_argument *argument)
{
    return evtchn_unmask(&domain->events, argument->unmask.port);
}

static int reset(struct xen_domain *domain, union event_argument *argument)
{
    int result = xen_domain_check_self(domain, argument->reset.dom);

    if (result == 0)
        evtchn_reset(&domain->events);
    return result;
}

struct operation {
    size_t size; /* of its structure; 0: there is no such operation */
    int (*run)(struct xen_domain *domain, union event_argument *argument);
    bool answers; /* the structure goes back to the guest */
    size_t port;  /* offset of the new port, which is closed if copying back fails; 0: none */
};

#define OPERATION(name, function)                                                                  \
    {                                                                                              \
        .size = sizeof(struct name), .run = (function)                                             \
    }
#define MAKES_PORT(name, function, field)                                                          \
    {                                                                                              \
        .size = sizeof(struct name), .run = (function), .answers = true,                           \
        .port = offsetof(struct name, field)                                                       \
    }

/* Device interrupts cannot be bound to ports, and there is no FIFO of events. */
static const struct operation operations[] = {
    [EVTCHNOP_bind_interdomain] = MAKES_PORT(evtchn_bind_interdomain, bind_interdomain, local_port),
    [EVTCHNOP_bind_virq] = MAKES_PORT(evtchn_bind_virq, bind_virq, port),
    [EVTCHNOP_close] = OPERATION(evtchn_close, close_port),
    [EVTCHNOP_send] = OPERATION(evtchn_send, send),
    [EVTCHNOP_status] = {.size = sizeof(struct evtchn_status), .run = get_status, .answers = true},
    [EVTCHNOP_alloc_unbound] = MAKES_PORT(evtchn_alloc_unbound, alloc_unbound, port),
    [EVTCHNOP_bind_ipi] = MAKES_PORT(evtchn_bind_ipi, bind_ipi, port),
    [EVTCHNOP_bind_vcpu] = OPERATION(evtchn_bind_vcpu, bind_vcpu),
    [EVTCHNOP_unmask] = OPERATION(evtchn_unmask, unmask),
    [EVTCHNOP_reset] = OPERATION(evtchn_reset, reset),
};

static void close_again(struct xen_domain *domain, const struct operation *operation,
                        const union event_argument *argument)
{
    evtchn_port_t port;

    memcpy(&port, (const char *)argument + operation->port, sizeof(port));
    evtchn_close(&domain->events, port);
}

int64_t xen_op_event(struct xen_call *call)
{
    const uint64_t number = call->arguments[0], address = call->arguments[1];
    const struct operation *operation;
    union event_argument argument;
    int result;

    if (number >= sizeof(operations) / sizeof(operations[0]) || !operations[number].size)
        return -ENOSYS;
    operation = &operations[number];
    result = xen_copy_from_guest(call, &argument, address, operation->size);
    if (result == 0)
        result = operation->run(call->domain, &argument);
    if (result < 0 || !operation->answers)
        return result;
    result = xen_copy_to_guest(call, address, &argument, operation->size);
    if (result < 0 && operation->port)
        close_again(call->domain, operation, &argument);
    return result;
}
