/* Where domains of the API's meet. */
#include "api/access.h"

#include <errno.h>
#include <stdlib.h>

struct minivmm_world *minivmm_world_create(void)
{
    struct minivmm_world *world = calloc(1, sizeof(*world));

    if (world)
        xen_world_init(&world->world);
    return world;
}

int minivmm_world_destroy(struct minivmm_world *world, struct minivmm_error *error)
{
    if (!world)
        return 0;
    if (atomic_load(&world->machines) > 0)
        return api_refuse(error, -EBUSY, "the world has domains; destroy their machines first");
    xen_world_destroy(&world->world);
    free(world);
    return 0;
}
