#include "vmm/core/x86.h"

#include "guest/abi/boot.h"

#include <errno.h>
#include <string.h>

#define X86_CR0_MP         (1ULL << 1)
#define X86_CR0_ET         (1ULL << 4)
#define X86_CR0_NE         (1ULL << 5)
#define X86_CR4_OSFXSR     (1ULL << 9)
#define X86_CR4_OSXMMEXCPT (1ULL << 10)

/* Page-table entry bits, Intel SDM volume 3A, 4.5. */
#define PTE_PRESENT 0x01ULL
#define PTE_WRITE   0x02ULL
#define PTE_USER    0x04ULL
#define PTE_LARGE   0x80ULL
#define PTE_TABLE   (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define PTE_ADDRESS 0x000ffffffffff000ULL
#define TABLE_SPAN  512 /* entries of a table */

/* Segment types, Intel SDM volume 3A, 3.4.5.1 and 3.5: accessed, as after a load. */
#define TYPE_CODE 0xb
#define TYPE_DATA 0x3
#define TYPE_TSS  0xb

/* CPUID leaves and bits, Intel SDM volume 2A, CPUID. */
#define LEAF_FEATURES        0x1
#define LEAF_MORE_FEATURES   0x7
#define LEAF_TOPOLOGY        0xb
#define LEAF_TOPOLOGY_V2     0x1f
#define LEAF_HYPERVISOR      0x40000000u
#define LEAF_HYPERVISOR_LAST 0x400000ffu
#define LEAF_XEN_VCPU        0x40000004u
#define LEAF_PHYSICAL_BITS   0x80000008
#define PHYSICAL_BITS_PRESET 36
#define PROCESSORS_MAX       255 /* leaf 1 has 8 bits for the count; the topology leaves have more */
#define FEATURE_UMIP         (1u << 2)  /* leaf 7 ECX */
#define FEATURE_HTT          (1u << 28) /* leaf 1 EDX */
#define FEATURE_HYPERVISOR   (1u << 31) /* leaf 1 ECX */
#define XEN_VCPU_ID          (1u << 3)  /* Xen's leaf EAX: EBX is the vCPU's id */

int x86_write_gdt(const struct memory *memory, struct error *error)
{
    static const uint64_t gdt[] = {
        [BOOT_CODE64 / 8] = 0x00af9b000000ffffULL,
        [BOOT_DATA / 8] = 0x00cf93000000ffffULL,
        [BOOT_CODE32 / 8] = 0x00cf9b000000ffffULL,
    };

    if (memory_write(memory, gpa(BOOT_GDT), gdt, sizeof(gdt)) < 0)
        return error_set(error, -EFAULT, "no RAM for the GDT; give more memory with -m");
    return 0;
}

/* Page tables under construction in the boot area. */
struct tables {
    uint8_t *area;
    unsigned used, room; /* pages */
};

static uint64_t *table_at(const struct tables *tables, uint64_t address)
{
    void *table = tables->area + (address - BOOT_TABLES);

    return table;
}

/* The table that (entry) points to; it is made if the entry is empty. NULL: no room. */
static uint64_t *table_below(struct tables *tables, uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT)) {
        if (tables->used == tables->room)
            return NULL;
        *entry = (BOOT_TABLES + tables->used * PAGE_SIZE) | PTE_TABLE;
        memset(table_at(tables, *entry & PTE_ADDRESS), 0, PAGE_SIZE);
        tables->used++;
    }
    return table_at(tables, *entry & PTE_ADDRESS);
}

/* Map the GiB that holds (address) to itself, unless it is mapped. */
static int map_gib(struct tables *tables, uint64_t *root_entry, uint64_t address)
{
    const uint64_t base = address & ~(GIB - 1);
    uint64_t *top = table_below(tables, root_entry);
    uint64_t *pointers = top ? table_below(tables, &top[base >> 39 & (TABLE_SPAN - 1)]) : NULL;
    uint64_t *entry = pointers ? &pointers[base >> 30 & (TABLE_SPAN - 1)] : NULL;
    uint64_t *directory;

    if (entry && (*entry & PTE_PRESENT))
        return 0;
    directory = entry ? table_below(tables, entry) : NULL;
    if (!directory)
        return -ENOSPC;
    for (uint64_t i = 0; i < TABLE_SPAN; i++)
        directory[i] = (base + i * 2 * MIB) | PTE_TABLE | PTE_LARGE;
    return 0;
}

int x86_write_page_tables(const struct memory *memory, const uint64_t *devices, unsigned count,
                          uint64_t *root, struct error *error)
{
    struct tables tables = {
        .area = memory_at(memory, gpa(BOOT_TABLES), BOOT_AREA_END - BOOT_TABLES),
        .room = (BOOT_AREA_END - BOOT_TABLES) / PAGE_SIZE,
    };
    uint64_t entry = 0;
    int result = tables.area ? 0 : -EFAULT;

    for (unsigned i = 0; result == 0 && i < 4; i++)
        result = map_gib(&tables, &entry, i * GIB);
    for (unsigned i = 0; result == 0 && i < count; i++)
        result = map_gib(&tables, &entry, devices[i]);
    if (result < 0)
        return error_set(error, result, "no room for the page tables in the boot area");
    *root = entry & PTE_ADDRESS;
    return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type)
{
    return (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = selector,
        .type = type,
        .present = 1,
        .db = 1,
        .s = 1,
        .g = 1,
    };
}

static void set_data_segments(struct kvm_sregs *sregs, const struct kvm_segment *data)
{
    sregs->ds = *data;
    sregs->es = *data;
    sregs->fs = *data;
    sregs->gs = *data;
    sregs->ss = *data;
}

static void set_long(uint64_t root, struct kvm_sregs *sregs)
{
    const struct kvm_segment data = segment(BOOT_DATA, TYPE_DATA);

    sregs->cs = segment(BOOT_CODE64, TYPE_CODE);
    sregs->cs.l = 1;
    sregs->cs.db = 0;
    set_data_segments(sregs, &data);
    sregs->cr3 = root;
    sregs->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
    sregs->cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_PG;
    sregs->efer = X86_EFER_LME | X86_EFER_LMA;
}

static void set_protected(bool bare, struct kvm_sregs *sregs)
{
    const struct kvm_segment data = segment(BOOT_DATA, TYPE_DATA);

    sregs->cs = segment(BOOT_CODE32, TYPE_CODE);
    set_data_segments(sregs, &data);
    sregs->cr4 = bare ? 0 : X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
    sregs->cr0 = X86_CR0_PE | X86_CR0_ET | (bare ? 0 : X86_CR0_MP | X86_CR0_NE);
}

static void set_real(struct kvm_sregs *sregs)
{
    struct kvm_segment data = segment(0, TYPE_DATA);

    data.limit = 0xffff;
    data.g = 0;
    data.db = 0;
    set_data_segments(sregs, &data);
    sregs->cs = data;
    sregs->cs.type = TYPE_CODE;
    sregs->cr0 = X86_CR0_ET;
    sregs->idt.base = 0;
    sregs->idt.limit = 0x3ff;
}

void x86_set_start(const struct x86_start *start, uint64_t root, struct kvm_regs *regs,
                   struct kvm_sregs *sregs)
{
    memset(regs, 0, sizeof(*regs));
    regs->rip = start->entry;
    regs->rsp = start->stack;
    regs->rax = start->rax;
    regs->rflags = X86_RFLAGS_FIXED;
    if (start->mode == X86_LONG)
        regs->rdi = start->info;
    else
        regs->rbx = start->info;

    sregs->gdt.base = BOOT_GDT;
    sregs->gdt.limit = BOOT_CODE32 + 7;
    sregs->idt.base = 0;
    sregs->idt.limit = 0; /* an exception before the guest has an IDT is a triple fault */
    sregs->tr = (struct kvm_segment){.limit = 0xffff, .type = TYPE_TSS, .present = 1};
    sregs->ldt = (struct kvm_segment){.unusable = 1};
    switch (start->mode) {
    case X86_LONG:
        set_long(root, sregs);
        break;
    case X86_PROTECTED:
        set_protected(start->bare, sregs);
        break;
    case X86_REAL:
        set_real(sregs);
        break;
    }
}

/* Change what differs from KVM's supported CPUID, in one entry. */
static void adapt_entry(struct kvm_cpuid_entry2 *entry, unsigned id, unsigned vcpu_count)
{
    const unsigned processors = vcpu_count < PROCESSORS_MAX ? vcpu_count : PROCESSORS_MAX;

    switch (entry->function) {
    case LEAF_FEATURES:
        entry->ebx = (entry->ebx & 0xffff) | processors << 16 | id << 24;
        entry->edx = vcpu_count > 1 ? entry->edx | FEATURE_HTT : entry->edx & ~FEATURE_HTT;
        break;
    case LEAF_MORE_FEATURES:
        if (entry->index == 0)
            entry->ecx &= ~FEATURE_UMIP;
        break;
    case LEAF_TOPOLOGY:
    case LEAF_TOPOLOGY_V2:
        entry->edx = id;
        break;
    case LEAF_XEN_VCPU:
        if (entry->eax & XEN_VCPU_ID)
            entry->ebx = id;
        break;
    default:
        break;
    }
}

static bool has_leaf(const struct kvm_cpuid_entry2 *entries, unsigned count, uint32_t function)
{
    for (unsigned i = 0; i < count; i++)
        if (entries[i].function == function)
            return true;
    return false;
}

/* Remove KVM's hypervisor leaves: another hypervisor's get these numbers. */
static void drop_hypervisor(struct kvm_cpuid2 *cpuid)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

        if (entry->function == LEAF_FEATURES)
            entry->ecx |= FEATURE_HYPERVISOR;
        if (entry->function < LEAF_HYPERVISOR || entry->function > LEAF_HYPERVISOR_LAST)
            cpuid->entries[kept++] = *entry;
    }
    cpuid->nent = kept;
}

int x86_set_cpuid(struct kvm_cpuid2 *cpuid, unsigned capacity, unsigned id, unsigned vcpu_count,
                  const struct kvm_cpuid_entry2 *extra, unsigned count, struct error *error)
{
    if (has_leaf(extra, count, LEAF_HYPERVISOR))
        drop_hypervisor(cpuid);
    if (count > capacity - cpuid->nent)
        return error_set(error, -ENOSPC, "no room for %u more CPUID leaves; use fewer devices",
                         count);
    memcpy(&cpuid->entries[cpuid->nent], extra, count * sizeof(*extra));
    cpuid->nent += count;
    for (unsigned i = 0; i < cpuid->nent; i++)
        adapt_entry(&cpuid->entries[i], id, vcpu_count);
    return 0;
}

unsigned x86_physical_bits(const struct kvm_cpuid2 *cpuid)
{
    for (unsigned i = 0; i < cpuid->nent; i++)
        if (cpuid->entries[i].function == LEAF_PHYSICAL_BITS)
            return cpuid->entries[i].eax & 0xff;
    return PHYSICAL_BITS_PRESET;
}

unsigned x86_code_bits(const struct kvm_sregs *sregs)
{
    if (sregs->efer & X86_EFER_LMA && sregs->cs.l)
        return 64;
    return sregs->cs.db ? 32 : 16;
}

struct paging_registers x86_paging(const struct kvm_sregs *sregs)
{
    return (struct paging_registers){
        .cr0 = sregs->cr0,
        .cr3 = sregs->cr3,
        .cr4 = sregs->cr4,
        .efer = sregs->efer,
    };
}
