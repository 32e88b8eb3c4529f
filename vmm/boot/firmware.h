/* What the ACPI and the MP tables of the firmware are made of. */
#ifndef VMM_BOOT_FIRMWARE_H
#define VMM_BOOT_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIRMWARE_CPUS_MAX 2048u /* with room to spare */

#define FIRMWARE_IOAPIC_ID 0u /* what the register of KVM's IOAPIC says at reset */

struct machine;

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

/* Do PCI functions interrupt by (gsi)? */
bool firmware_is_pci_interrupt(const struct machine *machine, unsigned gsi);

#endif
