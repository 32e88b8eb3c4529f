#include "vmm/snapshot/kvm_state_msr.h"

#include "vmm/snapshot/kvm_state_ioctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#define MSR_TSC          0x10
#define MSR_TSC_DEADLINE 0x6e0

/* More than a second away from (tsc), at any TSC rate. */
#define FAR_FROM(tsc) ((tsc) ^ 1ULL << 62)

/* MSRs that KVM saves, but that not every kernel lists; Intel SDM volume 4. */
static const struct msr_range {
    uint32_t first, last;
} unlisted[] = {
    {0x200, 0x20f}, /* variable MTRRs */
    {0x250, 0x250}, /* fixed MTRRs: 64 KiB, */
    {0x258, 0x259}, /* 16 KiB, */
    {0x268, 0x26f}, /* 4 KiB */
    {0x2ff, 0x2ff}, /* MTRR default type */
    {0x400, 0x47f}, /* machine check banks, four each */
};

static bool has(const uint32_t *indices, unsigned count, uint32_t index)
{
    for (unsigned i = 0; i < count; i++)
        if (indices[i] == index)
            return true;
    return false;
}

/* List the MSRs to try, at most KVM_STATE_MSRS. Returns how many, or a negative errno. */
static int list(const struct kvm *kvm, uint32_t *indices, struct error *error)
{
    int listed = kvm_list_msrs(kvm, indices, KVM_STATE_MSRS, error);
    unsigned count;

    if (listed < 0)
        return listed;
    count = (unsigned)listed;
    for (size_t i = 0; i < sizeof(unlisted) / sizeof(unlisted[0]); i++)
        for (uint32_t index = unlisted[i].first; index <= unlisted[i].last; index++) {
            if (has(indices, (unsigned)listed, index))
                continue;
            if (count == KVM_STATE_MSRS)
                return error_set(error, -E2BIG, "KVM_GET_MSR_INDEX_LIST: more than %u MSRs",
                                 KVM_STATE_MSRS);
            indices[count++] = index;
        }
    return (int)count;
}

/* Drop the first of (count) entries. */
static void drop_first(struct kvm_msr_entry *entries, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        entries[i - 1] = entries[i];
}

int kvm_get_state_msrs(const struct kvm *kvm, int vcpu_fd,
                       struct kvm_msr_entry msrs[KVM_STATE_MSRS], struct error *error)
{
    uint32_t indices[KVM_STATE_MSRS];
    int count = list(kvm, indices, error);
    unsigned left = count > 0 ? (unsigned)count : 0;
    int read = 0;

    for (unsigned i = 0; i < left; i++)
        msrs[i] = (struct kvm_msr_entry){.index = indices[i]};
    while (left) {
        int got = kvm_get_msrs(vcpu_fd, &msrs[read], left, error);

        if (got < 0)
            return got;
        if (got == 0)
            drop_first(&msrs[read], left--);
        read += got;
        left -= (unsigned)got;
    }
    return count < 0 ? count : read;
}

/* KVM has refused to set (entry), which is no error if the MSR has this value already. */
static int check_refused(int vcpu_fd, unsigned id, const struct kvm_msr_entry *entry,
                         struct error *error)
{
    struct kvm_msr_entry held = {.index = entry->index};
    int got = kvm_get_msrs(vcpu_fd, &held, 1, error);

    if (got < 0)
        return got;
    if (got == 0)
        return error_set(error, -EOPNOTSUPP,
                         "KVM_SET_MSRS: vCPU %u: there is no MSR 0x%" PRIx32
                         " on this host; restore it where it was saved",
                         id, entry->index);
    if ((uint64_t)held.data == (uint64_t)entry->data)
        return 0;
    return error_set(error, -EINVAL,
                     "KVM_SET_MSRS: vCPU %u: MSR 0x%" PRIx32 " is 0x%" PRIx64
                     " on this host and cannot become 0x%" PRIx64 "; restore it where it was saved",
                     id, entry->index, (uint64_t)held.data, (uint64_t)entry->data);
}

static int set(int vcpu_fd, unsigned id, const struct kvm_msr_entry *entries, unsigned count,
               struct error *error)
{
    while (count) {
        int done = kvm_set_msrs(vcpu_fd, entries, count, error);

        if (done < 0)
            return done;
        if (done == 0) {
            int result = check_refused(vcpu_fd, id, entries, error);

            if (result < 0)
                return result;
            done = 1;
        }
        entries += done;
        count -= (unsigned)done;
    }
    return 0;
}

static bool is_clock(uint32_t index)
{
    return index == MSR_TSC || index == MSR_TSC_DEADLINE;
}

int kvm_set_state_msrs(int vcpu_fd, unsigned id, const struct kvm_msr_entry *msrs, unsigned count,
                       struct error *error)
{
    struct kvm_msr_entry entries[KVM_STATE_MSRS];
    unsigned used = 0;

    for (unsigned i = 0; i < count; i++)
        if (!is_clock(msrs[i].index))
            entries[used++] = msrs[i];
    return set(vcpu_fd, id, entries, used, error);
}

static const struct kvm_msr_entry *find(const struct kvm_msr_entry *msrs, unsigned count,
                                        uint32_t index)
{
    for (unsigned i = 0; i < count; i++)
        if (msrs[i].index == index)
            return &msrs[i];
    return NULL;
}

/*
 * KVM makes a TSC equal to another TSC of the VM if the value is within a second of it, or before
 * Linux 6.7 of the time since the VM was made. So that vCPU 0 gets its exact value, a distant value
 * is set first; the others become equal to it.
 */
static int set_tsc(int vcpu_fd, unsigned id, const struct kvm_msr_entry *tsc, struct error *error)
{
    struct kvm_msr_entry away = {.index = MSR_TSC, .data = FAR_FROM(tsc->data)};
    int result = id == 0 ? set(vcpu_fd, id, &away, 1, error) : 0;

    return result < 0 ? result : set(vcpu_fd, id, tsc, 1, error);
}

int kvm_set_state_clocks(int vcpu_fd, unsigned id, const struct kvm_msr_entry *msrs, unsigned count,
                         struct error *error)
{
    const struct kvm_msr_entry *tsc = find(msrs, count, MSR_TSC);
    const struct kvm_msr_entry *deadline = find(msrs, count, MSR_TSC_DEADLINE);
    int result = tsc ? set_tsc(vcpu_fd, id, tsc, error) : 0;

    if (result == 0 && deadline)
        result = set(vcpu_fd, id, deadline, 1, error);
    return result;
}
