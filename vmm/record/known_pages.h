/*
 * What the memory of a replay will hold: so that a recording has only what is news to it.
 *
 * It begins as zeros. Pages are kept as they are told, up to SHADOW_PAGES; of the rest nothing is
 * known, and all is news.
 */
#ifndef VMM_SHADOW_H
#define VMM_SHADOW_H

#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

#define SHADOW_PAGES 16384u /* 64 MiB */

struct shadow;

/* NULL: out of memory. */
struct shadow *shadow_create(void);
void shadow_destroy(struct shadow *shadow);

/* Are the (length) bytes at (address), all of one page, (bytes)? False also where it is not known. */
bool shadow_holds(const struct shadow *shadow, gpa_t address, const void *bytes, uint64_t length);

/* They are, from now on. */
void shadow_set(struct shadow *shadow, gpa_t address, const void *bytes, uint64_t length);

#endif
