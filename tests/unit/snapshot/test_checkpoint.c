/*
 * Checkpoints as they are asked for by an exit, and as they are taken in again when every byte of their notes
 * may be another one. What real guests see is in tests/system/checkpoint.
 */
#include "devices/types.h"
#include "vmm/core/machine_run.h"
#include "vmm/snapshot/checkpoint.h"

#include "devices/ptlcall.h"
#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"
#include "vmm/core/machine_plan.h"
#include "vmm/snapshot/elf_format.h"
#include "vmm/snapshot/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *checkpoint_suite(void);

/* ---- asking ---- */

#define NAME 0x200000u /* gpa of the file's name */

static struct fixture fixture;

static void setup(void)
{
    char properties[128];

    fixture_setup(&fixture);
    snprintf(properties, sizeof(properties), "log=%s/log", fixture.out_dir);
    fixture_device(&fixture, "ptlcall", properties);
    memory_write(&fixture.machine.memory, gpa(NAME), "roi", 3);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

/* Paging is off. */
static void set_wide(bool wide)
{
    struct kvm_sregs *sregs = &fixture.vcpu->run->s.regs.sregs;

    sregs->efer = wide ? X86_EFER_LMA : 0;
    sregs->cs.l = wide;
}

/* CHECKPOINT by an OUT, of the (length) bytes at NAME. */
static enum exit_action ask(uint64_t length, uint64_t action)
{
    struct kvm_regs *registers = vcpu_registers(fixture.vcpu);

    registers->rax = PTLCALL_OP_CHECKPOINT;
    registers->rdi = NAME;
    registers->rsi = length;
    registers->rdx = action;
    return fixture_out(&fixture, PTLCALL_DEFAULT_PORT, 1, 0);
}

static int64_t result(void)
{
    return (int64_t)vcpu_registers(fixture.vcpu)->rax;
}

static const char *log_text(void)
{
    struct ptlcall_device *device = (struct ptlcall_device *)fixture.machine.devices;

    ptlcall_log_flush(&device->ptlcall.log);
    return fixture_out_file(&fixture, "log");
}

START_TEST(a_call_asks_for_its_action_and_its_file_when_the_exit_is_over)
{
    set_wide(true);
    ck_assert_int_eq(ask(3, (uint64_t)_i), EXIT_SERVE);
    ck_assert_int_eq(result(), PTLCALL_OP_CHECKPOINT);
    ck_assert_ptr_nonnull(checkpoint_requested(fixture.vcpu));
    ck_assert_int_eq((int)checkpoint_requested(fixture.vcpu)->action, _i);
    ck_assert_str_eq(checkpoint_requested(fixture.vcpu)->name, "roi");
    ck_assert_ptr_null(checkpoint_requested(fixture.vcpu)->path);
}
END_TEST

START_TEST(a_refused_call_asks_for_nothing)
{
    set_wide(true);
    ck_assert_int_eq(ask(0, CHECKPOINT_CONTINUE), EXIT_RESUME);
    ck_assert_int_eq(ask(3, CHECKPOINT_ACTIONS), EXIT_RESUME);
    ck_assert_ptr_null(checkpoint_requested(fixture.vcpu));
}
END_TEST

START_TEST(in_64_bit_mode_the_copy_has_bit_62_and_an_error_64_bits)
{
    set_wide(true);
    ask(3, CHECKPOINT_CONTINUE);
    ck_assert_uint_eq(checkpoint_requested(fixture.vcpu)->restored_flag, 1ULL << 62);
    ck_assert_uint_eq(checkpoint_requested(fixture.vcpu)->failed, 0xfffffffffffffffb);
}
END_TEST

START_TEST(outside_64_bit_mode_the_copy_has_bit_30_and_an_error_32_bits)
{
    set_wide(false);
    ask(3, CHECKPOINT_CONTINUE);
    ck_assert_uint_eq(checkpoint_requested(fixture.vcpu)->restored_flag, 1ULL << 30);
    ck_assert_uint_eq(checkpoint_requested(fixture.vcpu)->failed, 0xfffffffb);
}
END_TEST

/* By two OUTs of one REP OUTS, say. */
START_TEST(a_second_call_before_the_first_is_served_is_refused)
{
    set_wide(true);
    ask(3, CHECKPOINT_CONTINUE);
    ck_assert_int_eq(ask(2, CHECKPOINT_REBOOT), EXIT_SERVE);
    ck_assert_int_eq(result(), -PTLCALL_EIO);
    ck_assert_str_eq(checkpoint_requested(fixture.vcpu)->name, "roi");
    ck_assert_int_eq((int)checkpoint_requested(fixture.vcpu)->action, CHECKPOINT_CONTINUE);
}
END_TEST

START_TEST(what_came_of_it_is_a_second_line_of_the_log)
{
    const struct checkpoint_request *request;

    set_wide(true);
    ask(3, CHECKPOINT_CONTINUE);
    request = checkpoint_requested(fixture.vcpu);
    request->done(request->opaque, request->number, "roi.core", _i ? -ENOSPC : 0);
    ck_assert_str_eq(log_text(),
                     _i ? "ptlcall 1 vcpu=0 via=port op=CHECKPOINT name=\"roi\" action=0 "
                          "result=later\nptlcall 1 checkpoint=\"roi.core\" result=-5\n"
                        : "ptlcall 1 vcpu=0 via=port op=CHECKPOINT name=\"roi\" action=0 "
                          "result=later\nptlcall 1 checkpoint=\"roi.core\" result=3\n");
}
END_TEST

START_TEST(a_number_of_exits_asks_for_a_file_by_its_path)
{
    checkpoint_ask(fixture.vcpu, "a/path", CHECKPOINT_SHUT_DOWN);
    ck_assert_ptr_nonnull(checkpoint_requested(fixture.vcpu));
    ck_assert_str_eq(checkpoint_requested(fixture.vcpu)->path, "a/path");
    ck_assert_int_eq((int)checkpoint_requested(fixture.vcpu)->action, CHECKPOINT_SHUT_DOWN);
    ck_assert_uint_eq(checkpoint_requested(fixture.vcpu)->restored_flag, 0);
    ck_assert_uint_eq(fixture.vcpu->run->immediate_exit, 1);
}
END_TEST

START_TEST(a_number_of_exits_waits_for_nothing_where_the_guest_asked_at_that_exit)
{
    set_wide(true);
    ask(3, CHECKPOINT_CONTINUE);
    checkpoint_ask(fixture.vcpu, "a/path", CHECKPOINT_SHUT_DOWN);
    ck_assert_ptr_null(checkpoint_requested(fixture.vcpu)->path);
    ck_assert_int_eq((int)checkpoint_requested(fixture.vcpu)->action, CHECKPOINT_CONTINUE);
}
END_TEST

/* ---- hostile notes ---- */

#define PARTS 8 /* processes that share the work */

/* A checkpoint as bytes, in a file in memory, and the machine that it is of. */
static struct {
    struct machine_plan plan;
    struct machine machine;
    struct error error;
    char path[32];
    int fd;
    uint8_t *bytes;
    size_t size, headers_size;
} saved;

static void must(int outcome)
{
    ck_assert_msg(outcome >= 0, "%s", saved.error.text);
}

/* A machine with a VM, made from (plan); a negative errno if one of its parts was refused. */
static int make_machine(struct machine *machine, const struct machine_plan *plan)
{
    struct machine_config config = {.console_fd = STDERR_FILENO,
                                    .out_dir = "/tmp",
                                    .message_fd = -1};
    int outcome;

    machine_plan_configure(plan, &config);
    outcome = machine_init(machine, &config, &saved.error);
    if (outcome < 0)
        return outcome;
    machine->plan = plan;
    outcome = machine_plan_make_devices(plan, machine, NULL, &saved.error);
    if (outcome == 0)
        outcome = kvm_open(&machine->kvm, KVM_DEVICE, &saved.error);
    if (outcome == 0)
        outcome = machine_make_vm(machine, &saved.error);
    if (outcome < 0)
        machine_finish(machine);
    return outcome;
}

static void read_saved(const char *directory)
{
    char path[64];
    struct stat status;
    struct elf_file elf;
    int fd;

    snprintf(path, sizeof(path), "%s/roi.core", directory);
    must(elf_file_open(&elf, path, &saved.error));
    saved.headers_size = elf.headers_size;
    elf_file_close(&elf);
    fd = open(path, O_RDONLY);
    ck_assert(fd >= 0 && fstat(fd, &status) == 0);
    saved.size = (size_t)status.st_size;
    saved.bytes = malloc(saved.size);
    ck_assert(saved.bytes && read(fd, saved.bytes, saved.size) == (ssize_t)saved.size);
    close(fd);
    unlink(path);
    rmdir(directory);
}

/* All kinds of devices, and interrupt controllers, so that there is every kind of state. */
static void save_machine(void)
{
    static const char *const types[] = {"serial",   "debugcon", "debug-exit", "ptlcall",
                                        "pci-host", "cmos",     "i8042",      "port92",
                                        "post",     "fw_cfg",   "edu",        "ptlcall-pci"};
    char directory[] = "/tmp/minivmm-checkpoint-XXXXXX";
    int dir_fd;

    saved.plan = (struct machine_plan){.types = device_types,
                                       .memory_size = 2 * MIB,
                                       .vcpu_count = 1,
                                       .irqchip = true};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        must(machine_plan_add_device(&saved.plan, types[i], NULL, &saved.error));
    must(make_machine(&saved.machine, &saved.plan));
    ck_assert_ptr_nonnull(mkdtemp(directory));
    dir_fd = open(directory, O_PATH | O_DIRECTORY);
    must(checkpoint_write(&saved.machine, dir_fd, "roi.core", NULL, 0, &saved.error));
    close(dir_fd);
    read_saved(directory);
    saved.fd = memfd_create("roi.core", MFD_CLOEXEC);
    snprintf(saved.path, sizeof(saved.path), "/proc/self/fd/%d", saved.fd);
    ck_assert_int_eq(write(saved.fd, saved.bytes, saved.size), (ssize_t)saved.size);
}

static void forget_saved(void)
{
    machine_finish(&saved.machine);
    machine_plan_free(&saved.plan);
    free(saved.bytes);
    close(saved.fd);
}

/* Let the file have what (saved.bytes) have for headers and notes, with the sum that fits. */
static void write_mended(void)
{
    const uint64_t sum = elf_sum(saved.bytes, saved.headers_size);

    memcpy(saved.bytes + saved.headers_size - sizeof(sum), &sum, sizeof(sum));
    ck_assert_int_eq(pwrite(saved.fd, saved.bytes, saved.headers_size, 0),
                     (ssize_t)saved.headers_size);
}

/* Into a machine of its own, if its plan is another one. */
static int restore_into(const struct restore *restore)
{
    const unsigned all =
        MACHINE_PLAN_MEMORY | MACHINE_PLAN_CPUS | MACHINE_PLAN_IRQCHIP | MACHINE_PLAN_DEVICE_LIST;
    struct machine machine;
    int outcome;

    if (machine_plan_compare(&saved.plan, &restore->note.plan, all, saved.path, &saved.error) == 0)
        return restore_vm(restore, &saved.machine, &saved.error);
    outcome = make_machine(&machine, &restore->note.plan);
    if (outcome < 0)
        return outcome;
    outcome = restore_memory(restore, &machine, &saved.error);
    if (outcome == 0)
        outcome = restore_vm(restore, &machine, &saved.error);
    machine_finish(&machine);
    return outcome;
}

static int restore_saved(void)
{
    struct restore restore;
    int outcome = restore_open(&restore, saved.path, device_types, &saved.error);

    if (outcome < 0)
        return outcome;
    outcome = restore_into(&restore);
    restore_close(&restore);
    return outcome;
}

START_TEST(what_was_saved_is_taken_in)
{
    save_machine();
    must(restore_saved());
    forget_saved();
}
END_TEST

/* A byte that is another one may be taken in, as a register's; what is refused has one sentence. */
START_TEST(no_byte_of_headers_or_notes_is_too_hostile)
{
    unsigned refused = 0;

    save_machine();
    for (size_t at = (size_t)_i; at < saved.headers_size - ELF_SUM_BYTES; at += PARTS) {
        const uint8_t right = saved.bytes[at];

        saved.bytes[at] ^= (uint8_t)(1 + at / PARTS % 255);
        write_mended();
        saved.error.text[0] = '\0';
        if (restore_saved() < 0) {
            refused++;
            ck_assert_msg(saved.error.text[0] != '\0', "byte %zu: no sentence", at);
            ck_assert_msg(!strchr(saved.error.text, '\n'), "byte %zu: %s", at, saved.error.text);
        }
        saved.bytes[at] = right;
    }
    ck_assert_uint_gt(refused, 0);
    write_mended();
    must(restore_saved());
    forget_saved();
}
END_TEST

static TCase *asking_tests(void)
{
    TCase *tests = tcase_create("asking");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_call_asks_for_its_action_and_its_file_when_the_exit_is_over, 0,
                        CHECKPOINT_ACTIONS);
    tcase_add_test(tests, a_refused_call_asks_for_nothing);
    tcase_add_test(tests, in_64_bit_mode_the_copy_has_bit_62_and_an_error_64_bits);
    tcase_add_test(tests, outside_64_bit_mode_the_copy_has_bit_30_and_an_error_32_bits);
    tcase_add_test(tests, a_second_call_before_the_first_is_served_is_refused);
    tcase_add_loop_test(tests, what_came_of_it_is_a_second_line_of_the_log, 0, 2);
    tcase_add_test(tests, a_number_of_exits_asks_for_a_file_by_its_path);
    tcase_add_test(tests, a_number_of_exits_waits_for_nothing_where_the_guest_asked_at_that_exit);
    return tests;
}

Suite *checkpoint_suite(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *hostile = tcase_create("hostile notes");

    suite_add_tcase(suite, asking_tests());
    kvm_test_add(hostile, what_was_saved_is_taken_in, 1);
    kvm_test_add(hostile, no_byte_of_headers_or_notes_is_too_hostile, PARTS);
    suite_add_tcase(suite, hostile);
    return suite;
}
