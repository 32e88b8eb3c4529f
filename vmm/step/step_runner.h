/*
 * Stepping for a stub: the runner of a machine whose stub may have a step().
 */
#ifndef VMM_STEP_STEP_RUNNER_H
#define VMM_STEP_STEP_RUNNER_H

#include "vmm/core/vcpu_runner.h"

#include <stdbool.h>

struct vcpu;

/*
 * For machine->runner of a machine with struct stepping: steps its vCPUs while its stub simulates.
 */
extern const struct vcpu_runner step_runner;

/*
 * Ask the stub of the machine about the next instruction, unless it was asked already. False: the
 * instruction must run at full speed, or the registers cannot be read.
 */
bool step_ask(struct vcpu *vcpu);

#endif
