/* What tests/unit/hostile.c and tests/unit/hostile_steps.c share. */
#ifndef TESTS_UNIT_HOSTILE_STEPS_H
#define TESTS_UNIT_HOSTILE_STEPS_H

#include "tests/unit/hostile.h"

/* As in KVM's run page: the data of a port access lie after the structure. */
#define HOSTILE_RUN_SIZE    (3 * PAGE_SIZE)
#define HOSTILE_DATA_OFFSET PAGE_SIZE

/* Abort with (what) unless it (holds). */
void hostile_require(bool holds, const char *what);

/* Read and do one thing. */
void hostile_step(struct hostile *hostile);

/* The exit that is in the run page of hostile->vcpu, and the checks after it. */
void hostile_exit(struct hostile *hostile);

/* Crash report and statistics, to nowhere. */
void hostile_report(struct hostile *hostile);

/* Every device as it was made. */
void hostile_reset(struct hostile *hostile);

#endif
