/* The MSRs of a vCPU's state: the list, and the order of setting. */
#ifndef VMM_SNAPSHOT_KVM_STATE_MSR_H
#define VMM_SNAPSHOT_KVM_STATE_MSR_H

#include "vmm/base/error.h"
#include "vmm/core/kvm.h"

#include <linux/kvm.h>

#define KVM_STATE_MSRS 1024

/* Get all readable MSRs into (msrs). Returns how many, or a negative errno with a sentence. */
int kvm_get_state_msrs(const struct kvm *kvm, int vcpu_fd,
                       struct kvm_msr_entry msrs[KVM_STATE_MSRS], struct error *error);

/*
 * Set all of (msrs) in vCPU (id) except the clocks. 0, or a negative errno with a sentence. An MSR
 * that KVM refuses is an error, unless it has the value already, as MSRs that describe the
 * processor have.
 */
int kvm_set_state_msrs(int vcpu_fd, unsigned id, const struct kvm_msr_entry *msrs, unsigned count,
                       struct error *error);

/*
 * Set the clocks of (msrs): the TSC, then its deadline. Called after the local APIC is set, whose timer mode the
 * deadline needs.
 */
int kvm_set_state_clocks(int vcpu_fd, unsigned id, const struct kvm_msr_entry *msrs, unsigned count,
                         struct error *error);

#endif
