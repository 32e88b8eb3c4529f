/*
 * Grants, version 1: granting a page to another domain, and mapping a page of another domain.
 *
 * Functions that Linux has too take the same arguments.
 */
#ifndef GUEST_XEN_GNTTAB_H
#define GUEST_XEN_GNTTAB_H

#include "guest/xen/interface.h"

#include <stdbool.h>

#define GNTTAB_REFS (XEN_FRAME_SIZE / (unsigned)sizeof(grant_entry_v1_t)) /* of the only frame */

/* Place the grant table's first frame. xen_init() calls it. */
int gnttab_init(void);

/*
 * Let (domid) map the page (frame). Returns the lowest free reference, from 8 on, or -XEN_ENOSPC.
 */
int gnttab_grant_foreign_access(domid_t domid, unsigned long frame, int readonly);

/* Is the page mapped? The answer may be out of date at once. */
int gnttab_query_foreign_access(grant_ref_t ref);

/*
 * End the grant: 0, and (page) is freed if it is not 0 (linux.h). -XEN_EBUSY: the page is mapped,
 * and nothing changes. (readonly) is ignored.
 */
int gnttab_end_foreign_access(grant_ref_t ref, int readonly, unsigned long page);

/*
 * The entry itself, below GNTTAB_REFS. Xen, on behalf of other domains, changes flags at any time.
 */
volatile grant_entry_v1_t *gnttab_entry(grant_ref_t ref);

/* Fill in the argument of GNTTABOP_map_grant_ref and GNTTABOP_unmap_grant_ref. (flags): GNTMAP_… */
void gnttab_set_map_op(struct gnttab_map_grant_ref *map, uint64_t address, uint32_t flags,
                       grant_ref_t ref, domid_t domid);
void gnttab_set_unmap_op(struct gnttab_unmap_grant_ref *unmap, uint64_t address,
                         grant_handle_t handle);

/*
 * Map one page at (address), which is outside of RAM, or unmap it: the GNTST_ code, or
 * GNTST_general_error if there is no such hypercall. GNTST_okay sets *handle.
 */
int gnttab_map(void *address, uint32_t flags, grant_ref_t ref, domid_t domid,
               grant_handle_t *handle);
int gnttab_unmap(void *address, grant_handle_t handle);

#endif
