/*
 * The timer of a PC with interrupt controllers: it wakes a halted CPU again and again. Between the
 * ticks there is no exit, for longer than the monitor needs to notice a guest that sleeps for ever.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/pic.h"

#define TICKS 10u

/* The 8254: Intel's data sheet 231164. */
#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_RATE      0x34    /* channel 0, both bytes of the count, mode 2 */
#define PIT_COUNT     0xffffu /* of 1193182 Hz: 55 ms */

#define TIMER_IRQ 0

static volatile unsigned ticks;

__attribute__((interrupt)) static void handler(struct interrupt_frame *frame)
{
    (void)frame;
    ticks++;
    pic_end();
}

int main(const struct boot_info *boot)
{
    unsigned halts = 0;

    (void)boot;
    pic_init(TIMER_IRQ, handler);
    out8(PIT_CONTROL, PIT_RATE);
    out8(PIT_CHANNEL_0, PIT_COUNT & 0xff);
    out8(PIT_CHANNEL_0, PIT_COUNT >> 8);

    check_equal("no tick with interrupts off", ticks, 0);
    while (ticks < TICKS) {
        __asm__ volatile("sti; hlt; cli" : : : "memory");
        halts++;
    }
    /* A host that is late by a tick brings two of them to one halt. */
    check("a tick for each halt", halts > 0 && halts <= ticks);
    return check_summary();
}
