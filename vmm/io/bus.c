#include "vmm/io/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const space_names[BUS_SPACES] = {
    [BUS_PIO] = "port",
    [BUS_MMIO] = "address",
};

static const uint64_t space_last[BUS_SPACES] = {
    [BUS_PIO] = BUS_PIO_LAST,
    [BUS_MMIO] = UINT64_MAX,
};

void bus_init(struct bus *bus, enum bus_space space)
{
    memset(bus, 0, sizeof(*bus));
    bus->space = space;
    memset(bus->lasts, 0xff, sizeof(bus->lasts));
    pthread_rwlock_init(&bus->moving_lock, NULL);
}

void bus_finish(struct bus *bus)
{
    pthread_rwlock_destroy(&bus->moving_lock);
}

static void list_lasts(struct bus *bus)
{
    for (unsigned at = 0; at < BUS_REGIONS; at++)
        bus->lasts[at] = at < bus->region_count ? bus->regions[at].last : UINT64_MAX;
}

int bus_add(struct bus *bus, const struct bus_region *region, struct error *error)
{
    const char *space = space_names[bus->space];
    unsigned at;

    if (region->last < region->first || region->last > space_last[bus->space])
        return error_set(error, -EINVAL,
                         "%s: %s range 0x%" PRIx64 "..0x%" PRIx64
                         " is empty or passes the end; give a lower %s",
                         region->name, space, region->first, region->last, space);
    if (bus->frozen || bus->region_count == BUS_REGIONS)
        return error_set(error, -ENOSPC, "%s: no room for another %s range; use fewer devices",
                         region->name, space);

    at = bus_region_from(bus, region->first);
    if (at < bus->region_count && bus->regions[at].first <= region->last)
        return error_set(error, -EBUSY,
                         "%s: %s range 0x%" PRIx64 "..0x%" PRIx64 " overlaps %s at 0x%" PRIx64
                         "..0x%" PRIx64 "; move one of them",
                         region->name, space, region->first, region->last, bus->regions[at].name,
                         bus->regions[at].first, bus->regions[at].last);

    memmove(&bus->regions[at + 1], &bus->regions[at],
            (bus->region_count - at) * sizeof(bus->regions[0]));
    bus->regions[at] = *region;
    bus->region_count++;
    list_lasts(bus);
    return 0;
}

void bus_remove(struct bus *bus, const struct device *device)
{
    unsigned kept = 0;

    for (unsigned at = 0; at < bus->region_count; at++)
        if (bus->regions[at].device != device)
            bus->regions[kept++] = bus->regions[at];
    bus->region_count = kept;
    list_lasts(bus);
}

void bus_freeze(struct bus *bus)
{
    bus->frozen = true;
}

void bus_move(struct bus *bus, unsigned key, const struct bus_region *region)
{
    unsigned end;

    pthread_rwlock_wrlock(&bus->moving_lock);
    bus->moving[key] = region ? *region : (struct bus_region){0};
    for (end = BUS_MOVING; end > 0 && !bus->moving[end - 1].device; end--)
        ;
    atomic_store(&bus->moving_end, end);
    pthread_rwlock_unlock(&bus->moving_lock);
}

/* A copy, which stays valid when the region moves: an access that has begun is completed. */
static bool find_moving(const struct bus *bus, uint64_t address, struct bus_region *found)
{
    unsigned end = atomic_load_explicit(&bus->moving_end, memory_order_relaxed);

    for (unsigned key = 0; key < end; key++) {
        const struct bus_region *region = &bus->moving[key];

        if (region->device && address >= region->first && address <= region->last) {
            *found = *region;
            return true;
        }
    }
    return false;
}

/* Lock the moving regions, unless there are none or only one vCPU. */
static bool moving_hold(struct bus *bus)
{
    if (bus->alone || atomic_load_explicit(&bus->moving_end, memory_order_relaxed) == 0)
        return false;
    pthread_rwlock_rdlock(&bus->moving_lock);
    return true;
}

static void moving_release(struct bus *bus, bool held)
{
    if (held)
        pthread_rwlock_unlock(&bus->moving_lock);
}

static bool find_held(const struct bus *bus, bool held, uint64_t address, struct bus_region *found)
{
    const struct bus_region *region = bus_find_fixed(bus, address);

    if (region)
        *found = *region;
    return region || ((held || bus->alone) && find_moving(bus, address, found));
}

bool bus_find(struct bus *bus, uint64_t address, struct bus_region *found)
{
    const bool held = moving_hold(bus);
    const bool is_found = find_held(bus, held, address, found);

    moving_release(bus, held);
    return is_found;
}

#define CYCLE_BYTES 8

/*
 * Find the decoder of a cycle: one region for all bytes (true), or one for each byte; a region
 * without a device decodes nothing. All bytes are looked up under one lock, so a region's move
 * comes before or after the whole access.
 */
static bool decode(struct bus *bus, const struct bus_cycle *cycle,
                   struct bus_region regions[CYCLE_BYTES])
{
    const bool held = moving_hold(bus);
    const bool alone =
        find_held(bus, held, cycle->address, regions) && bus_serves_alone(regions, cycle, true);

    for (unsigned at = 0; !alone && at < cycle->size; at++)
        if (!find_held(bus, held, cycle->address + at, &regions[at]))
            regions[at].device = NULL;
    moving_release(bus, held);
    return alone;
}

static void access_region(const struct bus_region *region, struct bus_cycle *cycle)
{
    unsigned size = cycle->size;
    uint64_t value = 0;

    if (!region->whole && size > region->widest)
        size = region->widest;
    for (unsigned at = 0; at < cycle->size; at += size)
        value |= bus_access_piece(region, cycle, at, size) << (8 * at);
    if (!cycle->write)
        cycle->value = value;
    cycle->claimed = true;
}

/* Complete the cycle as if no device decoded it. */
static bool refuse(struct bus_cycle *cycle)
{
    if (!cycle->write)
        cycle->value = bus_low_bytes(UINT64_MAX, cycle->size);
    return false;
}

/* Byte by byte: each byte has its own decoder; a byte without one reads as ones. */
static void access_bytes(const struct bus_region *regions, struct bus_cycle *cycle)
{
    uint64_t value = 0;

    for (unsigned at = 0; at < cycle->size; at++) {
        uint64_t byte = 0xff;

        if (regions[at].device) {
            byte = bus_access_piece(&regions[at], cycle, at, 1);
            cycle->claimed = true;
        }
        value |= byte << (8 * at);
    }
    if (!cycle->write)
        cycle->value = value;
}

__attribute__((flatten)) bool bus_access_any(struct bus *bus, struct bus_cycle *cycle)
{
    struct bus_region regions[CYCLE_BYTES];

    cycle->claimed = false;
    if (decode(bus, cycle, regions)) {
        if (bus_lacks_registers(&regions[0], cycle))
            return refuse(cycle);
        access_region(&regions[0], cycle);
        return true;
    }
    for (unsigned at = 0; at < cycle->size; at++)
        if (regions[at].device && bus_lacks_registers(&regions[at], cycle))
            return refuse(cycle);
    access_bytes(regions, cycle);
    return true;
}
