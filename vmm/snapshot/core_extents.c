#include "vmm/snapshot/core_extents.h"

void core_extents_begin(struct core_extents *extents, const struct memory *memory)
{
    extents->memory = memory;
    extents->gap = CORE_EXTENTS_GAP;
    extents->count = 0;
}

/* Let (extent) reach to the end of the run, if that is near and in the same slot. */
static bool join(const struct core_extents *extents, struct memory_extent *extent, gpa_t address,
                 uint64_t size)
{
    const uint64_t distance = address.value - extent->address.value;

    if (distance - extent->size > extents->gap ||
        !memory_at(extents->memory, extent->address, distance + size))
        return false;
    extent->size = distance + size;
    return true;
}

static void widen_gap(struct core_extents *extents)
{
    unsigned last = 0;

    extents->gap *= 2;
    for (unsigned i = 1; i < extents->count; i++) {
        const struct memory_extent *next = &extents->list[i];

        if (!join(extents, &extents->list[last], next->address, next->size))
            extents->list[++last] = *next;
    }
    extents->count = last + 1;
}

/* This ends: with a gap as wide as a slot there is one extent for each slot, and slots are few. */
void core_extents_add(struct core_extents *extents, gpa_t address, uint64_t size)
{
    while (extents->count == 0 ||
           !join(extents, &extents->list[extents->count - 1], address, size)) {
        if (extents->count < CORE_EXTENTS) {
            extents->list[extents->count++] = (struct memory_extent){address, size, 0};
            return;
        }
        widen_gap(extents);
    }
}

uint64_t core_extents_place(struct core_extents *extents, uint64_t offset)
{
    for (unsigned i = 0; i < extents->count; i++) {
        extents->list[i].offset = offset;
        offset += extents->list[i].size;
    }
    return offset;
}
