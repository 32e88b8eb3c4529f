/*
 * What the memory of a replay will hold: so that a recording has only what is news to it.
 *
 * It begins as zeros. Pages are kept as they are told, up to KNOWN_PAGES_MAX; of the rest nothing is
 * known, and all is news.
 */
#ifndef VMM_RECORD_KNOWN_PAGES_H
#define VMM_RECORD_KNOWN_PAGES_H

#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

#define KNOWN_PAGES_MAX 16384u /* 64 MiB */

struct known_pages;

/* NULL: out of memory. */
struct known_pages *known_pages_create(void);
void known_pages_destroy(struct known_pages *shadow);

/* Are the (length) bytes at (address), all of one page, (bytes)? False also where it is not known. */
bool known_pages_holds(const struct known_pages *shadow, gpa_t address, const void *bytes,
                       uint64_t length);

/* They are, from now on. */
void known_pages_set(struct known_pages *shadow, gpa_t address, const void *bytes, uint64_t length);

#endif
