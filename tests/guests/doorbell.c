/*
 * The doorbell: which accesses ring, and which count they give. Guest arguments: `irq`: it has
 * interrupt 5; `cpus`: a second CPU rings at the same time; `save`: a checkpoint between the rings
 * and the count.
 */
#include "guest/abi/doorbell.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/pic.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/smp.h"

#define RING  DOORBELL_PORT
#define COUNT (DOORBELL_PORT + DOORBELL_COUNT)
#define IRQ   5
#define MANY  1000u

static volatile unsigned interrupts;
static volatile uint32_t told; /* the last of them has the count */
static uint32_t second_done;

/* A ring after the acknowledgement raises the line again. */
__attribute__((interrupt)) static void handler(struct interrupt_frame *frame)
{
    (void)frame;
    out32(COUNT, 0);
    told = in32(COUNT);
    interrupts++;
    pic_end();
}

static void ring(unsigned times)
{
    while (times-- > 0)
        out8(RING, 0);
}

static void wait_for(unsigned count)
{
    while (interrupts < count)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static void ring_by_string(unsigned times)
{
    const uint8_t *bytes = (const uint8_t *)BOOT_LOAD;
    uint64_t left = times;

    __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(left) : "d"((uint16_t)RING) : "memory");
}

static void check_rings(void)
{
    check_equal("none at first", in32(COUNT), 0);
    out8(RING, 0xff);
    check_equal("1 byte", in32(COUNT), 1);
    out16(RING, 0);
    check_equal("2 bytes", in32(COUNT), 2);
    out32(RING, 1);
    check_equal("4 bytes", in32(COUNT), 3);
    out8(RING + 1, 0);
    out16(RING + 2, 0);
    check_equal("not the ports behind", in32(COUNT), 3);
    ring_by_string(7);
    check_equal("a string", in32(COUNT), 10);
    ring(MANY);
    check_equal("many", in32(COUNT), 10 + MANY);
    check_equal("the low half", in16(COUNT), 10 + MANY);
    check_equal("the bell reads as 0", in32(RING), 0);
    out32(COUNT, 0);
    check_equal("acknowledging keeps the count", in32(COUNT), 10 + MANY);
}

static void check_interrupts(void)
{
    const uint32_t before = in32(COUNT);

    check_group("interrupts");
    pic_init(IRQ, handler);
    ring(1);
    wait_for(1);
    check_equal("told at the first", told, before + 1);
    for (unsigned i = 2; i <= 20; i++) {
        ring(1);
        wait_for(i);
    }
    check_equal("one for each ring", interrupts, 20);
    check_equal("told at the last", told, before + 20);
    ring(3);
    check_equal("none while they are off", interrupts, 20);
    wait_for(21);
    check_equal("one for three", told, before + 23);
}

static void run_second(void *argument)
{
    (void)argument;
    ring(10 * MANY);
    __atomic_store_n(&second_done, 1, __ATOMIC_SEQ_CST);
}

static void check_cpus(void)
{
    const uint32_t before = in32(COUNT);

    check_group("two CPUs");
    check("the second one comes", smp_start(1, run_second, 0));
    ring(10 * MANY);
    while (!__atomic_load_n(&second_done, __ATOMIC_SEQ_CST))
        __asm__ volatile("pause");
    check_equal("none is lost", in32(COUNT), before + 20 * MANY);
}

/*
 * The rings have not been counted when the machine is saved; one interrupt is pending, and another
 * follows.
 */
static void check_saved(bool irq)
{
    const uint32_t before = in32(COUNT);
    ptlcall_status result;

    check_group("saved");
    check("a method is found", ptlcall_init());
    ring(5);
    result = ptlcall_checkpoint_and_continue("roi");
    check_result("checkpoint", ptlcall_plain(result), PTLCALL_OP_CHECKPOINT);
    check_equal("the count", in32(COUNT), before + 5);
    ring(1);
    check_equal("and one more", in32(COUNT), before + 6);
    if (irq) {
        wait_for(22);
        ring(1);
        wait_for(23);
        check_equal("told", told, before + 7);
    }
    check(ptlcall_is_restored(result) ? "this is the copy" : "this is the run that asked", true);
}

int main(const struct boot_info *boot)
{
    const bool irq = argument_given(boot, "irq");

    check_rings();
    if (irq)
        check_interrupts();
    if (argument_given(boot, "cpus"))
        check_cpus();
    if (argument_given(boot, "save"))
        check_saved(irq);
    return check_summary();
}
