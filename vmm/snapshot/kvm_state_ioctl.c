#include "vmm/snapshot/kvm_state_ioctl.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

/* A call accepts fewer than 256 MSRs: MAX_IO_MSRS of the kernel's arch/x86/kvm/x86.c. */
#define MSRS_PER_CALL 255

struct item {
    unsigned long get, set;
    const char *get_name, *set_name;
};

#define ITEM(name)                                                                                 \
    {                                                                                              \
        KVM_GET_##name, KVM_SET_##name, "KVM_GET_" #name, "KVM_SET_" #name                         \
    }

static const struct item items[] = {
    [KVM_ITEM_MP_STATE] = ITEM(MP_STATE),
    [KVM_ITEM_EVENTS] = ITEM(VCPU_EVENTS),
    [KVM_ITEM_REGS] = ITEM(REGS),
    [KVM_ITEM_SREGS] = ITEM(SREGS),
    [KVM_ITEM_DEBUGREGS] = ITEM(DEBUGREGS),
    [KVM_ITEM_FPU] = ITEM(FPU),
    [KVM_ITEM_XSAVE] = ITEM(XSAVE),
    [KVM_ITEM_XCRS] = ITEM(XCRS),
    [KVM_ITEM_LAPIC] = ITEM(LAPIC),
    [KVM_ITEM_IRQCHIP] = ITEM(IRQCHIP),
    [KVM_ITEM_PIT] = ITEM(PIT2),
    [KVM_ITEM_CLOCK] = ITEM(CLOCK),
};

/* A kvm_msrs with room: its last member is a flexible array. */
union msrs {
    struct kvm_msrs header;
    uint8_t room[sizeof(struct kvm_msrs) + MSRS_PER_CALL * sizeof(struct kvm_msr_entry)];
};

union msr_list {
    struct kvm_msr_list header;
    uint8_t room[sizeof(struct kvm_msr_list) + 4096 * sizeof(uint32_t)];
};

int kvm_get_item(int fd, enum kvm_item item, void *bytes, struct error *error)
{
    return kvm_call(fd, items[item].get, items[item].get_name, bytes, error);
}

int kvm_set_item(int fd, enum kvm_item item, const void *bytes, struct error *error)
{
    union {
        const void *bytes;
        void *argument; /* KVM only reads it */
    } given = {.bytes = bytes};

    return kvm_call(fd, items[item].set, items[item].set_name, given.argument, error);
}

int kvm_check_extension(const struct kvm *kvm, int capability)
{
    int result = ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, (unsigned long)capability);

    return result > 0 ? result : 0;
}

int kvm_get_tsc_khz(int vcpu_fd, struct error *error)
{
    int result = KVM_CALL(vcpu_fd, KVM_GET_TSC_KHZ, NULL, error);

    return result == 0 ? error_set(error, -EIO, "KVM_GET_TSC_KHZ: KVM does not know it") : result;
}

int kvm_set_tsc_khz(int vcpu_fd, uint32_t khz, struct error *error)
{
    if (ioctl(vcpu_fd, KVM_SET_TSC_KHZ, (unsigned long)khz) < 0)
        return error_set(error, -errno,
                         "KVM_SET_TSC_KHZ: %u kHz: %s; the guest's TSC cannot run at this rate on "
                         "this host: restore it where it was saved",
                         khz, strerror(errno));
    return 0;
}

int kvm_list_msrs(const struct kvm *kvm, uint32_t *indices, unsigned room, struct error *error)
{
    union msr_list list;
    int result;

    memset(&list.header, 0, sizeof(list.header));
    list.header.nmsrs = (sizeof(list) - sizeof(list.header)) / sizeof(uint32_t);
    result = KVM_CALL(kvm->system_fd, KVM_GET_MSR_INDEX_LIST, &list.header, error);
    if (result < 0)
        return result;
    if (list.header.nmsrs > room)
        return error_set(error, -E2BIG, "KVM_GET_MSR_INDEX_LIST: %u MSRs, but there is room for %u",
                         list.header.nmsrs, room);
    memcpy(indices, list.header.indices, list.header.nmsrs * sizeof(*indices));
    return (int)list.header.nmsrs;
}

/* Copy (count) entries, or as many as fit, to KVM's form. Returns how many. */
static unsigned fill(union msrs *msrs, const struct kvm_msr_entry *entries, unsigned count)
{
    if (count > MSRS_PER_CALL)
        count = MSRS_PER_CALL;
    msrs->header = (struct kvm_msrs){.nmsrs = count};
    memcpy(msrs->header.entries, entries, count * sizeof(*entries));
    return count;
}

int kvm_get_msrs(int vcpu_fd, struct kvm_msr_entry *entries, unsigned count, struct error *error)
{
    union msrs msrs;
    int result;

    fill(&msrs, entries, count);
    result = KVM_CALL(vcpu_fd, KVM_GET_MSRS, &msrs.header, error);
    if (result > 0)
        memcpy(entries, msrs.header.entries, (unsigned)result * sizeof(*entries));
    return result;
}

int kvm_set_msrs(int vcpu_fd, const struct kvm_msr_entry *entries, unsigned count,
                 struct error *error)
{
    union msrs msrs;

    fill(&msrs, entries, count);
    return KVM_CALL(vcpu_fd, KVM_SET_MSRS, &msrs.header, error);
}

int kvm_vcpu_is_nested(const struct kvm *kvm, int vcpu_fd, struct error *error)
{
    /* Get the header alone. E2BIG: there is more, so the guest uses VMX or runs a nested guest. */
    struct kvm_nested_state state = {.size = sizeof(state)};

    if (!kvm_check_extension(kvm, KVM_CAP_NESTED_STATE))
        return 0;
    if (ioctl(vcpu_fd, KVM_GET_NESTED_STATE, &state) < 0)
        return errno == E2BIG
                   ? 1
                   : error_set(error, -errno, "KVM_GET_NESTED_STATE: %s", strerror(errno));
    return (state.flags & KVM_STATE_NESTED_GUEST_MODE) != 0;
}
