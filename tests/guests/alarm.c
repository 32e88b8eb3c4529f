/*
 * The alarm: it goes off at its time, once or periodically. Guest arguments: `irq`: it has interrupt 5; `cpus`: a
 * second CPU sets it at the same time; `save`: a checkpoint while it is set; `flood`: it goes off as often as it can, until
 * the run is ended from outside.
 */
#include "guest/abi/alarm.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/pic.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/smp.h"

#define ONCE        (ALARM_PORT + ALARM_ONCE)
#define EVERY       (ALARM_PORT + ALARM_EVERY)
#define COUNT       (ALARM_PORT + ALARM_COUNT)
#define ACKNOWLEDGE (ALARM_PORT + ALARM_ACKNOWLEDGE)
#define IRQ         5
#define SOON        1000u     /* microseconds */
#define NEVER       60000000u /* longer than the guest runs */
#define MANY        300u

static volatile unsigned interrupts;
static uint32_t second_done;

__attribute__((interrupt)) static void handler(struct interrupt_frame *frame)
{
    (void)frame;
    out32(ACKNOWLEDGE, 0);
    interrupts++;
    pic_end();
}

static void wait_for_count(uint32_t count)
{
    while (in32(COUNT) < count)
        __asm__ volatile("pause");
}

static void wait_for_interrupts(unsigned count)
{
    while (interrupts < count)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static void check_once(void)
{
    check_equal("none at first", in32(COUNT), 0);
    out32(ONCE, SOON);
    wait_for_count(1);
    check_equal("once", in32(COUNT), 1);
    out32(ONCE, NEVER);
    out32(ONCE, SOON);
    wait_for_count(2);
    check_equal("the last setting counts", in32(COUNT), 2);
    out32(ONCE, NEVER);
    out32(ONCE, 0);
    check_equal("stopped", in32(COUNT), 2);
}

static void check_every(void)
{
    const uint32_t before = in32(COUNT);
    uint32_t after;

    check_group("every");
    out32(EVERY, SOON);
    check_equal("the period", in32(EVERY), SOON);
    wait_for_count(before + 5);
    out32(EVERY, 0);
    after = in32(COUNT);
    out32(ONCE, 5 * SOON);
    wait_for_count(after + 1);
    check_equal("a stopped one does not go off", in32(COUNT), after + 1);
}

static void check_interrupts(void)
{
    check_group("interrupts");
    out32(ACKNOWLEDGE, 0);
    pic_init(IRQ, handler);
    out32(ONCE, SOON);
    wait_for_interrupts(1);
    check_equal("once", interrupts, 1);
    out32(EVERY, SOON);
    wait_for_interrupts(5);
    out32(EVERY, 0);
    check("every", interrupts >= 5);
}

static void run_second(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < MANY; i++)
        out32(i & 1 ? ONCE : EVERY, i % 7);
    __atomic_store_n(&second_done, 1, __ATOMIC_SEQ_CST);
}

/* Ops and the timer come from three threads at a time. */
static void check_cpus(void)
{
    uint32_t after;

    check_group("two CPUs");
    check("the second one comes", smp_start(1, run_second, 0));
    for (unsigned i = 0; i < MANY; i++)
        out32(EVERY, i % 5);
    while (!__atomic_load_n(&second_done, __ATOMIC_SEQ_CST))
        __asm__ volatile("pause");
    out32(EVERY, 0);
    after = in32(COUNT);
    out32(ONCE, SOON);
    wait_for_count(after + 1);
    check_equal("it is whole", in32(COUNT), after + 1);
}

/* The alarm is set when the machine is saved, and goes off in the copy as well. */
static void check_saved(bool irq)
{
    const uint32_t before = in32(COUNT);
    const unsigned interrupts_before = interrupts;
    ptlcall_status result;

    check_group("saved");
    check("a method is found", ptlcall_init());
    out32(ONCE, 200 * SOON);
    result = ptlcall_checkpoint_and_continue("roi");
    check_result("checkpoint", ptlcall_plain(result), PTLCALL_OP_CHECKPOINT);
    check_equal("not yet", in32(COUNT), before);
    if (irq)
        wait_for_interrupts(interrupts_before + 1);
    wait_for_count(before + 1);
    check_equal("then it goes off", in32(COUNT), before + 1);
    check(ptlcall_is_restored(result) ? "this is the copy" : "this is the run that asked", true);
}

static void flood(void)
{
    out32(EVERY, 1);
    for (;;)
        out32(ACKNOWLEDGE, 0);
}

int main(const struct boot_info *boot)
{
    const bool irq = argument_given(boot, "irq");

    check_once();
    check_every();
    if (irq)
        check_interrupts();
    if (argument_given(boot, "cpus"))
        check_cpus();
    if (argument_given(boot, "save"))
        check_saved(irq);
    if (argument_given(boot, "flood"))
        flood();
    return check_summary();
}
