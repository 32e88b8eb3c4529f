/*
 * Halts with two CPUs; the guest argument says how:
 *
 * all     both halt with interrupts off: the guest has ended, status 0
 * unborn  the other was never started, but got an INIT: the same
 * reborn  the other halts, and then gets an INIT: the same
 * one     only the first halts; the other continues without exits and ends the guest with status 5
 * open    both halt, the other with interrupts on: it could be woken, and nothing ends
 * crash   the first halts, the other has a triple fault
 */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"

#include <stddef.h>

#define APIC_SPURIOUS     0xfee000f0ul
#define APIC_COMMAND_LOW  0xfee00300ul
#define APIC_COMMAND_HIGH 0xfee00310ul
#define APIC_ENABLED      0x1ffu
#define APIC_INIT         0x4500u

#define WORK_CYCLES 2000000000u /* longer than the monitor needs to notice which CPUs sleep */
#define STATUS      5

static uint64_t cycles(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static void halt(void *argument)
{
    (void)argument;
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void halt_open(void *argument)
{
    (void)argument;
    for (;;)
        __asm__ volatile("sti; hlt");
}

static void work(void *argument)
{
    const uint64_t start = cycles();

    (void)argument;
    while (cycles() - start < WORK_CYCLES)
        __asm__ volatile("pause");
    guest_exit(STATUS);
}

/* There is no interrupt descriptor table. */
static void crash(void *argument)
{
    (void)argument;
    __asm__ volatile("ud2");
}

static void send_init(void)
{
    store32(APIC_SPURIOUS, APIC_ENABLED);
    store32(APIC_COMMAND_HIGH, 1u << 24);
    store32(APIC_COMMAND_LOW, APIC_INIT);
}

static bool prepare(const struct boot_info *boot)
{
    if (argument_given(boot, "all"))
        return smp_start(1, halt, NULL);
    if (argument_given(boot, "one"))
        return smp_start(1, work, NULL);
    if (argument_given(boot, "open"))
        return smp_start(1, halt_open, NULL);
    if (argument_given(boot, "crash"))
        return smp_start(1, crash, NULL);
    if (argument_given(boot, "reborn") && !smp_start(1, halt, NULL))
        return false;
    send_init();
    return true;
}

int main(const struct boot_info *boot)
{
    if (!prepare(boot))
        return 1;
    printf("halting\n");
    halt(NULL);
    return 1;
}
