#include "vmm/snapshot/info.h"

#include "vmm/core/paging.h"
#include "vmm/core/x86.h"
#include "vmm/io/memory.h"
#include "vmm/snapshot/info_machine.h"
#include "vmm/snapshot/kvm_state.h"
#include "vmm/snapshot/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIT_PRESENT (1ULL << 0)
#define BIT_LARGE   (1ULL << 7) /* above level 1; in a PTE this bit is PAT */

struct info {
    const char *path;
    struct restore file;
    struct memory memory; /* the file's */
    FILE *out;
};

/* Parse the state of vCPU (id). */
static int read_vcpu(const struct info *info, unsigned id, struct kvm_vcpu_state *state,
                     struct error *error)
{
    const struct elf_note *note = elf_file_find(&info->file.elf, ELF_NOTE_VCPU, id);
    struct error cause;
    int result;

    if (!note)
        return error_set(error, -EINVAL, "%s: the state of vCPU %u is missing", info->path, id);
    result = kvm_parse_vcpu_state(note->bytes, note->size, state, &cause);
    if (result < 0)
        return error_set(error, result, "%.200s: %.300s", info->path, cause.text);
    if (state->id != id)
        return error_set(error, -EINVAL, "%s: the states of vCPUs are not in their order",
                         info->path);
    return 0;
}

/* How the file holds an address. */
enum place {
    IN_FILE, /* at *offset */
    ZERO,    /* not in the file: zero */
    NO_RAM,
};

static enum place find_place(const struct info *info, gpa_t address, uint64_t *offset)
{
    const struct elf_file *elf = &info->file.elf;

    for (unsigned i = 0; i < elf->extent_count; i++) {
        const struct memory_extent *extent = &elf->extents[i];

        /* Below the extent this wraps round to a number larger than any extent. */
        if (address.value - extent->address.value < extent->size) {
            *offset = extent->offset + (address.value - extent->address.value);
            return IN_FILE;
        }
    }
    return memory_at(&info->memory, address, 1) ? ZERO : NO_RAM;
}

static const char *mp_state_name(uint32_t state)
{
    static const char *const names[] = {
        [KVM_MP_STATE_RUNNABLE] = "runs",
        [KVM_MP_STATE_UNINITIALIZED] = "waits for INIT",
        [KVM_MP_STATE_INIT_RECEIVED] = "waits for SIPI",
        [KVM_MP_STATE_HALTED] = "halted",
        [KVM_MP_STATE_SIPI_RECEIVED] = "has got its SIPI",
    };

    return state < sizeof(names) / sizeof(names[0]) ? names[state]
                                                    : "in a state that minivmm does not know";
}

/* RIP as a linear address: 64-bit code has no segment base. */
static gva_t linear_rip(const struct kvm_vcpu_state *state)
{
    if (x86_code_bits(&state->sregs) == 64)
        return gva(state->regs.rip);
    return gva((uint32_t)(state->sregs.cs.base + state->regs.rip));
}

/* Finish the line of RIP: where the address is. */
static void write_rip_place(const struct info *info, const struct kvm_vcpu_state *state)
{
    const struct paging_registers paging = x86_paging(&state->sregs);
    struct paging_walk walk;
    uint64_t offset;

    if (paging_walk(&info->memory, &paging, linear_rip(state), &walk) < 0) {
        fprintf(info->out, ", which the page tables do not map\n");
        return;
    }
    fprintf(info->out, ", gpa 0x%" PRIx64, walk.address.value);
    switch (find_place(info, walk.address, &offset)) {
    case IN_FILE:
        fprintf(info->out, ", offset 0x%" PRIx64 "\n", offset);
        break;
    case ZERO:
        fprintf(info->out, ", not in the file: zero\n");
        break;
    case NO_RAM:
        fprintf(info->out, ", which is not RAM\n");
        break;
    }
}

static int write_vcpus(const struct info *info, struct error *error)
{
    const unsigned count = info->file.note.plan.vcpu_count;
    struct kvm_vcpu_state state;

    for (unsigned id = 0; id < count; id++) {
        int result = read_vcpu(info, id, &state, error);
        struct paging_registers paging;

        if (result < 0)
            return result;
        paging = x86_paging(&state.sregs);
        fprintf(info->out, "\nvCPU %-4u %s, %u-bit code, %s\n", id,
                mp_state_name(state.mp.mp_state), x86_code_bits(&state.sregs),
                paging_mode_name(&paging));
        fprintf(info->out, "  rip 0x%016" PRIx64, (uint64_t)state.regs.rip);
        write_rip_place(info, &state);
        fprintf(info->out, "  rsp 0x%016" PRIx64 "\n  cr3 0x%016" PRIx64 "\n",
                (uint64_t)state.regs.rsp, (uint64_t)state.sregs.cr3);
    }
    if (elf_file_find(&info->file.elf, ELF_NOTE_VCPU, count))
        return error_set(error, -EINVAL, "%s: it has the state of a vCPU that is not there",
                         info->path);
    return 0;
}

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
    switch (find_place(info, address, &offset)) {
    case IN_FILE:
        fprintf(info->out, "offset   0x%" PRIx64 "\n", offset);
        break;
    case ZERO:
        fprintf(info->out, "offset   not in the file: zero\n");
        break;
    case NO_RAM:
        fprintf(info->out, "offset   none: this is not RAM\n");
        break;
    }
}

static int write_translation(const struct info *info, gva_t address, struct error *error)
{
    struct kvm_vcpu_state state;
    struct paging_registers paging;
    struct paging_walk walk;
    int result = read_vcpu(info, 0, &state, error);

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

static int write_summary(const struct info *info, struct error *error)
{
    int result = info_write_machine(&info->file, info->out, error);

    if (result == 0)
        result = info_write_devices(&info->file, info->out, error);
    if (result < 0)
        return result;
    info_write_memory(&info->file, info->out);
    result = write_vcpus(info, error);
    if (result == 0)
        info_write_notes(&info->file, info->out);
    return result;
}

static int write_out(const struct info *info, const char *bytes, size_t size, int fd,
                     struct error *error)
{
    while (size > 0) {
        const ssize_t count = write(fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set(error, -errno, "%s: what is in it cannot be written out: %s",
                             info->path, strerror(errno));
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

/* All text is made before any is written: for a file that is refused nothing is written. */
static int write_info(struct info *info, const uint64_t *gva_wanted, int fd, struct error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    int result;

    info->out = open_memstream(&bytes, &size);
    if (!info->out)
        return error_set(error, -ENOMEM, "%s: out of memory", info->path);
    result =
        gva_wanted ? write_translation(info, gva(*gva_wanted), error) : write_summary(info, error);
    if (fclose(info->out) != 0 && result == 0)
        result = error_set(error, -ENOMEM, "%s: out of memory", info->path);
    if (result == 0)
        result = write_out(info, bytes, size, fd, error);
    free(bytes);
    return result;
}

int info_print(const char *path, const struct device_type *const *types, const uint64_t *gva_wanted,
               int fd, struct error *error)
{
    struct info info = {.path = path};
    int result = restore_open(&info.file, path, types, error);

    if (result < 0)
        return result;
    result = memory_init(&info.memory, info.file.note.plan.memory_size, error);
    if (result == 0)
        result = elf_file_map(&info.file.elf, &info.memory, error);
    if (result == 0)
        result = write_info(&info, gva_wanted, fd, error);
    memory_finish(&info.memory);
    restore_close(&info.file);
    return result;
}
