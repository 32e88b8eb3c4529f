/* Hypercalls of a guest that wishes the monitor ill: every pointer bad, every number wrong. */
#include "tests/unit/xen_guest.h"

#include <errno.h>
#include <string.h>

Suite *xen_refusals_suite(void);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS       200000

static struct xen_pair pair;
static struct xen_guest *guest;

static void setup(void)
{
    xen_pair_begin(&pair);
    guest = &pair.guests[1];
    xen_place_pages(guest);
}

static void teardown(void)
{
    ck_assert_int_eq(machine_outcome(&guest->fixture.machine), OUTCOME_NONE);
    xen_pair_end(&pair);
}

#define POINTER UINT64_MAX /* stands for the argument that is a pointer */

/* Every operation with a pointer. */
static const struct {
    unsigned number;
    uint64_t arguments[3];
} calls[] = {
    {__HYPERVISOR_memory_op, {XENMEM_add_to_physmap, POINTER}},
    {__HYPERVISOR_memory_op, {XENMEM_memory_map, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_extraversion, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_compile_info, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_capabilities, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_changeset, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_platform_parameters, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_get_features, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_guest_handle, POINTER}},
    {__HYPERVISOR_xen_version, {XENVER_commandline, POINTER}},
    {__HYPERVISOR_console_io, {CONSOLEIO_write, 8, POINTER}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_map_grant_ref, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_unmap_grant_ref, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_setup_table, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_copy, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_query_size, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_set_version, POINTER, 1}},
    {__HYPERVISOR_grant_table_op, {GNTTABOP_get_version, POINTER, 1}},
    {__HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, POINTER}},
    {__HYPERVISOR_sched_op, {SCHEDOP_shutdown, POINTER}},
    {__HYPERVISOR_sched_op, {SCHEDOP_poll, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_interdomain, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_virq, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_close, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_send, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_status, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_ipi, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_vcpu, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_unmask, POINTER}},
    {__HYPERVISOR_event_channel_op, {EVTCHNOP_reset, POINTER}},
    {__HYPERVISOR_hvm_op, {HVMOP_set_param, POINTER}},
    {__HYPERVISOR_hvm_op, {HVMOP_get_param, POINTER}},
    {__HYPERVISOR_hvm_op, {HVMOP_get_time, POINTER}},
    {__HYPERVISOR_hvm_op, {HVMOP_set_evtchn_upcall_vector, POINTER}},
};

/* The smallest structure has two bytes: each of these crosses into what is not there, or begins there. */
static const uint64_t pointers[] = {
    XEN_ABSENT,         XEN_ABSENT - 1, XEN_NO_RAM, XEN_NO_RAM - 1, 0xa0000000, /* no page table */
    16 * MIB,                                                                   /* after RAM */
    16 * MIB - 1,                                                               /* out of RAM */
    0x7fffffffffff,                 /* out of the canonical half */
    0x800000000000,                 /* not canonical */
    0xfff0000000000000,             /* not canonical */
    0xffff800000000000, UINT64_MAX, /* wraps around */
};

START_TEST(a_bad_pointer_is_a_fault)
{
    uint64_t arguments[3];

    for (unsigned i = 0; i < COUNT(pointers); i++) {
        for (unsigned j = 0; j < 3; j++)
            arguments[j] = calls[_i].arguments[j] == POINTER ? pointers[i] : calls[_i].arguments[j];
        ck_assert_msg(xen_call(guest, calls[_i].number, arguments[0], arguments[1], arguments[2]) ==
                          -EFAULT,
                      "at 0x%llx", (unsigned long long)pointers[i]);
    }
}
END_TEST

START_TEST(a_bad_pointer_makes_no_port)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = 0};

    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound,
                              XEN_ABSENT, 0),
                     -EFAULT);
    ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &op), 0);
    ck_assert_uint_eq(op.port, 1);
}
END_TEST

/* A pointer within a structure. */
START_TEST(a_bad_pointer_in_a_structure_is_a_fault)
{
    for (unsigned i = 0; i < COUNT(pointers); i++) {
        struct xen_memory_map map = {.nr_entries = 10};
        struct sched_poll poll = {.nr_ports = 10};

        memcpy(&map.buffer, &pointers[i], sizeof(pointers[i]));
        ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_memory_op, XENMEM_memory_map, &map), -EFAULT);
        memcpy(&poll.ports, &pointers[i], sizeof(pointers[i]));
        ck_assert_int_eq(XEN_ASK(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -EFAULT);
    }
}
END_TEST

/* ---- numbers ---- */

static bool is_known(unsigned number)
{
    return number == __HYPERVISOR_sched_op || number == __HYPERVISOR_vcpu_op ||
           number == __HYPERVISOR_memory_op || number == __HYPERVISOR_console_io ||
           number == __HYPERVISOR_xen_version || number == __HYPERVISOR_event_channel_op ||
           number == __HYPERVISOR_grant_table_op || number == __HYPERVISOR_hvm_op;
}

static const unsigned known[] = {
    __HYPERVISOR_memory_op, __HYPERVISOR_xen_version,      __HYPERVISOR_console_io,
    __HYPERVISOR_vcpu_op,   __HYPERVISOR_grant_table_op,   __HYPERVISOR_sched_op,
    __HYPERVISOR_hvm_op,    __HYPERVISOR_event_channel_op,
};

/* Beyond small numbers, those that a table would find again if it looked at some bits only. */
static const uint64_t large[] = {
    1ULL << 16, 1ULL << 32, 1ULL << 63, UINT32_MAX, UINT64_MAX, INT64_MAX,
};

START_TEST(numbers_of_no_hypercall_are_told_so)
{
    for (unsigned number = 0; number < 256; number++)
        if (!is_known(number))
            ck_assert_int_eq(xen_call(guest, number, 0, XEN_ARG, 1), -ENOSYS);
    for (unsigned i = 0; i < COUNT(large); i++)
        for (unsigned j = 0; j < COUNT(known); j++)
            ck_assert_int_eq(xen_call(guest, large[i] | known[j], 0, XEN_ARG, 1), -ENOSYS);
}
END_TEST

/* Operations without a pointer. */
static bool is_operation(unsigned number, uint64_t operation)
{
    if ((number == __HYPERVISOR_xen_version &&
         (operation == XENVER_version || operation == XENVER_pagesize ||
          operation == XENVER_build_id)) ||
        (number == __HYPERVISOR_console_io && operation == CONSOLEIO_read) ||
        (number == __HYPERVISOR_sched_op && operation <= SCHEDOP_block))
        return true;
    for (unsigned i = 0; i < COUNT(calls); i++)
        if (calls[i].number == number && calls[i].arguments[0] == operation)
            return true;
    return false;
}

START_TEST(numbers_of_no_operation_are_told_so)
{
    const unsigned number = known[_i];

    for (uint64_t operation = 0; operation < 256; operation++)
        if (!is_operation(number, operation))
            ck_assert_int_eq(xen_call(guest, number, operation, XEN_ARG, 1), -ENOSYS);
    for (unsigned i = 0; i < COUNT(large); i++)
        ck_assert_int_eq(xen_call(guest, number, large[i], XEN_ARG, 1), -ENOSYS);
}
END_TEST

static const uint64_t counts[] = {GRANT_HANDLES + 1, INT32_MAX, UINT32_MAX, 1ULL << 32, UINT64_MAX};

START_TEST(a_count_beyond_all_measure_does_nothing)
{
    const uint64_t count = counts[_i];

    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, XEN_ARG,
                              count),
                     -E2BIG);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_grant_table_op, GNTTABOP_copy, XEN_ARG, count),
                     -E2BIG);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, XEN_ARG,
                              count),
                     -EINVAL);
}
END_TEST

START_TEST(more_text_than_one_call_takes_is_not_shown)
{
    for (unsigned i = 1; i < COUNT(counts); i++)
        ck_assert_int_eq(xen_call(guest, __HYPERVISOR_console_io, CONSOLEIO_write, counts[i],
                                  XEN_BUFFER),
                         -E2BIG);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_console_io, CONSOLEIO_write, 64 * KIB + 1,
                              XEN_BUFFER),
                     -E2BIG);
    ck_assert_str_eq(fixture_console(&guest->fixture), "");
}
END_TEST

START_TEST(a_count_of_none_is_done_at_once)
{
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                              XEN_ABSENT, 0),
                     0);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, XEN_ARG, 0),
                     -EINVAL);
    ck_assert_int_eq(xen_call(guest, __HYPERVISOR_console_io, CONSOLEIO_write, 0, XEN_ABSENT), 0);
}
END_TEST

START_TEST(an_array_ends_with_its_machine)
{
    struct gnttab_unmap_grant_ref op = {.handle = 5};

    machine_end(&pair.guests[0].fixture.machine, OUTCOME_GUEST, 0);
    ck_assert_int_eq(XEN_GRANT(&pair.guests[0], GNTTABOP_unmap_grant_ref, &op), -EINTR);
}
END_TEST

/* ---- anything ---- */

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return *random >> 33;
}

static uint64_t any_number(uint64_t *random)
{
    switch (next(random) % 6) {
    case 0:
        return next(random) % 32;
    case 1:
        return XEN_ARG + 8 * (next(random) % 64);
    case 2:
        return pointers[next(random) % COUNT(pointers)];
    case 3:
        return large[next(random) % COUNT(large)];
    case 4:
        return XEN_SPLIT - next(random) % 64;
    default:
        return next(random) << next(random) % 40;
    }
}

static void put_any_structure(struct xen_guest *caller, uint64_t *random)
{
    uint64_t words[8];

    for (unsigned i = 0; i < COUNT(words); i++)
        words[i] = next(random) % 2 ? next(random) % 16 : any_number(random);
    xen_put(caller, XEN_ARG, words, sizeof(words));
}

/* Blocking and the end are left out: one takes long, the other is for good. */
static bool is_left_out(uint64_t number, uint64_t operation)
{
    return number == __HYPERVISOR_sched_op && operation != SCHEDOP_yield;
}

START_TEST(any_call_leaves_the_monitor_alive)
{
    uint64_t random = 1;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct xen_guest *caller = &pair.guests[next(&random) % XEN_DOMAINS];
        const uint64_t number = known[next(&random) % COUNT(known)];
        const uint64_t operation = next(&random) % 32;

        if (is_left_out(number, operation))
            continue;
        put_any_structure(caller, &random);
        xen_call(caller, number, operation, next(&random) % 4 ? XEN_ARG : any_number(&random),
                 any_number(&random));
    }
}
END_TEST

Suite *xen_refusals_suite(void)
{
    Suite *suite = suite_create("xen_refusals");
    TCase *tcase = tcase_create("xen_refusals");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_bad_pointer_is_a_fault, 0, COUNT(calls));
    tcase_add_test(tcase, a_bad_pointer_makes_no_port);
    tcase_add_test(tcase, a_bad_pointer_in_a_structure_is_a_fault);
    tcase_add_test(tcase, numbers_of_no_hypercall_are_told_so);
    tcase_add_loop_test(tcase, numbers_of_no_operation_are_told_so, 0, COUNT(known));
    tcase_add_loop_test(tcase, a_count_beyond_all_measure_does_nothing, 0, COUNT(counts));
    tcase_add_test(tcase, more_text_than_one_call_takes_is_not_shown);
    tcase_add_test(tcase, a_count_of_none_is_done_at_once);
    tcase_add_test(tcase, an_array_ends_with_its_machine);
    tcase_add_test(tcase, any_call_leaves_the_monitor_alive);
    suite_add_tcase(suite, tcase);
    return suite;
}
