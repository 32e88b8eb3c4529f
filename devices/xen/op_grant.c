/*
 * HYPERVISOR_grant_table_op: arrays of structures, each with a status of its own.
 *
 * Xen interrupts a long array and has the guest call again; here an array longer than GRANT_BATCH_MAX,
 * as many as can be mapped at all, is refused with -E2BIG and nothing done.
 */
#include "devices/xen/op_grant.h"

#include "vmm/core/vcpu.h"

#include <errno.h>

#define GRANT_BATCH_MAX GRANT_HANDLES

/* 0, or the status for a domain that is not the caller's own. */
static int16_t check_own(struct xen_call *call, domid_t domid)
{
    const struct xen_domain *found = xen_domain_find(call->domain, domid);

    if (found == call->domain)
        return GNTST_okay;
    return found ? GNTST_permission_denied : GNTST_bad_domain;
}

/* The frames that XENMEM_add_to_physmap placed; one that it did not is GRANT_NO_FRAME. */
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

struct operation {
    size_t size; /* of its structure; 0: there is no such operation */
    bool single; /* takes one structure, not an array */
    int (*run)(struct xen_call *call, union grant_argument *argument);
    void (*undo)(struct xen_call *call, const union grant_argument *argument); /* may be NULL */
};

static const struct operation operations[] = {
    [GNTTABOP_map_grant_ref] = {sizeof(struct gnttab_map_grant_ref), false, grant_op_map,
                                grant_op_undo_map},
    [GNTTABOP_unmap_grant_ref] = {sizeof(struct gnttab_unmap_grant_ref), false, grant_op_unmap,
                                  NULL},
    [GNTTABOP_setup_table] = {sizeof(struct gnttab_setup_table), true, setup_table, NULL},
    [GNTTABOP_copy] = {sizeof(struct gnttab_copy), false, grant_op_copy, NULL},
    [GNTTABOP_query_size] = {sizeof(struct gnttab_query_size), true, query_size, NULL},
    [GNTTABOP_set_version] = {sizeof(struct gnttab_set_version), true, set_version, NULL},
    [GNTTABOP_get_version] = {sizeof(struct gnttab_get_version), true, get_version, NULL},
};

/* One structure of the guest's, at (address). */
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
