/*
 * Model-specific registers that devices serve: KVM makes an exit of each access to one of them.
 *
 * Claims are added before the VM is made, and do not change while a vCPU runs. An MSR that exits
 * and has no claim faults in the guest (#GP), as an unknown one does.
 */
#ifndef VMM_IO_MSR_H
#define VMM_IO_MSR_H

#include "vmm/base/error.h"

#include <stdint.h>

#define MSR_CLAIMS    4
#define MSR_CLAIM_MAX 64u /* MSRs of one claim */

struct device;

/* Called without the device's lock. 0, or a negative errno: the access faults in the guest. */
struct msr_ops {
    int (*read)(struct device *device, uint32_t index, uint64_t *value);
    int (*write)(struct device *device, uint32_t index, uint64_t value);
};

struct msr_claim {
    uint32_t first, last; /* inclusive */
    struct device *device;
    const struct msr_ops *ops;
};

struct msr_table {
    struct msr_claim claims[MSR_CLAIMS];
    unsigned count;
};

/*
 * Add (claim), for a device that is being made: as the last step of its create(), which must not
 * fail afterwards. -EINVAL: no MSR, or more than MSR_CLAIM_MAX; -EBUSY: another device has one of
 * them; -ENOSPC.
 */
int msr_claim_add(struct msr_table *table, const struct msr_claim *claim, struct error *error);

/* The claim that has MSR (index), or NULL. */
const struct msr_claim *msr_find(const struct msr_table *table, uint32_t index);

#endif
