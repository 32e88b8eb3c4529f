/*
 * The back end of a shared ring, for a guest whose domain 0 is the monitor.
 *
 * The device is all of domain 0. It binds the guest's port as soon as the guest has allocated it
 * for domain 0, pins the grant at the first event, and then answers every request with its status +
 * 1. Operation 0 is the front end's last: after it, the back end closes its port and unpins the
 * grant.
 *
 * Requests are served on the thread that sends the event, a vCPU in its hypercall, so a guest that
 * sends too many slows down only itself. One thread serves at a time: an event that arrives
 * meanwhile makes that thread check again. Only the first event, which binding raises, is served on
 * the device's own thread.
 */
#include "devices/xen/backend.h"
#include "devices/xen/domain.h"
#include "vmm/base/descriptor.h"
#include "vmm/base/thread.h"
#include "vmm/core/machine.h"
#include "vmm/io/device.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#define BIND_MS_FIRST 1 /* between two tries to bind the port; doubled each time up to the last */
#define BIND_MS_LAST  16
#define OPERATION_END 0

enum stage {
    STAGE_UNBOUND, /* events are not for this device yet */
    STAGE_BOUND,   /* the grant is not pinned */
    STAGE_SERVING,
    STAGE_OVER, /* the ring is broken, the front end has ended it, or the run is over */
};

struct xen_ring {
    struct device device;
    uint64_t gref, port; /* the front end's */

    struct xen_domain monitor; /* domain 0 */
    evtchn_port_t local;       /* its end of the channel; from STAGE_BOUND on */
    atomic_uint events;        /* not served yet; the thread that makes it 1 serves until it is 0 */
    atomic_uint stage; /* from STAGE_BOUND on changed only by the serving thread, and at the end */
    bool pinned;       /* (backend) is valid */
    struct backend backend;
    bool ended;       /* the front end's last request was served */
    uint64_t refused; /* events without a valid grant */

    bool open; /* (monitor), (stop) and (thread) are valid */
    int stop;  /* eventfd: the thread must end */
    pthread_t thread;
};

static const struct property xen_ring_properties[] = {
    {.name = "gref",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct xen_ring, gref),
     .preset = "8",
     .min = GNTTAB_NR_RESERVED_ENTRIES,
     .max = GRANT_ENTRIES - 1,
     .help = "grant reference of the page with the ring"},
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct xen_ring, port),
     .preset = "1",
     .min = 1,
     .max = EVTCHN_PORTS - 1,
     .help = "event channel port that the guest allocates for domain 0"},
    {0},
};

static struct backend_entry answer(void *opaque, const struct backend_entry *request)
{
    struct xen_ring *ring = opaque;
    struct backend_entry response = *request;

    ring->ended |= request->operation == OPERATION_END;
    response.status++;
    return response;
}

static void pin(struct xen_ring *ring)
{
    struct machine *machine = ring->device.machine;
    gpa_t page;
    const int status =
        grant_pin(&xen_domain_of(machine)->grants, (grant_ref_t)ring->gref, 0, false, &page);

    if (status != GNTST_okay) {
        if (ring->refused++ == 0)
            machine_notice(machine,
                           "xen-ring: grant %u cannot be mapped, status %d; it is tried again "
                           "at each event",
                           (unsigned)ring->gref, status);
        return;
    }
    backend_attach(&ring->backend, memory_at(&machine->memory, page, PAGE_SIZE), answer, ring);
    ring->pinned = true;
    atomic_store(&ring->stage, STAGE_SERVING);
}

/* The front end's port becomes unbound, and it may end its grant. */
static void disconnect(struct xen_ring *ring)
{
    if (atomic_exchange(&ring->stage, STAGE_OVER) != STAGE_UNBOUND)
        evtchn_close(&ring->monitor.events, ring->local);
    if (ring->pinned)
        grant_unpin(&xen_domain_of(ring->device.machine)->grants, (grant_ref_t)ring->gref, false);
    ring->pinned = false;
}

static bool is_running(const struct xen_ring *ring)
{
    return machine_outcome(ring->device.machine) == OUTCOME_NONE;
}

/*
 * Serve until the ring is empty: a busy front end would wait for a response that was not published.
 */
static void serve(struct xen_ring *ring)
{
    enum backend_result result;

    do {
        bool notify = false;

        result = backend_serve(&ring->backend, &notify);
        if (notify)
            evtchn_send(&ring->monitor.events, ring->local);
    } while (result == BACKEND_MORE && is_running(ring));
    if (result == BACKEND_BROKEN)
        machine_notice(
            ring->device.machine,
            "xen-ring: the guest's ring holds more than %u requests; it is not served any "
            "more",
            BACKEND_SLOTS);
    if (result == BACKEND_BROKEN || ring->ended)
        disconnect(ring);
}

static void look(struct xen_ring *ring)
{
    if (atomic_load(&ring->stage) == STAGE_BOUND)
        pin(ring);
    if (atomic_load(&ring->stage) == STAGE_SERVING)
        serve(ring);
}

/* An event at (port), on any thread; before STAGE_BOUND also on the thread that binds. */
static void arrived(void *opaque, evtchn_port_t port)
{
    struct xen_ring *ring = opaque;
    unsigned seen;

    (void)port;
    if (atomic_load(&ring->stage) == STAGE_UNBOUND || atomic_fetch_add(&ring->events, 1) > 0)
        return;
    do {
        seen = atomic_load(&ring->events);
        look(ring);
    } while (atomic_fetch_sub(&ring->events, seen) != seen);
}

static bool wants_stop(const struct xen_ring *ring, int ms)
{
    struct pollfd wait = {.fd = ring->stop, .events = POLLIN};

    return poll(&wait, 1, ms) > 0;
}

/*
 * There is no notification when the guest allocates a port, so binding is retried until it
 * succeeds.
 */
static void *bind_thread(void *argument)
{
    struct xen_ring *ring = argument;
    struct evtchn_domain *guest = &xen_domain_of(ring->device.machine)->events;
    int ms = BIND_MS_FIRST;

    while (evtchn_bind_interdomain(&ring->monitor.events, guest, (evtchn_port_t)ring->port,
                                   &ring->local) < 0) {
        if (wants_stop(ring, ms))
            return NULL;
        ms = ms < BIND_MS_LAST ? 2 * ms : BIND_MS_LAST;
    }
    atomic_store(&ring->stage, STAGE_BOUND);
    arrived(ring, ring->local);
    return NULL;
}

static int open_monitor(struct xen_ring *ring, struct xen_world *world, struct error *error)
{
    int result = xen_domain_init(&ring->monitor, world, 0, NULL, error);

    if (result < 0)
        return result;
    ring->monitor.events.arrived = arrived;
    ring->monitor.events.opaque = ring;
    ring->stop = eventfd(0, EFD_CLOEXEC);
    result = ring->stop < 0 ? -errno : thread_start(&ring->thread, bind_thread, ring);
    if (result == 0)
        return 0;
    descriptor_close(&ring->stop);
    xen_domain_close(&ring->monitor);
    xen_domain_finish(&ring->monitor);
    return error_set(error, result, "device xen-ring: no thread for it: %s", strerror(-result));
}

static int xen_ring_create(struct device *device, struct error *error)
{
    struct xen_ring *ring = (struct xen_ring *)device;
    const struct xen_domain *guest = xen_domain_of(device->machine), *peer;
    int result;

    if (!guest)
        return error_set(error, -EINVAL,
                         "device xen-ring: the guest is no domain; give it as --domain IMAGE");
    peer = guest->world->domains[0];
    if (peer && !peer->machine)
        return error_set(error, -EINVAL, "device xen-ring: there is one already; give it once");
    if (guest->domid == 0 || peer)
        return error_set(error, -EINVAL,
                         "device xen-ring: domain 0 is a guest; leave the device out, or give one "
                         "--domain");
    result = open_monitor(ring, guest->world, error);
    ring->open = result == 0;
    return result;
}

/*
 * Only the thread can still serve: events come from vCPUs of this machine, since domain 0 is not
 * another machine, and a machine's devices are destroyed after its vCPU threads have ended. The
 * guest's ports may be closed already; its struct, memory and interrupts are destroyed later.
 */
static void stop(struct xen_ring *ring)
{
    if (!ring->open)
        return;
    ring->open = false;
    event_raise(ring->stop);
    pthread_join(ring->thread, NULL);
    descriptor_close(&ring->stop);
    disconnect(ring);
    xen_domain_close(&ring->monitor);
    xen_domain_finish(&ring->monitor);
}

static void xen_ring_destroy(struct device *device)
{
    stop((struct xen_ring *)device);
}

const struct device_type xen_ring_type = {
    .name = "xen-ring",
    .help = "answers a domain's ring: the monitor as domain 0",
    .instance_size = sizeof(struct xen_ring),
    .locking = DEVICE_LOCK_FREE, /* it has no regions */
    .needs = HOST_NEED(HOST_THREAD),
    .properties = xen_ring_properties,
    .create = xen_ring_create,
    .destroy = xen_ring_destroy,
};
