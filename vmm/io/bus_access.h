/*
 * bus_access(), which carries out the accesses of vCPUs.
 *
 * It stands in a header so that it becomes a part of exit_handle(): processors forget between a guest and
 * its monitor where branches go, so each call and each return on the way of an exit costs more than
 * what is done there. What is rare is left to bus.c.
 */
#ifndef VMM_IO_BUS_ACCESS_H
#define VMM_IO_BUS_ACCESS_H

#include "vmm/io/bus.h"
#include "vmm/io/device.h"

/* The low (size) bytes, 1 to 8. */
static inline uint64_t bus_low_bytes(uint64_t value, unsigned size)
{
    return value & UINT64_MAX >> (64 - 8 * size);
}

/*
 * The index of the first region that ends at or behind (address); BUS_REGIONS - 1 if there is none and
 * the array is full. The same few instructions for any number of regions, and none of them a jump.
 */
static inline unsigned bus_region_from(const struct bus *bus, uint64_t address)
{
    unsigned at = 0;

#pragma GCC unroll 8
    for (unsigned step = BUS_REGIONS / 2; step > 0; step /= 2)
        at += bus->lasts[at + step - 1] < address ? step : 0;
    return at;
}

/* The array is frozen while vCPUs run, so what is found in it stays. */
static inline const struct bus_region *bus_find_fixed(const struct bus *bus, uint64_t address)
{
    const unsigned at = bus_region_from(bus, address);
    const struct bus_region *region = &bus->regions[at];

    if (at >= bus->region_count || region->first > address || region->last < address)
        return NULL;
    return region;
}

/* Is the cycle, which begins in (region), one op of its device? */
static inline bool bus_is_one_op(const struct bus_region *region, const struct bus_cycle *cycle)
{
    const bool natural = (cycle->size & (cycle->size - 1)) == 0;

    return cycle->size - 1 <= region->last - cycle->address &&
           (region->whole || (natural && cycle->size <= region->widest)) &&
           !(region->registers && cycle->no_registers);
}

/* One op of the device; the piece of (size) bytes, (at) bytes behind the cycle's start, lies in (region). */
static inline uint64_t bus_access_piece(const struct bus_region *region,
                                        const struct bus_cycle *cycle, unsigned at, unsigned size)
{
    const struct device_access access = {
        .region = region->index,
        .offset = cycle->address + at - region->first,
        .size = size,
        .vcpu = cycle->vcpu,
    };

    if (!cycle->write)
        return bus_low_bytes(device_read(region->device, &access), size);
    device_write(region->device, &access, bus_low_bytes(cycle->value >> (8 * at), size));
    return 0;
}

/* bus_access() of any cycle: also of those that are several ops, or none, and of moving regions. */
bool bus_access_any(struct bus *bus, struct bus_cycle *cycle);

/*
 * Carry out one access. The device's lock, if it has one, is held around its op. False: no device was
 * called, as one of them looks at registers and there are none (cycle->no_registers); the cycle is as if
 * nobody decoded it.
 */
static inline __attribute__((always_inline)) bool bus_access(struct bus *bus,
                                                             struct bus_cycle *cycle)
{
    const struct bus_region *region = bus_find_fixed(bus, cycle->address);
    uint64_t value;

    if (!region || !bus_is_one_op(region, cycle))
        return bus_access_any(bus, cycle);
    value = bus_access_piece(region, cycle, 0, cycle->size);
    if (!cycle->write)
        cycle->value = value;
    cycle->claimed = true;
    return true;
}

#endif
