/*
 * A vCPU runner: another way to run vCPUs than KVM_RUN and its exit, such as single-stepping.
 *
 * A machine has at most one, in machine->runner. The loop asks it only after a kick, so it costs
 * nothing otherwise. To make a vCPU ask again, kick it.
 */
#ifndef VMM_CORE_VCPU_RUNNER_H
#define VMM_CORE_VCPU_RUNNER_H

#include <stdbool.h>

struct vcpu;

struct vcpu_runner {
    /*
     * Does the runner run (vcpu) from here on, until the next kick? On the vCPU's thread, at rest, with
     * its I/O complete.
     */
    bool (*takes)(struct vcpu *vcpu);

    /*
     * Run (vcpu) a little, such as one instruction, with its exits. 0; -EINTR: kicks must be answered first;
     * -EAGAIN: it waits for INIT or SIPI; another negative errno ends the machine.
     */
    int (*run)(struct vcpu *vcpu);
};

#endif
