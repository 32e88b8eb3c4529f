/*
 * What the firmware of a PC leaves in memory: the tables by which a guest finds its CPUs and
 * interrupt controllers, in BOOT_BIOS..BOOT_BIOS_END.
 *
 * ACPI Specification 6.5, chapter 5, in the lower half of that area; Intel MultiProcessor
 * Specification 1.4, chapter 4, in the upper one, where it is looked for.
 */
#ifndef VMM_BOOT_FIRMWARE_H
#define VMM_BOOT_FIRMWARE_H

#include "vmm/base/error.h"
#include "vmm/core/x86_bits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIRMWARE_CPUS_MAX 2048u /* with room to spare */

#define FIRMWARE_LOCAL_APIC X86_LOCAL_APIC
#define FIRMWARE_IOAPIC     X86_IOAPIC
#define FIRMWARE_IOAPIC_ID  0u /* what the register of KVM's IOAPIC says at reset */

struct machine;

/*
 * Write the tables for (machine), whose devices are all there. Without interrupt controllers there
 * is no MP table, and ACPI tells of CPUs only. -E2BIG: more than FIRMWARE_CPUS_MAX vCPUs.
 */
int firmware_write(const struct machine *machine, struct error *error);

/* The rest is for the files of the tables. */

/* Tables under construction, in guest memory. */
struct firmware_area {
    uint8_t *bytes;
    uint64_t base; /* the gpa of (bytes) */
    size_t used;
};

/* Append a copy of (size) bytes and return it: the area is large enough for FIRMWARE_CPUS_MAX. */
void *firmware_put(struct firmware_area *area, const void *bytes, size_t size);

/* Go on at a multiple of 16. */
void firmware_align(struct firmware_area *area);

uint64_t firmware_gpa(const struct firmware_area *area, const void *table);

/* What makes the sum of (size) bytes 0, modulo 256. */
uint8_t firmware_checksum(const void *bytes, size_t size);

void firmware_write_acpi(struct firmware_area *area, const struct machine *machine);
void firmware_write_mp(struct firmware_area *area, const struct machine *machine);

/* Do PCI functions interrupt by (gsi)? */
bool firmware_is_pci_interrupt(const struct machine *machine, unsigned gsi);

#endif
