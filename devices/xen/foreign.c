#include "devices/xen/foreign.h"

#include "vmm/core/x86.h"

#include <errno.h>

void foreign_init(struct foreign *foreign, struct machine *machine)
{
    *foreign = (struct foreign){.machine = machine};
    pthread_mutex_init(&foreign->lock, NULL);
}

void foreign_finish(struct foreign *foreign)
{
    pthread_mutex_destroy(&foreign->lock);
}

static bool region_overlaps(const struct bus_region *region, uint64_t first, uint64_t last)
{
    return region->first <= last && region->last >= first;
}

/* KVM handles accesses to its memory slots itself, so a device behind one would not be reached. */
static bool is_decoded(struct bus *bus, uint64_t first, uint64_t last)
{
    bool found = false;

    for (unsigned i = 0; !found && i < bus->region_count; i++)
        found = region_overlaps(&bus->regions[i], first, last);
    pthread_rwlock_rdlock(&bus->moving_lock);
    for (unsigned i = 0; !found && i < atomic_load(&bus->moving_end); i++)
        found = bus->moving[i].device && region_overlaps(&bus->moving[i], first, last);
    pthread_rwlock_unlock(&bus->moving_lock);
    return found;
}

static bool is_free(struct machine *machine, uint64_t address)
{
    const uint64_t last = address + (PAGE_SIZE - 1);

    return !memory_overlaps(&machine->memory, address, last) && address != X86_IOAPIC &&
           address != X86_LOCAL_APIC && !is_decoded(&machine->bus[BUS_MMIO], address, last);
}

/* The index of the page at (address), or -ENOENT; the lock is held. */
static int find_page(const struct foreign *foreign, uint64_t address)
{
    for (int i = 0; i < (int)FOREIGN_PAGES; i++)
        if (foreign->pages[i].used && foreign->pages[i].address == address)
            return i;
    return -ENOENT;
}

/* An unused index for which KVM has a slot, or -ENOSPC; the lock is held. */
static int find_room(const struct foreign *foreign)
{
    for (int i = 0; i < (int)FOREIGN_PAGES; i++)
        if (!foreign->pages[i].used && MEMORY_SLOTS + (unsigned)i < foreign->machine->kvm.slots_max)
            return i;
    return -ENOSPC;
}

static int add_page(struct foreign *foreign, uint64_t address, void *host, bool readonly)
{
    const struct memory_slot slot = {.base = gpa(address), .size = PAGE_SIZE, .host = host};
    const int index = find_room(foreign);
    int result;

    if (index < 0)
        return index;
    if (find_page(foreign, address) >= 0 || !is_free(foreign->machine, address))
        return -EBUSY;
    result = (readonly ? kvm_set_readonly_memory : kvm_set_memory)(&foreign->machine->kvm,
                                                                   MEMORY_SLOTS + (unsigned)index,
                                                                   &slot, NULL);
    if (result < 0)
        return result;
    foreign->pages[index].used = true;
    foreign->pages[index].address = address;
    return 0;
}

static int remove_page(struct foreign *foreign, uint64_t address)
{
    const int index = find_page(foreign, address);
    int result;

    if (index < 0)
        return index;
    result = kvm_delete_memory(&foreign->machine->kvm, MEMORY_SLOTS + (unsigned)index, NULL);
    if (result == 0)
        foreign->pages[index].used = false;
    return result;
}

int foreign_map(void *opaque, uint64_t address, void *host, bool readonly)
{
    struct foreign *foreign = opaque;
    int result;

    if (address & PAGE_MASK)
        return -EINVAL;
    pthread_mutex_lock(&foreign->lock);
    result = host ? add_page(foreign, address, host, readonly) : remove_page(foreign, address);
    pthread_mutex_unlock(&foreign->lock);
    return result;
}
