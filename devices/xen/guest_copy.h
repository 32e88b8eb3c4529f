/*
 * The current hypercall, and copies of its structures: copied once, then checked, then used.
 */
#ifndef DEVICES_XEN_GUEST_COPY_H
#define DEVICES_XEN_GUEST_COPY_H

#include "devices/xen/domain.h"

/* A hypercall's registers: number RAX, arguments RDI RSI RDX R10 R8, result RAX. */
struct xen_call {
    struct xen_domain *domain;
    struct vcpu *vcpu;
    uint64_t arguments[5];
};

/*
 * Copy a structure of the guest at the linear address (address). -EFAULT: it cannot be read or
 * written.
 */
int xen_copy_from_guest(struct xen_call *call, void *to, uint64_t address, uint64_t size);
int xen_copy_to_guest(struct xen_call *call, uint64_t address, const void *from, uint64_t size);

#endif
