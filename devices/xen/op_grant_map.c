/*
 * GNTTABOP_map_grant_ref, unmap_grant_ref and copy: pages of another domain's, for a while or at once.
 */
#include "devices/xen/op_grant.h"

#include <errno.h>
#include <string.h>

#define MAP_KINDS (GNTMAP_device_map | GNTMAP_host_map)
#define MAP_FLAGS (GNTMAP_host_map | GNTMAP_readonly)

static int16_t status_of(int result)
{
    switch (result) {
    case 0:
        return GNTST_okay;
    case -EINVAL:
    case -EBUSY:
        return GNTST_bad_virt_addr;
    case -ENOSPC:
        return GNTST_no_space;
    default:
        return GNTST_general_error;
    }
}

static int16_t check_map(struct xen_call *call, const struct gnttab_map_grant_ref *map)
{
    const unsigned bits = x86_physical_bits(&call->domain->machine->cpuid->header);

    if ((map->flags & MAP_KINDS) == 0)
        return GNTST_bad_gntref;
    if (map->flags & ~(uint32_t)MAP_FLAGS)
        return GNTST_general_error;
    if (map->host_addr & PAGE_MASK)
        return GNTST_bad_virt_addr;
    if (bits < 64 && map->host_addr >> bits)
        return GNTST_address_too_big;
    return GNTST_okay;
}

static void *page_at(struct xen_domain *domain, gpa_t page)
{
    return memory_at(&domain->machine->memory, page, PAGE_SIZE);
}

/* Show the pinned page to the guest, and give it a handle. */
static int show_page(struct xen_domain *domain, struct xen_domain *granter,
                     const struct grant_mapping *mapping)
{
    int result, handle;

    if (!domain->map)
        return -EOPNOTSUPP;
    result = domain->map(domain->map_opaque, mapping->address, page_at(granter, mapping->granted),
                         mapping->readonly);
    if (result < 0)
        return result;
    handle = grant_handle_add(&domain->handles, mapping);
    if (handle < 0)
        domain->map(domain->map_opaque, mapping->address, NULL, mapping->readonly);
    return handle;
}

int grant_op_map(struct xen_call *call, union grant_argument *argument)
{
    struct gnttab_map_grant_ref *map = &argument->map;
    struct xen_domain *domain = call->domain, *granter = xen_domain_find(domain, map->dom);
    struct grant_mapping mapping = {
        .readonly = map->flags & GNTMAP_readonly,
        .ref = map->ref,
        .address = map->host_addr,
    };
    int handle;

    map->status = check_map(call, map);
    if (map->status == GNTST_okay && !granter)
        map->status = GNTST_bad_domain;
    if (map->status != GNTST_okay)
        return 0;
    mapping.table = &granter->grants;
    map->status = (int16_t)grant_pin(mapping.table, map->ref, domain->domid, mapping.readonly,
                                     &mapping.granted);
    if (map->status != GNTST_okay)
        return 0;
    handle = show_page(domain, granter, &mapping);
    if (handle < 0) {
        grant_unpin(mapping.table, map->ref, mapping.readonly);
        map->status = status_of(handle);
        return 0;
    }
    map->handle = (uint32_t)handle;
    map->dev_bus_addr = 0;
    return 0;
}

/*
 * A page that cannot be taken away stays pinned for ever: its granter must not believe that it has it
 * for itself.
 */
static int16_t unmap(struct xen_domain *domain, uint32_t handle, uint64_t address)
{
    struct grant_mapping mapping;
    int result = grant_handle_take(&domain->handles, handle, address, &mapping);

    if (result != GNTST_okay)
        return (int16_t)result;
    if (domain->map(domain->map_opaque, mapping.address, NULL, mapping.readonly) < 0)
        return GNTST_general_error;
    grant_unpin(mapping.table, mapping.ref, mapping.readonly);
    return GNTST_okay;
}

int grant_op_unmap(struct xen_call *call, union grant_argument *argument)
{
    struct gnttab_unmap_grant_ref *op = &argument->unmap;

    op->status = unmap(call->domain, op->handle, op->host_addr);
    return 0;
}

void grant_op_undo_map(struct xen_call *call, const union grant_argument *argument)
{
    const struct gnttab_map_grant_ref *map = &argument->map;

    if (map->status == GNTST_okay)
        unmap(call->domain, map->handle, map->host_addr);
}

/* One end of a copy. */
struct end {
    struct grant_table *table; /* whose entry (ref) is pinned; NULL: the page is the caller's own */
    grant_ref_t ref;
    bool readonly;
    uint8_t *host;
};

static int16_t open_own(struct xen_domain *domain, const struct gnttab_copy_ptr *pointer,
                        struct end *end)
{
    uint8_t *page;

    if (xen_domain_find(domain, pointer->domid) != domain)
        return GNTST_permission_denied;
    if (pointer->u.gmfn > UINT64_MAX / PAGE_SIZE)
        return GNTST_bad_page;
    page = page_at(domain, gpa(pointer->u.gmfn * PAGE_SIZE));
    if (!page)
        return GNTST_bad_page;
    end->host = page + pointer->offset;
    return GNTST_okay;
}

static int16_t open_granted(struct xen_domain *domain, const struct gnttab_copy_ptr *pointer,
                            struct end *end)
{
    struct xen_domain *granter = xen_domain_find(domain, pointer->domid);
    gpa_t page;
    int status;

    if (!granter)
        return GNTST_bad_domain;
    status = grant_pin(&granter->grants, pointer->u.ref, domain->domid, end->readonly, &page);
    if (status != GNTST_okay)
        return (int16_t)status;
    end->table = &granter->grants;
    end->ref = pointer->u.ref;
    end->host = (uint8_t *)page_at(granter, page) + pointer->offset;
    return GNTST_okay;
}

static int16_t end_open(struct xen_domain *domain, const struct gnttab_copy_ptr *pointer,
                        bool granted, struct end *end)
{
    return granted ? open_granted(domain, pointer, end) : open_own(domain, pointer, end);
}

static void end_close(const struct end *end)
{
    if (end->table)
        grant_unpin(end->table, end->ref, end->readonly);
}

static int16_t copy(struct xen_domain *domain, const struct gnttab_copy *op)
{
    struct end source = {.readonly = true}, dest = {.readonly = false};
    int16_t status;

    if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
        return GNTST_general_error;
    if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    status = end_open(domain, &op->source, op->flags & GNTCOPY_source_gref, &source);
    if (status == GNTST_okay)
        status = end_open(domain, &op->dest, op->flags & GNTCOPY_dest_gref, &dest);
    if (status == GNTST_okay)
        memmove(dest.host, source.host, op->len);
    end_close(&dest);
    end_close(&source);
    return status;
}

int grant_op_copy(struct xen_call *call, union grant_argument *argument)
{
    argument->copy.status = copy(call->domain, &argument->copy);
    return 0;
}
