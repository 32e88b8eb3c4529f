#include "vmm/boot/firmware.h"

#include "guest/abi/boot.h"
#include "vmm/core/machine.h"

#include <errno.h>
#include <string.h>

#define ACPI_BASE BOOT_BIOS
#define MP_BASE   0xf0000u
#define MP_SIZE   (BOOT_BIOS_END - MP_BASE)
#define ACPI_SIZE (MP_BASE - ACPI_BASE)

/* At most 20 bytes of MP table for a processor that has a byte-wide id, at most 16 of ACPI. */
_Static_assert(FIRMWARE_CPUS_MAX * 16 + 4096 <= ACPI_SIZE, "ACPI tables outgrow their area");
_Static_assert(256 * 20 + 4096 <= MP_SIZE, "MP tables outgrow their area");

void *firmware_put(struct firmware_area *area, const void *bytes, size_t size)
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

int firmware_write(const struct machine *machine, struct error *error)
{
    struct firmware_area acpi = {
        .bytes = memory_at(&machine->memory, gpa(ACPI_BASE), ACPI_SIZE),
        .base = ACPI_BASE,
    };
    struct firmware_area mp = {
        .bytes = memory_at(&machine->memory, gpa(MP_BASE), MP_SIZE),
        .base = MP_BASE,
    };

    if (!acpi.bytes || !mp.bytes)
        return error_set(error, -EFAULT, "no RAM for the ACPI tables; give more memory with -m");
    if (machine->vcpu_count > FIRMWARE_CPUS_MAX)
        return error_set(error, -E2BIG, "--cpus %u: the ACPI tables have room for %u",
                         machine->vcpu_count, FIRMWARE_CPUS_MAX);
    firmware_write_acpi(&acpi, machine);
    if (machine->irqs.needed)
        firmware_write_mp(&mp, machine);
    return 0;
}
