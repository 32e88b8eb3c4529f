/* Worlds, in which domains share memory and events. */
#include "api/domains.h"

#include "api/access.h"

#include <errno.h>
#include <stdlib.h>

struct minivmm_world *minivmm_world_create(void)
{
    struct minivmm_world *world = calloc(1, sizeof(*world));

    if (!world)
        return NULL;
    xen_world_init(&world->world);
    pthread_mutex_init(&world->lock, NULL);
    return world;
}

int minivmm_world_destroy(struct minivmm_world *world, struct minivmm_error *error)
{
    if (!world)
        return 0;
    if (atomic_load(&world->machines) > 0)
        return api_refuse(error, -EBUSY, "the world has domains; destroy their machines first");
    xen_world_finish(&world->world);
    pthread_mutex_destroy(&world->lock);
    free(world);
    return 0;
}

void domains_count_running(struct minivmm_world *world, int change)
{
    pthread_mutex_lock(&world->lock);
    world->running += (unsigned)change;
    pthread_mutex_unlock(&world->lock);
}
