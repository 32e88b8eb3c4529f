/*
 * The way from a stub's OUT to the operation, and the page of stubs.
 */
#ifndef DEVICES_XEN_HYPERCALL_H
#define DEVICES_XEN_HYPERCALL_H

#include "devices/xen/domain.h"

#define XEN_HYPERCALL_MSR  0x40000000u
#define XEN_HYPERCALL_PORT 0xdau /* the stubs' OUT; an 8-bit number, since DX carries an argument */

/* Serve the hypercall in the registers of (vcpu). Only 64-bit code at CPL 0 may call. */
void xen_hypercall(struct xen_domain *domain, struct vcpu *vcpu);

/* Fill the hypercall page at (address). -EINVAL: not a page of RAM. */
int xen_fill_hypercall_page(struct xen_domain *domain, uint64_t address);

#endif
