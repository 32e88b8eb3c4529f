/* `minivmm info --translate`: an address of vCPU 0, level by level, down to the offset in the file. */
#include "vmm/snapshot/info_parts.h"

#include "vmm/core/x86.h"

#include <inttypes.h>

#define BIT_PRESENT (1ULL << 0)
#define BIT_LARGE   (1ULL << 7) /* above level 1; in a PTE it is PAT */

/* Intel SDM volume 3A, chapter 4: the same bits in entries of all levels and modes. */
static const struct {
    uint64_t bit;
    const char *word;
} flags[] = {{1ULL << 1, "writable"}, {1ULL << 2, "user"}, {1ULL << 63, "no-execute"}};

static const char *const fault_words[] = {
    [PAGING_FAULT_ADDRESS] = "the mode has no such address",
    [PAGING_FAULT_OUTSIDE] = "the next table is not in RAM",
    [PAGING_FAULT_ABSENT] = "the last entry is not present",
    [PAGING_FAULT_RESERVED] = "the last entry has reserved bits set",
};

/* Does the walk end at this entry because it is a large page? */
static bool is_large(const struct paging_walk *walk, unsigned index)
{
    const struct paging_entry *entry = &walk->entries[index];

    return index + 1 == walk->entry_count && entry->level > 1 && entry->value & BIT_LARGE &&
           walk->fault != PAGING_FAULT_OUTSIDE;
}

static void write_entry(const struct info *info, const struct paging_walk *walk, unsigned index)
{
    const struct paging_entry *entry = &walk->entries[index];

    fprintf(info->out, "level %u  entry at gpa 0x%08" PRIx64 ": 0x%016" PRIx64, entry->level,
            entry->address.value, entry->value);
    if (!(entry->value & BIT_PRESENT)) {
        fprintf(info->out, "  not present\n");
        return;
    }
    fprintf(info->out, "  present");
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (entry->value & flags[i].bit)
            fprintf(info->out, ", %s", flags[i].word);
    fprintf(info->out, "%s\n", is_large(walk, index) ? ", large" : "");
}

static void write_place(const struct info *info, gpa_t address)
{
    uint64_t offset;

    fprintf(info->out, "gpa      0x%" PRIx64 "\n", address.value);
    switch (info_find(info, address, &offset)) {
    case INFO_IN_FILE:
        fprintf(info->out, "offset   0x%" PRIx64 "\n", offset);
        break;
    case INFO_ZERO:
        fprintf(info->out, "offset   not in the file: zero\n");
        break;
    case INFO_NO_RAM:
        fprintf(info->out, "offset   none: this is no RAM\n");
        break;
    }
}

int info_write_translation(const struct info *info, gva_t address, struct error *error)
{
    struct kvm_vcpu_state state;
    struct paging_registers paging;
    struct paging_walk walk;
    int result = info_read_vcpu(info, 0, &state, error);

    if (result < 0)
        return result;
    paging = x86_paging(&state.sregs);
    result = paging_walk(&info->memory, &paging, address, &walk);
    fprintf(info->out, "gva      0x%" PRIx64 " of vCPU 0, %s", address.value,
            paging_mode_name(&paging));
    fprintf(info->out, ", cr3 0x%" PRIx64 "\n", paging.cr3);
    for (unsigned i = 0; i < walk.entry_count; i++)
        write_entry(info, &walk, i);
    if (result == 0)
        write_place(info, walk.address);
    else
        fprintf(info->out, "gpa      none: %s\n", fault_words[walk.fault]);
    return 0;
}
