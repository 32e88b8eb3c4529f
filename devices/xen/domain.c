/*
 * A domain's life: made for a machine, found by its peer, and taken out of the world when it dies.
 */
#include "devices/xen/domain.h"

#include <errno.h>
#include <string.h>

#define MSI_ADDRESS    0xfee00000u /* fixed delivery by edge, to one APIC id; Intel SDM 3A, 11.11.1 */
#define MSI_APIC_SHIFT 12

void xen_world_init(struct xen_world *world)
{
    memset(world, 0, sizeof(*world));
    evtchn_world_init(&world->events);
    pthread_mutex_init(&world->lock, NULL);
}

void xen_world_destroy(struct xen_world *world)
{
    pthread_mutex_destroy(&world->lock);
    evtchn_world_destroy(&world->events);
}

/* A vCPU's APIC id is its number. */
static void send_upcall(void *opaque, unsigned vcpu)
{
    struct xen_domain *domain = opaque;
    const unsigned vector = atomic_load(&domain->upcall_vector[vcpu]);

    if (vector)
        irq_send_message(&domain->machine->irqs, MSI_ADDRESS | vcpu << MSI_APIC_SHIFT, vector);
    xen_domain_wake(domain);
}

/* A masked port raises no upcall, but SCHEDOP_poll waits for those. */
static void wake_pollers(void *opaque, evtchn_port_t port)
{
    (void)port;
    xen_domain_wake(opaque);
}

static const char key[] = "domain"; /* its address counts */

struct xen_domain *xen_domain_of(const struct machine *machine)
{
    return (struct xen_domain *)part_find(machine->parts, key);
}

static void init(struct xen_domain *domain, struct xen_world *world, domid_t domid,
                 struct machine *machine)
{
    struct memory *memory = machine ? &machine->memory : NULL;

    memset(domain, 0, sizeof(*domain));
    domain->world = world;
    domain->domid = domid;
    domain->machine = machine;
    pthread_mutex_init(&domain->lock, NULL);
    grant_table_init(&domain->grants, memory);
    grant_handles_init(&domain->handles);
    evtchn_init(&domain->events, &world->events, domid, machine ? machine->vcpu_count : 1, memory);
    if (!machine)
        return;
    domain->events.upcall = send_upcall;
    domain->events.arrived = wake_pollers;
    domain->events.opaque = domain;
    domain->part.key = key;
    domain->part.unsaved = "a domain cannot be saved"; /* a peer has its side of pages and ports */
    part_add(&machine->parts, &domain->part);
}

int xen_domain_create(struct xen_domain *domain, struct xen_world *world, domid_t domid,
                      struct machine *machine, struct error *error)
{
    int result = 0;

    if (domid >= XEN_DOMAINS)
        return error_set(error, -EINVAL, "there is no domain %u; give one below %d", domid,
                         XEN_DOMAINS);
    if (machine && machine->vcpu_count > EVTCHN_VCPUS)
        return error_set(error, -EINVAL, "--cpus %u: a domain has at most %u", machine->vcpu_count,
                         EVTCHN_VCPUS);
    pthread_mutex_lock(&world->lock);
    if (world->domains[domid]) {
        result =
            error_set(error, -EBUSY, "there is a domain %u already; give another number", domid);
    } else {
        init(domain, world, domid, machine);
        world->domains[domid] = domain;
    }
    pthread_mutex_unlock(&world->lock);
    return result;
}

/* The mapper loses the page before its granter sees it free. */
static void release_mappings(struct xen_domain *domain)
{
    struct grant_mapping mapping;

    while (grant_handle_take_any(&domain->handles, &mapping)) {
        domain->map(domain->map_opaque, mapping.address, NULL, mapping.readonly);
        grant_unpin(mapping.table, mapping.ref, mapping.readonly);
    }
}

void xen_domain_close(struct xen_domain *domain)
{
    struct xen_world *world = domain->world;

    pthread_mutex_lock(&world->lock);
    if (world->domains[domain->domid] == domain) {
        world->domains[domain->domid] = NULL;
        release_mappings(domain);
        evtchn_reset(&domain->events);
        grant_table_close(&domain->grants);
    }
    pthread_mutex_unlock(&world->lock);
    pthread_mutex_lock(&domain->lock);
    xen_console_flush(domain);
    pthread_mutex_unlock(&domain->lock);
}

void xen_domain_destroy(struct xen_domain *domain)
{
    xen_domain_close(domain);
    if (domain->machine)
        part_remove(&domain->machine->parts, &domain->part);
    grant_handles_destroy(&domain->handles);
    grant_table_destroy(&domain->grants);
    pthread_mutex_destroy(&domain->lock);
}

struct xen_domain *xen_domain_find(struct xen_domain *domain, domid_t domid)
{
    if (domid == DOMID_SELF)
        domid = domain->domid;
    return domid < XEN_DOMAINS ? domain->world->domains[domid] : NULL;
}

int xen_domain_check_self(struct xen_domain *domain, domid_t domid)
{
    const struct xen_domain *found;

    pthread_mutex_lock(&domain->world->lock);
    found = xen_domain_find(domain, domid);
    pthread_mutex_unlock(&domain->world->lock);
    if (found == domain)
        return 0;
    return found ? -EPERM : -ESRCH;
}
