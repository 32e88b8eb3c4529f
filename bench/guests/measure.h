/*
 * What the guests of the benchmarks share: they time themselves by the time-stamp counter, whatever
 * monitor is under them, and hand the ticks out at a port as they are in memory.
 *
 * Each sample is a block of MEASURE_BLOCK round trips, so that reading the counter, which may be as
 * dear as an exit, weighs little.
 */
#ifndef BENCH_GUESTS_MEASURE_H
#define BENCH_GUESTS_MEASURE_H

#include <stdint.h>

#define MEASURE_OUTPUT  0xe9u  /* the debug console of minivmm, QEMU and the floor program */
#define MEASURE_PORT    0x3ffu /* the scratch register of the first serial port: a store, no more */
#define MEASURE_SAMPLES 384u
#define MEASURE_WARM    64u /* blocks before the first sample */
#define MEASURE_BLOCK   8u
#define MEASURE_STEPS   1000u /* instructions of a sample that is single-stepped */
#define MEASURE_ROUNDS  ((MEASURE_WARM + MEASURE_SAMPLES) * MEASURE_BLOCK) /* round trips of all */

#define MEASURE_EIGHT(statement)                                                                   \
    statement;                                                                                     \
    statement;                                                                                     \
    statement;                                                                                     \
    statement;                                                                                     \
    statement;                                                                                     \
    statement;                                                                                     \
    statement;                                                                                     \
    statement

static inline uint64_t measure_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* (count) numbers of 8 bytes, lowest byte first. */
static inline void measure_put(const uint64_t *numbers, uint64_t count)
{
    uint64_t bytes = count * sizeof(*numbers);

    __asm__ volatile("rep outsb"
                     : "+S"(numbers), "+c"(bytes)
                     : "d"((uint16_t)MEASURE_OUTPUT)
                     : "memory");
}

/* Fill (samples), MEASURE_SAMPLES of them, each of MEASURE_BLOCK times (statement). */
#define MEASURE_INTO(samples, statement)                                                           \
    do {                                                                                           \
        for (unsigned i = 0; i < MEASURE_WARM + MEASURE_SAMPLES; i++) {                            \
            const uint64_t begun = measure_ticks();                                                \
                                                                                                   \
            MEASURE_EIGHT(statement);                                                              \
            if (i >= MEASURE_WARM)                                                                 \
                (samples)[i - MEASURE_WARM] = measure_ticks() - begun;                             \
        }                                                                                          \
    } while (0)

/* Let main() be this: samples of (statement), handed out. */
#define MEASURE(statement)                                                                         \
    do {                                                                                           \
        static uint64_t measure_samples[MEASURE_SAMPLES];                                          \
                                                                                                   \
        MEASURE_INTO(measure_samples, statement);                                                  \
        measure_put(measure_samples, MEASURE_SAMPLES);                                             \
    } while (0)

#endif
