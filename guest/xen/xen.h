/*
 * A guest that is a Xen domain: finding Xen, and sharing pages with it. Long mode only.
 *
 * start.h has xen_init(), gnttab.h grants, events.h event channels, ring.h the shared ring. Results are 0 or more, or a
 * negative error of <xen/errno.h>. Memory is mapped to itself, so a frame is an address / 4096.
 */
#ifndef GUEST_XEN_XEN_H
#define GUEST_XEN_XEN_H

#include "guest/xen/hypercall.h"
#include "guest/xen/interface.h"

#include <stdbool.h>

struct xen_discovery {
    bool found;
    uint32_t base; /* its first CPUID leaf */
    uint16_t major, minor;
    uint32_t hypercall_msr;
    uint32_t features; /* XEN_HVM_CPUID_… */
    domid_t domid;     /* of this domain; DOMID_INVALID if Xen does not report it */
};

/* Ask CPUID only. */
struct xen_discovery xen_discover(void);

/* The hypercall page and shared_info of the Xen that was (found). 0, or the error of the hypercall. For xen_init(). */
int xen_enter(const struct xen_discovery *found);

domid_t xen_domid(void);

/* The id of the caller's local APIC, which is also its vCPU id for Xen. */
unsigned xen_vcpu_id(void);

extern struct shared_info *const xen_shared_info;

/* Place the page (index) of (space), a XENMAPSPACE_, at (page), a whole page of RAM. */
int xen_place_page(unsigned space, unsigned long index, void *page);

static inline unsigned long xen_frame(const void *page)
{
    return (uintptr_t)page >> XEN_FRAME_SHIFT;
}

/* Yield: for loops that wait for another domain. */
static inline void xen_yield(void)
{
    HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
}

#endif
