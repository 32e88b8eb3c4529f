/*
 * The ioctls of vmm/snapshot/kvm_state.h, with their errors checked and named like those of
 * vmm/core/kvm.h.
 */
#ifndef VMM_SNAPSHOT_KVM_STATE_IOCTL_H
#define VMM_SNAPSHOT_KVM_STATE_IOCTL_H

#include "vmm/base/error.h"
#include "vmm/core/kvm.h"

#include <linux/kvm.h>
#include <stdint.h>

/* A structure that one KVM ioctl gets, and another sets, as a whole. */
enum kvm_item {
    KVM_ITEM_MP_STATE, /* of a vCPU, struct kvm_mp_state; each below: struct kvm_... likewise */
    KVM_ITEM_EVENTS,
    KVM_ITEM_REGS,
    KVM_ITEM_SREGS,
    KVM_ITEM_DEBUGREGS,
    KVM_ITEM_FPU,
    KVM_ITEM_XSAVE,
    KVM_ITEM_XCRS,
    KVM_ITEM_LAPIC,
    KVM_ITEM_IRQCHIP, /* of a VM; set chip_id before getting it */
    KVM_ITEM_PIT,     /* struct kvm_pit_state2 */
    KVM_ITEM_CLOCK,
};

/* (bytes) is the structure; (fd) is the vCPU's, or for the last three the VM's. */
int kvm_get_item(int fd, enum kvm_item item, void *bytes, struct error *error);
int kvm_set_item(int fd, enum kvm_item item, const void *bytes, struct error *error);

/* The VM's value of (capability); 0: absent. */
int kvm_check_extension(const struct kvm *kvm, int capability);

/* The guest's TSC rate in kHz; or a negative errno. */
int kvm_get_tsc_khz(int vcpu_fd, struct error *error);
int kvm_set_tsc_khz(int vcpu_fd, uint32_t khz, struct error *error);

/* KVM_GET_MSR_INDEX_LIST: returns the number of (indices). -E2BIG: more than (room). */
int kvm_list_msrs(const struct kvm *kvm, uint32_t *indices, unsigned room, struct error *error);

/*
 * Get or set MSRs from the first of (entries) on, up to one that KVM refuses or the limit of a
 * call. Returns how many, so 0 if KVM refuses the first. (count) is not 0.
 */
int kvm_get_msrs(int vcpu_fd, struct kvm_msr_entry *entries, unsigned count, struct error *error);
int kvm_set_msrs(int vcpu_fd, const struct kvm_msr_entry *entries, unsigned count,
                 struct error *error);

/* Has the guest enabled nested virtualisation? 1 or 0. On AMD: does it run a nested guest now? */
int kvm_vcpu_is_nested(const struct kvm *kvm, int vcpu_fd, struct error *error);

#endif
