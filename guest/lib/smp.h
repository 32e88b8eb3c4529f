/*
 * More CPUs, in long mode: the first one starts the others by its local APIC.
 */
#ifndef GUEST_LIB_SMP_H
#define GUEST_LIB_SMP_H

#include <stdbool.h>

#define SMP_CPUS_MAX   15      /* the number that can be started */
#define SMP_TRAMPOLINE 0x8000u /* a page below 1 MiB, where they begin in real mode */

/*
 * Start the CPU whose local APIC has (apic_id), below 255: by INIT and SIPI, then into long mode
 * with the caller's GDT, page tables and control registers. There it calls function(argument) on a
 * stack of 2 KiB, and halts for ever afterwards. True: it is about to call; false: it did not
 * start. Only one CPU may start others.
 */
bool smp_start(unsigned apic_id, void (*function)(void *argument), void *argument);

#endif
