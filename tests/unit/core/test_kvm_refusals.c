/*
 * A KVM that is too old or refuses: which sentence comes, and that nothing is left open.
 *
 * The ioctl() here stands before the C library's in this program, and passes everything on until a
 * test says which answers it wants. No /dev/kvm is needed: /dev/null plays it.
 */
#include "tests/unit/fixture.h"
#include "vmm/boot/start.h"

#include "vmm/core/machine_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

Suite *kvm_refusals_suite(void);

#define RUN_SIZE 12288

/* What is answered to one request, in place of what a KVM that works would answer. */
struct answer {
    unsigned long request;
    unsigned long argument; /* of KVM_CHECK_EXTENSION; 0: any */
    int value;              /* negative errno: a failure */
};

static bool pretending;
static struct answer wanted;
static struct error error;

static int new_descriptor(void)
{
    int fd = memfd_create("kvm", MFD_CLOEXEC);

    return ftruncate(fd, RUN_SIZE) == 0 ? fd : -1;
}

static int answer_as_kvm(unsigned long request, unsigned long argument)
{
    if (request == wanted.request && (!wanted.argument || wanted.argument == argument)) {
        if (wanted.value >= 0)
            return wanted.value;
        errno = -wanted.value;
        return -1;
    }
    switch (request) {
    case KVM_GET_API_VERSION:
        return KVM_API_VERSION;
    case KVM_CHECK_EXTENSION:
        return argument == KVM_CAP_SYNC_REGS ? KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS : 8;
    case KVM_GET_VCPU_MMAP_SIZE:
        return RUN_SIZE;
    case KVM_CREATE_VM:
    case KVM_CREATE_VCPU:
        return new_descriptor();
    default:
        return 0;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    unsigned long argument;
    va_list arguments;

    va_start(arguments, request);
    argument = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (pretending)
        return answer_as_kvm(request, argument);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

static int next_descriptor(void)
{
    int fd = new_descriptor();

    close(fd);
    return fd;
}

static const struct refusal {
    struct answer answer;
    int result;
    const char *sentence;
} opens[] = {
    {{KVM_GET_API_VERSION, 0, 11},
     -EPROTO,
     "/dev/null: KVM API version 11, but minivmm needs 12; use a kernel from 2.6.22 on"},
    {{KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT, 0},
     -EOPNOTSUPP,
     "/dev/null: this kernel lacks KVM_CAP_IMMEDIATE_EXIT; use a newer one"},
    {{KVM_CREATE_VM, 0, -ENOMEM}, -ENOMEM, "KVM_CREATE_VM: Cannot allocate memory"},
    {{KVM_GET_VCPU_MMAP_SIZE, 0, -EIO}, -EIO, "KVM_GET_VCPU_MMAP_SIZE: Input/output error"},
};

START_TEST(a_kvm_that_will_not_do_is_refused_with_a_sentence)
{
    const struct refusal *refusal = &opens[_i];
    const int before = next_descriptor();
    struct kvm kvm;

    wanted = refusal->answer;
    pretending = true;
    ck_assert_int_eq(kvm_open(&kvm, "/dev/null", &error), refusal->result);
    ck_assert_str_eq(error.text, refusal->sentence);
    ck_assert_int_eq(next_descriptor(), before);
    pretending = false;
}
END_TEST

static struct fixture fixture;

static void setup(void)
{
    fixture_setup(&fixture);
    fixture.machine.irqs.needed = true;
    fixture.machine.config.unpaged = true;
    fixture_device(&fixture, "doorbell", NULL);
    pretending = true;
}

/* The fixture's run page is no mapping. */
static void teardown(void)
{
    pretending = false;
    fixture.vcpu->fd = -1;
    fixture_teardown(&fixture);
}

/* Steps of making a VM; without a sentence: it is made. */
static const struct refusal makes[] = {
    {{0, 0, 0}, 0, NULL},
    {{KVM_CHECK_EXTENSION, KVM_CAP_IOEVENTFD_ANY_LENGTH, 0}, 0, NULL},
    {{KVM_IOEVENTFD, 0, -ENOSPC}, -ENOSPC, "KVM_IOEVENTFD: No space left on device"},
    {{KVM_SET_USER_MEMORY_REGION, 0, -EEXIST}, -EEXIST, "KVM_SET_USER_MEMORY_REGION: File exists"},
    {{KVM_SET_TSS_ADDR, 0, -EINVAL}, -EINVAL, "KVM_SET_TSS_ADDR: Invalid argument"},
    {{KVM_CREATE_IRQCHIP, 0, -ENODEV}, -ENODEV, "KVM_CREATE_IRQCHIP: No such device"},
    {{KVM_GET_IRQCHIP, 0, -ENXIO}, -ENXIO, "KVM_GET_IRQCHIP: No such device or address"},
    {{KVM_GET_SUPPORTED_CPUID, 0, -E2BIG},
     -E2BIG,
     "KVM_GET_SUPPORTED_CPUID: Argument list too long"},
    {{KVM_CREATE_VCPU, 0, -EEXIST},
     -EEXIST,
     "KVM_CREATE_VCPU: vCPU 0: File exists; give a lower --cpus"},
    {{KVM_SET_CPUID2, 0, -EINVAL}, -EINVAL, "KVM_SET_CPUID2: Invalid argument"},
    {{KVM_GET_SREGS, 0, -EIO}, -EIO, "KVM_GET_SREGS: Input/output error"},
    {{KVM_SET_SREGS, 0, -EINVAL}, -EINVAL, "KVM_SET_SREGS: Invalid argument"},
};

START_TEST(a_step_that_kvm_refuses_is_told_and_nothing_is_left_open)
{
    const struct refusal *refusal = &makes[_i];
    const struct x86_start start = {.mode = X86_LONG, .entry = MIB};
    struct machine *machine = &fixture.machine;
    struct kvm_run *run = fixture.vcpu->run;
    const int before = next_descriptor();
    int result;

    wanted = refusal->answer;
    ck_assert_int_eq(kvm_open(&machine->kvm, "/dev/null", &error), 0);
    result = machine_make_vm(machine, &error);
    if (result == 0)
        result = machine_set_start(machine, &start, &error);
    ck_assert_int_eq(result, refusal->result);
    if (refusal->sentence)
        ck_assert_str_eq(error.text, refusal->sentence);

    if (fixture.vcpu->fd >= 0)
        kvm_destroy_vcpu(&machine->kvm, fixture.vcpu->fd, fixture.vcpu->run);
    kvm_close(&machine->kvm);
    ck_assert_int_eq(next_descriptor(), before);
    fixture.vcpu->run = run;
}
END_TEST

START_TEST(a_run_page_that_cannot_be_mapped_is_told)
{
    struct machine *machine = &fixture.machine;
    struct kvm_run *run;
    int fd;

    ck_assert_int_eq(kvm_open(&machine->kvm, "/dev/null", &error), 0);
    wanted = (struct answer){KVM_CREATE_VCPU, 0, open("/dev/null", O_RDWR | O_CLOEXEC)};
    ck_assert_int_eq(kvm_create_vcpu(&machine->kvm, 3, &fd, &run, &error), -ENODEV);
    ck_assert_str_eq(error.text, "the run page of vCPU 3: No such device");
    ck_assert_int_eq(fd, -1);
}
END_TEST

/* The guest makes a ptlcall again and again, and its registers cannot be had or not be changed. */
static const struct refusal calls[] = {
    {{KVM_GET_REGS, 0, -EIO}, 0, "KVM_GET_REGS: Input/output error"},
    {{KVM_GET_SREGS, 0, -EIO}, 0, "KVM_GET_SREGS: Input/output error"},
    {{KVM_SET_REGS, 0, -EINVAL}, 0, "KVM_SET_REGS: Invalid argument"},
};

START_TEST(a_call_whose_registers_kvm_refuses_ends_the_machine)
{
    struct machine *machine = &fixture.machine;
    struct kvm_run *run = fixture.vcpu->run;
    struct observer observer = {0};

    fixture_device(&fixture, "ptlcall", NULL);
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = KVM_EXIT_IO_OUT;
    run->io.size = 1;
    run->io.port = 0xe0;
    run->io.count = 1;
    run->io.data_offset = PAGE_SIZE;
    wanted = calls[_i].answer;
    observer_add(&machine->observers, &observer); /* or KVM_RUN would not be the ioctl() above */
    machine_run(machine);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_INTERNAL);
    ck_assert_str_eq(fixture.vcpu->failure.text, calls[_i].sentence);
    ck_assert_ptr_eq(machine->ended_by, fixture.vcpu);
}
END_TEST

/* If a sleeping vCPU's state cannot be read, it must not count as asleep for ever. */
START_TEST(a_vcpu_whose_state_is_not_known_may_still_run)
{
    wanted = (struct answer){KVM_GET_MP_STATE, 0, -EINVAL};
    ck_assert(!vcpu_sleeps_for_ever(fixture.vcpu));
    wanted = (struct answer){KVM_GET_VCPU_EVENTS, 0, -EINVAL};
    ck_assert(!vcpu_sleeps_for_ever(fixture.vcpu));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *kvm_refusals_suite(void)
{
    Suite *suite = suite_create("kvm_refusals");
    TCase *open_case = tcase_create("open");
    TCase *machine_case = tcase_create("machine");

    tcase_add_loop_test(open_case, a_kvm_that_will_not_do_is_refused_with_a_sentence, 0,
                        COUNT(opens));
    suite_add_tcase(suite, open_case);
    tcase_add_checked_fixture(machine_case, setup, teardown);
    tcase_add_loop_test(machine_case, a_step_that_kvm_refuses_is_told_and_nothing_is_left_open, 0,
                        COUNT(makes));
    tcase_add_test(machine_case, a_run_page_that_cannot_be_mapped_is_told);
    tcase_add_loop_test(machine_case, a_call_whose_registers_kvm_refuses_ends_the_machine, 0,
                        COUNT(calls));
    tcase_add_test(machine_case, a_vcpu_whose_state_is_not_known_may_still_run);
    suite_add_tcase(suite, machine_case);
    return suite;
}
