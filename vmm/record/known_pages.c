#include "vmm/record/known_pages.h"

#include <stdlib.h>
#include <string.h>

#define PLACES                                                                                     \
    (2 * KNOWN_PAGES_MAX) /* a power of two; at least half of them are free, so every search ends */

struct place {
    uint64_t page;  /* address / PAGE_SIZE */
    uint8_t *bytes; /* NULL: the place is free */
};

struct known_pages {
    struct place places[PLACES];
    unsigned count;
    bool full; /* a page was not kept: the content of pages without a place is not known */
};

struct known_pages *known_pages_create(void)
{
    return calloc(1, sizeof(struct known_pages));
}

void known_pages_destroy(struct known_pages *pages)
{
    if (!pages)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        free(pages->places[i].bytes);
    free(pages);
}

/* Returns the index of the place of the page, or of the free place for it. */
static unsigned place_of(const struct known_pages *pages, uint64_t page)
{
    /* Multiplication by 2^64 / golden ratio spreads neighbouring pages: Knuth, volume 3, 6.4. */
    unsigned at = (unsigned)(page * 0x9e3779b97f4a7c15ull >> 40) % PLACES;

    while (pages->places[at].bytes && pages->places[at].page != page)
        at = (at + 1) % PLACES;
    return at;
}

static bool is_zero(const uint8_t *bytes, uint64_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

bool known_pages_holds(const struct known_pages *pages, gpa_t address, const void *bytes,
                       uint64_t length)
{
    const struct place *place = &pages->places[place_of(pages, address.value / PAGE_SIZE)];

    if (!place->bytes)
        return !pages->full && is_zero(bytes, length);
    return memcmp(place->bytes + (address.value & PAGE_MASK), bytes, length) == 0;
}

void known_pages_set(struct known_pages *pages, gpa_t address, const void *bytes, uint64_t length)
{
    struct place *place = &pages->places[place_of(pages, address.value / PAGE_SIZE)];

    if (!place->bytes && pages->count < KNOWN_PAGES_MAX && !pages->full) {
        place->bytes = calloc(1, PAGE_SIZE);
        place->page = address.value / PAGE_SIZE;
        pages->count += place->bytes != NULL;
    }
    if (place->bytes)
        memcpy(place->bytes + (address.value & PAGE_MASK), bytes, length);
    else
        pages->full = true;
}
