#include "vmm/snapshot/kvm_state.h"

#include "vmm/snapshot/kvm_state_ioctl.h"

#include <errno.h>
#include <string.h>

/* Capabilities of KVM or the VM that may be absent. */
static const struct {
    uint32_t part;
    int capability;
    const char *name;
} optional[] = {
    {KVM_STATE_XSAVE, KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
    {KVM_STATE_XCRS, KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_STATE_TSC_KHZ, KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
};

/* A structure of a vCPU's state: in the state if (part) is set, or always if that is 0. */
struct piece {
    enum kvm_item item;
    size_t offset;
    uint32_t part;
};

#define PIECE(name, field, of_part)                                                                \
    {                                                                                              \
        .item = KVM_ITEM_##name, .offset = offsetof(struct kvm_vcpu_state, field), .part = of_part \
    }

/*
 * In the order of getting. KVM_GET_MP_STATE is first: it processes a pending INIT or SIPI, which
 * changes the registers.
 */
static const struct piece pieces_to_get[] = {
    PIECE(MP_STATE, mp, 0),
    PIECE(EVENTS, events, 0),
    PIECE(REGS, regs, 0),
    PIECE(SREGS, sregs, 0),
    PIECE(DEBUGREGS, debug, 0),
    PIECE(XSAVE, xsave, KVM_STATE_XSAVE),
    PIECE(FPU, fpu, KVM_STATE_FPU),
    PIECE(XCRS, xcrs, KVM_STATE_XCRS),
    PIECE(LAPIC, lapic, KVM_STATE_LAPIC),
};

/*
 * In the order of setting, up to the MSRs: EFER and the APIC's base, in SREGS, decide which values
 * the others may have.
 */
static const struct piece pieces_before_msrs[] = {
    PIECE(SREGS, sregs, 0),
    PIECE(XCRS, xcrs, KVM_STATE_XCRS),
    PIECE(XSAVE, xsave, KVM_STATE_XSAVE),
    PIECE(FPU, fpu, KVM_STATE_FPU),
    PIECE(REGS, regs, 0),
    PIECE(DEBUGREGS, debug, 0),
};

/* Set after the clocks. KVM_SET_REGS and others drop exceptions, so events are the last. */
static const struct piece pieces_at_the_end[] = {
    PIECE(MP_STATE, mp, 0),
    PIECE(EVENTS, events, 0),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t parts_here(const struct kvm *kvm, bool irqchip)
{
    uint32_t parts = irqchip ? KVM_STATE_LAPIC : 0;

    for (size_t i = 0; i < COUNT(optional); i++)
        if (kvm_check_extension(kvm, optional[i].capability))
            parts |= optional[i].part;
    return parts & KVM_STATE_XSAVE ? parts : parts | KVM_STATE_FPU;
}

static int get_pieces(int vcpu_fd, struct kvm_vcpu_state *state, struct error *error)
{
    for (size_t i = 0; i < COUNT(pieces_to_get); i++) {
        const struct piece *piece = &pieces_to_get[i];
        int result;

        if (piece->part && !(state->parts & piece->part))
            continue;
        result = kvm_get_item(vcpu_fd, piece->item, (uint8_t *)state + piece->offset, error);
        if (result < 0)
            return result;
    }
    return 0;
}

static int set_pieces(int vcpu_fd, const struct piece *pieces, size_t count,
                      const struct kvm_vcpu_state *state, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int result;

        if (pieces[i].part && !(state->parts & pieces[i].part))
            continue;
        result =
            kvm_set_item(vcpu_fd, pieces[i].item, (const uint8_t *)state + pieces[i].offset, error);
        if (result < 0)
            return result;
    }
    return 0;
}

/* KVM reports no rate if the host's TSC is not steady; then the state has none. */
static void get_tsc_khz(int vcpu_fd, struct kvm_vcpu_state *state)
{
    int khz = state->parts & KVM_STATE_TSC_KHZ ? kvm_get_tsc_khz(vcpu_fd, NULL) : -1;

    if (khz > 0)
        state->tsc_khz = (uint32_t)khz;
    else
        state->parts &= ~(uint32_t)KVM_STATE_TSC_KHZ;
}

int kvm_get_vcpu_state(const struct kvm *kvm, int vcpu_fd, unsigned id, bool irqchip,
                       struct kvm_vcpu_state *state, struct error *error)
{
    int result = kvm_vcpu_is_nested(kvm, vcpu_fd, error);

    if (result > 0)
        return error_set(error, -EOPNOTSUPP,
                         "KVM_GET_NESTED_STATE: vCPU %u runs guests of its own, which cannot be "
                         "saved; do it before they are started",
                         id);
    if (result < 0)
        return result;
    memset(state, 0, sizeof(*state));
    state->version = KVM_STATE_VERSION;
    state->id = id;
    state->parts = parts_here(kvm, irqchip);
    get_tsc_khz(vcpu_fd, state);
    result = get_pieces(vcpu_fd, state, error);
    if (result == 0)
        result = kvm_get_state_msrs(kvm, vcpu_fd, state->msrs, error);
    if (result < 0)
        return result;
    state->msr_count = (uint32_t)result;
    return 0;
}

static int check_parts(const struct kvm *kvm, uint32_t parts, struct error *error)
{
    for (size_t i = 0; i < COUNT(optional); i++)
        if (parts & optional[i].part && !kvm_check_extension(kvm, optional[i].capability))
            return error_set(error, -EOPNOTSUPP,
                             "this kernel lacks %s, which the saved state needs; restore it where "
                             "it was saved",
                             optional[i].name);
    return 0;
}

/* Another rate is set only if it differs: not every host supports it. */
static int set_tsc_khz(int vcpu_fd, const struct kvm_vcpu_state *state, struct error *error)
{
    if (!(state->parts & KVM_STATE_TSC_KHZ) ||
        kvm_get_tsc_khz(vcpu_fd, NULL) == (int64_t)state->tsc_khz)
        return 0;
    return kvm_set_tsc_khz(vcpu_fd, state->tsc_khz, error);
}

int kvm_set_vcpu_state(const struct kvm *kvm, int vcpu_fd, const struct kvm_vcpu_state *state,
                       struct error *error)
{
    int result = check_parts(kvm, state->parts, error);

    if (result == 0)
        result = set_tsc_khz(vcpu_fd, state, error);
    if (result == 0)
        result = set_pieces(vcpu_fd, pieces_before_msrs, COUNT(pieces_before_msrs), state, error);
    if (result == 0)
        result = kvm_set_state_msrs(vcpu_fd, state->id, state->msrs, state->msr_count, error);
    if (result == 0 && state->parts & KVM_STATE_LAPIC)
        result = kvm_set_item(vcpu_fd, KVM_ITEM_LAPIC, &state->lapic, error);
    if (result == 0)
        result = kvm_set_state_clocks(vcpu_fd, state->id, state->msrs, state->msr_count, error);
    if (result == 0)
        result = set_pieces(vcpu_fd, pieces_at_the_end, COUNT(pieces_at_the_end), state, error);
    return result;
}

static int get_controllers(const struct kvm *kvm, struct kvm_vm_state *state, struct error *error)
{
    for (uint32_t i = 0; i < KVM_STATE_CHIPS; i++) {
        int result;

        state->chips[i].chip_id = i;
        result = kvm_get_item(kvm->vm_fd, KVM_ITEM_IRQCHIP, &state->chips[i], error);
        if (result < 0)
            return result;
    }
    return kvm_get_item(kvm->vm_fd, KVM_ITEM_PIT, &state->pit, error);
}

int kvm_get_vm_state(const struct kvm *kvm, bool irqchip, struct kvm_vm_state *state,
                     struct error *error)
{
    const bool clock = kvm_check_extension(kvm, KVM_CAP_ADJUST_CLOCK);
    int result = 0;

    memset(state, 0, sizeof(*state));
    state->version = KVM_STATE_VERSION;
    state->has_irqchip = irqchip;
    state->has_clock = clock;
    if (irqchip)
        result = get_controllers(kvm, state, error);
    if (result == 0 && clock)
        result = kvm_get_item(kvm->vm_fd, KVM_ITEM_CLOCK, &state->clock, error);
    return result;
}

static int set_controllers(const struct kvm *kvm, const struct kvm_vm_state *state,
                           struct error *error)
{
    for (unsigned i = 0; i < KVM_STATE_CHIPS; i++) {
        int result = kvm_set_item(kvm->vm_fd, KVM_ITEM_IRQCHIP, &state->chips[i], error);

        if (result < 0)
            return result;
    }
    return kvm_set_item(kvm->vm_fd, KVM_ITEM_PIT, &state->pit, error);
}

int kvm_set_vm_state(const struct kvm *kvm, const struct kvm_vm_state *state, struct error *error)
{
    /* Without KVM_CLOCK_REALTIME: the guest's time does not count the time that it was saved. */
    const struct kvm_clock_data clock = {.clock = state->clock.clock};
    int result = 0;

    if (state->has_irqchip)
        result = set_controllers(kvm, state, error);
    if (result == 0 && state->has_clock)
        result = kvm_set_item(kvm->vm_fd, KVM_ITEM_CLOCK, &clock, error);
    return result;
}

size_t kvm_vcpu_state_size(const struct kvm_vcpu_state *state)
{
    return offsetof(struct kvm_vcpu_state, msrs) + state->msr_count * sizeof(state->msrs[0]);
}

/* ---- Parsing notes of a file, which is untrusted ---- */

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

static int check_known_parts(const char *note, uint32_t parts, uint32_t known, struct error *error)
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
        result = check_known_parts(note, state->parts, ALL_VCPU_PARTS, error);
    if (result == 0)
        memcpy(state->msrs, (const uint8_t *)bytes + head, size - head);
    return result;
}

/* KVM would set another one of the three. */
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
    return result < 0 ? result
                      : check_known_parts(note, state->has_irqchip | state->has_clock, 1, error);
}
