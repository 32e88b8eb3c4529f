/* HYPERVISOR_grant_table_op between two domains: mapping, copying, queries and unmapping. */
#include "tests/unit/xen_guest.h"

#include <errno.h>
#include <string.h>

Suite *xen_grant_op_suite(void);

#define REF  8
#define HOLE 0x40000000u /* where the mapper has no RAM */

static struct xen_pair pair;
static struct xen_guest *mapper, *granter; /* domains 0 and 1 */

static void setup(void)
{
    xen_pair_begin(&pair);
    mapper = &pair.guests[0];
    granter = &pair.guests[1];
    xen_place_pages(mapper);
    xen_place_pages(granter);
    xen_permit(granter, REF, 0, XEN_PAGE, GTF_permit_access);
}

static void teardown(void)
{
    xen_pair_end(&pair);
}

static struct gnttab_map_grant_ref map_at(uint64_t address, uint32_t flags, grant_ref_t ref,
                                          domid_t domid)
{
    struct gnttab_map_grant_ref map = {.host_addr = address,
                                       .flags = flags,
                                       .ref = ref,
                                       .dom = domid};

    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_map_grant_ref, &map), 0);
    return map;
}

static grant_handle_t map_page(uint64_t address, uint32_t flags)
{
    const struct gnttab_map_grant_ref map = map_at(address, GNTMAP_host_map | flags, REF, 1);

    ck_assert_int_eq(map.status, GNTST_okay);
    return map.handle;
}

static int unmap(grant_handle_t handle, uint64_t address)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = address, .handle = handle};

    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_unmap_grant_ref, &op), 0);
    return op.status;
}

START_TEST(a_granted_page_appears_and_goes)
{
    const grant_handle_t handle = map_page(HOLE, 0);

    ck_assert_ptr_eq(xen_mapped(mapper, HOLE),
                     memory_at(&granter->fixture.machine.memory, gpa(XEN_PAGE), PAGE_SIZE));
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access | GTF_reading | GTF_writing);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_okay);
    ck_assert_ptr_null(xen_mapped(mapper, HOLE));
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

START_TEST(a_readonly_map_is_one)
{
    map_page(HOLE, GNTMAP_readonly);
    ck_assert(mapper->maps[0].readonly);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access | GTF_reading);
}
END_TEST

static const struct refusal {
    uint64_t address;
    uint32_t flags;
    grant_ref_t ref;
    domid_t domid;
    int16_t status;
} refusals[] = {
    {HOLE, 0, REF, 1, GNTST_bad_gntref},
    {HOLE, GNTMAP_readonly, REF, 1, GNTST_bad_gntref},
    {HOLE, GNTMAP_device_map, REF, 1, GNTST_general_error},
    {HOLE, GNTMAP_host_map | GNTMAP_device_map, REF, 1, GNTST_general_error},
    {HOLE, GNTMAP_host_map | GNTMAP_contains_pte, REF, 1, GNTST_general_error},
    {HOLE, UINT32_MAX, REF, 1, GNTST_general_error},
    {HOLE + 1, GNTMAP_host_map, REF, 1, GNTST_bad_virt_addr},
    {1ULL << 36, GNTMAP_host_map, REF, 1, GNTST_address_too_big},
    {UINT64_MAX - PAGE_MASK, GNTMAP_host_map, REF, 1, GNTST_address_too_big},
    {HOLE, GNTMAP_host_map, REF, 2, GNTST_bad_domain},
    {HOLE, GNTMAP_host_map, REF, DOMID_INVALID, GNTST_bad_domain},
    {HOLE, GNTMAP_host_map, 7, 1, GNTST_bad_gntref},
    {HOLE, GNTMAP_host_map, GRANT_FRAME_ENTRIES, 1, GNTST_bad_gntref},
    {HOLE, GNTMAP_host_map, UINT32_MAX, 1, GNTST_bad_gntref},
    {HOLE, GNTMAP_host_map, REF + 1, 1, GNTST_general_error},
    {HOLE, GNTMAP_host_map, REF, DOMID_SELF, GNTST_general_error},
};

START_TEST(a_map_that_is_refused_changes_nothing)
{
    const struct refusal *c = &refusals[_i];
    const struct gnttab_map_grant_ref map = map_at(c->address, c->flags, c->ref, c->domid);

    ck_assert_int_eq(map.status, c->status);
    ck_assert_ptr_null(xen_mapped(mapper, c->address));
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

static const struct {
    int result;
    int16_t status;
} failures[] = {
    {-EINVAL, GNTST_bad_virt_addr},
    {-EBUSY, GNTST_bad_virt_addr},
    {-ENOSPC, GNTST_no_space},
    {-ENOMEM, GNTST_general_error},
};

START_TEST(a_page_that_cannot_be_shown_is_not_pinned)
{
    mapper->map_result = failures[_i].result;
    ck_assert_int_eq(map_at(HOLE, GNTMAP_host_map, REF, 1).status, failures[_i].status);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
    map_page(HOLE, 0);
}
END_TEST

START_TEST(without_a_handle_nothing_is_mapped)
{
    const struct grant_mapping mapping = {.table = &granter->domain.grants, .ref = REF};
    struct grant_mapping taken;

    while (grant_handle_add(&mapper->domain.handles, &mapping) >= 0)
        ;
    ck_assert_int_eq(map_at(HOLE, GNTMAP_host_map, REF, 1).status, GNTST_no_space);
    ck_assert_ptr_null(xen_mapped(mapper, HOLE));
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
    while (grant_handle_take_any(&mapper->domain.handles, &taken))
        ;
}
END_TEST

START_TEST(a_handle_is_good_once_and_for_its_address)
{
    const grant_handle_t handle = map_page(HOLE, 0);

    ck_assert_int_eq(unmap(handle, HOLE + PAGE_SIZE), GNTST_bad_virt_addr);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_okay);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_bad_handle);
    ck_assert_int_eq(unmap(UINT32_MAX, HOLE), GNTST_bad_handle);
}
END_TEST

START_TEST(a_page_that_cannot_be_taken_away_stays_pinned)
{
    const grant_handle_t handle = map_page(HOLE, 0);

    mapper->map_result = -ENOMEM;
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_general_error);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_bad_handle);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access | GTF_reading | GTF_writing);
}
END_TEST

START_TEST(a_page_mapped_twice_stays_pinned_until_both_are_gone)
{
    const grant_handle_t first = map_page(HOLE, GNTMAP_readonly);
    const grant_handle_t second = map_page(HOLE + PAGE_SIZE, 0);

    ck_assert_int_eq(unmap(second, HOLE + PAGE_SIZE), GNTST_okay);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access | GTF_reading);
    ck_assert_int_eq(unmap(first, HOLE), GNTST_okay);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

START_TEST(a_failure_in_an_array_leaves_the_others_done)
{
    struct gnttab_map_grant_ref maps[3];

    for (unsigned i = 0; i < 3; i++)
        maps[i] = (struct gnttab_map_grant_ref){.host_addr = HOLE + i * PAGE_SIZE,
                                                .flags = GNTMAP_host_map,
                                                .ref = i == 1 ? 7 : REF,
                                                .dom = 1};
    xen_put(mapper, XEN_ARG, maps, sizeof(maps));
    ck_assert_int_eq(xen_call(mapper, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, XEN_ARG,
                              3),
                     0);
    xen_get(mapper, XEN_ARG, maps, sizeof(maps));
    ck_assert_int_eq(maps[0].status, GNTST_okay);
    ck_assert_int_eq(maps[1].status, GNTST_bad_gntref);
    ck_assert_int_eq(maps[2].status, GNTST_okay);
    ck_assert_uint_ne(maps[0].handle, maps[2].handle);
}
END_TEST

START_TEST(an_array_that_leaves_memory_ends_there)
{
    struct gnttab_map_grant_ref map = {.host_addr = HOLE,
                                       .flags = GNTMAP_host_map,
                                       .ref = REF,
                                       .dom = 1};

    xen_put(mapper, 0x200000 + PAGE_SIZE - sizeof(map), &map, sizeof(map));
    ck_assert_int_eq(xen_call(mapper, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                              XEN_ABSENT - sizeof(map), 2),
                     -EFAULT);
    xen_get(mapper, 0x200000 + PAGE_SIZE - sizeof(map), &map, sizeof(map));
    ck_assert_int_eq(map.status, GNTST_okay);
    ck_assert_ptr_nonnull(xen_mapped(mapper, HOLE));
}
END_TEST

START_TEST(a_map_that_cannot_be_told_is_undone)
{
    struct gnttab_map_grant_ref map = {.host_addr = HOLE,
                                       .flags = GNTMAP_host_map,
                                       .ref = REF,
                                       .dom = 1};

    xen_put(mapper, 0x200000, &map, sizeof(map));
    mapper->map_hides_page = true;
    ck_assert_int_eq(xen_call(mapper, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                              XEN_BAD_PAGE(1), 1),
                     -EFAULT);
    ck_assert_ptr_null(xen_mapped(mapper, HOLE));
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

/* ---- the end of a domain ---- */

START_TEST(what_a_dead_domain_had_mapped_is_given_back)
{
    map_page(HOLE, 0);
    map_page(HOLE + PAGE_SIZE, GNTMAP_readonly);
    xen_domain_close(&mapper->domain);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
    ck_assert_ptr_null(xen_mapped(mapper, HOLE));
    ck_assert_ptr_null(xen_mapped(mapper, HOLE + PAGE_SIZE));
}
END_TEST

START_TEST(a_page_of_a_dead_domain_can_be_unmapped_but_not_mapped)
{
    const grant_handle_t handle = map_page(HOLE, 0);

    xen_domain_close(&granter->domain);
    ck_assert_ptr_nonnull(xen_mapped(mapper, HOLE));
    ck_assert_int_eq(map_at(HOLE + PAGE_SIZE, GNTMAP_host_map, REF, 1).status, GNTST_bad_domain);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_okay);
    ck_assert_ptr_null(xen_mapped(mapper, HOLE));
}
END_TEST

START_TEST(memory_of_a_dead_domain_is_not_changed)
{
    const grant_handle_t handle = map_page(HOLE, 0);

    xen_domain_close(&granter->domain);
    ck_assert_int_eq(unmap(handle, HOLE), GNTST_okay);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access | GTF_reading | GTF_writing);
}
END_TEST

/* ---- copies ---- */

#define OWN XEN_BUFFER /* a page of the caller */

#define WRAPPED_FRAME(frame) ((frame) | 1ULL << 52) /* its address is that of (frame) in 64 bits */

static struct gnttab_copy copy_from_grant(void)
{
    return (struct gnttab_copy){
        .source = {.u.ref = REF, .domid = 1},
        .dest = {.u.gmfn = OWN / PAGE_SIZE, .domid = DOMID_SELF},
        .len = 5,
        .flags = GNTCOPY_source_gref,
    };
}

static int copy(struct gnttab_copy op)
{
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_copy, &op), 0);
    return op.status;
}

START_TEST(bytes_are_copied_out_of_a_grant)
{
    struct gnttab_copy op = copy_from_grant();
    char text[6] = "";

    xen_put(granter, XEN_PAGE + PAGE_SIZE - 5, "hello", 5);
    op.source.offset = PAGE_SIZE - 5;
    op.dest.offset = 3;
    ck_assert_int_eq(copy(op), GNTST_okay);
    xen_get(mapper, OWN + 3, text, 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

START_TEST(bytes_are_copied_into_a_grant)
{
    char text[6] = "";
    const struct gnttab_copy op = {
        .source = {.u.gmfn = OWN / PAGE_SIZE, .domid = 0},
        .dest = {.u.ref = REF, .domid = 1},
        .len = 5,
        .flags = GNTCOPY_dest_gref,
    };

    xen_put(mapper, OWN, "hello", 5);
    ck_assert_int_eq(copy(op), GNTST_okay);
    xen_get(granter, XEN_PAGE, text, 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

START_TEST(a_readonly_grant_is_only_a_source)
{
    struct gnttab_copy op = copy_from_grant();
    const struct gnttab_copy_ptr end = op.source;

    xen_permit(granter, REF, 0, XEN_PAGE, GTF_permit_access | GTF_readonly);
    ck_assert_int_eq(copy(op), GNTST_okay);
    op.source = op.dest;
    op.dest = end;
    op.flags = GNTCOPY_dest_gref;
    ck_assert_int_eq(copy(op), GNTST_general_error);
}
END_TEST

START_TEST(copies_stay_within_their_pages)
{
    struct gnttab_copy op = copy_from_grant();

    op.source.offset = PAGE_SIZE - 4;
    ck_assert_int_eq(copy(op), GNTST_bad_copy_arg);
    op.source.offset = 0;
    op.dest.offset = PAGE_SIZE - 4;
    ck_assert_int_eq(copy(op), GNTST_bad_copy_arg);
    op.dest.offset = UINT16_MAX;
    op.len = UINT16_MAX;
    ck_assert_int_eq(copy(op), GNTST_bad_copy_arg);
    op.dest.offset = 0;
    op.len = PAGE_SIZE;
    ck_assert_int_eq(copy(op), GNTST_okay);
}
END_TEST

START_TEST(copies_of_what_is_not_ours_are_refused)
{
    struct gnttab_copy op = copy_from_grant();

    op.dest.domid = 1;
    ck_assert_int_eq(copy(op), GNTST_permission_denied);
    op = copy_from_grant();
    op.dest.u.gmfn = 16 * MIB / PAGE_SIZE;
    ck_assert_int_eq(copy(op), GNTST_bad_page);
    op.dest.u.gmfn = WRAPPED_FRAME(OWN / PAGE_SIZE);
    ck_assert_int_eq(copy(op), GNTST_bad_page);
    op.dest.u.gmfn = UINT64_MAX;
    ck_assert_int_eq(copy(op), GNTST_bad_page);
    op = copy_from_grant();
    op.source.domid = 5;
    ck_assert_int_eq(copy(op), GNTST_bad_domain);
    op = copy_from_grant();
    op.source.u.ref = 7;
    ck_assert_int_eq(copy(op), GNTST_bad_gntref);
    op = copy_from_grant();
    op.flags = 4;
    ck_assert_int_eq(copy(op), GNTST_general_error);
    ck_assert_uint_eq(xen_grant_flags(granter, REF), GTF_permit_access);
}
END_TEST

/* ---- about the table ---- */

static struct gnttab_setup_table setup_table(domid_t domid, uint32_t frames, uint64_t list)
{
    struct gnttab_setup_table op = {.dom = domid, .nr_frames = frames};

    memcpy(&op.frame_list, &list, sizeof(list));
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_setup_table, &op), 0);
    return op;
}

START_TEST(setup_tells_where_frames_are)
{
    uint64_t frames[2];

    ck_assert_int_eq(setup_table(DOMID_SELF, 2, XEN_BUFFER).status, GNTST_okay);
    xen_get(mapper, XEN_BUFFER, frames, sizeof(frames));
    ck_assert_uint_eq(frames[0], XEN_TABLE / PAGE_SIZE);
    ck_assert_uint_eq(frames[1], UINT64_MAX);
}
END_TEST

START_TEST(setup_has_limits)
{
    ck_assert_int_eq(setup_table(DOMID_SELF, GRANT_FRAMES + 1, XEN_BUFFER).status,
                     GNTST_general_error);
    ck_assert_int_eq(setup_table(DOMID_SELF, UINT32_MAX, XEN_BUFFER).status, GNTST_general_error);
    ck_assert_int_eq(setup_table(DOMID_SELF, 1, XEN_ABSENT).status, GNTST_bad_virt_addr);
    ck_assert_int_eq(setup_table(1, 1, XEN_BUFFER).status, GNTST_permission_denied);
    ck_assert_int_eq(setup_table(9, 1, XEN_BUFFER).status, GNTST_bad_domain);
}
END_TEST

START_TEST(the_size_is_what_was_placed)
{
    struct gnttab_query_size op = {.dom = DOMID_SELF};

    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_query_size, &op), 0);
    ck_assert_int_eq(op.status, GNTST_okay);
    ck_assert_uint_eq(op.nr_frames, 1);
    ck_assert_uint_eq(op.max_nr_frames, GRANT_FRAMES);
    op.dom = 1;
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_query_size, &op), 0);
    ck_assert_int_eq(op.status, GNTST_permission_denied);
}
END_TEST

START_TEST(only_version_1_is_spoken)
{
    static const struct {
        uint32_t version;
        int64_t result;
    } versions[] = {{1, 0}, {2, -ENOSYS}, {0, -EINVAL}, {UINT32_MAX, -EINVAL}};
    struct gnttab_get_version get = {.dom = DOMID_SELF};

    for (unsigned i = 0; i < 4; i++) {
        struct gnttab_set_version set = {.version = versions[i].version};

        ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_set_version, &set), versions[i].result);
        ck_assert_uint_eq(set.version, 1);
    }
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_get_version, &get), 0);
    ck_assert_uint_eq(get.version, 1);
    get.dom = 1;
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_get_version, &get), -EPERM);
    get.dom = 9;
    ck_assert_int_eq(XEN_GRANT(mapper, GNTTABOP_get_version, &get), -ESRCH);
}
END_TEST

Suite *xen_grant_op_suite(void)
{
    Suite *suite = suite_create("xen_grant_op");
    TCase *tcase = tcase_create("xen_grant_op");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_granted_page_appears_and_goes);
    tcase_add_test(tcase, a_readonly_map_is_one);
    tcase_add_loop_test(tcase, a_map_that_is_refused_changes_nothing, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_loop_test(tcase, a_page_that_cannot_be_shown_is_not_pinned, 0,
                        sizeof(failures) / sizeof(failures[0]));
    tcase_add_test(tcase, without_a_handle_nothing_is_mapped);
    tcase_add_test(tcase, a_handle_is_good_once_and_for_its_address);
    tcase_add_test(tcase, a_page_that_cannot_be_taken_away_stays_pinned);
    tcase_add_test(tcase, a_page_mapped_twice_stays_pinned_until_both_are_gone);
    tcase_add_test(tcase, a_failure_in_an_array_leaves_the_others_done);
    tcase_add_test(tcase, an_array_that_leaves_memory_ends_there);
    tcase_add_test(tcase, a_map_that_cannot_be_told_is_undone);
    tcase_add_test(tcase, what_a_dead_domain_had_mapped_is_given_back);
    tcase_add_test(tcase, a_page_of_a_dead_domain_can_be_unmapped_but_not_mapped);
    tcase_add_test(tcase, memory_of_a_dead_domain_is_not_changed);
    tcase_add_test(tcase, bytes_are_copied_out_of_a_grant);
    tcase_add_test(tcase, bytes_are_copied_into_a_grant);
    tcase_add_test(tcase, a_readonly_grant_is_only_a_source);
    tcase_add_test(tcase, copies_stay_within_their_pages);
    tcase_add_test(tcase, copies_of_what_is_not_ours_are_refused);
    tcase_add_test(tcase, setup_tells_where_frames_are);
    tcase_add_test(tcase, setup_has_limits);
    tcase_add_test(tcase, the_size_is_what_was_placed);
    tcase_add_test(tcase, only_version_1_is_spoken);
    suite_add_tcase(suite, tcase);
    return suite;
}
