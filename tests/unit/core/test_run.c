/*
 * Machines that really run: tiny images from memory, on the host's KVM.
 *
 * All tests are skipped by name where /dev/kvm cannot be opened. What guests in files can show is in
 * tests/guests; here is what needs a hand on the machine during or before its run.
 */
#include "devices/types.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"
#include "vmm/boot/loader.h"
#include "vmm/boot/start.h"
#include "vmm/core/kick.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"

#include "guest/abi/ptlcall.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *run_suite(void);

#define RESULTS   0x7000u /* gpa where the images count; below it the second vCPU's code */
#define PAUSES    200
#define STATUS_OK 42

/*
 * calls: after 100 exits that need no registers, so that KVM is not asked for them any more, a
 * VERSION by each method; then the same again. It adds up the results. What other registers hold
 * must come through.
 *
 * counters: starts CPU 1 at 0x8000, and both count for ever.
 */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_calls:\n"
        "    movl $0x7000, %esi\n"
        "    movabsq $0x8fffff000, %rbx\n"
        "    movabsq $0x1122334455667788, %r12\n"
        "    movl $10, %ecx\n"
        "1:  movl $100, %edi\n"
        "2:  movb %al, 0x300(%rsi)\n"
        "    outb %al, $0xee\n"
        "    decl %edi\n"
        "    jnz 2b\n"
        "    xorl %eax, %eax\n"
        "    movl %eax, (%rbx)\n"
        "    addq %rax, (%rsi)\n"
        "    movl $99, %eax\n"
        "    movl %eax, 8(%rbx)\n"
        "    addq %rax, 8(%rsi)\n"
        "    xorl %eax, %eax\n"
        "    outb %al, $0xe0\n"
        "    addq %rax, 16(%rsi)\n"
        "    decl %ecx\n"
        "    jnz 1b\n"
        "    movq %rbx, 24(%rsi)\n"
        "    movq %r12, 32(%rsi)\n"
        "    movl $42, %eax\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "image_calls_end:\n"
        "image_counters:\n"
        "    movl $0x7000, %esi\n"
        "    movl $0xfee00000, %ebx\n"
        "    movl $0x1ff, 0xf0(%rbx)\n"
        "    movl $0x01000000, 0x310(%rbx)\n"
        "    movl $0x4500, 0x300(%rbx)\n"
        "    movl $0x01000000, 0x310(%rbx)\n"
        "    movl $0x4608, 0x300(%rbx)\n"
        "1:  incl (%rsi)\n"
        "    jmp 1b\n"
        "image_counters_end:\n"
        ".code16\n"
        "image_second:\n"
        "1:  incl 0x7004\n"
        "    jmp 1b\n"
        "image_second_end:\n"
        ".code64\n"
        ".popsection\n");

extern const uint8_t image_calls[], image_calls_end[];
extern const uint8_t image_counters[], image_counters_end[];
extern const uint8_t image_second[], image_second_end[];

static struct machine machine;
static struct error error;

static void must(int result)
{
    ck_assert_msg(result >= 0, "%s", error.text);
}

static void do_nothing(int number)
{
    (void)number;
}

static void make_device(const char *type)
{
    must(device_create(&machine, device_type_find(device_types, type), NULL, &error));
}

/* A machine whose vCPU 0 will run (code); without a VM as yet. */
static struct x86_start make_machine(unsigned vcpu_count, const uint8_t *code, const uint8_t *end)
{
    const struct sigaction kick = {.sa_handler = do_nothing};
    const struct machine_config config = {
        .memory_size = 2 * MIB,
        .vcpu_count = vcpu_count,
        .console_fd = STDERR_FILENO,
        .out_dir = "/tmp",
        .message_fd = -1,
    };
    const struct loader_request request = {.path = "image"};
    uint8_t bytes[256];
    const struct loader_file file = {.path = "image",
                                     .bytes = bytes,
                                     .size = (uint64_t)(end - code)};
    struct x86_start start;

    ck_assert_uint_le(file.size, sizeof(bytes));
    memcpy(bytes, code, file.size);
    sigaction(VCPU_KICK_SIGNAL, &kick, NULL);
    must(machine_init(&machine, &config, &error));
    make_device("ptlcall");
    make_device("debug-exit");
    must(loader_load_files(&machine.memory, &request, &file, NULL, &start, &error));
    must(kvm_open(&machine.kvm, KVM_DEVICE, &error));
    return start;
}

static uint64_t result_at(unsigned offset)
{
    uint64_t value;

    must(memory_read(&machine.memory, gpa(RESULTS + offset), &value, sizeof(value)));
    return value;
}

/* What KVM keeps in the run page: what it can; nothing; general registers only. */
static const uint64_t synced[] = {UINT64_MAX, 0, KVM_SYNC_X86_REGS};

START_TEST(calls_are_answered_whatever_kvm_keeps_in_the_run_page)
{
    const struct x86_start start = make_machine(1, image_calls, image_calls_end);

    machine.kvm.sync_registers &= synced[_i];
    must(machine_make_vm(&machine, &error));
    must(machine_set_start(&machine, &start, &error));
    machine_run(&machine);

    ck_assert_int_eq(machine_outcome(&machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(&machine), STATUS_OK);
    ck_assert_int_eq((int64_t)result_at(0), 10 * PTLCALL_VERSION_NUMBER);
    ck_assert_int_eq((int64_t)result_at(8), 10 * -PTLCALL_EINVAL);
    ck_assert_int_eq((int64_t)result_at(16), 10 * PTLCALL_VERSION_NUMBER);
    ck_assert_uint_eq(result_at(24), PTLCALL_DEFAULT_TRIGGER);
    ck_assert_uint_eq(result_at(32), 0x1122334455667788);
    machine_finish(&machine);
}
END_TEST

START_TEST(an_address_that_the_host_does_not_have_is_refused)
{
    const struct bus_region region = {
        .first = 1ull << 60, .last = (1ull << 60) + 7, .device = NULL, .widest = 8, .name = "far"};

    make_machine(1, image_calls, image_calls_end);
    machine.bus[BUS_MMIO].regions[machine.bus[BUS_MMIO].region_count++] = region;
    ck_assert_int_eq(machine_make_vm(&machine, &error), -EOPNOTSUPP);
    ck_assert_ptr_nonnull(strstr(error.text, "too few for address 0x1000000000000007"));
    machine_finish(&machine);
}
END_TEST

static void *run_machine(void *argument)
{
    machine_run(argument);
    return NULL;
}

static uint32_t counter(unsigned cpu)
{
    uint32_t *counters = memory_at(&machine.memory, gpa(RESULTS), 2 * sizeof(uint32_t));

    return __atomic_load_n(&counters[cpu], __ATOMIC_RELAXED);
}

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void wait_until_all_count(void)
{
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        const uint32_t before = counter(cpu);

        while (counter(cpu) == before)
            sleep_us(100);
    }
}

/* Two vCPUs that never exit, until they are kicked. */
static pthread_t start_counters(void)
{
    const struct x86_start start = make_machine(2, image_counters, image_counters_end);
    pthread_t thread;

    must(memory_write(&machine.memory, gpa(0x8000), image_second,
                      (uint64_t)(image_second_end - image_second)));
    must(machine_make_vm(&machine, &error));
    must(machine_set_start(&machine, &start, &error));
    ck_assert_int_eq(pthread_create(&thread, NULL, run_machine, &machine), 0);
    wait_until_all_count();
    return thread;
}

static void stop_counters(pthread_t thread)
{
    machine_end(&machine, OUTCOME_INTERRUPTED, 0);
    machine_kick(&machine);
    pthread_join(thread, NULL);
    machine_finish(&machine);
}

START_TEST(vcpus_that_never_exit_stop_when_the_machine_ends)
{
    stop_counters(start_counters());
}
END_TEST

START_TEST(no_guest_code_runs_during_a_pause_and_all_runs_after_it)
{
    const pthread_t thread = start_counters();

    for (unsigned i = 0; i < PAUSES; i++) {
        uint32_t first, second;

        ck_assert(pause_begin(&machine, patience_ms(), false));
        first = counter(0);
        second = counter(1);
        sleep_us(i % 8 ? 50 : 2000);
        ck_assert_uint_eq(counter(0), first);
        ck_assert_uint_eq(counter(1), second);
        pause_end(&machine, false);
        if (i % 8 == 0)
            wait_until_all_count();
    }
    wait_until_all_count();
    stop_counters(thread);
}
END_TEST

START_TEST(a_machine_can_end_during_a_pause)
{
    const pthread_t thread = start_counters();

    ck_assert(pause_begin(&machine, patience_ms(), false));
    machine_end(&machine, OUTCOME_INTERRUPTED, 0);
    pause_end(&machine, false);
    machine_kick(&machine);
    pthread_join(thread, NULL);
    ck_assert_int_eq(machine_outcome(&machine), OUTCOME_INTERRUPTED);
    machine_finish(&machine);
}
END_TEST

/* The write end of a full pipe without a reader. */
static int full_pipe(void)
{
    char byte = 0;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    while (write(ends[1], &byte, 1) == 1)
        ;
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
    return ends[1];
}

/* As the host thread does at the time limit, here once the guest has ended. */
static void *give_up(void *done)
{
    while (machine_outcome(&machine) == OUTCOME_NONE)
        usleep(1000);
    atomic_store(&machine.abandoned, true);
    while (!atomic_load((atomic_bool *)done)) {
        machine_kick(&machine);
        usleep(1000);
    }
    return NULL;
}

START_TEST(a_reader_that_stalls_at_the_end_does_not_hold_the_machine)
{
    const struct x86_start start = make_machine(1, image_calls, image_calls_end);
    atomic_bool done = false;
    pthread_t thread;

    must(machine_make_vm(&machine, &error));
    must(machine_set_start(&machine, &start, &error));
    machine.console.output.fd = full_pipe();
    machine.console.output.policy = OUTPUT_FULL;
    must(console_write(&machine.console, 'x'));
    must(pthread_create(&thread, NULL, give_up, &done));
    machine_run(&machine);
    atomic_store(&done, true);
    pthread_join(thread, NULL);

    ck_assert_int_eq(machine_outcome(&machine), OUTCOME_GUEST);
    /* Later there is nobody to give up. */
    ck_assert_uint_eq(machine.console.output.used, 0);
    ck_assert_int_eq(machine_flush(&machine, &error), -ETIMEDOUT);
    ck_assert_str_eq(error.text,
                     "the console on stdout: the reader stalled; the last output was dropped");
    machine_finish(&machine);
}
END_TEST

Suite *run_suite(void)
{
    Suite *suite = suite_create("run");
    TCase *tcase = tcase_create("run");

    kvm_test_add(tcase, calls_are_answered_whatever_kvm_keeps_in_the_run_page,
                 (int)(sizeof(synced) / sizeof(synced[0])));
    kvm_test_add(tcase, an_address_that_the_host_does_not_have_is_refused, 1);
    kvm_test_add(tcase, vcpus_that_never_exit_stop_when_the_machine_ends, 1);
    kvm_test_add(tcase, no_guest_code_runs_during_a_pause_and_all_runs_after_it, 1);
    kvm_test_add(tcase, a_machine_can_end_during_a_pause, 1);
    kvm_test_add(tcase, a_reader_that_stalls_at_the_end_does_not_hold_the_machine, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
