/*
 * The timer of a PC with interrupt controllers: it wakes a halted CPU again and again. Between the
 * ticks there is no exit, for longer than the monitor takes to see that a guest sleeps for ever.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define TICKS 10u

/* The 8254: Intel's data sheet 231164. */
#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_RATE      0x34    /* channel 0, both bytes of the count, mode 2 */
#define PIT_COUNT     0xffffu /* of 1193182 Hz: 55 ms */

/* The first 8259A: Intel's data sheet 231468. */
#define PIC_COMMAND    0x20
#define PIC_DATA       0x21
#define PIC_INIT       0x11 /* ICW1: edges, cascade, ICW4 follows */
#define PIC_CASCADE    0x04 /* ICW3: the second one at input 2 */
#define PIC_AUTO_EOI   0x03 /* ICW4: 8086 mode; each interrupt is over at once */
#define PIC_TIMER_ONLY 0xfe
#define VECTOR         0x20
#define INTERRUPT_GATE 0x8e00u /* present, DPL 0 */

struct gate {
    uint16_t offset_low, selector, kind, offset_middle;
    uint32_t offset_high, reserved;
};

struct interrupt_frame; /* of the compiler's */

static struct gate idt[VECTOR + 1];
static volatile unsigned ticks;

__attribute__((interrupt)) static void handler(struct interrupt_frame *frame)
{
    (void)frame;
    ticks++;
}

static void interrupts_init(void)
{
    const struct table_register table = {sizeof(idt) - 1, (uintptr_t)idt};
    uint64_t entry = (uint64_t)handler;

    idt[VECTOR] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = BOOT_CODE64,
        .kind = INTERRUPT_GATE,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
    __asm__ volatile("lidt %0" : : "m"(table) : "memory");
    out8(PIC_COMMAND, PIC_INIT);
    out8(PIC_DATA, VECTOR);
    out8(PIC_DATA, PIC_CASCADE);
    out8(PIC_DATA, PIC_AUTO_EOI);
    out8(PIC_DATA, PIC_TIMER_ONLY);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    interrupts_init();
    out8(PIT_CONTROL, PIT_RATE);
    out8(PIT_CHANNEL_0, PIT_COUNT & 0xff);
    out8(PIT_CHANNEL_0, PIT_COUNT >> 8);

    check_equal("no tick with interrupts off", ticks, 0);
    for (unsigned i = 0; i < TICKS; i++)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    check_equal("a halt for each tick", ticks, TICKS);
    return check_summary();
}
