/* Grants, version 1. */
#include "guest/xen/gnttab.h"

#include "guest/xen/linux.h"
#include "guest/xen/ring.h"
#include "guest/xen/xen.h"

static union {
    grant_entry_v1_t entries[GNTTAB_REFS];
    uint8_t page[XEN_FRAME_SIZE];
} table __attribute__((aligned(XEN_FRAME_SIZE)));

static bool taken[GNTTAB_REFS];

int gnttab_init(void)
{
    return xen_place_page(XENMAPSPACE_grant_table, 0, &table);
}

volatile grant_entry_v1_t *gnttab_entry(grant_ref_t ref)
{
    return &table.entries[ref];
}

static int ref_take(void)
{
    for (unsigned ref = GNTTAB_NR_RESERVED_ENTRIES; ref < GNTTAB_REFS; ref++) {
        if (!taken[ref]) {
            taken[ref] = true;
            return (int)ref;
        }
    }
    return -XEN_ENOSPC;
}

int gnttab_grant_foreign_access(domid_t domid, unsigned long frame, int readonly)
{
    int ref = ref_take();

    if (ref < 0)
        return ref;
    volatile grant_entry_v1_t *entry = gnttab_entry((grant_ref_t)ref);
    entry->domid = domid;
    entry->frame = (uint32_t)frame;
    xen_wmb(); /* with the flags, the entry counts */
    entry->flags = (uint16_t)(GTF_permit_access | (readonly ? GTF_readonly : 0));
    return ref;
}

int gnttab_query_foreign_access(grant_ref_t ref)
{
    return gnttab_entry(ref)->flags & (GTF_reading | GTF_writing);
}

/*
 * One atomic step from "not mapped" to "no grant": a concurrent map is either before or after it.
 */
static int entry_end(volatile grant_entry_v1_t *entry)
{
    uint16_t flags = entry->flags;

    do {
        if (flags & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    return 0;
}

int gnttab_end_foreign_access(grant_ref_t ref, int readonly, unsigned long page)
{
    int result = entry_end(gnttab_entry(ref));

    (void)readonly;
    if (result < 0)
        return result;
    taken[ref] = false;
    if (page != 0)
        free_page(page);
    return 0;
}

void gnttab_set_map_op(struct gnttab_map_grant_ref *map, uint64_t address, uint32_t flags,
                       grant_ref_t ref, domid_t domid)
{
    *map = (struct gnttab_map_grant_ref){
        .host_addr = address,
        .flags = flags,
        .ref = ref,
        .dom = domid,
    };
}

void gnttab_set_unmap_op(struct gnttab_unmap_grant_ref *unmap, uint64_t address,
                         grant_handle_t handle)
{
    *unmap = (struct gnttab_unmap_grant_ref){.host_addr = address, .handle = handle};
}

int gnttab_map(void *address, uint32_t flags, grant_ref_t ref, domid_t domid,
               grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map;

    gnttab_set_map_op(&map, (uintptr_t)address, flags, ref, domid);
    if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, &map, 1) != 0)
        return GNTST_general_error;
    if (map.status == GNTST_okay)
        *handle = map.handle;
    return map.status;
}

int gnttab_unmap(void *address, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref unmap;

    gnttab_set_unmap_op(&unmap, (uintptr_t)address, handle);
    if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1) != 0)
        return GNTST_general_error;
    return unmap.status;
}
