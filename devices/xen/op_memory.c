/* HYPERVISOR_memory_op: places the shared pages, and returns the memory map. */
#include "devices/xen/ops.h"

#include "vmm/boot/boot_info.h"

#include <errno.h>

/* Xen's own pages are not allocated: the guest provides a page of its RAM for each. */
static int64_t place_page(struct xen_domain *domain, const struct xen_add_to_physmap *place)
{
    const gpa_t page = gpa(place->gpfn * PAGE_SIZE);

    if (place->gpfn > UINT64_MAX / PAGE_SIZE)
        return -EINVAL;
    switch (place->space) {
    case XENMAPSPACE_shared_info:
        return place->idx == 0 ? evtchn_place_info(&domain->events, page) : -EINVAL;
    case XENMAPSPACE_grant_table:
        if (place->idx >= GRANT_FRAMES)
            return -EINVAL;
        return grant_table_place(&domain->grants, (unsigned)place->idx, page);
    default:
        return -EINVAL;
    }
}

static int64_t add_to_physmap(struct xen_call *call, uint64_t argument)
{
    struct xen_add_to_physmap place;
    int64_t result = xen_copy_from_guest(call, &place, argument, sizeof(place));

    if (result == 0)
        result = xen_domain_check_self(call->domain, place.domid);
    return result < 0 ? result : place_page(call->domain, &place);
}

/* Without a buffer, only the number of entries is returned. */
static int64_t get_memory_map(struct xen_call *call, uint64_t argument)
{
    struct e820_entry entries[BOOT_MAP_MAX];
    unsigned count = boot_e820(&call->domain->machine->memory, entries);
    struct xen_memory_map map;
    int result = xen_copy_from_guest(call, &map, argument, sizeof(map));
    const uint64_t buffer = (uintptr_t)map.buffer.p;

    if (result < 0)
        return result;
    if (buffer && count > map.nr_entries)
        count = map.nr_entries;
    map.nr_entries = count;
    if (buffer)
        result = xen_copy_to_guest(call, buffer, entries, count * sizeof(entries[0]));
    return result < 0 ? result : xen_copy_to_guest(call, argument, &map, sizeof(map));
}

int64_t xen_op_memory(struct xen_call *call)
{
    switch (call->arguments[0]) {
    case XENMEM_add_to_physmap:
        return add_to_physmap(call, call->arguments[1]);
    case XENMEM_memory_map:
        return get_memory_map(call, call->arguments[1]);
    default:
        return -ENOSYS;
    }
}
