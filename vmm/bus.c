#include "vmm/bus.h"

#include "vmm/device.h"

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
    pthread_rwlock_init(&bus->moving_lock, NULL);
}

void bus_destroy(struct bus *bus)
{
    pthread_rwlock_destroy(&bus->moving_lock);
}

/* The index of the first region that ends at or behind (address). */
static unsigned region_from(const struct bus *bus, uint64_t address)
{
    unsigned low = 0;
    unsigned high = bus->region_count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (bus->regions[middle].last < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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

    at = region_from(bus, region->first);
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
    return 0;
}

void bus_remove(struct bus *bus, const struct device *device)
{
    unsigned kept = 0;

    for (unsigned at = 0; at < bus->region_count; at++)
        if (bus->regions[at].device != device)
            bus->regions[kept++] = bus->regions[at];
    bus->region_count = kept;
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

/* The copy stays good when the region moves away: an access that has begun is carried out. */
static bool find_moving(struct bus *bus, uint64_t address, struct bus_region *found)
{
    unsigned end = atomic_load_explicit(&bus->moving_end, memory_order_relaxed);
    bool is_found = false;

    if (end == 0)
        return false;
    pthread_rwlock_rdlock(&bus->moving_lock);
    for (unsigned key = 0; key < end && !is_found; key++) {
        const struct bus_region *region = &bus->moving[key];

        is_found = region->device && address >= region->first && address <= region->last;
        if (is_found)
            *found = *region;
    }
    pthread_rwlock_unlock(&bus->moving_lock);
    return is_found;
}

bool bus_find(struct bus *bus, uint64_t address, struct bus_region *found)
{
    unsigned at = region_from(bus, address);

    if (at == bus->region_count || bus->regions[at].first > address)
        return find_moving(bus, address, found);
    *found = bus->regions[at];
    return true;
}

static uint64_t low_bytes(uint64_t value, unsigned size)
{
    return size >= 8 ? value : value & ((1ULL << (8 * size)) - 1);
}

static bool size_is_natural(unsigned size)
{
    return (size & (size - 1)) == 0;
}

/* Is the cycle one that (region) serves by itself? It begins in the region. */
static bool serves_alone(const struct bus_region *region, const struct bus_cycle *cycle)
{
    return cycle->size - 1 <= region->last - cycle->address &&
           (region->whole || size_is_natural(cycle->size));
}

/* One op of the device; the piece lies inside (region). */
static uint64_t access_piece(const struct bus_region *region, const struct bus_cycle *cycle,
                             unsigned at, unsigned size)
{
    const struct device_access access = {
        .region = region->index,
        .offset = cycle->address + at - region->first,
        .size = size,
        .vcpu = cycle->vcpu,
    };

    if (!cycle->write)
        return low_bytes(device_read(region->device, &access), size);
    device_write(region->device, &access, low_bytes(cycle->value >> (8 * at), size));
    return 0;
}

static void access_region(const struct bus_region *region, struct bus_cycle *cycle)
{
    unsigned size = cycle->size;
    uint64_t value = 0;

    if (!region->whole && size > region->widest)
        size = region->widest;
    for (unsigned at = 0; at < cycle->size; at += size)
        value |= access_piece(region, cycle, at, size) << (8 * at);
    if (!cycle->write)
        cycle->value = value;
    cycle->claimed = true;
}

/* Byte by byte: each byte has its own decoder, and one without reads as ones. */
static void access_bytes(struct bus *bus, struct bus_cycle *cycle)
{
    uint64_t value = 0;

    for (unsigned at = 0; at < cycle->size; at++) {
        struct bus_region region;
        uint64_t byte = 0xff;

        if (bus_find(bus, cycle->address + at, &region)) {
            byte = access_piece(&region, cycle, at, 1);
            cycle->claimed = true;
        }
        value |= byte << (8 * at);
    }
    if (!cycle->write)
        cycle->value = value;
}

bool bus_needs_registers(struct bus *bus, const struct bus_cycle *cycle)
{
    for (unsigned at = 0; at < cycle->size; at++) {
        struct bus_region region;

        if (!bus_find(bus, cycle->address + at, &region))
            continue;
        if (region.registers)
            return true;
        if (at == 0 && serves_alone(&region, cycle))
            return false;
    }
    return false;
}

void bus_access(struct bus *bus, struct bus_cycle *cycle)
{
    struct bus_region region;

    cycle->claimed = false;
    if (bus_find(bus, cycle->address, &region) && serves_alone(&region, cycle))
        access_region(&region, cycle);
    else
        access_bytes(bus, cycle);
}
