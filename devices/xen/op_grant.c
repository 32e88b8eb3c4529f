/*
 * HYPERVISOR_grant_table_op: arrays of structures, each with its own status.
 *
 * Xen interrupts a long array, and the guest calls again; here an array longer than
 * GRANT_BATCH_MAX, the number of possible mappings, is refused with -E2BIG and without effect.
 */
#include "devices/xen/ops.h"

#include <errno.h>
#include <string.h>

#define GRANT_BATCH_MAX GRANT_HANDLES
#define MAP_KINDS       (GNTMAP_device_map | GNTMAP_host_map)
#define MAP_FLAGS       (GNTMAP_host_map | GNTMAP_readonly)

/* One structure, copied from the guest, and copied back with its status. */
union grant_argument {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_setup_table setup;
    struct gnttab_copy copy;
    struct gnttab_query_size size;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
};

/* 0, or the status for a domain that is not the caller itself. */
static int16_t check_own(struct xen_call *call, domid_t domid)
{
    const struct xen_domain *found = xen_domain_find(call->domain, domid);

    if (found == call->domain)
        return GNTST_okay;
    return found ? GNTST_permission_denied : GNTST_bad_domain;
}

/* The frames that XENMEM_add_to_physmap placed; GRANT_NO_FRAME for the others. */
static int setup_table(struct xen_call *call, union grant_argument *argument)
{
    struct gnttab_setup_table *setup = &argument->setup;
    struct grant_table *table = &call->domain->grants;
    uint64_t frames[GRANT_FRAMES];

    setup->status = check_own(call, setup->dom);
    if (setup->status == GNTST_okay && setup->nr_frames > GRANT_FRAMES)
        setup->status = GNTST_general_error;
    if (setup->status != GNTST_okay)
        return 0;
    pthread_mutex_lock(&table->lock);
    for (unsigned i = 0; i < GRANT_FRAMES; i++)
        frames[i] = table->frames[i].value == GRANT_NO_FRAME ? GRANT_NO_FRAME
                                                             : table->frames[i].value / PAGE_SIZE;
    pthread_mutex_unlock(&table->lock);
    if (xen_copy_to_guest(call, (uintptr_t)setup->frame_list.p, frames,
                          setup->nr_frames * sizeof(frames[0])) < 0)
        setup->status = GNTST_bad_virt_addr;
    return 0;
}

static int query_size(struct xen_call *call, union grant_argument *argument)
{
    struct gnttab_query_size *size = &argument->size;

    size->status = check_own(call, size->dom);
    if (size->status == GNTST_okay) {
        size->nr_frames = grant_table_size(&call->domain->grants);
        size->max_nr_frames = GRANT_FRAMES;
    }
    return 0;
}

static int set_version(struct xen_call *call, union grant_argument *argument)
{
    const uint32_t wanted = argument->set_version.version;

    (void)call;
    argument->set_version.version = 1;
    if (wanted == 1)
        return 0;
    return wanted == 2 ? -ENOSYS : -EINVAL;
}

static int get_version(struct xen_call *call, union grant_argument *argument)
{
    const int16_t status = check_own(call, argument->get_version.dom);

    argument->get_version.version = 1;
    if (status == GNTST_okay)
        return 0;
    return status == GNTST_bad_domain ? -ESRCH : -EPERM;
}

/* map_grant_ref, unmap_grant_ref and copy: access to another domain's pages. */

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

/* Map the pinned page into the guest, and assign a handle. */
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

static int map_page(struct xen_call *call, union grant_argument *argument)
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

/* A page that cannot be unmapped stays pinned: otherwise the granter would take it for unused. */
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

static int unmap_page(struct xen_call *call, union grant_argument *argument)
{
    struct gnttab_unmap_grant_ref *op = &argument->unmap;

    op->status = unmap(call->domain, op->handle, op->host_addr);
    return 0;
}

/* The result cannot be copied to the guest, so the page is unmapped again. */
static void undo_map(struct xen_call *call, const union grant_argument *argument)
{
    const struct gnttab_map_grant_ref *map = &argument->map;

    if (map->status == GNTST_okay)
        unmap(call->domain, map->handle, map->host_addr);
}

/* One end of a copy. */
struct end {
    struct grant_table *table; /* where entry (ref) is pinned; NULL: the page is the caller's own */
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

static int copy_pages(struct xen_call *call, union grant_argument *argument)
{
    argument->copy.status = copy(call->domain, &argument->copy);
    return 0;
}

struct operation {
    size_t size; /* of its structure; 0: there is no such operation */
    bool single; /* takes one structure, not an array */
    /* 0, or a negative errno that ends the hypercall; world->lock is held. */
    int (*run)(struct xen_call *call, union grant_argument *argument);
    void (*undo)(struct xen_call *call, const union grant_argument *argument); /* may be NULL */
};

static const struct operation operations[] = {
    [GNTTABOP_map_grant_ref] = {sizeof(struct gnttab_map_grant_ref), false, map_page, undo_map},
    [GNTTABOP_unmap_grant_ref] = {sizeof(struct gnttab_unmap_grant_ref), false, unmap_page, NULL},
    [GNTTABOP_setup_table] = {sizeof(struct gnttab_setup_table), true, setup_table, NULL},
    [GNTTABOP_copy] = {sizeof(struct gnttab_copy), false, copy_pages, NULL},
    [GNTTABOP_query_size] = {sizeof(struct gnttab_query_size), true, query_size, NULL},
    [GNTTABOP_set_version] = {sizeof(struct gnttab_set_version), true, set_version, NULL},
    [GNTTABOP_get_version] = {sizeof(struct gnttab_get_version), true, get_version, NULL},
};

/* Serve one structure of the guest, at (address). */
static int run_one(struct xen_call *call, const struct operation *operation, uint64_t address)
{
    struct xen_world *world = call->domain->world;
    union grant_argument argument;
    int result = xen_copy_from_guest(call, &argument, address, operation->size);

    if (result < 0)
        return result;
    pthread_mutex_lock(&world->lock);
    result = operation->run(call, &argument);
    if (xen_copy_to_guest(call, address, &argument, operation->size) < 0) {
        if (operation->undo)
            operation->undo(call, &argument);
        result = -EFAULT;
    }
    pthread_mutex_unlock(&world->lock);
    return result;
}

int64_t xen_op_grant(struct xen_call *call)
{
    const uint64_t number = call->arguments[0], count = call->arguments[2];
    const struct operation *operation;
    int result = 0;

    if (number >= sizeof(operations) / sizeof(operations[0]) || !operations[number].size)
        return -ENOSYS;
    operation = &operations[number];
    if (operation->single && count != 1)
        return -EINVAL;
    if (count > GRANT_BATCH_MAX)
        return -E2BIG;
    for (uint64_t i = 0; result == 0 && i < count; i++) {
        if (machine_outcome(call->domain->machine) != OUTCOME_NONE)
            return -EINTR;
        result = run_one(call, operation, call->arguments[1] + i * operation->size);
    }
    return result;
}
