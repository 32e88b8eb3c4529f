/* The ACPI tables: ACPI Specification 6.5, chapter 5. */
#ifndef VMM_BOOT_FIRMWARE_ACPI_H
#define VMM_BOOT_FIRMWARE_ACPI_H

#include "vmm/boot/firmware.h"

/* Append them to (area) for (machine), whose devices have all been created. */
void firmware_write_acpi(struct firmware_area *area, const struct machine *machine);

#endif
