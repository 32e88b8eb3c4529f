#include "guest/lib/pic.h"

#define PIC_INIT    0x11 /* ICW1: edges, cascade, ICW4 follows */
#define PIC_CASCADE 0x04 /* ICW3: the second one at input 2 */
#define PIC_8086    0x01 /* ICW4 */
#define PIC_VECTOR  0x20 /* of interrupt 0: the first after the exceptions */
#define PIC_INPUTS  8

static struct idt_gate idt[PIC_VECTOR + PIC_INPUTS];

void pic_init(unsigned irq, void (*handler)(struct interrupt_frame *frame))
{
    idt[PIC_VECTOR + irq] = idt_gate_to((uint64_t)handler);
    idt_load(idt, PIC_VECTOR + PIC_INPUTS);
    out8(PIC_COMMAND, PIC_INIT);
    out8(PIC_DATA, PIC_VECTOR);
    out8(PIC_DATA, PIC_CASCADE);
    out8(PIC_DATA, PIC_8086);
    out8(PIC_DATA, (uint8_t) ~(1u << irq));
}
