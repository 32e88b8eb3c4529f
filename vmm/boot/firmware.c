#include "vmm/boot/firmware.h"

#include "vmm/core/machine.h"

#include <string.h>

void *firmware_append(struct firmware_area *area, const void *bytes, size_t size)
{
    void *place = area->bytes + area->used;

    memcpy(place, bytes, size);
    area->used += size;
    return place;
}

void firmware_align(struct firmware_area *area)
{
    area->used = (area->used + 15) & ~(size_t)15;
}

uint64_t firmware_gpa(const struct firmware_area *area, const void *table)
{
    return area->base + (uint64_t)((const uint8_t *)table - area->bytes);
}

uint8_t firmware_checksum(const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + byte[i]);
    return (uint8_t)-sum;
}

bool firmware_is_pci_interrupt(const struct machine *machine, unsigned gsi)
{
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        const struct pci_device *pci = machine->pci.slots[slot];

        if (pci && pci->identity->interrupts && pci->intx.gsi == gsi)
            return true;
    }
    return false;
}
