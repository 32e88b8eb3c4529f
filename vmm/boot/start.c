#include "vmm/boot/start.h"

#include "guest/abi/boot.h"
#include "vmm/boot/firmware_acpi.h"
#include "vmm/boot/firmware_mp.h"
#include "vmm/core/vcpu.h"

#include <errno.h>

#define HIGH_DEVICES 2 /* GiBs above 4 GiB that the start page tables map for devices */

#define ACPI_BASE BOOT_BIOS
#define MP_BASE   0xf0000u
#define MP_SIZE   (BOOT_BIOS_END - MP_BASE)
#define ACPI_SIZE (MP_BASE - ACPI_BASE)

/* At most 20 bytes of MP table for a processor that has a byte-wide id, at most 16 of ACPI. */
_Static_assert(FIRMWARE_CPUS_MAX * 16 + 4096 <= ACPI_SIZE, "ACPI tables outgrow their area");
_Static_assert(256 * 20 + 4096 <= MP_SIZE, "MP tables outgrow their area");

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

/* The addresses of devices above 4 GiB, whose GiBs the start page tables must map. */
static unsigned high_devices(const struct machine *machine, uint64_t *addresses, unsigned room)
{
    const struct bus *bus = &machine->bus[BUS_MMIO];
    unsigned count = 0;

    for (unsigned i = 0; i < bus->region_count && count < room; i++)
        if (bus->regions[i].first >= 4 * GIB)
            addresses[count++] = bus->regions[i].first;
    return count;
}

int machine_set_start(struct machine *machine, const struct x86_start *start, struct error *error)
{
    uint64_t devices[HIGH_DEVICES];
    uint64_t root = 0;
    int result = x86_write_gdt(&machine->memory, error);

    if (result == 0)
        result = firmware_write(machine, error);
    if (result == 0 && start->mode == X86_LONG)
        result = x86_write_page_tables(&machine->memory, devices,
                                       high_devices(machine, devices, HIGH_DEVICES), &root, error);
    if (result == 0)
        result = vcpu_set_start(&machine->vcpus[0], start, root, error);
    return result;
}
