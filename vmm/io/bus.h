/*
 * An address space: which device decodes (address, length).
 *
 * There are two address spaces, port I/O and memory-mapped I/O, with the same rules. Regions are
 * added while the machine is made; overlap, size 0 and wrap-around are refused. bus_freeze() ends
 * that, before the first vCPU runs: from then on the array is read by all vCPUs without a lock.
 *
 * Other regions are added, moved and removed while vCPUs run: PCI BARs. Where they overlap fixed
 * regions, the fixed ones decode.
 *
 * Rules of an access:
 * - wholly inside one region: the device gets it, in pieces of the region's widest access; a region
 *   with (whole) gets it undivided;
 * - across an edge, or of 3, 5, 6 or 7 bytes (what KVM makes of an access across a page): it is
 *   split into bytes, each with its own decoder, as an 8-bit bus would;
 * - where no device decodes, reads return ones and writes are dropped; cycle->claimed is then
 *   false;
 * - all its bytes see every moving region at the same place, the old or the new one.
 *
 * bus_access() is in this header so that it is inlined into exit_handle(): branch predictors are
 * flushed on the way into the guest and out, so calls and indirect jumps cost more there than
 * elsewhere. Rare cases are in bus.c.
 */
#ifndef VMM_IO_BUS_H
#define VMM_IO_BUS_H

#include "vmm/base/error.h"
#include "vmm/io/device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum bus_space { BUS_PIO, BUS_MMIO, BUS_SPACES };

#define BUS_REGIONS  64  /* a power of two */
#define BUS_MOVING   192 /* keys: 32 PCI slots with 6 BARs each */
#define BUS_PIO_LAST 0xffffULL

struct bus_region {
    uint64_t first, last; /* inclusive */
    struct device *device;
    unsigned index;   /* the device's own number of this region */
    unsigned widest;  /* the widest access that the device accepts: 1, 2, 4 or 8 bytes */
    bool registers;   /* the device reads the calling vCPU's registers */
    bool whole;       /* an access is one event: never split, whatever its size */
    const char *name; /* static text for statistics: "serial", "ptlcall trigger" */
};

struct bus {
    enum bus_space space;
    bool frozen;
    unsigned region_count;
    uint64_t lasts[BUS_REGIONS]; /* of the regions, for the search; unused elements are all ones */
    struct bus_region regions[BUS_REGIONS]; /* sorted by first */

    /* The moving regions, by key: a key whose (device) is NULL has no region. */
    bool alone; /* there is one vCPU, so moves never race with a search: no lock */
    pthread_rwlock_t moving_lock;
    atomic_uint moving_end; /* no key from here on is in use */
    struct bus_region moving[BUS_MOVING];
};

/* One access of a vCPU. */
struct bus_cycle {
    uint64_t address;
    uint64_t value; /* IN for a write, OUT for a read: the low (size) bytes, rest 0 */
    unsigned size;  /* 1 to 8 */
    bool write;
    bool no_registers; /* the vCPU's registers were not fetched */
    bool claimed;      /* OUT: a device decoded at least one byte */
    struct vcpu *vcpu; /* the caller; NULL in tests of devices that do not use it */
};

void bus_init(struct bus *bus, enum bus_space space);
void bus_finish(struct bus *bus);

/* -EBUSY: overlap (both devices are named), -EINVAL: empty, wraps or past the end, -ENOSPC. */
int bus_add(struct bus *bus, const struct bus_region *region, struct error *error);

/* Remove all regions of (device), whose creation failed. */
void bus_remove(struct bus *bus, const struct device *device);
void bus_freeze(struct bus *bus);

/*
 * Set the region with (key), below BUS_MOVING, to (region), or remove it if that is NULL. At any
 * time, from any thread. Where two of these overlap, the lower key decodes.
 */
void bus_move(struct bus *bus, unsigned key, const struct bus_region *region);

/* Copy the region that decodes (address) to *found. False: no region does. */
bool bus_find(struct bus *bus, uint64_t address, struct bus_region *found);

/* The low (size) bytes, 1 to 8. */
static inline uint64_t bus_low_bytes(uint64_t value, unsigned size)
{
    return value & UINT64_MAX >> (64 - 8 * size);
}

/*
 * The index of the first region that ends at or after (address); BUS_REGIONS - 1 if no region does
 * and the array is full. Takes the same few instructions, without a jump, for any number of
 * regions.
 */
static inline unsigned bus_region_from(const struct bus *bus, uint64_t address)
{
    unsigned at = 0;

#pragma GCC unroll 8
    for (unsigned step = BUS_REGIONS / 2; step > 0; step /= 2)
        at += bus->lasts[at + step - 1] < address ? step : 0;
    return at;
}

/* The result stays valid: the array is frozen while vCPUs run. */
static inline const struct bus_region *bus_find_fixed(const struct bus *bus, uint64_t address)
{
    const unsigned at = bus_region_from(bus, address);
    const struct bus_region *region = &bus->regions[at];

    if (at >= bus->region_count || region->first > address || region->last < address)
        return NULL;
    return region;
}

/*
 * Is the whole cycle, which begins in (region), served by it? (split): also if it takes several
 * ops.
 */
static inline bool bus_serves_alone(const struct bus_region *region, const struct bus_cycle *cycle,
                                    bool split)
{
    const bool natural = (cycle->size & (cycle->size - 1)) == 0;

    return cycle->size - 1 <= region->last - cycle->address &&
           (region->whole || (natural && (split || cycle->size <= region->widest)));
}

/* Does (region) need registers that were not fetched? */
static inline bool bus_lacks_registers(const struct bus_region *region,
                                       const struct bus_cycle *cycle)
{
    return region->registers && cycle->no_registers;
}

/* Is the cycle, which begins in (region), one op of its device? */
static inline bool bus_is_one_op(const struct bus_region *region, const struct bus_cycle *cycle)
{
    return bus_serves_alone(region, cycle, false) && !bus_lacks_registers(region, cycle);
}

/*
 * One op of the device, for the piece of (size) bytes at offset (at) of the cycle, which lies in
 * (region).
 */
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

/* bus_access() for every cycle: also for several ops, for no op, and for moving regions. */
bool bus_access_any(struct bus *bus, struct bus_cycle *cycle);

/*
 * Make one access. The device's lock, if it has one, is held around its op. False: a device needs
 * registers that were not fetched (cycle->no_registers); then no device was called, and the cycle
 * is as if no device decoded it.
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
