/*
 * The MSRs of a vCPU's state: which there are, and in which order they go back.
 */
#ifndef VMM_SNAPSHOT_KVM_STATE_MSR_H
#define VMM_SNAPSHOT_KVM_STATE_MSR_H

#include "vmm/snapshot/kvm_state.h"

/* All that can be read, into (state). */
int kvm_get_state_msrs(const struct kvm *kvm, int vcpu_fd, struct kvm_vcpu_state *state,
                       struct error *error);

/*
 * All but those that are clocks. One that KVM refuses is an error, unless it holds the value
 * already (as one does that only tells what the processor is).
 */
int kvm_set_state_msrs(int vcpu_fd, const struct kvm_vcpu_state *state, struct error *error);

/* The TSC, then its deadline: once the local APIC is set, whose timer mode the deadline needs. */
int kvm_set_state_clocks(int vcpu_fd, const struct kvm_vcpu_state *state, struct error *error);

#endif
