/* For vmm/step/step.c: stepping where KVM emulates ring 0. */
#ifndef VMM_STEP_STEP_EMULATED_H
#define VMM_STEP_STEP_EMULATED_H

#include "vmm/base/error.h"

#include <stdint.h>

struct vcpu;

#define STEP_AS_USUAL 1

/*
 * Make KVM step (vcpu) without the trap flag, and stop before the instruction at *breakpoint unless
 * that is NULL. KVM sets the flag when stepping is turned on, and whenever registers are set while
 * RIP has the value of that moment: so stepping is turned on with another RIP.
 */
int step_update_kvm(struct vcpu *vcpu, const uint64_t *breakpoint, struct error *error);

/*
 * Called before an instruction, whose registers are valid: 0: it is complete, STEP_AS_USUAL: it
 * must be stepped, or a negative errno with its sentence. And called after it.
 */
int step_begin_emulated(struct vcpu *vcpu, struct error *error);
int step_end_emulated(struct vcpu *vcpu, struct error *error);

#endif
