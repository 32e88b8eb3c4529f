/*
 * HYPERVISOR_grant_table_op, in parts: each function serves one structure, a copy of the guest's, which
 * goes back with its status. world->lock is held.
 */
#ifndef DEVICES_XEN_OP_GRANT_H
#define DEVICES_XEN_OP_GRANT_H

#include "devices/xen/domain.h"

union grant_argument {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_setup_table setup;
    struct gnttab_copy copy;
    struct gnttab_query_size size;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
};

/* 0, or a negative errno that ends the hypercall. */
int grant_op_map(struct xen_call *call, union grant_argument *argument);
int grant_op_unmap(struct xen_call *call, union grant_argument *argument);
int grant_op_copy(struct xen_call *call, union grant_argument *argument);

/* What was mapped cannot be told to the guest: take it back. */
void grant_op_undo_map(struct xen_call *call, const union grant_argument *argument);

#endif
