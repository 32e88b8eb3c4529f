/*
 * The ports of a domain: their bindings, and the operations on them.
 *
 * Most operations are a function that needs the world's lock, and one that takes the lock and then
 * sends the notifications.
 */
#include "devices/xen/evtchn.h"

#include <errno.h>
#include <string.h>

static void lock(const struct evtchn_domain *domain)
{
    pthread_mutex_lock(&domain->world->lock);
}

static void unlock(const struct evtchn_domain *domain)
{
    pthread_mutex_unlock(&domain->world->lock);
}

/*
 * An open port of a guest, or NULL if there is no such port or it is closed. Port 0 is never open.
 */
static struct evtchn_port *port_get(struct evtchn_domain *domain, evtchn_port_t port)
{
    if (port >= EVTCHN_PORTS || domain->ports[port].state == EVTCHNSTAT_closed)
        return NULL;
    return &domain->ports[port];
}

/* Open the lowest closed port as (made), with its number in *port, or -ENOSPC. */
static int port_open(struct evtchn_domain *domain, const struct evtchn_port *made,
                     evtchn_port_t *port)
{
    evtchn_port_t next = 1;

    while (next < EVTCHN_PORTS && domain->ports[next].state != EVTCHNSTAT_closed)
        next++;
    if (next == EVTCHN_PORTS)
        return -ENOSPC;
    domain->ports[next] = *made;
    *port = next;
    return 0;
}

static void port_close(struct evtchn_domain *domain, evtchn_port_t port)
{
    const struct evtchn_port closed = domain->ports[port];

    domain->ports[port] = (struct evtchn_port){.state = EVTCHNSTAT_closed};
    evtchn_clear_pending(domain, port);
    if (closed.state == EVTCHNSTAT_interdomain) {
        struct evtchn_port *peer = &closed.remote->ports[closed.remote_port];

        *peer = (struct evtchn_port){.state = EVTCHNSTAT_unbound,
                                     .vcpu = peer->vcpu,
                                     .remote_domid = domain->domid};
    }
}

static int open_locked(struct evtchn_domain *domain, const struct evtchn_port *made,
                       evtchn_port_t *port)
{
    int result;

    lock(domain);
    result = port_open(domain, made, port);
    unlock(domain);
    return result;
}

int evtchn_alloc_unbound(struct evtchn_domain *domain, domid_t remote, evtchn_port_t *port)
{
    const struct evtchn_port made = {
        .state = EVTCHNSTAT_unbound,
        .remote_domid = remote == DOMID_SELF ? domain->domid : remote,
    };

    return open_locked(domain, &made, port);
}

static int bind_interdomain(struct evtchn_domain *domain, struct evtchn_domain *remote,
                            evtchn_port_t remote_port, evtchn_port_t *port)
{
    const struct evtchn_port made = {.state = EVTCHNSTAT_interdomain,
                                     .remote = remote,
                                     .remote_port = remote_port};
    struct evtchn_port *peer = port_get(remote, remote_port);
    int result;

    if (!peer || peer->state != EVTCHNSTAT_unbound || peer->remote_domid != domain->domid)
        return -EINVAL;
    result = port_open(domain, &made, port);
    if (result)
        return result;
    peer->state = EVTCHNSTAT_interdomain;
    peer->remote = domain;
    peer->remote_port = *port;
    return 0;
}

int evtchn_bind_interdomain(struct evtchn_domain *domain, struct evtchn_domain *remote,
                            evtchn_port_t remote_port, evtchn_port_t *port)
{
    struct evtchn_notice notice = {.domain = NULL};
    int result;

    if (!remote)
        return -ESRCH;
    lock(domain);
    result = bind_interdomain(domain, remote, remote_port, port);
    if (result == 0)
        notice = evtchn_deliver(domain, *port);
    unlock(domain);
    evtchn_notify(&notice);
    return result;
}

/* VIRQs of which each vCPU has its own; the others are global. */
static bool virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

static bool virq_is_bound(const struct evtchn_domain *domain, const struct evtchn_port *made)
{
    for (evtchn_port_t port = 1; port < EVTCHN_PORTS; port++) {
        const struct evtchn_port *other = &domain->ports[port];

        if (other->state == EVTCHNSTAT_virq && other->virq == made->virq &&
            (other->vcpu == made->vcpu || !virq_is_per_vcpu(made->virq)))
            return true;
    }
    return false;
}

int evtchn_bind_virq(struct evtchn_domain *domain, uint32_t virq, unsigned vcpu,
                     evtchn_port_t *port)
{
    const struct evtchn_port made = {.state = EVTCHNSTAT_virq,
                                     .virq = (uint8_t)virq,
                                     .vcpu = (uint16_t)vcpu};
    int result;

    if (virq >= NR_VIRQS || (vcpu != 0 && !virq_is_per_vcpu(virq)))
        return -EINVAL;
    if (vcpu >= domain->vcpu_count)
        return -ENOENT;
    lock(domain);
    result = virq_is_bound(domain, &made) ? -EEXIST : port_open(domain, &made, port);
    unlock(domain);
    return result;
}

int evtchn_bind_ipi(struct evtchn_domain *domain, unsigned vcpu, evtchn_port_t *port)
{
    const struct evtchn_port made = {.state = EVTCHNSTAT_ipi, .vcpu = (uint16_t)vcpu};

    if (vcpu >= domain->vcpu_count)
        return -ENOENT;
    return open_locked(domain, &made, port);
}

static int bind_vcpu(struct evtchn_port *port, unsigned vcpu)
{
    if (!port || port->state == EVTCHNSTAT_ipi ||
        (port->state == EVTCHNSTAT_virq && virq_is_per_vcpu(port->virq)))
        return -EINVAL;
    port->vcpu = (uint16_t)vcpu;
    return 0;
}

int evtchn_bind_vcpu(struct evtchn_domain *domain, evtchn_port_t port, unsigned vcpu)
{
    int result;

    if (vcpu >= domain->vcpu_count)
        return -ENOENT;
    lock(domain);
    result = bind_vcpu(port_get(domain, port), vcpu);
    unlock(domain);
    return result;
}

int evtchn_close(struct evtchn_domain *domain, evtchn_port_t port)
{
    bool open;

    lock(domain);
    open = port_get(domain, port) != NULL;
    if (open)
        port_close(domain, port);
    unlock(domain);
    return open ? 0 : -EINVAL;
}

void evtchn_reset(struct evtchn_domain *domain)
{
    lock(domain);
    for (evtchn_port_t port = 1; port < EVTCHN_PORTS; port++)
        if (port_get(domain, port))
            port_close(domain, port);
    unlock(domain);
}

/* VIRQs are raised by the monitor, not by the guest. */
static int send(struct evtchn_domain *domain, evtchn_port_t port, struct evtchn_notice *notice)
{
    const struct evtchn_port *from = port_get(domain, port);

    if (!from || from->state == EVTCHNSTAT_virq)
        return -EINVAL;
    if (from->state == EVTCHNSTAT_interdomain)
        *notice = evtchn_deliver(from->remote, from->remote_port);
    else if (from->state == EVTCHNSTAT_ipi)
        *notice = evtchn_deliver(domain, port);
    return 0;
}

int evtchn_send(struct evtchn_domain *domain, evtchn_port_t port)
{
    struct evtchn_notice notice = {.domain = NULL};
    int result;

    lock(domain);
    result = send(domain, port, &notice);
    unlock(domain);
    evtchn_notify(&notice);
    return result;
}

int evtchn_unmask(struct evtchn_domain *domain, evtchn_port_t port)
{
    struct evtchn_notice notice = {.domain = NULL};
    bool open;

    lock(domain);
    open = port_get(domain, port) != NULL;
    if (open)
        notice = evtchn_deliver_unmasked(domain, port);
    unlock(domain);
    evtchn_notify(&notice);
    return open ? 0 : -EINVAL;
}

static void describe(const struct evtchn_port *port, struct evtchn_status *status)
{
    status->status = port->state;
    status->vcpu = port->vcpu;
    memset(&status->u, 0, sizeof(status->u));
    if (port->state == EVTCHNSTAT_unbound) {
        status->u.unbound.dom = port->remote_domid;
    } else if (port->state == EVTCHNSTAT_interdomain) {
        status->u.interdomain.dom = port->remote->domid;
        status->u.interdomain.port = port->remote_port;
    } else if (port->state == EVTCHNSTAT_virq) {
        status->u.virq = port->virq;
    }
}

int evtchn_status(struct evtchn_domain *domain, struct evtchn_status *status)
{
    if (status->port >= EVTCHN_PORTS)
        return -EINVAL;
    lock(domain);
    describe(&domain->ports[status->port], status);
    unlock(domain);
    return 0;
}
