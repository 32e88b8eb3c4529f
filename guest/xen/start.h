/*
 * A guest becomes a Xen domain.
 */
#ifndef GUEST_XEN_START_H
#define GUEST_XEN_START_H

/*
 * Set up the hypercall page, shared_info, the grant table and event upcalls of the first vCPU. Called once, in ring 0,
 * after exceptions_init() if the guest uses that. 0, -XEN_ENOSYS if there is no Xen, or the error of the hypercall
 * that failed.
 */
int xen_init(void);

#endif
