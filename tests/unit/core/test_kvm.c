/*
 * Opening KVM: the errors where there is no KVM, and two calls where there is.
 *
 * The second test case is left out where /dev/kvm cannot be opened.
 */
#include "tests/unit/needs.h"
#include "vmm/core/kvm.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *kvm_suite(void);

/* The descriptor that the next open() will get: it shows whether one was left open. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    close(fd);
    return fd;
}

static const struct open_case {
    const char *path;
    int result;
    const char *sentence;
} open_cases[] = {
    {"/dev/no such device", -ENOENT,
     "/dev/no such device: No such file or directory; load the module kvm_intel or kvm_amd, or "
     "turn on virtualisation in the firmware"},
    {"/dev/null", -ENOTTY,
     "/dev/null: KVM_GET_API_VERSION: Inappropriate ioctl for device; this is no KVM device: put "
     "the host's /dev/kvm there"},
    {"/dev", -EISDIR, "/dev: Is a directory"},
};

START_TEST(what_is_no_kvm_device_is_refused_with_a_sentence)
{
    const struct open_case *c = &open_cases[_i];
    int before = next_descriptor();
    struct error error;
    struct kvm kvm;

    ck_assert_int_eq(kvm_open(&kvm, c->path, &error), c->result);
    ck_assert_str_eq(error.text, c->sentence);
    ck_assert_int_eq(next_descriptor(), before);
}
END_TEST

START_TEST(after_a_failed_open_there_is_nothing_to_close)
{
    struct kvm kvm;

    ck_assert_int_lt(kvm_open(&kvm, "/dev/null", NULL), 0);
    ck_assert_int_eq(kvm.system_fd, -1);
    ck_assert_int_eq(kvm.vm_fd, -1);
    kvm_close(&kvm);
    ck_assert_int_eq(kvm.system_fd, -1);
}
END_TEST

/* A second close of the same number could close another descriptor. */
START_TEST(a_close_twice_closes_once)
{
    struct kvm kvm;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int again;

    kvm_init(&kvm);
    kvm.system_fd = fd;
    kvm_close(&kvm);
    again = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(again, fd);
    kvm_close(&kvm);
    ck_assert_int_ge(fcntl(again, F_GETFD), 0);
    close(again);
}
END_TEST

START_TEST(what_was_never_opened_can_be_closed)
{
    struct kvm kvm;

    kvm_init(&kvm);
    kvm_close(&kvm);
    ck_assert_int_eq(kvm.system_fd, -1);
    ck_assert_int_eq(kvm.vm_fd, -1);
}
END_TEST

START_TEST(an_open_makes_a_vm_and_a_close_ends_it)
{
    struct error error;
    struct kvm opened, kvm;

    ck_assert_msg(kvm_open(&kvm, KVM_DEVICE, &error) == 0, "%s", error.text);
    ck_assert_uint_ge(kvm.run_size, sizeof(struct kvm_run));
    ck_assert_uint_ge(kvm.vcpus_max, 1);
    opened = kvm;
    ck_assert_int_ge(fcntl(opened.vm_fd, F_GETFD), 0);
    kvm_close(&kvm);
    ck_assert_int_eq(kvm.vm_fd, -1);
    ck_assert_int_eq(fcntl(opened.vm_fd, F_GETFD), -1);
    ck_assert_int_eq(fcntl(opened.system_fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_memory_slot_that_is_not_aligned_is_an_error_that_names_the_ioctl)
{
    struct memory memory;
    struct memory_slot slot;
    struct error error;
    struct kvm kvm;

    ck_assert_int_eq(memory_init(&memory, MEMORY_MIN, NULL), 0);
    ck_assert_int_eq(kvm_open(&kvm, KVM_DEVICE, NULL), 0);
    slot = memory.slots[0];
    ck_assert_int_eq(kvm_set_memory(&kvm, 0, &slot, &error), 0);
    slot.base.value += slot.size + 1;
    ck_assert_int_eq(kvm_set_memory(&kvm, 1, &slot, &error), -EINVAL);
    ck_assert_str_eq(error.text, "KVM_SET_USER_MEMORY_REGION: Invalid argument");
    kvm_close(&kvm);
    memory_finish(&memory);
}
END_TEST

Suite *kvm_suite(void)
{
    Suite *suite = suite_create("kvm");
    TCase *tcase = tcase_create("kvm");

    tcase_add_loop_test(tcase, what_is_no_kvm_device_is_refused_with_a_sentence, 0,
                        (int)(sizeof(open_cases) / sizeof(open_cases[0])));
    tcase_add_test(tcase, after_a_failed_open_there_is_nothing_to_close);
    tcase_add_test(tcase, a_close_twice_closes_once);
    tcase_add_test(tcase, what_was_never_opened_can_be_closed);
    kvm_test_add(tcase, an_open_makes_a_vm_and_a_close_ends_it, 1);
    kvm_test_add(tcase, a_memory_slot_that_is_not_aligned_is_an_error_that_names_the_ioctl, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
