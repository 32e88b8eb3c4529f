#include "vmm/core/machine_device.h"

#include "vmm/core/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appended: devices are reset and destroyed in order of creation. */
static void append(struct machine *machine, struct device *device)
{
    struct device **end = &machine->devices;

    while (*end)
        end = &(*end)->next;
    *end = device;
}

static void release(struct device *device)
{
    timer_list_remove(&device->machine->timers, device);
    free(device->property_text);
    free(device);
}

static void set_name(struct device *device)
{
    unsigned number = 0;

    for (const struct device *other = device->machine->devices; other; other = other->next)
        number += other->type == device->type;
    snprintf(device->name, sizeof(device->name), "%.20s.%u", device->type->name, number);
}

/* A replay opens no files: its stream has what was read and written. */
static void forget_files(struct device *device)
{
    const struct property *property = device->type->properties;

    for (; property->name && journal_replays(device->machine->journal); property++) {
        const char **field = (const char **)((char *)device + property->offset);

        if (property->kind == PROPERTY_FILE && *field)
            *field = "/dev/null";
    }
}

int device_create(struct machine *machine, const struct device_type *type, const char *text,
                  struct error *error)
{
    struct device *device = calloc(1, type->instance_size);
    char owner[64] = "device ";
    int result = 0;

    if (!device)
        return error_set(error, -ENOMEM, "device %s: out of memory", type->name);
    device->type = type;
    device->machine = machine;
    set_name(device);
    device->locked = type->locking == DEVICE_LOCKED && machine->config.vcpu_count > 1;
    if (text && !(device->property_text = strdup(text)))
        result = error_set(error, -ENOMEM, "device %s: out of memory", type->name);

    strncat(owner, type->name, sizeof(owner) - strlen(owner) - 1);
    if (result == 0)
        result = property_parse(type->properties, device, device->property_text, owner, error);
    if (result == 0) {
        forget_files(device);
        result = type->create(device, error);
    }
    if (result < 0) {
        bus_remove(&machine->bus[BUS_PIO], device);
        bus_remove(&machine->bus[BUS_MMIO], device);
        pci_detach(&machine->pci, device);
        release(device);
        return result;
    }
    append(machine, device);
    return 0;
}

int device_claim(struct device *device, const struct device_claim *claim, struct error *error)
{
    struct machine *machine = device->machine;
    const struct bus_region region = {
        .first = claim->base,
        .last = claim->base + claim->size - 1,
        .device = device,
        .index = claim->index,
        .widest = claim->widest,
        .registers = claim->registers,
        .whole = claim->whole,
        .name = claim->name,
    };

    if (claim->space == BUS_MMIO && memory_overlaps(&machine->memory, region.first, region.last))
        return error_set(error, -EBUSY,
                         "%s: RAM covers address 0x%llx; use less memory or move the device",
                         claim->name, (unsigned long long)region.first);
    return bus_add(&machine->bus[claim->space], &region, error);
}

int device_claim_all(struct device *device, const struct device_claim *claims, unsigned count,
                     struct error *error)
{
    int result = 0;

    for (unsigned i = 0; result == 0 && i < count; i++)
        result = device_claim(device, &claims[i], error);
    return result;
}

void device_reset(struct device *device)
{
    timer_list_cancel(&device->machine->timers, device);
    if (device->type->reset)
        device->type->reset(device);
}

void device_destroy(struct device *device)
{
    if (device->type->destroy)
        device->type->destroy(device);
    release(device);
}
