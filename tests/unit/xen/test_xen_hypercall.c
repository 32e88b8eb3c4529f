/* The device `xen` and the calls that concern one domain: how they come in, and what each gives. */
#include "tests/unit/xen_guest.h"

#include "vmm/core/exit.h"

#include <errno.h>
#include <string.h>

Suite *xen_hypercall_suite(void);

static struct xen_pair pair;
static struct xen_guest *guest;
static struct machine *machine;

static void setup(void)
{
    xen_pair_begin(&pair);
    guest = &pair.guests[1];
    machine = &guest->fixture.machine;
}

static void teardown(void)
{
    xen_pair_end(&pair);
}

/* ---- the device ---- */

static bool access_msr(uint32_t reason, uint32_t index, uint64_t *value)
{
    struct kvm_run *run = guest->fixture.vcpu->run;

    run->exit_reason = reason;
    run->msr.index = index;
    run->msr.data = *value;
    run->msr.error = 0;
    ck_assert_int_eq(exit_handle(machine, guest->fixture.vcpu), EXIT_RESUME);
    *value = run->msr.data;
    return run->msr.error == 0;
}

static bool write_msr(uint32_t index, uint64_t value)
{
    return access_msr(KVM_EXIT_X86_WRMSR, index, &value);
}

START_TEST(the_msr_fills_the_page_with_stubs)
{
    const uint8_t stub[] = {0xb8, 32, 0, 0, 0, 0xe6, XEN_HYPERCALL_PORT, 0xc3};
    uint8_t page[PAGE_SIZE];

    ck_assert(write_msr(XEN_HYPERCALL_MSR, XEN_BUFFER));
    xen_get(guest, XEN_BUFFER, page, sizeof(page));
    ck_assert_mem_eq(&page[32 * __HYPERVISOR_event_channel_op], stub, sizeof(stub));
    ck_assert_uint_eq(page[PAGE_SIZE - 32 + 1], 127);
}
END_TEST

static const uint64_t bad_pages[] = {XEN_BUFFER + 1, 16 * MIB, UINT64_MAX & ~PAGE_MASK, 1ULL << 63};

START_TEST(a_page_that_is_no_ram_faults)
{
    ck_assert(!write_msr(XEN_HYPERCALL_MSR, bad_pages[_i]));
}
END_TEST

START_TEST(the_msr_reads_as_zero)
{
    uint64_t value = 5;

    ck_assert(access_msr(KVM_EXIT_X86_RDMSR, XEN_HYPERCALL_MSR, &value));
    ck_assert_uint_eq(value, 0);
}
END_TEST

START_TEST(msrs_beside_it_fault)
{
    uint64_t value = 0;

    ck_assert(!write_msr(XEN_HYPERCALL_MSR + 1, XEN_BUFFER));
    ck_assert(!write_msr(XEN_HYPERCALL_MSR - 1, XEN_BUFFER));
    ck_assert(!access_msr(KVM_EXIT_X86_RDMSR, XEN_HYPERCALL_MSR + 1, &value));
}
END_TEST

static struct kvm_cpuid_entry2 *add_leaf(struct kvm_cpuid2 *cpuid, uint32_t function)
{
    struct kvm_cpuid_entry2 *leaf = &cpuid->entries[cpuid->nent++];

    *leaf = (struct kvm_cpuid_entry2){.function = function, .eax = 7, .ebx = 7};
    return leaf;
}

static const struct kvm_cpuid_entry2 *find_leaf(const struct kvm_cpuid2 *cpuid, uint32_t function)
{
    const struct kvm_cpuid_entry2 *found = NULL;

    for (unsigned i = 0; i < cpuid->nent; i++) {
        if (cpuid->entries[i].function != function)
            continue;
        ck_assert_ptr_null(found);
        found = &cpuid->entries[i];
    }
    return found;
}

START_TEST(cpuid_tells_of_xen_instead_of_kvm)
{
    static union kvm_cpuid_table table;
    struct kvm_cpuid2 *cpuid = &table.header;
    const struct kvm_cpuid_entry2 *leaf;

    memset(&table, 0, sizeof(table));
    add_leaf(cpuid, 1);
    add_leaf(cpuid, 0x40000000);
    add_leaf(cpuid, 0x40000001);
    add_leaf(cpuid, 0x80000000);
    ck_assert_int_eq(x86_set_cpuid(cpuid, KVM_CPUID_MAX, 3, 4, machine->cpuid_leaves,
                                   machine->cpuid_leaf_count, NULL),
                     0);
    ck_assert_uint_eq(find_leaf(cpuid, 1)->ecx, 1u << 31);
    ck_assert_uint_eq(find_leaf(cpuid, 0x80000000)->eax, 7);
    leaf = find_leaf(cpuid, 0x40000000);
    ck_assert_uint_eq(leaf->eax, 0x40000004);
    ck_assert_mem_eq(&leaf->ebx, "XenVMMXenVMM", 12);
    ck_assert_uint_eq(find_leaf(cpuid, 0x40000001)->eax, 4 << 16 | 17);
    leaf = find_leaf(cpuid, 0x40000002);
    ck_assert_uint_eq(leaf->eax, 1);
    ck_assert_uint_eq(leaf->ebx, XEN_HYPERCALL_MSR);
    leaf = find_leaf(cpuid, 0x40000004);
    ck_assert_uint_eq(leaf->eax, 1 << 3 | 1 << 4 | 1 << 6);
    ck_assert_uint_eq(leaf->ebx, 3);
    ck_assert_uint_eq(leaf->ecx, 1);
}
END_TEST

START_TEST(without_a_domain_there_is_no_device)
{
    struct fixture fixture;
    struct error error;

    fixture_setup(&fixture);
    ck_assert_int_eq(fixture_try_device(&fixture, "xen", NULL, &error), -EINVAL);
    ck_assert_str_eq(error.text,
                     "device xen: this machine is no domain; make it one with --domain");
    ck_assert_uint_eq(fixture.machine.msrs.count, 0);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(a_domid_is_given_once)
{
    static struct xen_domain other;
    struct error error;

    ck_assert_int_eq(xen_domain_init(&other, &pair.world, 1, NULL, &error), -EBUSY);
    ck_assert_int_eq(xen_domain_init(&other, &pair.world, XEN_DOMAINS, NULL, &error), -EINVAL);
}
END_TEST

/* ---- calls ---- */

static int64_t version(void)
{
    return xen_call(guest, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
}

START_TEST(only_the_kernel_may_call)
{
    for (uint8_t cpl = 0; cpl <= 3; cpl++) {
        guest->fixture.vcpu->run->s.regs.sregs.ss.dpl = cpl;
        ck_assert_int_eq(version(), cpl == 0 ? (int)XEN_VERSION : -EPERM);
    }
}
END_TEST

START_TEST(only_64_bit_code_is_understood)
{
    guest->fixture.vcpu->run->s.regs.sregs.cs.l = 0;
    ck_assert_int_eq(version(), -ENOSYS);
}
END_TEST

START_TEST(texts_about_the_version_fill_their_field)
{
    xen_extraversion_t extra;
    xen_capabilities_info_t capabilities;

    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_xen_version, XENVER_extraversion, &extra), 0);
    ck_assert_str_eq(extra, ".minivmm");
    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_xen_version, XENVER_capabilities, &capabilities),
                     0);
    ck_assert_str_eq(capabilities, "hvm-3.0-x86_64");
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0), PAGE_SIZE);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_xen_version, XENVER_build_id, XEN_ARG, 0),
                     -ENODATA);
}
END_TEST

START_TEST(the_answer_about_compilation_begins_with_the_compiler)
{
    struct xen_compile_info info;

    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_xen_version, XENVER_compile_info, &info), 0);
    ck_assert_str_eq(info.compiler, __VERSION__);
    ck_assert_str_eq(info.compile_by, "minivmm");
    ck_assert_str_eq(info.compile_date, "");
}
END_TEST

START_TEST(features_say_that_memory_is_the_guests_own)
{
    struct xen_feature_info info = {.submap_idx = 0};

    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_xen_version, XENVER_get_features, &info), 0);
    ck_assert(info.submap & 1u << XENFEAT_auto_translated_physmap);
    ck_assert(!(info.submap & 1u << XENFEAT_hvm_callback_vector));
    info.submap_idx = XENFEAT_NR_SUBMAPS;
    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_xen_version, XENVER_get_features, &info), -EINVAL);
}
END_TEST

START_TEST(a_structure_may_lie_in_two_pages)
{
    struct xen_feature_info info = {.submap_idx = 0};
    const uint64_t address = XEN_SPLIT - 4;

    xen_put(guest, 0x300000 + PAGE_SIZE - 4, &info.submap_idx, 4);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_xen_version, XENVER_get_features, address, 0), 0);
    xen_get(guest, 0x200000, &info.submap, 4);
    ck_assert_uint_ne(info.submap, 0);
}
END_TEST

/* ---- memory ---- */

static int64_t add_to_physmap(domid_t domid, unsigned space, uint64_t idx, uint64_t gpfn)
{
    struct xen_add_to_physmap place = {.domid = domid, .space = space, .idx = idx, .gpfn = gpfn};

    return XEN_ASK(guest, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &place);
}

static const struct place_case {
    domid_t domid;
    unsigned space;
    uint64_t idx, gpfn;
    int64_t result;
} places[] = {
    {DOMID_SELF, XENMAPSPACE_shared_info, 0, 0x100, 0},
    {1, XENMAPSPACE_shared_info, 0, 0x100, 0},
    {0, XENMAPSPACE_shared_info, 0, 0x100, -EPERM},
    {7, XENMAPSPACE_shared_info, 0, 0x100, -ESRCH},
    {DOMID_SELF, XENMAPSPACE_shared_info, 1, 0x100, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_shared_info, 0, 16 * MIB / PAGE_SIZE, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_shared_info, 0, 1ULL << 52, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_shared_info, 0, UINT64_MAX, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_grant_table, GRANT_FRAMES - 1, 0x100, 0},
    {DOMID_SELF, XENMAPSPACE_grant_table, GRANT_FRAMES, 0x100, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_grant_table, 1ULL << 32, 0x100, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, 0x100, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_grant_table, 0, 16 * MIB / PAGE_SIZE, -EINVAL},
    {DOMID_SELF, XENMAPSPACE_gmfn, 0, 0x100, -EINVAL},
    {DOMID_SELF, UINT32_MAX, 0, 0x100, -EINVAL},
};

START_TEST(pages_of_xen_become_pages_of_ram)
{
    const struct place_case *c = &places[_i];

    ck_assert_int_eq(add_to_physmap(c->domid, c->space, c->idx, c->gpfn), c->result);
}
END_TEST

struct e820 {
    uint64_t address, size;
    uint32_t type;
} __attribute__((packed));

static int64_t memory_map(struct xen_memory_map *map, uint64_t buffer, unsigned entries)
{
    map->nr_entries = entries;
    memcpy(&map->buffer, &buffer, sizeof(buffer));
    return XEN_ASK(guest, __HYPERVISOR_memory_op, XENMEM_memory_map, map);
}

START_TEST(the_memory_map_tells_of_all_ram)
{
    struct xen_memory_map map;
    struct e820 entries[3];

    ck_assert_int_eq(memory_map(&map, XEN_BUFFER, 100), 0);
    ck_assert_uint_eq(map.nr_entries, 3);
    xen_get(guest, XEN_BUFFER, entries, sizeof(entries));
    ck_assert_uint_eq(entries[0].type, 1);
    ck_assert_uint_eq(entries[1].type, 2);
    ck_assert_uint_eq(entries[2].address, MIB);
    ck_assert_uint_eq(entries[2].size, 15 * MIB);
}
END_TEST

START_TEST(the_memory_map_fits_the_room_there_is)
{
    struct xen_memory_map map;
    uint8_t before[3 * sizeof(struct e820)], after[sizeof(before)];

    memset(before, 0x77, sizeof(before));
    xen_put(guest, XEN_BUFFER, before, sizeof(before));
    ck_assert_int_eq(memory_map(&map, XEN_BUFFER, 1), 0);
    ck_assert_uint_eq(map.nr_entries, 1);
    xen_get(guest, XEN_BUFFER, after, sizeof(after));
    ck_assert_mem_eq(&after[sizeof(struct e820)], before, 2 * sizeof(struct e820));
    ck_assert_int_eq(memory_map(&map, 0, 0), 0);
    ck_assert_uint_eq(map.nr_entries, 3);
}
END_TEST

/* ---- the console ---- */

static int64_t say(const char *text)
{
    xen_put(guest, XEN_BUFFER, text, strlen(text));
    return xen_call(guest, __HYPERVISOR_console_io, CONSOLEIO_write, strlen(text), XEN_BUFFER);
}

START_TEST(a_line_is_shown_once_it_is_whole)
{
    ck_assert_int_eq(say("one\ntw"), 0);
    ck_assert_str_eq(fixture_console(&guest->fixture), "one\n");
    ck_assert_int_eq(say("o\n\nthree"), 0);
    ck_assert_str_eq(fixture_console(&guest->fixture), "one\ntwo\n\n");
    xen_domain_close(&guest->domain);
    ck_assert_str_eq(fixture_console(&guest->fixture), "one\ntwo\n\nthree\n");
}
END_TEST

START_TEST(what_a_terminal_would_obey_is_replaced)
{
    ck_assert_int_eq(say("a\x1b[2J\r\b\x7f\tb \xc3\xa4\n"), 0);
    ck_assert_str_eq(fixture_console(&guest->fixture), "a?[2J???\tb \xc3\xa4\n");
}
END_TEST

START_TEST(a_line_without_end_is_cut)
{
    char text[XEN_CONSOLE_LINE_MAX + 2];
    const char *shown;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(say(text), 0);
    shown = fixture_console(&guest->fixture);
    ck_assert_uint_eq(strlen(shown), XEN_CONSOLE_LINE_MAX + 1);
    ck_assert_int_eq(shown[XEN_CONSOLE_LINE_MAX], '\n');
}
END_TEST

START_TEST(nothing_is_typed_at_the_console)
{
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_console_io, CONSOLEIO_read, 16, XEN_BUFFER), 0);
}
END_TEST

/* ---- hvm_op ---- */

static int64_t hvm_param(unsigned operation, domid_t domid, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param param = {.domid = domid, .index = index, .value = *value};
    int64_t result = XEN_ASK(guest, __HYPERVISOR_hvm_op, operation, &param);

    *value = param.value;
    return result;
}

START_TEST(a_parameter_is_kept)
{
    uint64_t value = 0x1234;

    ck_assert_int_eq(hvm_param(HVMOP_set_param, DOMID_SELF, HVM_NR_PARAMS - 1, &value), 0);
    value = 0;
    ck_assert_int_eq(hvm_param(HVMOP_get_param, 1, HVM_NR_PARAMS - 1, &value), 0);
    ck_assert_uint_eq(value, 0x1234);
}
END_TEST

static const struct param_case {
    domid_t domid;
    uint32_t index;
    int64_t result;
} params[] = {
    {DOMID_SELF, HVM_NR_PARAMS, -EINVAL},
    {DOMID_SELF, UINT32_MAX, -EINVAL},
    {0, 1, -EPERM},
    {2, 1, -ESRCH},
};

START_TEST(a_parameter_that_there_is_not_is_refused)
{
    const struct param_case *c = &params[_i];
    uint64_t value = 0;

    ck_assert_int_eq(hvm_param(HVMOP_set_param, c->domid, c->index, &value), c->result);
    ck_assert_int_eq(hvm_param(HVMOP_get_param, c->domid, c->index, &value), c->result);
}
END_TEST

START_TEST(a_callback_for_the_domain_is_not_served)
{
    uint64_t value = 2ULL << 56 | 0x40;

    ck_assert_int_eq(hvm_param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value),
                     -EOPNOTSUPP);
    value = 0;
    ck_assert_int_eq(hvm_param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value), 0);
}
END_TEST

START_TEST(time_goes_on)
{
    struct xen_hvm_get_time first, second;

    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_hvm_op, HVMOP_get_time, &first), 0);
    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_hvm_op, HVMOP_get_time, &second), 0);
    ck_assert_uint_gt(second.now, first.now);
}
END_TEST

Suite *xen_hypercall_suite(void)
{
    Suite *suite = suite_create("xen_hypercall");
    TCase *tcase = tcase_create("xen_hypercall");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_msr_fills_the_page_with_stubs);
    tcase_add_loop_test(tcase, a_page_that_is_no_ram_faults, 0,
                        sizeof(bad_pages) / sizeof(bad_pages[0]));
    tcase_add_test(tcase, the_msr_reads_as_zero);
    tcase_add_test(tcase, msrs_beside_it_fault);
    tcase_add_test(tcase, cpuid_tells_of_xen_instead_of_kvm);
    tcase_add_test(tcase, without_a_domain_there_is_no_device);
    tcase_add_test(tcase, a_domid_is_given_once);
    tcase_add_test(tcase, only_the_kernel_may_call);
    tcase_add_test(tcase, only_64_bit_code_is_understood);
    tcase_add_test(tcase, texts_about_the_version_fill_their_field);
    tcase_add_test(tcase, the_answer_about_compilation_begins_with_the_compiler);
    tcase_add_test(tcase, features_say_that_memory_is_the_guests_own);
    tcase_add_test(tcase, a_structure_may_lie_in_two_pages);
    tcase_add_loop_test(tcase, pages_of_xen_become_pages_of_ram, 0,
                        sizeof(places) / sizeof(places[0]));
    tcase_add_test(tcase, the_memory_map_tells_of_all_ram);
    tcase_add_test(tcase, the_memory_map_fits_the_room_there_is);
    tcase_add_test(tcase, a_line_is_shown_once_it_is_whole);
    tcase_add_test(tcase, what_a_terminal_would_obey_is_replaced);
    tcase_add_test(tcase, a_line_without_end_is_cut);
    tcase_add_test(tcase, nothing_is_typed_at_the_console);
    tcase_add_test(tcase, a_parameter_is_kept);
    tcase_add_loop_test(tcase, a_parameter_that_there_is_not_is_refused, 0,
                        sizeof(params) / sizeof(params[0]));
    tcase_add_test(tcase, a_callback_for_the_domain_is_not_served);
    tcase_add_test(tcase, time_goes_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
