/* Event channels, 2-level. */
#include "guest/xen/events.h"

#include "guest/lib/cpu.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/string.h"
#include "guest/xen/xen.h"

#define LOCAL_APIC    0xfee00000ul
#define APIC_EOI      (LOCAL_APIC + 0xb0)
#define APIC_SPURIOUS (LOCAL_APIC + 0xf0)
#define APIC_ENABLED  0x1ffu /* and spurious interrupts use vector 0xff */

#define VECTORS   256
#define WORD_BITS 64u

struct binding {
    evtchn_port_t port; /* 0: none */
    irq_handler_t handler;
    void *data;
};

static struct binding bindings[EVENTS_IRQS];
static uint8_t irq_of_port[EVENTS_PORTS]; /* of a port without an irq: any */
static unsigned upcalls;

/* All vCPUs use the same table. */
static struct idt_gate idt[VECTORS];

void upcall_entry(void);   /* upcall_entry.S */
void events_upcall(void);  /* called by it */
void spurious_entry(void); /* upcall_entry.S */

static void idt_take_over(void)
{
    struct table_register old;
    size_t size;

    __asm__ volatile("sidt %0" : "=m"(old));
    size = old.limit + 1u < sizeof(idt) ? old.limit + 1u : sizeof(idt);
    if (old.base != 0 && old.base != (uintptr_t)idt)
        memcpy(idt, (const void *)old.base, size);
    idt[EVENTS_VECTOR] = idt_gate_to((uintptr_t)upcall_entry);
    idt[APIC_ENABLED & 0xff] = idt_gate_to((uintptr_t)spurious_entry);
    idt_load(idt, VECTORS);
}

int events_init_vcpu(void)
{
    struct xen_hvm_evtchn_upcall_vector upcall = {.vcpu = xen_vcpu_id(), .vector = EVENTS_VECTOR};

    idt_take_over();
    store32(APIC_SPURIOUS, APIC_ENABLED);
    return (int)HYPERVISOR_hvm_op(HVMOP_set_evtchn_upcall_vector, &upcall);
}

int events_init(void)
{
    memset(xen_shared_info->evtchn_mask, 0xff, sizeof(xen_shared_info->evtchn_mask));
    return events_init_vcpu();
}

static void port_serve(evtchn_port_t port)
{
    const int irq = irq_of_port[port];
    const struct binding *binding = &bindings[irq];

    if (binding->port == port)
        binding->handler(irq, binding->data);
}

/*
 * Pending is cleared before the handler runs, so that an event that arrives meanwhile is not lost.
 */
static void word_serve(unsigned index)
{
    xen_ulong_t *pending = &xen_shared_info->evtchn_pending[index];
    xen_ulong_t ready = __atomic_load_n(pending, __ATOMIC_SEQ_CST) &
                        ~__atomic_load_n(&xen_shared_info->evtchn_mask[index], __ATOMIC_SEQ_CST);

    for (; ready != 0; ready &= ready - 1) {
        const unsigned bit = (unsigned)__builtin_ctzl(ready);

        __atomic_fetch_and(pending, ~(1ul << bit), __ATOMIC_SEQ_CST);
        port_serve(index * WORD_BITS + bit);
    }
}

/*
 * upcall_pending is cleared first: an event during the scan sets it again, and its interrupt comes
 * after this one.
 */
void events_serve(unsigned vcpu)
{
    struct vcpu_info *info = &xen_shared_info->vcpu_info[vcpu];
    xen_ulong_t selected;

    __atomic_store_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    selected = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; selected != 0; selected &= selected - 1)
        word_serve((unsigned)__builtin_ctzl(selected));
}

void events_upcall(void)
{
    store32(APIC_EOI, 0);
    __atomic_fetch_add(&upcalls, 1, __ATOMIC_RELAXED);
    events_serve(xen_vcpu_id());
}

static int irq_free(void)
{
    for (int irq = 0; irq < EVENTS_IRQS; irq++)
        if (bindings[irq].port == 0)
            return irq;
    return -XEN_ENOSPC;
}

int bind_evtchn_to_irqhandler(evtchn_port_t port, irq_handler_t handler, unsigned long flags,
                              const char *name, void *data)
{
    int irq = irq_free();
    int result;

    (void)flags;
    (void)name;
    if (irq < 0)
        return irq;
    bindings[irq] = (struct binding){port, handler, data};
    irq_of_port[port] = (uint8_t)irq;
    result = unmask_evtchn(port);
    if (result < 0)
        bindings[irq].port = 0;
    return result < 0 ? result : irq;
}

int bind_interdomain_evtchn_to_irqhandler(domid_t remote, evtchn_port_t remote_port,
                                          irq_handler_t handler, unsigned long flags,
                                          const char *name, void *data)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = remote, .remote_port = remote_port};
    int result = (int)HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    if (result < 0)
        return result;
    result = bind_evtchn_to_irqhandler(bind.local_port, handler, flags, name, data);
    if (result < 0) {
        struct evtchn_close close = {.port = bind.local_port};

        HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
    }
    return result;
}

void unbind_from_irqhandler(int irq, void *data)
{
    struct evtchn_close close = {.port = bindings[irq].port};

    (void)data;
    mask_evtchn(close.port);
    bindings[irq].port = 0;
    HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

evtchn_port_t evtchn_from_irq(int irq)
{
    return bindings[irq].port;
}

int notify_remote_via_irq(int irq)
{
    return notify_remote_via_evtchn(bindings[irq].port);
}

int notify_remote_via_evtchn(evtchn_port_t port)
{
    struct evtchn_send send = {.port = port};

    return (int)HYPERVISOR_event_channel_op(EVTCHNOP_send, &send);
}

void mask_evtchn(evtchn_port_t port)
{
    __atomic_fetch_or(&xen_shared_info->evtchn_mask[port / WORD_BITS], 1ul << port % WORD_BITS,
                      __ATOMIC_SEQ_CST);
}

int unmask_evtchn(evtchn_port_t port)
{
    struct evtchn_unmask unmask = {.port = port};

    return (int)HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask);
}

bool evtchn_is_pending(evtchn_port_t port)
{
    return __atomic_load_n(&xen_shared_info->evtchn_pending[port / WORD_BITS], __ATOMIC_SEQ_CST) >>
               port % WORD_BITS &
           1;
}

unsigned events_upcalls(void)
{
    return __atomic_load_n(&upcalls, __ATOMIC_RELAXED);
}
