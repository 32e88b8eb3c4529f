/*
 * The hypercalls; each is in the file of its name, op_NAME.c.
 */
#ifndef DEVICES_XEN_OPS_H
#define DEVICES_XEN_OPS_H

#include "devices/xen/guest_copy.h"

/* Each returns its result, or a negative error. */
int64_t xen_op_memory(struct xen_call *call);
int64_t xen_op_version(struct xen_call *call);
int64_t xen_op_console(struct xen_call *call);
int64_t xen_op_grant(struct xen_call *call);
int64_t xen_op_vcpu(struct xen_call *call);
int64_t xen_op_sched(struct xen_call *call);
int64_t xen_op_event(struct xen_call *call);
int64_t xen_op_hvm(struct xen_call *call);

#endif
