/*
 * The domains of a world.
 */
#ifndef API_DOMAINS_H
#define API_DOMAINS_H

#include "api/handle.h"

/* One more machine of (world) runs, or one less: (change) is 1 or -1. */
void domains_count_running(struct minivmm_world *world, int change);

#endif
