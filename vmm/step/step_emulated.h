/*
 * Of vmm/step/step.c: stepping where KVM emulates ring 0.
 */
#ifndef VMM_STEP_STEP_EMULATED_H
#define VMM_STEP_STEP_EMULATED_H

#include "vmm/base/error.h"

#include <stdint.h>

struct vcpu;

#define STEP_AS_USUAL 1

/*
 * KVM is to step (vcpu), and to stop before the instruction at *breakpoint unless that is NULL, without the trap
 * flag. KVM sets the flag when it is told to step, and again whenever registers are set, as long as RIP is
 * where it was then: told so elsewhere, it sets none.
 */
int step_tell_kvm(struct vcpu *vcpu, const uint64_t *breakpoint, struct error *error);

/*
 * Before an instruction, whose registers are valid: 0: it is done, STEP_AS_USUAL: it is to be stepped, or a
 * negative errno with its sentence. And behind it.
 */
int step_begin_emulated(struct vcpu *vcpu, struct error *error);
int step_end_emulated(struct vcpu *vcpu, struct error *error);

#endif
