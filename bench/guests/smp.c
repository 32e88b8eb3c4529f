/*
 * OUTs of one vCPU, and then of two at a time, each to a serial port of its own; with any guest argument, to
 * the same one. Hands out pairs of ticks for the same number of exits of each: first while the second vCPU
 * sleeps, then with both.
 */
#include "guest/lib/smp.h"
#include "bench/guests/measure.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#include <stdbool.h>

#define EXITS       8192u
#define SECOND_PORT 0x2ffu /* the scratch register of the second serial port */

static uint32_t ready, finished, go;

static void make_exits(uint16_t port)
{
    for (unsigned i = 0; i < EXITS; i += MEASURE_BLOCK) {
        MEASURE_EIGHT(out8(port, 0x5a));
    }
}

static void run_second(void *argument)
{
    const bool shared = *((const struct boot_info *)argument)->command != '\0';

    __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
        __asm__ volatile("pause");
    make_exits(shared ? MEASURE_PORT : SECOND_PORT);
    __atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
}

int main(const struct boot_info *boot)
{
    uint64_t ticks[2], begun;

    make_exits(MEASURE_PORT);
    begun = measure_ticks();
    make_exits(MEASURE_PORT);
    ticks[0] = measure_ticks() - begun;

    if (!smp_start(1, run_second, (void *)(uintptr_t)boot))
        return 1;
    while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
        __asm__ volatile("pause");
    begun = measure_ticks();
    __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
    make_exits(MEASURE_PORT);
    while (!__atomic_load_n(&finished, __ATOMIC_SEQ_CST))
        __asm__ volatile("pause");
    ticks[1] = measure_ticks() - begun;
    measure_put(ticks, 2);
    return 0;
}
