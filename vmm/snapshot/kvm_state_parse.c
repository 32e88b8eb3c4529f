/* The state of vCPUs and VMs out of the notes of a file that nobody has checked. */
#include "vmm/snapshot/kvm_state.h"

#include <errno.h>
#include <string.h>

static int check_version(const char *note, const void *bytes, size_t size, struct error *error)
{
    uint32_t version;

    if (size < sizeof(version))
        return error_set(error, -EINVAL, "the note of %s is cut off: %zu bytes", note, size);
    memcpy(&version, bytes, sizeof(version));
    if (version != KVM_STATE_VERSION)
        return error_set(error, -EINVAL,
                         "the note of %s has version %u, but this minivmm reads %u; use the one "
                         "that wrote it",
                         note, version, KVM_STATE_VERSION);
    return 0;
}

static int check_size(const char *note, size_t size, size_t expected, struct error *error)
{
    if (size == expected)
        return 0;
    return error_set(error, -EINVAL, "the note of %s has %zu bytes, but should have %zu", note,
                     size, expected);
}

static int check_parts(const char *note, uint32_t parts, uint32_t known, struct error *error)
{
    if (!(parts & ~known))
        return 0;
    return error_set(error, -EINVAL, "the note of %s has parts 0x%x, of which 0x%x are unknown",
                     note, parts, parts & ~known);
}

#define ALL_VCPU_PARTS                                                                             \
    (KVM_STATE_XSAVE | KVM_STATE_FPU | KVM_STATE_XCRS | KVM_STATE_LAPIC | KVM_STATE_TSC_KHZ)

int kvm_parse_vcpu_state(const void *bytes, size_t size, struct kvm_vcpu_state *state,
                         struct error *error)
{
    static const char note[] = "a vCPU's state";
    const size_t head = offsetof(struct kvm_vcpu_state, msrs);
    int result = check_version(note, bytes, size, error);

    if (result == 0 && size < head)
        result = check_size(note, size, head, error);
    if (result < 0)
        return result;
    memset(state, 0, sizeof(*state));
    memcpy(state, bytes, head);
    if (state->msr_count > KVM_STATE_MSRS)
        return error_set(error, -EINVAL, "the note of %s has %u MSRs, but there are at most %u",
                         note, state->msr_count, KVM_STATE_MSRS);
    result = check_size(note, size, kvm_vcpu_state_size(state), error);
    if (result == 0)
        result = check_parts(note, state->parts, ALL_VCPU_PARTS, error);
    if (result == 0)
        memcpy(state->msrs, (const uint8_t *)bytes + head, size - head);
    return result;
}

/* KVM would take one for another. */
static int check_chips(const char *note, const struct kvm_vm_state *state, struct error *error)
{
    for (uint32_t i = 0; state->has_irqchip && i < KVM_STATE_CHIPS; i++)
        if (state->chips[i].chip_id != i)
            return error_set(error, -EINVAL,
                             "the note of %s has interrupt controller %u where %u should be", note,
                             state->chips[i].chip_id, i);
    return 0;
}

int kvm_parse_vm_state(const void *bytes, size_t size, struct kvm_vm_state *state,
                       struct error *error)
{
    static const char note[] = "the VM's state";
    int result = check_version(note, bytes, size, error);

    if (result == 0)
        result = check_size(note, size, sizeof(*state), error);
    if (result < 0)
        return result;
    memcpy(state, bytes, sizeof(*state));
    result = check_chips(note, state, error);
    return result < 0 ? result : check_parts(note, state->has_irqchip | state->has_clock, 1, error);
}
