/* The MP tables: Intel MultiProcessor Specification 1.4, chapter 4. */
#ifndef VMM_BOOT_FIRMWARE_MP_H
#define VMM_BOOT_FIRMWARE_MP_H

#include "vmm/boot/firmware.h"

/* Append them to (area) for (machine), whose devices have all been created. */
void firmware_write_mp(struct firmware_area *area, const struct machine *machine);

#endif
