/*
 * A domain's life: created for a machine, found by its peer, removed from the world when it dies;
 * and what all its vCPUs share: the wait for an event, and the console line.
 */
#include "devices/xen/domain.h"

#include "vmm/core/vcpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MSI_ADDRESS                                                                                \
    0xfee00000u /* fixed, edge-triggered delivery to one APIC id; Intel SDM 3A, 11.11.1 */
#define MSI_APIC_SHIFT 12
#define DELETE         0x7f
#define SUBSTITUTE     '?'

void xen_world_init(struct xen_world *world)
{
    memset(world, 0, sizeof(*world));
    evtchn_world_init(&world->events);
    pthread_mutex_init(&world->lock, NULL);
}

void xen_world_finish(struct xen_world *world)
{
    pthread_mutex_destroy(&world->lock);
    evtchn_world_finish(&world->events);
}

/*
 * A vCPU waits for an event in its own thread, in the middle of its exit.
 *
 * A kick (for the end, a pause or a checkpoint) is a signal, which ends the futex wait; for the
 * guest this is a spurious wake-up, and it asks again. A kick just before the wait, and interrupts
 * of other devices, are not noticed here: they take effect when the time is over.
 */
void xen_domain_wake(struct xen_domain *domain)
{
    atomic_fetch_add(&domain->wakes, 1);
    if (atomic_load(&domain->waiters))
        syscall(SYS_futex, &domain->wakes, FUTEX_WAKE_PRIVATE, EVTCHN_VCPUS, NULL, NULL, 0);
}

static bool is_kicked(const struct vcpu *vcpu)
{
    return vcpu_is_kicked(vcpu) || machine_outcome(vcpu->machine) != OUTCOME_NONE;
}

/*
 * An event sets its bits, then increments (wakes); here (wakes) is read, then the bits. So after an
 * event whose bits were not seen, the futex differs from (wakes).
 */
void xen_domain_wait(struct xen_domain *domain, const struct vcpu *vcpu,
                     bool (*is_ready)(struct xen_domain *domain, const void *opaque),
                     const void *opaque, uint64_t ns)
{
    const struct timespec end = {.tv_nsec = (long)(ns < XEN_WAIT_NS ? ns : XEN_WAIT_NS)};
    unsigned wakes;

    atomic_fetch_add(&domain->waiters, 1);
    wakes = atomic_load(&domain->wakes);
    if (!is_ready(domain, opaque) && !is_kicked(vcpu))
        syscall(SYS_futex, &domain->wakes, FUTEX_WAIT_PRIVATE, wakes, &end, NULL, 0);
    atomic_fetch_sub(&domain->waiters, 1);
}

/* A vCPU's APIC id is its index. */
static void send_upcall(void *opaque, unsigned vcpu)
{
    struct xen_domain *domain = opaque;
    const unsigned vector = atomic_load(&domain->upcall_vector[vcpu]);

    if (vector)
        irq_send_message(&domain->machine->irqs, MSI_ADDRESS | vcpu << MSI_APIC_SHIFT, vector);
    xen_domain_wake(domain);
}

/* A masked port raises no upcall, but SCHEDOP_poll waits for masked ports. */
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

int xen_domain_init(struct xen_domain *domain, struct xen_world *world, domid_t domid,
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

/* Control characters are not passed to the terminal. */
static char shown(char byte)
{
    const unsigned char code = (unsigned char)byte;

    return (code < ' ' && byte != '\t') || code == DELETE ? SUBSTITUTE : byte;
}

static void show_line(struct xen_domain *domain)
{
    int result = 0;

    for (unsigned i = 0; result == 0 && i < domain->line_length; i++)
        result = console_write(&domain->machine->console, (uint8_t)domain->line[i]);
    if (result == 0)
        result = console_write(&domain->machine->console, '\n');
    domain->line_length = 0;
    if (result < 0)
        machine_end(domain->machine, OUTCOME_OUTPUT, 0);
}

static void flush_line(struct xen_domain *domain)
{
    if (domain->line_length)
        show_line(domain);
}

static void put_text(struct xen_domain *domain, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != '\n')
            domain->line[domain->line_length++] = shown(bytes[i]);
        if (bytes[i] == '\n' || domain->line_length == XEN_CONSOLE_LINE_MAX)
            show_line(domain);
    }
}

void xen_domain_show_text(struct xen_domain *domain, const char *bytes, size_t length)
{
    pthread_mutex_lock(&domain->lock);
    put_text(domain, bytes, length);
    pthread_mutex_unlock(&domain->lock);
}

/* The mapper loses the page before the granter sees it unused. */
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
    flush_line(domain);
    pthread_mutex_unlock(&domain->lock);
}

void xen_domain_finish(struct xen_domain *domain)
{
    xen_domain_close(domain);
    if (domain->machine)
        part_remove(&domain->machine->parts, &domain->part);
    grant_handles_finish(&domain->handles);
    grant_table_finish(&domain->grants);
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
