/*
 * What a domain has mapped, by handle: the index in its list.
 */
#include "devices/xen/grant.h"

#include <errno.h>
#include <string.h>

void grant_handles_init(struct grant_handles *handles)
{
    memset(handles, 0, sizeof(*handles));
    pthread_mutex_init(&handles->lock, NULL);
}

void grant_handles_destroy(struct grant_handles *handles)
{
    pthread_mutex_destroy(&handles->lock);
}

/* The first mapping from 0 on that is used, or is not: its handle, or GRANT_HANDLES. */
static uint32_t find(const struct grant_handles *handles, bool used)
{
    uint32_t handle = 0;

    while (handle < GRANT_HANDLES && handles->list[handle].used != used)
        handle++;
    return handle;
}

static void take(struct grant_handles *handles, uint32_t handle, struct grant_mapping *mapping)
{
    *mapping = handles->list[handle];
    handles->list[handle].used = false;
}

int grant_handle_add(struct grant_handles *handles, const struct grant_mapping *mapping)
{
    uint32_t handle;

    pthread_mutex_lock(&handles->lock);
    handle = find(handles, false);
    if (handle < GRANT_HANDLES) {
        handles->list[handle] = *mapping;
        handles->list[handle].used = true;
    }
    pthread_mutex_unlock(&handles->lock);
    return handle < GRANT_HANDLES ? (int)handle : -ENOSPC;
}

int grant_handle_take(struct grant_handles *handles, uint32_t handle, uint64_t address,
                      struct grant_mapping *mapping)
{
    int status = GNTST_okay;

    if (handle >= GRANT_HANDLES)
        return GNTST_bad_handle;
    pthread_mutex_lock(&handles->lock);
    if (!handles->list[handle].used)
        status = GNTST_bad_handle;
    else if (handles->list[handle].address != address)
        status = GNTST_bad_virt_addr;
    else
        take(handles, handle, mapping);
    pthread_mutex_unlock(&handles->lock);
    return status;
}

bool grant_handle_take_any(struct grant_handles *handles, struct grant_mapping *mapping)
{
    uint32_t handle;

    pthread_mutex_lock(&handles->lock);
    handle = find(handles, true);
    if (handle < GRANT_HANDLES)
        take(handles, handle, mapping);
    pthread_mutex_unlock(&handles->lock);
    return handle < GRANT_HANDLES;
}
