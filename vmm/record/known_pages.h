/*
 * The guest memory that a replay of the recording will have at this point.
 *
 * A recorder uses it to leave out what the replay already knows. Memory starts as zeros; pages are kept
 * as they are set, up to KNOWN_PAGES_MAX. The content of further pages is not known, so they are
 * recorded at every read.
 */
#ifndef VMM_RECORD_KNOWN_PAGES_H
#define VMM_RECORD_KNOWN_PAGES_H

#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

#define KNOWN_PAGES_MAX 16384u /* 64 MiB */

struct known_pages;

/* Returns NULL if memory runs out. */
struct known_pages *known_pages_create(void);
void known_pages_destroy(struct known_pages *pages);

/*
 * True if the (length) bytes at (address) are known to be (bytes). They must not cross the end of a
 * page.
 */
bool known_pages_holds(const struct known_pages *pages, gpa_t address, const void *bytes,
                       uint64_t length);

/* Set the (length) bytes at (address), within one page. */
void known_pages_set(struct known_pages *pages, gpa_t address, const void *bytes, uint64_t length);

#endif
