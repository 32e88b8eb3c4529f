/*
 * All that KVM keeps of a vCPU and of a VM, for checkpoints: got, set, and as bytes of a note.
 *
 * The bytes are a version, then KVM's own structures one behind the other; docs/checkpoint.md lists
 * them. They come from files that nobody has checked: what is set is bounded here and judged by KVM.
 */
#ifndef VMM_KVM_STATE_H
#define VMM_KVM_STATE_H

#include "vmm/error.h"
#include "vmm/kvm.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVM_STATE_VERSION 1
#define KVM_STATE_MSRS    1024

/* What a KVM may lack; what was saved with one needs it to be loaded. */
enum kvm_state_part {
    KVM_STATE_XSAVE = 1,  /* else (fpu) */
    KVM_STATE_XCRS = 2,
    KVM_STATE_LAPIC = 4,  /* there is one in the kernel */
    KVM_STATE_TSC_KHZ = 8,
};

struct kvm_vcpu_state {
    uint32_t version;
    uint32_t id;
    uint32_t parts; /* enum kvm_state_part */
    uint32_t tsc_khz;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_debugregs debug;
    struct kvm_vcpu_events events;
    struct kvm_mp_state mp;
    struct kvm_fpu fpu;
    struct kvm_xsave xsave;
    struct kvm_xcrs xcrs;
    struct kvm_lapic_state lapic;
    uint32_t msr_count;
    struct kvm_msr_entry msrs[KVM_STATE_MSRS];
};

struct kvm_vm_state {
    uint32_t version;
    bool has_irqchip; /* chips and pit count */
    bool has_clock;
    struct kvm_irqchip chips[3]; /* PIC master, PIC slave, IOAPIC */
    struct kvm_pit_state2 pit;
    struct kvm_clock_data clock;
};

/*
 * The state of vCPU (id), whose descriptor is (vcpu_fd), at rest with all I/O completed; and back,
 * into a vCPU just made, whose CPUID is set. (irqchip): interrupt controllers are in the kernel.
 * A negative errno, and a sentence that names the ioctl and the MSR.
 */
int kvm_get_vcpu_state(const struct kvm *kvm, int vcpu_fd, unsigned id, bool irqchip,
                       struct kvm_vcpu_state *state, struct error *error);
int kvm_set_vcpu_state(const struct kvm *kvm, int vcpu_fd, const struct kvm_vcpu_state *state,
                       struct error *error);

int kvm_get_vm_state(const struct kvm *kvm, bool irqchip, struct kvm_vm_state *state,
                     struct error *error);
int kvm_set_vm_state(const struct kvm *kvm, const struct kvm_vm_state *state, struct error *error);

/* As bytes of a note: how many of them count (an MSR list is as long as it is). */
size_t kvm_vcpu_state_size(const struct kvm_vcpu_state *state);

/*
 * From (size) bytes of a note. -EINVAL: another version, too short or too long, more than one vCPU
 * can have; the sentence says which note.
 */
int kvm_parse_vcpu_state(const void *bytes, size_t size, struct kvm_vcpu_state *state,
                         struct error *error);
int kvm_parse_vm_state(const void *bytes, size_t size, struct kvm_vm_state *state,
                       struct error *error);

#endif
