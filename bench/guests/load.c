/*
 * A load of exits, with some work between them. Guest arguments: how many, and how much work.
 * With the word `mixed` there are IN, stores and ptlcalls among them. Hands out the ticks of the whole.
 */
#include "bench/guests/measure.h"
#include "guest/abi/ptlcall.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

static void work(uint64_t rounds)
{
    if (rounds)
        __asm__ volatile("1: dec %0; jnz 1b" : "+r"(rounds));
}

static void make_outs(uint64_t count, uint64_t rounds)
{
    for (uint64_t i = 0; i < count; i++) {
        out8(MEASURE_PORT, (uint8_t)i);
        work(rounds);
    }
}

/* Four exits a turn. */
static void make_mixture(uint64_t count, uint64_t rounds)
{
    for (uint64_t i = 0; i < count; i += 4) {
        uint64_t op = PTLCALL_OP_VERSION;

        out8(MEASURE_PORT, (uint8_t)i);
        in8(MEASURE_PORT);
        store32(0xe0000000ul, (uint32_t)i);
        __asm__ volatile("mov %%eax, (%[trigger])"
                         : "+a"(op)
                         : [trigger] "r"(PTLCALL_DEFAULT_TRIGGER)
                         : "memory");
        work(rounds);
    }
}

int main(const struct boot_info *boot)
{
    const char *second = boot->command;
    const uint64_t count = number_read(second);
    uint64_t ticks;

    while (*second && *second++ != ' ')
        ;
    ticks = measure_ticks();
    if (argument_given(boot, "mixed"))
        make_mixture(count, number_read(second));
    else
        make_outs(count, number_read(second));
    ticks = measure_ticks() - ticks;
    measure_put(&ticks, 1);
    return 0;
}
