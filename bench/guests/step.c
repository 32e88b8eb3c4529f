/*
 * Samples of a loop between -run and -stop, by the port at its preset number: MEASURE_STEPS instructions, and the
 * few around the calls.
 */
#include "bench/guests/measure.h"
#include "guest/abi/ptlcall.h"
#include "guest/lib/guest.h"

#define SAMPLES 12

static const char run_text[] = "-run", stop_text[] = "-stop";

static int64_t enqueue(const char *text, uint64_t length)
{
    const struct ptlcall_descriptor command = {(uintptr_t)text, length};
    int64_t result = PTLCALL_OP_ENQUEUE;

    __asm__ volatile("out %%al, %[port]"
                     : "+a"(result)
                     : [port] "N"(PTLCALL_DEFAULT_PORT), "D"(&command), "S"(1ul), "d"(0ul)
                     : "memory");
    return result;
}

static void run_loop(void)
{
    uint64_t rounds = MEASURE_STEPS / 2;

    __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(rounds) : : "cc");
}

int main(const struct boot_info *boot)
{
    uint64_t samples[SAMPLES];

    (void)boot;
    for (unsigned i = 0; i < SAMPLES; i++) {
        const uint64_t begun = measure_ticks();

        enqueue(run_text, sizeof(run_text) - 1);
        run_loop();
        if (enqueue(stop_text, sizeof(stop_text) - 1) != PTLCALL_OP_ENQUEUE)
            return 1;
        samples[i] = measure_ticks() - begun;
    }
    measure_put(samples, SAMPLES);
    return 0;
}
