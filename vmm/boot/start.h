/*
 * The state in which a machine starts: the tables that a PC's firmware leaves in memory, and
 * registers.
 *
 * The tables list the CPUs and interrupt controllers. They are in BOOT_BIOS..BOOT_BIOS_END: those
 * of ACPI in the lower part, the MP tables in the upper one, where guests search for them.
 */
#ifndef VMM_BOOT_START_H
#define VMM_BOOT_START_H

#include "vmm/core/machine.h"

/*
 * Write the tables for (machine), whose devices have all been created. Without interrupt
 * controllers there is no MP table, and the ACPI tables list CPUs only. -E2BIG: more than
 * FIRMWARE_CPUS_MAX vCPUs.
 */
int firmware_write(const struct machine *machine, struct error *error);

/* Set the state in which every vCPU starts: vCPU 0 at (start), the others waiting for INIT/SIPI. */
int machine_set_start(struct machine *machine, const struct x86_start *start, struct error *error);

#endif
