/*
 * The owner's devices: each region is a device that is in no list; it has no properties and no
 * state, and checkpoints do not contain it.
 */
#include "api/region.h"

#include "api/access.h"

#include "vmm/core/callback.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The lock is the usual one: DEVICE_LOCKED. The index of a region is its number. */
static uint64_t region_read(struct device *device, const struct device_access *access)
{
    const struct minivmm_region *region = &machine_handle(device->machine)->regions[access->region];
    const struct minivmm_access told = {.vcpu = vcpu_handle(access->vcpu),
                                        .offset = access->offset,
                                        .size = access->size};
    uint64_t value;
    bool before;

    if (!region->read)
        return UINT64_MAX;
    before = callback_enter(access->vcpu, region->registers);
    value = region->read(region->opaque, &told);
    callback_leave(access->vcpu, before);
    return value;
}

static void region_write(struct device *device, const struct device_access *access, uint64_t value)
{
    const struct minivmm_region *region = &machine_handle(device->machine)->regions[access->region];
    const struct minivmm_access told = {.vcpu = vcpu_handle(access->vcpu),
                                        .offset = access->offset,
                                        .size = access->size};
    bool before;

    if (!region->write)
        return;
    before = callback_enter(access->vcpu, region->registers);
    region->write(region->opaque, &told, value);
    callback_leave(access->vcpu, before);
}

static const struct device_type region_type = {
    .name = "region",
    .help = "a device of the owner's",
    .instance_size = sizeof(struct device),
    .locking = DEVICE_LOCKED,
    .read = region_read,
    .write = region_write,
};

static int check_region(const struct minivmm_machine *machine, const struct minivmm_region *region,
                        struct minivmm_error *error)
{
    if (!region->name || !*region->name)
        return api_refuse(error, -EINVAL, "a region has no name; give it one");
    if (atomic_load(&machine->state) != HANDLE_CREATED)
        return api_refuse(error, -EINVAL,
                          "region %.100s: the machine is loaded; add regions before minivmm_load()",
                          region->name);
    if (region->space != MINIVMM_PORTS && region->space != MINIVMM_MEMORY)
        return api_refuse(error, -EINVAL,
                          "region %.100s: there is no such space; give MINIVMM_PORTS or "
                          "MINIVMM_MEMORY",
                          region->name);
    if (region->size == 0)
        return api_refuse(error, -EINVAL, "region %.100s is empty; give it a size", region->name);
    if (region->widest > 8 || region->widest & (region->widest - 1))
        return api_refuse(error, -EINVAL,
                          "region %.100s: widest is %u; give 1, 2, 4 or 8 bytes, or 0",
                          region->name, region->widest);
    if (machine->region_count == HANDLE_REGIONS)
        return api_refuse(error, -ENOSPC, "region %.100s: more than %d; use fewer", region->name,
                          HANDLE_REGIONS);
    return 0;
}

int minivmm_add_region(struct minivmm_machine *machine, const struct minivmm_region *region,
                       struct minivmm_error *error)
{
    int result = check_region(machine, region, error);
    char *name;

    if (result < 0)
        return result;
    name = strdup(region->name);
    if (!name)
        return api_refuse(error, -ENOMEM, "region %.100s: out of memory", region->name);
    machine->regions[machine->region_count] = *region;
    machine->regions[machine->region_count++].name = name;
    return 0;
}

static int make_region(struct minivmm_machine *machine, unsigned number, struct error *error)
{
    const struct minivmm_region *region = &machine->regions[number];
    struct device *device = &machine->region_devices[number];
    const bool in_memory = region->space == MINIVMM_MEMORY;
    const struct device_claim claim = {
        .space = in_memory ? BUS_MMIO : BUS_PIO,
        .index = number,
        .base = region->base,
        .size = region->size,
        .widest = region->widest ? region->widest
                  : in_memory    ? 8
                                 : 4,
        .registers = region->registers,
        .name = region->name,
    };

    device->type = &region_type;
    device->machine = &machine->machine;
    device->locked = machine->machine.vcpu_count > 1;
    strcpy(device->name, region_type.name);
    return device_claim(device, &claim, error);
}

/* In each boot the owner's lines start low. */
static void connect_lines(struct minivmm_machine *machine)
{
    for (unsigned gsi = 0; gsi < IRQ_GSIS; gsi++)
        irq_connect(&machine->machine.irqs, &machine->lines[gsi], gsi, false, NULL);
}

int region_make_all(struct minivmm_machine *machine, struct error *error)
{
    int result = 0;

    connect_lines(machine);
    for (unsigned i = 0; result == 0 && i < machine->region_count; i++)
        result = make_region(machine, i, error);
    return result;
}

static int set_line(struct minivmm_machine *machine, unsigned gsi, bool level,
                    struct minivmm_error *error)
{
    if (!machine->wired)
        return api_refuse(error, -EINVAL, "nothing is loaded; call minivmm_load() first");
    if (!machine->machine.irqs.needed)
        return api_refuse(error, -EINVAL,
                          "the machine has no interrupt controllers; set irqchip in its config");
    if (machine->machine.journal)
        return api_refuse(error, -EINVAL,
                          "a machine that is recorded has no interrupts of its owner's; leave out "
                          "record");
    if (gsi >= IRQ_GSIS)
        return api_refuse(error, -EINVAL, "there is no interrupt %u; give one below %u", gsi,
                          IRQ_GSIS);
    irq_set(&machine->lines[gsi], level);
    return 0;
}

int minivmm_set_interrupt(struct minivmm_machine *machine, unsigned gsi, bool level,
                          struct minivmm_error *error)
{
    int result;

    pthread_rwlock_rdlock(&machine->lock);
    pthread_mutex_lock(&machine->owner_lock);
    result = set_line(machine, gsi, level, error);
    pthread_mutex_unlock(&machine->owner_lock);
    pthread_rwlock_unlock(&machine->lock);
    return result;
}
