/*
 * A model of an instruction cache: set-associative, with LRU replacement in a set.
 *
 * It is a start for a timing model: an instruction is one access, to the line of its first byte;
 * all vCPUs share the cache, and addresses are virtual.
 */
#ifndef STUBS_STEP_CACHE_H
#define STUBS_STEP_CACHE_H

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct step_cache_shape {
    uint64_t size; /* bytes */
    unsigned ways; /* lines in a set */
    unsigned line; /* bytes */
};

struct step_cache {
    uint64_t
        *lines; /* (ways) for each set, the most recently used first: line number + 1; 0: empty */
    uint64_t sets;
    unsigned ways;
    unsigned shift; /* from an address to the number of its line */
    uint64_t hits, misses;
};

/*
 * Parse (text): SIZE:WAYS:LINE, as in 32K:8:64. -EINVAL, with a sentence that begins with (owner).
 */
int step_cache_parse(struct step_cache_shape *shape, const char *text, const char *owner,
                     struct error *error);

/* Initialise an empty cache of a (shape) that was parsed. -ENOMEM. */
int step_cache_init(struct step_cache *cache, const struct step_cache_shape *shape);
void step_cache_free(struct step_cache *cache);

/* Access the line of (address), which is in the cache afterwards. True: it was before (a hit). */
bool step_cache_access(struct step_cache *cache, uint64_t address);

#endif
