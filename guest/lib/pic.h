/*
 * Interrupts by the first 8259A of a PC (Intel's data sheet 231468), for one device: long mode only.
 */
#ifndef GUEST_LIB_PIC_H
#define GUEST_LIB_PIC_H

#include "guest/lib/cpu.h"
#include "guest/lib/interrupt.h"

#define PIC_COMMAND 0x20
#define PIC_DATA    0x21
#define PIC_END     0x20 /* OCW2: end of interrupt */

/*
 * Deliver interrupt (irq), 0 to 7, to (handler), which has the attribute `interrupt` and calls
 * pic_end(). All others are masked. The table has no exceptions, so an exception is a triple fault.
 */
void pic_init(unsigned irq, void (*handler)(struct interrupt_frame *frame));

/* May be called from such a handler, which must keep all registers. */
__attribute__((no_caller_saved_registers)) static inline void pic_end(void)
{
    out8(PIC_COMMAND, PIC_END);
}

#endif
