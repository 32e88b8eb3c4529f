/*
 * The domains of a world.
 */
#ifndef API_DOMAINS_H
#define API_DOMAINS_H

#include "api/handle.h"

/* Add (change), 1 or -1, to the number of running machines of (world). */
void domains_count_running(struct minivmm_world *world, int change);

#endif
