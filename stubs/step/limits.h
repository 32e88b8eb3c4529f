/*
 * Which instructions are simulated: what a guest says by -fast-fwd-insns and -stopinsns.
 *
 * Of each switch to simulation the first instructions, as many as (skip) says, are stepped but not given to
 * the models. Those behind them are simulated, as many as (stop) says. Then the guest runs at full speed until
 * the next switch, which counts anew. Both numbers hold until they are said again, and at once, also for a
 * simulation that is on: (stop) 0 ends it before its next instruction, `inf` never; (skip) `inf` gives the models
 * nothing.
 */
#ifndef STUBS_STEP_LIMITS_H
#define STUBS_STEP_LIMITS_H

#include <stdint.h>

#define STEP_INF UINT64_MAX

struct step_limits {
    uint64_t skip, stop;         /* instructions */
    uint64_t skipped, simulated; /* since the switch */
};

/* Nothing is skipped, nothing stops: what holds before a guest has said anything. */
#define STEP_NO_LIMITS                                                                             \
    {                                                                                              \
        .stop = STEP_INF                                                                           \
    }

/* What is to become of an instruction. */
enum step_fate { STEP_SKIP, STEP_SIMULATE, STEP_STOP };

/* Simulation goes on. */
static inline void step_limits_begin(struct step_limits *limits)
{
    limits->skipped = limits->simulated = 0;
}

/* Of the next instruction, which is counted. */
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
