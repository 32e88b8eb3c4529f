#include "vmm/record/known_pages.h"

#include <stdlib.h>
#include <string.h>

#define PLACES (2 * KNOWN_PAGES_MAX) /* a power of two; half of them stay free, so a search ends */

struct place {
    uint64_t page;  /* number */
    uint8_t *bytes; /* NULL: the place is free */
};

struct known_pages {
    struct place places[PLACES];
    unsigned count;
    bool full; /* something was not kept: a page that is not here may hold anything */
};

struct known_pages *known_pages_create(void)
{
    return calloc(1, sizeof(struct known_pages));
}

void known_pages_destroy(struct known_pages *shadow)
{
    if (!shadow)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        free(shadow->places[i].bytes);
    free(shadow);
}

/* Where the page is, or the free place where it would be. */
static unsigned place_of(const struct known_pages *shadow, uint64_t page)
{
    /* Multiplication by 2^64 over the golden ratio spreads neighbours; Knuth, volume 3, 6.4. */
    unsigned at = (unsigned)(page * 0x9e3779b97f4a7c15ull >> 40) % PLACES;

    while (shadow->places[at].bytes && shadow->places[at].page != page)
        at = (at + 1) % PLACES;
    return at;
}

static bool is_zero(const uint8_t *bytes, uint64_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

bool known_pages_holds(const struct known_pages *shadow, gpa_t address, const void *bytes,
                       uint64_t length)
{
    const struct place *place = &shadow->places[place_of(shadow, address.value / PAGE_SIZE)];

    if (!place->bytes)
        return !shadow->full && is_zero(bytes, length);
    return memcmp(place->bytes + (address.value & PAGE_MASK), bytes, length) == 0;
}

void known_pages_set(struct known_pages *shadow, gpa_t address, const void *bytes, uint64_t length)
{
    struct place *place = &shadow->places[place_of(shadow, address.value / PAGE_SIZE)];

    if (!place->bytes && shadow->count < KNOWN_PAGES_MAX && !shadow->full) {
        place->bytes = calloc(1, PAGE_SIZE);
        place->page = address.value / PAGE_SIZE;
        shadow->count += place->bytes != NULL;
    }
    if (place->bytes)
        memcpy(place->bytes + (address.value & PAGE_MASK), bytes, length);
    else
        shadow->full = true;
}
