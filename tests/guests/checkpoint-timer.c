/*
 * Timers and interrupts across a checkpoint: a periodic one of the PIT, one interrupt that is
 * pending in the interrupt controller while the guest has interrupts off, and one of the local
 * APIC's timer. Needs interrupt controllers.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/pic.h"
#include "guest/lib/ptlcall.h"

#define TICKS 5u

/* The 8254: Intel's data sheet 231164. */
#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_RATE      0x34   /* channel 0, both bytes of the count, mode 2 */
#define PIT_COUNT     11932u /* of 1193182 Hz: 10 ms */
#define TIMER_IRQ     0
#define PIC_READ_IRR  0x0a /* OCW3: the next read of PIC_COMMAND gives the pending interrupts */
#define PIC_FIRST     0x20 /* the vector of interrupt 0, as pic_init() sets it */

/* The local APIC: Intel SDM volume 3A, 10.4 and 10.5. */
#define APIC          0xfee00000u
#define APIC_END      (APIC + 0xb0)
#define APIC_SPURIOUS (APIC + 0xf0)
#define APIC_WAITING  (APIC + 0x220) /* the interrupt request register of the vectors from 0x40 on */
#define APIC_TIMER    (APIC + 0x320)
#define APIC_COUNT    (APIC + 0x380)
#define APIC_CURRENT  (APIC + 0x390)
#define APIC_DIVIDE   (APIC + 0x3e0)
#define APIC_ON       0x1ff
#define APIC_BY_16    3
#define APIC_START    20000000u /* more than a checkpoint takes, unless the host is slow */
#define APIC_VECTOR   0x40

static struct idt_gate idt[APIC_VECTOR + 1];
static volatile unsigned ticks, alarms;

__attribute__((interrupt)) static void tick(struct interrupt_frame *frame)
{
    (void)frame;
    ticks++;
    pic_end();
}

__attribute__((interrupt)) static void alarm(struct interrupt_frame *frame)
{
    (void)frame;
    alarms++;
    *(volatile uint32_t *)(uintptr_t)APIC_END =
        0; /* not a call: it would have to keep all registers */
}

static void wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static void start_pit(void)
{
    pic_init(TIMER_IRQ, tick);
    idt[PIC_FIRST + TIMER_IRQ] = idt_gate_to((uint64_t)tick);
    idt[APIC_VECTOR] = idt_gate_to((uint64_t)alarm);
    idt_load(idt, APIC_VECTOR + 1);
    out8(PIT_CONTROL, PIT_RATE);
    out8(PIT_CHANNEL_0, PIT_COUNT & 0xff);
    out8(PIT_CHANNEL_0, PIT_COUNT >> 8);
    while (ticks < TICKS) /* a host that is late brings two ticks to one halt */
        wait();
}

/* Leave an interrupt of the PIT pending, since interrupts are off. */
static void wait_until_pending(void)
{
    do
        out8(PIC_COMMAND, PIC_READ_IRR);
    while ((in8(PIC_COMMAND) & 1u << TIMER_IRQ) == 0);
}

/* It counts, or has come and waits: interrupts are off. */
static bool alarm_is_pending(void)
{
    uint32_t count = load32(APIC_CURRENT);

    return (count > 0 && count < APIC_START) || (load32(APIC_WAITING) & 1) != 0;
}

static void start_alarm(void)
{
    store32(APIC_SPURIOUS, APIC_ON);
    store32(APIC_DIVIDE, APIC_BY_16);
    store32(APIC_TIMER, APIC_VECTOR);
    store32(APIC_COUNT, APIC_START);
}

int main(const struct boot_info *boot)
{
    ptlcall_status result;
    unsigned before;

    (void)boot;
    check("a method is found", ptlcall_init());
    start_pit();
    before = ticks;
    check("it ticks", before >= TICKS);
    start_alarm();
    wait_until_pending();
    result = ptlcall_checkpoint_and_continue("roi");
    check_result("checkpoint", ptlcall_plain(result), PTLCALL_OP_CHECKPOINT);
    check_equal("no tick while interrupts are off", ticks, before);
    check_equal("no alarm yet", alarms, 0);
    out8(PIC_COMMAND, PIC_READ_IRR);
    check_equal("the tick that waited still does", in8(PIC_COMMAND) & 1u, 1);
    check("the alarm is still to come", alarm_is_pending());
    while (ticks < before + TICKS)
        wait();
    while (alarms == 0)
        wait();
    check_equal("one alarm", alarms, 1);
    check(ptlcall_is_restored(result) ? "this is the copy" : "this is the run that asked", true);
    return check_summary();
}
