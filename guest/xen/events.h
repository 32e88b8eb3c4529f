/*
 * Event channels, 2-level, and their upcall: an interrupt of the local APIC.
 *
 * Guests run with interrupts off, so handlers run only inside of events_wait() and events_allow(),
 * and need no locks against other code on their vCPU. At most EVENTS_IRQS ports are bound at a
 * time.
 */
#ifndef GUEST_XEN_EVENTS_H
#define GUEST_XEN_EVENTS_H

#include "guest/xen/hypercall.h"
#include "guest/xen/interface.h"

#include <stdbool.h>

#define EVENTS_VECTOR 0xf3
#define EVENTS_IRQS   64
#define EVENTS_PORTS  4096u /* port 0 is never used */

typedef enum {
    IRQ_NONE,
    IRQ_HANDLED,
} irqreturn_t;

typedef irqreturn_t (*irq_handler_t)(int irq, void *data);

/* Mask all ports, and events_init_vcpu(). xen_init() calls it. */
int events_init(void);

/*
 * Enable upcalls to the calling vCPU: its local APIC, the interrupt table with its previous gates,
 * and the vector, which Xen is given.
 */
int events_init_vcpu(void);

/*
 * Call (handler) with the irq and (data) for each event at (port), which is unmasked now. Returns
 * the irq, or -XEN_ENOSPC. (flags) and (name) are ignored.
 */
int bind_evtchn_to_irqhandler(evtchn_port_t port, irq_handler_t handler, unsigned long flags,
                              const char *name, void *data);

/* The same for a new local port, which is bound to (remote_port) of (remote) first. */
int bind_interdomain_evtchn_to_irqhandler(domid_t remote, evtchn_port_t remote_port,
                                          irq_handler_t handler, unsigned long flags,
                                          const char *name, void *data);

/* Close the port of (irq); its handler is not called any more. */
void unbind_from_irqhandler(int irq, void *data);

evtchn_port_t evtchn_from_irq(int irq);

/* Send an event to the other side. 0, or EVTCHNOP_send's error. */
int notify_remote_via_irq(int irq);
int notify_remote_via_evtchn(evtchn_port_t port);

void mask_evtchn(evtchn_port_t port);
int unmask_evtchn(evtchn_port_t port); /* deliver pending interrupts */
bool evtchn_is_pending(evtchn_port_t port);

/* Halt until an interrupt, and take it. A pending one counts. */
static inline void events_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/*
 * Take pending interrupts, yield, and return. By a hypercall, since every KVM delivers interrupts
 * at an exit; one that emulates ring 0 may not deliver them between two instructions.
 */
static inline void events_allow(void)
{
    __asm__ volatile("sti" : : : "memory");
    HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    __asm__ volatile("cli" : : : "memory");
}

/* Call the handlers of the events pending for (vcpu). The upcall calls this; ring 3 may, too. */
void events_serve(unsigned vcpu);

/* The number of upcalls so far, on all vCPUs. */
unsigned events_upcalls(void);

#endif
