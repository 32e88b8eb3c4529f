/*
 * Which instructions are simulated: the limits that a guest sets by -fast-fwd-insns and -stopinsns.
 *
 * After each switch to simulation the first (skip) instructions are stepped but not passed to the models. The next
 * (stop) instructions are simulated. Then the guest runs at full speed until the next switch, which counts from 0
 * again. A new limit applies at once, also while simulation is on, until it is set again. (stop) 0 ends simulation
 * before the next instruction, `inf` never; with (skip) `inf` no instruction is passed to the models.
 */
#ifndef STUBS_STEP_LIMITS_H
#define STUBS_STEP_LIMITS_H

#include <stdint.h>

#define STEP_INF UINT64_MAX

struct step_limits {
    uint64_t skip, stop;         /* instructions */
    uint64_t skipped, simulated; /* since the switch */
};

/* Skip nothing and never stop: the limits until a guest sets others. */
#define STEP_NO_LIMITS                                                                             \
    {                                                                                              \
        .stop = STEP_INF                                                                           \
    }

/* What is done with an instruction. */
enum step_fate { STEP_SKIP, STEP_SIMULATE, STEP_STOP };

/* Simulation is turned on. */
static inline void step_limits_begin(struct step_limits *limits)
{
    limits->skipped = limits->simulated = 0;
}

/* Returns what is done with the next instruction, and counts it. */
static inline enum step_fate step_limits_next(struct step_limits *limits)
{
    if (limits->skipped + limits->simulated < limits->skip) {
        limits->skipped++;
        return STEP_SKIP;
    }
    if (limits->simulated >= limits->stop)
        return STEP_STOP;
    limits->simulated++;
    return STEP_SIMULATE;
}

#endif
