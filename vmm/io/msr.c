#include "vmm/io/msr.h"

#include <errno.h>
#include <stddef.h>

int msr_claim_add(struct msr_table *table, const struct msr_claim *claim, struct error *error)
{
    if (claim->last < claim->first || claim->last - claim->first >= MSR_CLAIM_MAX)
        return error_set(error, -EINVAL, "MSRs 0x%x to 0x%x: claim 1 to %u", claim->first,
                         claim->last, MSR_CLAIM_MAX);
    for (unsigned i = 0; i < table->count; i++)
        if (claim->first <= table->claims[i].last && claim->last >= table->claims[i].first)
            return error_set(
                error, -EBUSY,
                "MSR 0x%x is claimed by another device already; use one of the two devices",
                claim->first);
    if (table->count == MSR_CLAIMS)
        return error_set(error, -ENOSPC, "no room for MSR 0x%x; use fewer devices", claim->first);
    table->claims[table->count++] = *claim;
    return 0;
}

const struct msr_claim *msr_find(const struct msr_table *table, uint32_t index)
{
    for (unsigned i = 0; i < table->count; i++)
        if (index >= table->claims[i].first && index <= table->claims[i].last)
            return &table->claims[i];
    return NULL;
}
