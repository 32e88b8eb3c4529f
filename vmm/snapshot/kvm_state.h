/*
 * The state that KVM keeps of a vCPU and of a VM, for checkpoints: read, set, and as bytes of a
 * note.
 *
 * The bytes are a version, then KVM's own structures one after the other; docs/checkpoint.md lists
 * them. They come from untrusted files: their sizes are checked here, and KVM checks their values.
 *
 * KVM cannot restore exactly:
 * - The PIT's counters, while they count, start again from their reload value.
 * - A one-shot timer of a local APIC that has expired may interrupt once more: KVM does not report
 *   whether its interrupt was delivered.
 * - TSCs that differ by less than a second between vCPUs become equal, as KVM wants them to be.
 *   Where KVM cannot set TSCs at all (and returns no error), the guest sees the host's: at a later
 *   time, or, if the host was started again, at an earlier one.
 * - If the guest has registered a wall clock structure with KVM (by MSR), KVM writes it again.
 */
#ifndef VMM_SNAPSHOT_KVM_STATE_H
#define VMM_SNAPSHOT_KVM_STATE_H

#include "vmm/base/error.h"
#include "vmm/core/kvm.h"
#include "vmm/snapshot/kvm_state_msr.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVM_STATE_VERSION 1

/* The optional parts. A state can be set only if KVM supports all of its parts. */
enum kvm_state_part {
    KVM_STATE_XSAVE = 1,
    KVM_STATE_FPU = 2, /* without XSAVE */
    KVM_STATE_XCRS = 4,
    KVM_STATE_LAPIC = 8, /* with an in-kernel local APIC */
    KVM_STATE_TSC_KHZ = 16,
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
    uint32_t xsave[sizeof(struct kvm_xsave) / sizeof(uint32_t)]; /* may be longer than the struct */
    struct kvm_xcrs xcrs;
    struct kvm_lapic_state lapic;
    uint32_t msr_count;
    struct kvm_msr_entry msrs[KVM_STATE_MSRS];
};

#define KVM_STATE_CHIPS 3

struct kvm_vm_state {
    uint32_t version;
    uint32_t has_irqchip;                      /* 1: with chips and pit; or 0 */
    uint32_t has_clock;                        /* 1 or 0 */
    struct kvm_irqchip chips[KVM_STATE_CHIPS]; /* by chip_id: PIC master, PIC slave, IOAPIC */
    struct kvm_pit_state2 pit;
    struct kvm_clock_data clock;
};

/*
 * Get the state of vCPU (id), whose descriptor is (vcpu_fd), at rest with all I/O completed; and
 * set it, in a vCPU just made, whose CPUID is set and whose VM has its memory: vCPU 0 first, since
 * the TSCs of the others follow its TSC. (irqchip): interrupt controllers are in the kernel. A
 * negative errno with a sentence that names the ioctl and the MSR; a vCPU that was set in part must
 * not run. -EOPNOTSUPP: the guest runs nested guests, or KVM lacks a part of the state.
 */
int kvm_get_vcpu_state(const struct kvm *kvm, int vcpu_fd, unsigned id, bool irqchip,
                       struct kvm_vcpu_state *state, struct error *error);
int kvm_set_vcpu_state(const struct kvm *kvm, int vcpu_fd, const struct kvm_vcpu_state *state,
                       struct error *error);

/*
 * Get and set the state of the VM. Set it after all vCPUs: an interrupt that waits in the IOAPIC
 * goes to their local APICs. KVM's clock continues from its saved value at the moment of the call.
 */
int kvm_get_vm_state(const struct kvm *kvm, bool irqchip, struct kvm_vm_state *state,
                     struct error *error);
int kvm_set_vm_state(const struct kvm *kvm, const struct kvm_vm_state *state, struct error *error);

/* The size of the state as bytes of a note (the MSR list has no fixed length). */
size_t kvm_vcpu_state_size(const struct kvm_vcpu_state *state);

/*
 * Parse (size) bytes of a note. -EINVAL: another version, too short or too long, unknown parts, or
 * more MSRs than a vCPU can have; the sentence names the note.
 */
int kvm_parse_vcpu_state(const void *bytes, size_t size, struct kvm_vcpu_state *state,
                         struct error *error);
int kvm_parse_vm_state(const void *bytes, size_t size, struct kvm_vm_state *state,
                       struct error *error);

#endif
