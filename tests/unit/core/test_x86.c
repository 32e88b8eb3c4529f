/* The start of a vCPU: GDT, page tables, registers and CPUID. */
#include "vmm/core/x86.h"

#include "guest/abi/boot.h"
#include "vmm/core/kvm.h"
#include "vmm/core/paging.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Suite *x86_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define PTE_USER (1ULL << 2)

static struct memory memory;

/* RAM whose boot area is not zero: what is written there must not count on it. */
static void setup(void)
{
    ck_assert_int_eq(memory_init(&memory, MIB, NULL), 0);
    memset(memory_at(&memory, gpa(BOOT_AREA), BOOT_AREA_END - BOOT_AREA), 0xff,
           BOOT_AREA_END - BOOT_AREA);
}

static void teardown(void)
{
    memory_finish(&memory);
}

START_TEST(the_gdt_has_flat_code_and_data_segments)
{
    static const uint8_t gdt[] = {
        0,    0,    0, 0, 0, 0,    0,    0, /* none */
        0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0, /* 64-bit code: L */
        0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0, /* data */
        0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0, /* 32-bit code: D */
    };

    ck_assert_int_eq(x86_write_gdt(&memory, NULL), 0);
    ck_assert_mem_eq(memory_at(&memory, gpa(BOOT_GDT), sizeof(gdt)), gdt, sizeof(gdt));
}
END_TEST

START_TEST(the_boot_area_without_ram_is_an_error)
{
    const struct memory none = {0};
    uint64_t root;

    ck_assert_int_eq(x86_write_gdt(&none, NULL), -EFAULT);
    ck_assert_int_eq(x86_write_page_tables(&none, NULL, 0, &root, NULL), -EFAULT);
}
END_TEST

/* Walk the tables at (root) for (address), as the processor would in long mode. */
static int walk_from(uint64_t root, uint64_t address, struct paging_walk *walk)
{
    const struct paging_registers registers = {
        .cr0 = X86_CR0_PE | X86_CR0_PG,
        .cr3 = root,
        .cr4 = X86_CR4_PAE,
        .efer = X86_EFER_LME | X86_EFER_LMA,
    };

    return paging_walk(&memory, &registers, gva(address), walk);
}

static void check_mapped(uint64_t root, uint64_t address)
{
    struct paging_walk walk;

    ck_assert_msg(walk_from(root, address, &walk) == 0, "0x%jx is not mapped", (uintmax_t)address);
    ck_assert_uint_eq(walk.address.value, address);
    ck_assert_uint_eq(walk.page_size, 2 * MIB);
    for (unsigned i = 0; i < walk.entry_count; i++)
        ck_assert_msg(walk.entries[i].value & PTE_USER, "0x%jx: level %u is not for ring 3",
                      (uintmax_t)address, walk.entries[i].level);
}

static void check_unmapped(uint64_t root, uint64_t address)
{
    struct paging_walk walk;

    ck_assert_msg(walk_from(root, address, &walk) == -EFAULT, "0x%jx is mapped",
                  (uintmax_t)address);
}

START_TEST(the_first_4_gib_are_mapped_to_themselves_for_every_ring)
{
    static const uint64_t mapped[] = {0,   1,       MIB,         2 * MIB,          GIB - 1,
                                      GIB, 3 * GIB, 4 * GIB - 1, 4 * GIB - 2 * MIB};
    uint64_t root;

    ck_assert_int_eq(x86_write_page_tables(&memory, NULL, 0, &root, NULL), 0);
    for (size_t i = 0; i < COUNT(mapped); i++)
        check_mapped(root, mapped[i]);
    for (uint64_t address = 0; address < 4 * GIB; address += 2 * MIB)
        check_mapped(root, address);
}
END_TEST

START_TEST(nothing_else_is_mapped)
{
    static const uint64_t unmapped[] = {4 * GIB,    5 * GIB,           512 * GIB,
                                        1ULL << 46, (1ULL << 47) - 1,  0xffff800000000000,
                                        UINT64_MAX, 0xffffffff80000000};
    uint64_t root;

    ck_assert_int_eq(x86_write_page_tables(&memory, NULL, 0, &root, NULL), 0);
    for (size_t i = 0; i < COUNT(unmapped); i++)
        check_unmapped(root, unmapped[i]);
}
END_TEST

START_TEST(the_gib_around_a_device_is_mapped_and_no_more)
{
    static const uint64_t devices[] = {
        1ULL << 46, (1ULL << 46) + GIB - 1,      4 * GIB, 511 * GIB + 0x12345,
        512 * GIB,  (1ULL << 47) - GIB + 0x1000,
    };
    const uint64_t device = devices[_i];
    const uint64_t first = device & ~(GIB - 1);
    uint64_t root;

    ck_assert_int_eq(x86_write_page_tables(&memory, &device, 1, &root, NULL), 0);
    check_mapped(root, 0);
    check_mapped(root, 4 * GIB - 1);
    check_mapped(root, device);
    check_mapped(root, first);
    check_mapped(root, first + GIB - 1);
    check_unmapped(root, first + GIB);
    if (first > 4 * GIB)
        check_unmapped(root, first - 1);
}
END_TEST

START_TEST(devices_of_one_gib_or_of_the_first_4_share_its_tables)
{
    uint64_t devices[100];
    uint64_t root;

    for (unsigned i = 0; i < COUNT(devices); i++)
        devices[i] = i % 2 ? i * PAGE_SIZE : 7 * GIB + i * PAGE_SIZE;
    ck_assert_int_eq(x86_write_page_tables(&memory, devices, COUNT(devices), &root, NULL), 0);
    check_mapped(root, 7 * GIB);
    check_unmapped(root, 8 * GIB);
}
END_TEST

START_TEST(more_devices_than_the_boot_area_has_tables_for_are_an_error)
{
    uint64_t devices[8];
    struct error error;
    uint64_t root;

    for (unsigned i = 0; i < COUNT(devices); i++)
        devices[i] = (i + 1) * 512 * GIB;
    ck_assert_int_eq(x86_write_page_tables(&memory, devices, 3, &root, NULL), 0);
    ck_assert_int_eq(x86_write_page_tables(&memory, devices, COUNT(devices), &root, &error),
                     -ENOSPC);
    ck_assert_str_eq(error.text, "no room for the page tables in the boot area");
}
END_TEST

START_TEST(page_tables_stay_inside_their_part_of_the_boot_area)
{
    static const uint64_t devices[] = {512 * GIB, 1024 * GIB, 1536 * GIB};
    const size_t before = BOOT_TABLES - BOOT_AREA;
    const uint8_t *below = memory_at(&memory, gpa(BOOT_AREA), before);
    const uint8_t *behind = memory_at(&memory, gpa(BOOT_AREA_END), PAGE_SIZE);
    uint64_t root;

    ck_assert_int_eq(x86_write_page_tables(&memory, devices, COUNT(devices), &root, NULL), 0);
    ck_assert_uint_ge(root, BOOT_TABLES);
    ck_assert_uint_lt(root, BOOT_AREA_END);
    for (size_t i = 0; i < before; i++)
        ck_assert_uint_eq(below[i], 0xff);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        ck_assert_uint_eq(behind[i], 0);
}
END_TEST

static const struct x86_start starts[] = {
    [X86_LONG] = {.mode = X86_LONG, .entry = 0x100000, .stack = 0x90000, .info = BOOT_INFO},
    [X86_PROTECTED] = {.mode = X86_PROTECTED,
                       .entry = 0x100000,
                       .stack = 0x90000,
                       .info = BOOT_INFO},
    [X86_REAL] = {.mode = X86_REAL, .entry = 0x7c00, .stack = 0x7c00, .info = BOOT_INFO},
};

#define ROOT 0x94000

static struct kvm_regs regs;
static struct kvm_sregs sregs;

static void start_in(enum x86_mode mode)
{
    memset(&regs, 0xff, sizeof(regs));
    memset(&sregs, 0, sizeof(sregs));
    x86_set_start(&starts[mode], ROOT, &regs, &sregs);
}

START_TEST(a_vcpu_starts_at_its_entry_with_its_stack_and_interrupts_off)
{
    start_in((enum x86_mode)_i);
    ck_assert_uint_eq(regs.rip, starts[_i].entry);
    ck_assert_uint_eq(regs.rsp, starts[_i].stack);
    ck_assert_uint_eq(regs.rflags, X86_RFLAGS_FIXED);
}
END_TEST

START_TEST(the_boot_information_is_in_rdi_or_ebx_and_other_registers_are_0)
{
    struct kvm_regs expected = {.rip = starts[_i].entry, .rsp = starts[_i].stack, .rflags = 2};

    if (_i == X86_LONG)
        expected.rdi = BOOT_INFO;
    else
        expected.rbx = BOOT_INFO;
    start_in((enum x86_mode)_i);
    ck_assert_mem_eq(&regs, &expected, sizeof(regs));
}
END_TEST

START_TEST(the_gdt_of_the_boot_area_is_loaded_and_no_idt)
{
    start_in((enum x86_mode)_i);
    ck_assert_uint_eq(sregs.gdt.base, BOOT_GDT);
    ck_assert_uint_eq(sregs.gdt.limit, 0x1f);
    ck_assert_uint_eq(sregs.idt.base, 0);
    /* Real mode has its interrupt vectors at 0; elsewhere an exception is a triple fault. */
    ck_assert_uint_eq(sregs.idt.limit, _i == X86_REAL ? 0x3ff : 0);
}
END_TEST

START_TEST(long_mode_has_paging_and_64_bit_code)
{
    start_in(X86_LONG);
    ck_assert_uint_eq(sregs.cr0 & (X86_CR0_PE | X86_CR0_PG), X86_CR0_PE | X86_CR0_PG);
    ck_assert_uint_ne(sregs.cr4 & X86_CR4_PAE, 0);
    ck_assert_uint_eq(sregs.efer, X86_EFER_LME | X86_EFER_LMA);
    ck_assert_uint_eq(sregs.cr3, ROOT);
    ck_assert_uint_eq(sregs.cs.selector, BOOT_CODE64);
    ck_assert_uint_eq(sregs.cs.l, 1);
    ck_assert_uint_eq(sregs.cs.db, 0);
    ck_assert_uint_eq(sregs.ss.selector, BOOT_DATA);
}
END_TEST

START_TEST(protected_mode_has_32_bit_code_and_no_paging)
{
    start_in(X86_PROTECTED);
    ck_assert_uint_eq(sregs.cr0 & (X86_CR0_PE | X86_CR0_PG), X86_CR0_PE);
    ck_assert_uint_eq(sregs.cr4 & X86_CR4_PAE, 0);
    ck_assert_uint_eq(sregs.efer, 0);
    ck_assert_uint_eq(sregs.cs.selector, BOOT_CODE32);
    ck_assert_uint_eq(sregs.cs.l, 0);
    ck_assert_uint_eq(sregs.cs.db, 1);
    ck_assert_uint_eq(sregs.ss.selector, BOOT_DATA);
    ck_assert_uint_eq(sregs.ss.db, 1);
}
END_TEST

START_TEST(a_bare_start_has_nothing_else_in_the_control_registers)
{
    struct x86_start start = starts[X86_PROTECTED];

    start.bare = true;
    memset(&sregs, 0, sizeof(sregs));
    x86_set_start(&start, ROOT, &regs, &sregs);
    ck_assert_uint_eq(sregs.cr0, X86_CR0_PE | 1ULL << 4); /* ET always reads as one */
    ck_assert_uint_eq(sregs.cr4, 0);
}
END_TEST

START_TEST(a_magic_number_is_in_rax)
{
    struct x86_start start = starts[_i];

    start.rax = 0x2badb002;
    x86_set_start(&start, ROOT, &regs, &sregs);
    ck_assert_uint_eq(regs.rax, 0x2badb002);
}
END_TEST

START_TEST(real_mode_has_neither_and_16_bit_code)
{
    start_in(X86_REAL);
    ck_assert_uint_eq(sregs.cr0 & (X86_CR0_PE | X86_CR0_PG), 0);
    ck_assert_uint_eq(sregs.cr4, 0);
    ck_assert_uint_eq(sregs.efer, 0);
    ck_assert_uint_eq(sregs.cs.selector, 0);
    ck_assert_uint_eq(sregs.cs.l, 0);
    ck_assert_uint_eq(sregs.cs.db, 0);
    ck_assert_uint_eq(sregs.cs.limit, 0xffff);
    ck_assert_uint_eq(sregs.ss.selector, 0);
    ck_assert_uint_eq(sregs.ss.db, 0);
    ck_assert_uint_eq(sregs.ds.limit, 0xffff);
}
END_TEST

/* CS of base 0 in real mode too, where a processor after reset has another. */
START_TEST(every_segment_is_present_and_has_base_0)
{
    const struct kvm_segment *const segments[] = {&sregs.cs, &sregs.ds, &sregs.es,
                                                  &sregs.fs, &sregs.gs, &sregs.ss};

    start_in((enum x86_mode)_i);
    for (size_t i = 0; i < COUNT(segments); i++) {
        ck_assert_uint_eq(segments[i]->base, 0);
        ck_assert_uint_eq(segments[i]->present, 1);
        ck_assert_uint_eq(segments[i]->s, 1);
        ck_assert_uint_eq(segments[i]->dpl, 0);
        ck_assert_uint_eq(segments[i]->unusable, 0);
        /* Code is readable, data writable, both accessed: what an entry into a VM checks. */
        ck_assert_uint_eq(segments[i]->type, i == 0 ? 0xb : 0x3);
    }
    ck_assert_uint_eq(sregs.tr.present, 1);
    ck_assert_uint_eq(sregs.tr.type, 0xb);
    ck_assert_uint_eq(sregs.ldt.unusable, 1);
}
END_TEST

START_TEST(what_the_boot_contract_does_not_name_stays_as_kvm_had_it)
{
    memset(&sregs, 0, sizeof(sregs));
    sregs.apic_base = 0xfee00900;
    sregs.cr8 = 5;
    x86_set_start(&starts[_i], ROOT, &regs, &sregs);
    ck_assert_uint_eq(sregs.apic_base, 0xfee00900);
    ck_assert_uint_eq(sregs.cr8, 5);
}
END_TEST

/* Leaves as KVM gives them: with all bits set. */
static union kvm_cpuid_table table;

static struct kvm_cpuid_entry2 *add_leaf(uint32_t function, uint32_t index)
{
    struct kvm_cpuid_entry2 *entry = &table.header.entries[table.header.nent++];

    *entry = (struct kvm_cpuid_entry2){
        .function = function,
        .index = index,
        .eax = UINT32_MAX,
        .ebx = UINT32_MAX,
        .ecx = UINT32_MAX,
        .edx = UINT32_MAX,
    };
    return entry;
}

static int set_cpuid(unsigned id, unsigned vcpu_count)
{
    const struct kvm_cpuid_entry2 none = {0};

    return x86_set_cpuid(&table.header, KVM_CPUID_MAX, id, vcpu_count, &none, 0, NULL);
}

START_TEST(umip_is_not_offered_and_all_else_of_its_leaf_is)
{
    const struct kvm_cpuid_entry2 *features = add_leaf(7, 0);

    ck_assert_int_eq(set_cpuid(0, 1), 0);
    ck_assert_uint_eq(features->ecx, UINT32_MAX & ~(1u << 2));
    ck_assert_uint_eq(features->eax, UINT32_MAX);
    ck_assert_uint_eq(features->ebx, UINT32_MAX);
    ck_assert_uint_eq(features->edx, UINT32_MAX);
}
END_TEST

START_TEST(other_leaves_are_left_alone)
{
    static const struct {
        uint32_t function, index;
    } leaves[] = {{0, 0}, {7, 1}, {7, 2}, {0xd, 0}, {0x80000001, 0}, {0x80000007, 0}};
    union kvm_cpuid_table before;

    for (size_t i = 0; i < COUNT(leaves); i++)
        add_leaf(leaves[i].function, leaves[i].index);
    before = table;
    ck_assert_int_eq(set_cpuid(3, 4), 0);
    ck_assert_mem_eq(&table, &before, sizeof(table));
}
END_TEST

static const struct count_case {
    unsigned id, count;
    uint32_t ebx;     /* of leaf 1: APIC id, processors, and what KVM had below */
    bool hyperthread; /* bit 28 of EDX: the number of processors counts */
} count_cases[] = {
    {0, 1, 0x0001ffff, false},   {0, 2, 0x0002ffff, true},     {1, 2, 0x0102ffff, true},
    {7, 255, 0x07ffffff, true},  {255, 256, 0xffffffff, true}, {0, 300, 0x00ffffff, true},
    {299, 300, 0x2bffffff, true} /* the low 8 bits of the id */
};

START_TEST(each_vcpu_has_its_apic_id_and_knows_how_many_there_are)
{
    const struct count_case *c = &count_cases[_i];
    const struct kvm_cpuid_entry2 *features = add_leaf(1, 0);

    ck_assert_int_eq(set_cpuid(c->id, c->count), 0);
    ck_assert_uint_eq(features->ebx, c->ebx);
    ck_assert_uint_eq(features->edx, c->hyperthread ? UINT32_MAX : UINT32_MAX & ~(1u << 28));
    ck_assert_uint_eq(features->eax, UINT32_MAX);
    ck_assert_uint_eq(features->ecx, UINT32_MAX);
}
END_TEST

START_TEST(hyperthreading_is_offered_with_two_vcpus_where_the_host_has_none)
{
    struct kvm_cpuid_entry2 *features = add_leaf(1, 0);

    features->edx = 0;
    ck_assert_int_eq(set_cpuid(0, 2), 0);
    ck_assert_uint_eq(features->edx, 1u << 28);
}
END_TEST

START_TEST(the_topology_leaves_have_the_whole_id_at_every_level)
{
    const struct kvm_cpuid_entry2 *leaves[] = {add_leaf(0xb, 0), add_leaf(0xb, 1),
                                               add_leaf(0x1f, 0), add_leaf(0x1f, 2)};

    ck_assert_int_eq(set_cpuid(299, 300), 0);
    for (size_t i = 0; i < COUNT(leaves); i++)
        ck_assert_uint_eq(leaves[i]->edx, 299);
}
END_TEST

START_TEST(leaves_of_devices_are_added_behind_those_of_kvm)
{
    const struct kvm_cpuid_entry2 extra[] = {{.function = 0x40000100, .eax = 1, .edx = 4},
                                             {.function = 0x40000200, .ebx = 2}};

    add_leaf(0, 0);
    add_leaf(7, 1);
    ck_assert_int_eq(x86_set_cpuid(&table.header, 4, 0, 1, extra, 2, NULL), 0);
    ck_assert_uint_eq(table.header.nent, 4);
    ck_assert_uint_eq(table.header.entries[1].function, 7);
    ck_assert_mem_eq(&table.header.entries[2], extra, sizeof(extra));
}
END_TEST

START_TEST(leaves_without_room_are_an_error_and_none_is_added)
{
    const struct kvm_cpuid_entry2 extra[] = {{.function = 0x40000100}, {.function = 0x40000200}};
    struct error error;

    for (uint32_t i = 0; i < KVM_CPUID_MAX - 1; i++)
        add_leaf(0x20000000 + i, 0);
    ck_assert_int_eq(x86_set_cpuid(&table.header, KVM_CPUID_MAX, 0, 1, extra, 2, &error), -ENOSPC);
    ck_assert_str_eq(error.text, "no room for 2 more CPUID leaves; use fewer devices");
    ck_assert_uint_eq(table.header.nent, KVM_CPUID_MAX - 1);
    ck_assert_int_eq(x86_set_cpuid(&table.header, KVM_CPUID_MAX, 0, 1, extra, 1, NULL), 0);
    ck_assert_uint_eq(table.header.nent, KVM_CPUID_MAX);
}
END_TEST

START_TEST(the_physical_address_bits_are_those_of_their_leaf)
{
    add_leaf(0x80000001, 0);
    add_leaf(0x80000008, 0)->eax = 0x00003027;
    ck_assert_uint_eq(x86_physical_bits(&table.header), 0x27);
}
END_TEST

START_TEST(without_that_leaf_a_physical_address_has_36_bits)
{
    ck_assert_uint_eq(x86_physical_bits(&table.header), 36);
    add_leaf(1, 0);
    ck_assert_uint_eq(x86_physical_bits(&table.header), 36);
}
END_TEST

static TCase *tables_tcase(void)
{
    TCase *tcase = tcase_create("tables");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_gdt_has_flat_code_and_data_segments);
    tcase_add_test(tcase, the_boot_area_without_ram_is_an_error);
    tcase_add_test(tcase, the_first_4_gib_are_mapped_to_themselves_for_every_ring);
    tcase_add_test(tcase, nothing_else_is_mapped);
    tcase_add_loop_test(tcase, the_gib_around_a_device_is_mapped_and_no_more, 0, 6);
    tcase_add_test(tcase, devices_of_one_gib_or_of_the_first_4_share_its_tables);
    tcase_add_test(tcase, more_devices_than_the_boot_area_has_tables_for_are_an_error);
    tcase_add_test(tcase, page_tables_stay_inside_their_part_of_the_boot_area);
    return tcase;
}

static TCase *start_tcase(void)
{
    TCase *tcase = tcase_create("start");
    const int modes = (int)COUNT(starts);

    tcase_add_loop_test(tcase, a_vcpu_starts_at_its_entry_with_its_stack_and_interrupts_off, 0,
                        modes);
    tcase_add_loop_test(tcase, the_boot_information_is_in_rdi_or_ebx_and_other_registers_are_0, 0,
                        modes);
    tcase_add_loop_test(tcase, the_gdt_of_the_boot_area_is_loaded_and_no_idt, 0, modes);
    tcase_add_test(tcase, long_mode_has_paging_and_64_bit_code);
    tcase_add_test(tcase, protected_mode_has_32_bit_code_and_no_paging);
    tcase_add_test(tcase, a_bare_start_has_nothing_else_in_the_control_registers);
    tcase_add_loop_test(tcase, a_magic_number_is_in_rax, 0, COUNT(starts));
    tcase_add_test(tcase, real_mode_has_neither_and_16_bit_code);
    tcase_add_loop_test(tcase, every_segment_is_present_and_has_base_0, 0, modes);
    tcase_add_loop_test(tcase, what_the_boot_contract_does_not_name_stays_as_kvm_had_it, 0, modes);
    return tcase;
}

static TCase *cpuid_tcase(void)
{
    TCase *tcase = tcase_create("cpuid");

    tcase_add_test(tcase, umip_is_not_offered_and_all_else_of_its_leaf_is);
    tcase_add_test(tcase, other_leaves_are_left_alone);
    tcase_add_loop_test(tcase, each_vcpu_has_its_apic_id_and_knows_how_many_there_are, 0,
                        (int)COUNT(count_cases));
    tcase_add_test(tcase, hyperthreading_is_offered_with_two_vcpus_where_the_host_has_none);
    tcase_add_test(tcase, the_topology_leaves_have_the_whole_id_at_every_level);
    tcase_add_test(tcase, leaves_of_devices_are_added_behind_those_of_kvm);
    tcase_add_test(tcase, leaves_without_room_are_an_error_and_none_is_added);
    tcase_add_test(tcase, the_physical_address_bits_are_those_of_their_leaf);
    tcase_add_test(tcase, without_that_leaf_a_physical_address_has_36_bits);
    return tcase;
}

Suite *x86_suite(void)
{
    Suite *suite = suite_create("x86");

    suite_add_tcase(suite, tables_tcase());
    suite_add_tcase(suite, start_tcase());
    suite_add_tcase(suite, cpuid_tcase());
    return suite;
}
