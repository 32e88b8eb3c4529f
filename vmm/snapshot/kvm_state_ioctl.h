/*
 * The ioctls behind vmm/snapshot/kvm_state.h, checked and named as those of vmm/core/kvm.h.
 */
#ifndef VMM_SNAPSHOT_KVM_STATE_IOCTL_H
#define VMM_SNAPSHOT_KVM_STATE_IOCTL_H

#include "vmm/base/error.h"
#include "vmm/core/kvm.h"

#include <linux/kvm.h>
#include <stdint.h>

/* A structure that KVM gives and takes whole. */
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
    KVM_ITEM_IRQCHIP, /* of a VM; (chip_id) is asked for */
    KVM_ITEM_PIT,     /* struct kvm_pit_state2 */
    KVM_ITEM_CLOCK,
};

/* (bytes) is the structure; (fd) the vCPU's, or of the last three the VM's. */
int kvm_get_item(int fd, enum kvm_item item, void *bytes, struct error *error);
int kvm_set_item(int fd, enum kvm_item item, const void *bytes, struct error *error);

/* What the VM answers for (capability): 0 where it is absent. */
int kvm_check_extension(const struct kvm *kvm, int capability);

/* What the guest's TSC counts in a millisecond; positive, or a negative errno. */
int kvm_get_tsc_khz(int vcpu_fd, struct error *error);
int kvm_set_tsc_khz(int vcpu_fd, uint32_t khz, struct error *error);

/* KVM_GET_MSR_INDEX_LIST: how many are in (indices). -E2BIG: more than (room). */
int kvm_list_msrs(const struct kvm *kvm, uint32_t *indices, unsigned room, struct error *error);

/*
 * Get or set MSRs from the first of (entries) on, up to one that KVM refuses, and not more than a
 * call can take: how many it was, so 0 if KVM refuses the first of them. (count) is not 0.
 */
int kvm_get_msrs(int vcpu_fd, struct kvm_msr_entry *entries, unsigned count, struct error *error);
int kvm_set_msrs(int vcpu_fd, const struct kvm_msr_entry *entries, unsigned count,
                 struct error *error);

/*
 * Has the guest turned nested virtualisation on? 1 or 0. Of AMD's: does it run a guest at this
 * moment?
 */
int kvm_vcpu_is_nested(const struct kvm *kvm, int vcpu_fd, struct error *error);

#endif
