/*
 * A vCPU runner: replaces KVM_RUN and its exit, for example by single-stepping.
 *
 * A machine has at most one, in machine->runner. The loop calls it only after a kick, so it costs
 * nothing otherwise. A kick makes a vCPU ask again.
 */
#ifndef VMM_CORE_VCPU_RUNNER_H
#define VMM_CORE_VCPU_RUNNER_H

#include <stdbool.h>

struct vcpu;

struct vcpu_runner {
    /*
     * Does the runner run (vcpu) from here on, until the next kick? On the vCPU's thread, at rest,
     * with its I/O complete.
     */
    bool (*takes)(struct vcpu *vcpu);

    /*
     * Run (vcpu) for a short time, such as one instruction, with its exits. 0; -EINTR: a kick comes
     * first; -EAGAIN: the vCPU waits for INIT or SIPI; another negative errno ends the machine.
     */
    int (*run)(struct vcpu *vcpu);
};

#endif
