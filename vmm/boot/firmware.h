/* What the ACPI and MP tables of the firmware have in common. */
#ifndef VMM_BOOT_FIRMWARE_H
#define VMM_BOOT_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIRMWARE_CPUS_MAX 2048u /* more than any machine has */

#define FIRMWARE_IOAPIC_ID 0u /* the value of KVM's IOAPIC id register at reset */

struct machine;

/* Tables under construction, in guest memory. */
struct firmware_area {
    uint8_t *bytes;
    uint64_t base; /* the gpa of (bytes) */
    size_t used;
};

/* Append a copy of (size) bytes and return it: the area is large enough for FIRMWARE_CPUS_MAX. */
void *firmware_append(struct firmware_area *area, const void *bytes, size_t size);

/* Align the next table to a multiple of 16. */
void firmware_align(struct firmware_area *area);

uint64_t firmware_gpa(const struct firmware_area *area, const void *table);

/* The byte that makes the sum of (size) bytes 0, modulo 256. */
uint8_t firmware_checksum(const void *bytes, size_t size);

/* Does a PCI function interrupt through (gsi)? */
bool firmware_is_pci_interrupt(const struct machine *machine, unsigned gsi);

#endif
