/* vmm/core/machine.c, vmm/core/machine_vm.c and vmm/boot/boot_info.c, as far as they need no KVM. */
#include "vmm/boot/boot_info.h"

#include "tests/unit/fixture.h"
#include "vmm/core/machine_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

Suite *machine_suite(void);

static struct fixture fixture;
static struct error error;

static void setup(void)
{
    fixture_setup(&fixture);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static int offer(uint32_t function)
{
    const struct kvm_cpuid_entry2 leaf = {.function = function, .eax = 1};

    return machine_offer_cpuid(&fixture.machine, &leaf, &error);
}

START_TEST(a_cpuid_leaf_has_one_device)
{
    ck_assert_int_eq(offer(0x40000000), 0);
    ck_assert_int_eq(offer(0x40000000), -EBUSY);
    ck_assert_str_eq(
        error.text,
        "CPUID leaf 0x40000000 is claimed by another device already; use one of the two devices");
    ck_assert_uint_eq(fixture.machine.cpuid_leaf_count, 1);
}
END_TEST

START_TEST(more_cpuid_leaves_than_there_is_room_for_are_refused)
{
    for (uint32_t i = 0; i < MACHINE_CPUID_LEAVES; i++)
        ck_assert_int_eq(offer(0x40000000 + i), 0);
    ck_assert_int_eq(offer(0x50000000), -ENOSPC);
    ck_assert_str_eq(error.text, "no room for CPUID leaf 0x50000000; use fewer devices");
    ck_assert_uint_eq(fixture.machine.cpuid_leaf_count, MACHINE_CPUID_LEAVES);
}
END_TEST

/* A second device whose CPUID leaf is taken leaves no region. */
START_TEST(a_second_ptlcall_device_is_refused_and_leaves_nothing)
{
    unsigned ports, addresses;

    fixture_device(&fixture, "ptlcall", NULL);
    ports = fixture.machine.bus[BUS_PIO].region_count;
    addresses = fixture.machine.bus[BUS_MMIO].region_count;
    ck_assert_int_eq(fixture_try_device(&fixture, "ptlcall", "port=0x600,mmio=0xf0000000", &error),
                     -EBUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "CPUID leaf 0x404d5459"));
    ck_assert_uint_eq(fixture.machine.bus[BUS_PIO].region_count, ports);
    ck_assert_uint_eq(fixture.machine.bus[BUS_MMIO].region_count, addresses);
}
END_TEST

START_TEST(more_vcpus_than_kvm_makes_are_refused)
{
    fixture.machine.kvm.vcpus_max = 0;
    ck_assert_int_eq(machine_make_vm(&fixture.machine, &error), -EINVAL);
    ck_assert_str_eq(error.text, "--cpus 1: KVM here makes at most 0");
}
END_TEST

START_TEST(a_failure_of_kvm_ends_the_machine_and_is_told)
{
    struct machine *machine = &fixture.machine;
    struct vcpu *vcpu = fixture.vcpu;

    vcpu->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(vcpu->fd, 0);
    machine_run(machine);
    close(vcpu->fd);
    vcpu->fd = -1; /* the fixture's run page was never mapped from it */

    ck_assert_int_eq(machine_outcome(machine), OUTCOME_INTERNAL);
    ck_assert_ptr_eq(machine->ended_by, vcpu);
    ck_assert_str_eq(vcpu->failure.text, "KVM_RUN: vCPU 0: Inappropriate ioctl for device");
}
END_TEST

/* BOOT_COMMAND_MAX - 1 characters fit: how long the one word is, what was appended before it. */
static const struct join_case {
    const char *append;
    size_t length;
    int result;
} joins[] = {
    {NULL, BOOT_COMMAND_MAX - 1, 0},
    {NULL, BOOT_COMMAND_MAX, -E2BIG},
    {"abc", BOOT_COMMAND_MAX - 1 - 4, 0},
    {"abc", BOOT_COMMAND_MAX - 1 - 3, -E2BIG},
};

START_TEST(a_command_line_may_fill_its_room_and_no_more)
{
    const struct join_case *c = &joins[_i];
    char word[BOOT_COMMAND_MAX + 1] = {0};
    const char *words[] = {word};
    char text[BOOT_COMMAND_MAX];

    memset(word, 'w', c->length);
    ck_assert_int_eq(boot_join_command(c->append, words, 1, text, &error), c->result);
    if (c->result == 0)
        ck_assert_uint_eq(strlen(text), BOOT_COMMAND_MAX - 1);
    else
        ck_assert_str_eq(error.text,
                         "--append and the guest arguments pass 2047 bytes; give fewer");
}
END_TEST

START_TEST(a_command_line_too_long_by_what_is_appended_is_refused)
{
    char append[BOOT_COMMAND_MAX + 1] = {0};
    char text[BOOT_COMMAND_MAX];

    memset(append, 'a', BOOT_COMMAND_MAX);
    ck_assert_int_eq(boot_join_command(append, NULL, 0, text, &error), -E2BIG);
}
END_TEST

START_TEST(words_are_joined_by_spaces)
{
    const char *words[] = {"one", "two"};
    char text[BOOT_COMMAND_MAX];

    ck_assert_int_eq(boot_join_command(NULL, NULL, 0, text, &error), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(boot_join_command("before them", words, 2, text, &error), 0);
    ck_assert_str_eq(text, "before them one two");
}
END_TEST

Suite *machine_suite(void)
{
    Suite *suite = suite_create("machine");
    TCase *tcase = tcase_create("machine");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_cpuid_leaf_has_one_device);
    tcase_add_test(tcase, more_cpuid_leaves_than_there_is_room_for_are_refused);
    tcase_add_test(tcase, a_second_ptlcall_device_is_refused_and_leaves_nothing);
    tcase_add_test(tcase, more_vcpus_than_kvm_makes_are_refused);
    tcase_add_test(tcase, a_failure_of_kvm_ends_the_machine_and_is_told);
    tcase_add_loop_test(tcase, a_command_line_may_fill_its_room_and_no_more, 0,
                        (int)(sizeof(joins) / sizeof(joins[0])));
    tcase_add_test(tcase, a_command_line_too_long_by_what_is_appended_is_refused);
    tcase_add_test(tcase, words_are_joined_by_spaces);
    suite_add_tcase(suite, tcase);
    return suite;
}
