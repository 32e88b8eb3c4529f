/* vmm/step/stub.c and the ptlcall device: the calls that a stub gets, may make and may not. Also: how stubs are found. */
#include "stubs/types.h"
#include "vmm/step/stub.h"

#include "devices/ptlcall.h"
#include "tests/unit/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *stub_suite(void);

#define TEXT 0x100000u
#define LIST 0x110000u

/* The calls that the stub of the tests got, and its answers. */
static struct heard {
    unsigned attached, detached, calls, defaults, commands, markers, simulated, natives, steps;
    int attach_result, simulate_result;
    int64_t call_result;
    bool call_default, call_twice;
    struct minivmm_call *call;
    uint64_t arguments[6], id, number;
    char command[64], value[64], options[64];
    const char *effect; /* of each command */
    enum minivmm_next next;
} heard;

static int hear_attach(struct minivmm_machine *machine, const char *options, void **state,
                       struct minivmm_error *error)
{
    (void)machine;
    (void)error;
    heard.attached++;
    snprintf(heard.options, sizeof(heard.options), "%s", options ? options : "(none)");
    *state = &heard;
    return heard.attach_result;
}

static void hear_detach(void *state)
{
    ck_assert_ptr_eq(state, &heard);
    heard.detached++;
}

static int64_t hear_call(void *state, struct minivmm_call *call)
{
    ck_assert_ptr_eq(state, &heard);
    heard.calls++;
    heard.call = call;
    memcpy(heard.arguments, call->arguments, sizeof(heard.arguments));
    if (!heard.call_default)
        return heard.call_result;
    heard.call_result = minivmm_call_default(call);
    return heard.call_twice ? minivmm_call_default(call) : heard.call_result;
}

static const char *hear_command(void *state, struct minivmm_vcpu *vcpu,
                                const struct minivmm_command *command)
{
    (void)state;
    (void)vcpu;
    heard.commands++;
    heard.number = command->number;
    snprintf(heard.command, sizeof(heard.command), "%s", command->name);
    snprintf(heard.value, sizeof(heard.value), "%s", command->value ? command->value : "(none)");
    return heard.effect;
}

static void hear_marker(void *state, struct minivmm_vcpu *vcpu, uint64_t id)
{
    (void)state;
    (void)vcpu;
    heard.markers++;
    heard.id = id;
}

static int hear_simulate(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error)
{
    (void)state;
    (void)vcpu;
    heard.simulated++;
    return minivmm_error_set(error, heard.simulate_result, "no room for pipelines");
}

static void hear_native(void *state, struct minivmm_vcpu *vcpu)
{
    (void)state;
    (void)vcpu;
    heard.natives++;
}

static enum minivmm_next hear_step(void *state, struct minivmm_vcpu *vcpu,
                                   const struct minivmm_instruction *instruction)
{
    (void)state;
    (void)vcpu;
    heard.steps++;
    heard.number = instruction->number;
    return heard.next;
}

static const struct minivmm_stub hearing = {
    .abi = MINIVMM_ABI,
    .name = "hearing",
    .attach = hear_attach,
    .detach = hear_detach,
    .ptlcall = hear_call,
    .command = hear_command,
    .marker = hear_marker,
    .simulate = hear_simulate,
    .native = hear_native,
    .step = hear_step,
};

static struct fixture fixture;
static struct ptlcall *ptlcall;
static struct stub stub;
static struct stepping stepping;
static struct error error;
static int messages; /* receives the notices */

static void setup(void)
{
    char properties[128];

    fixture_setup(&fixture);
    ck_assert_int_eq(stepping_init(&stepping, &fixture.machine, &error), 0);
    messages = memfd_create("messages", MFD_CLOEXEC);
    fixture.machine.config.message_fd = messages;
    snprintf(properties, sizeof(properties), "log=%s/log", fixture.out_dir);
    ptlcall = &((struct ptlcall_device *)fixture_device(&fixture, "ptlcall", properties))->ptlcall;
    memset(&heard, 0, sizeof(heard));
    heard.call_default = true;
    ck_assert_int_eq(stub_open(&stub, stub_types, NULL, &hearing, NULL, &error), 0);
    ck_assert_int_eq(stub_attach(&stub, &fixture.machine, NULL, &error), 0);
}

static void teardown(void)
{
    stub_detach(&stub);
    stub_close(&stub);
    stepping_finish(&stepping, &fixture.machine);
    fixture_teardown(&fixture);
    close(messages);
}

static int64_t call(uint64_t op, uint64_t first, uint64_t second)
{
    struct kvm_regs *regs = vcpu_registers(fixture.vcpu);

    memset(regs, 0, sizeof(*regs));
    fixture.vcpu->run->s.regs.sregs.cr0 = X86_CR0_PE; /* protected mode without paging */
    regs->rax = op;
    regs->rdi = first;
    regs->rsi = second;
    regs->r9 = 6;
    fixture_out(&fixture, PTLCALL_DEFAULT_PORT, 1, 0);
    return (int32_t)regs->rax;
}

static int64_t enqueue(const char *list)
{
    const struct ptlcall_descriptor descriptor = {.string = TEXT, .length = strlen(list)};

    memory_write(&fixture.machine.memory, gpa(TEXT), list, strlen(list));
    memory_write(&fixture.machine.memory, gpa(LIST), &descriptor, sizeof(descriptor));
    return call(PTLCALL_OP_ENQUEUE, LIST, 1);
}

static bool log_has(const char *text)
{
    const char *log;

    ptlcall_log_flush(&ptlcall->log);
    log = fixture_out_file(&fixture, "log");
    return log && strstr(log, text);
}

static bool notice_has(const char *text)
{
    char notices[4096] = {0};

    return pread(messages, notices, sizeof(notices) - 1, 0) > 0 && strstr(notices, text);
}

/* ---- Calls ---- */

START_TEST(a_call_goes_through_the_stub)
{
    ck_assert_int_eq(call(PTLCALL_OP_MARKER, 77, 0), 0);
    ck_assert_uint_eq(heard.calls, 1);
    ck_assert_int_eq(heard.call->op, PTLCALL_OP_MARKER);
    ck_assert_uint_eq(heard.arguments[0], 77);
    ck_assert_uint_eq(heard.arguments[5], 6);
    ck_assert_uint_eq(heard.markers, 1);
    ck_assert_uint_eq(heard.id, 77);
    ck_assert(log_has("ptlcall 1 vcpu=0 via=port op=MARKER id=77 result=0 "));
}
END_TEST

START_TEST(a_stub_serves_an_op_itself)
{
    heard.call_default = false;
    heard.call_result = 42;
    ck_assert_int_eq(call(17, 0, 0), 42);
    ck_assert(log_has("ptlcall 1 vcpu=0 via=port op=17 stub=hearing result=42\n"));
}
END_TEST

START_TEST(a_stub_changes_a_result)
{
    heard.call_twice = true;
    ck_assert_int_eq(call(PTLCALL_OP_VERSION, 0, 0), -22);
    ck_assert(log_has("op=VERSION result=1\nptlcall 1 stub=hearing result=-22\n"));
}
END_TEST

START_TEST(the_default_is_there_once)
{
    heard.call_twice = true;
    call(PTLCALL_OP_MARKER, 1, 0);
    ck_assert_uint_eq(heard.markers, 1);
    ck_assert(
        notice_has("minivmm: stub hearing: minivmm_call_default() can be called once in each"));
}
END_TEST

START_TEST(the_default_is_not_there_later)
{
    call(PTLCALL_OP_MARKER, 1, 0);
    ck_assert_int_eq(minivmm_call_default(heard.call), -22);
    ck_assert_uint_eq(heard.markers, 1);
    ck_assert(notice_has("minivmm_call_default()"));
}
END_TEST

START_TEST(a_refused_list_has_no_commands)
{
    ck_assert_int_eq(enqueue("-no \"quote"), -22);
    ck_assert_uint_eq(heard.commands, 0);
}
END_TEST

/* ---- Commands ---- */

START_TEST(a_stub_hears_commands_and_they_have_their_effect)
{
    enqueue("-stopinsns 5k");
    ck_assert_str_eq(heard.command, "-stopinsns");
    ck_assert_str_eq(heard.value, "5k");
    ck_assert_uint_eq(heard.number, 5000);
    ck_assert_uint_eq(ptlcall->session.limits[PTLCALL_LIMIT_INSNS], 5000);
    enqueue("-kill");
    ck_assert_str_eq(heard.value, "(none)");
    ck_assert_uint_eq(heard.number, 0);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_GUEST);
}
END_TEST

START_TEST(a_stub_takes_a_command_for_itself)
{
    heard.effect = "the stub's";
    enqueue("-kill -run");
    ck_assert_uint_eq(heard.commands, 2);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
    ck_assert(!ptlcall->session.simulating);
    ck_assert(log_has("command=-kill effect=\"the stub's\"\n"));
}
END_TEST

START_TEST(what_comes_behind_a_kill_that_is_none_has_its_effect)
{
    heard.effect = "the stub's";
    enqueue("-kill");
    heard.effect = NULL;
    enqueue("-snapshot-now roi");
    ck_assert_ptr_nonnull(fixture_out_file(&fixture, "roi.stats"));
}
END_TEST

/* ---- The switch ---- */

START_TEST(run_and_stop_are_told_once)
{
    enqueue("-run -run");
    ck_assert_uint_eq(heard.simulated, 1);
    ck_assert(stub_steps(&stub));
    ck_assert_int_eq(__atomic_load_n(&fixture.vcpu->run->immediate_exit, __ATOMIC_SEQ_CST), 1);
    enqueue("-stop -native");
    ck_assert_uint_eq(heard.natives, 1);
    ck_assert(!stub_steps(&stub));
    ck_assert(!ptlcall->session.simulating);
}
END_TEST

START_TEST(a_stray_stop_is_not_told)
{
    enqueue("-stop");
    ck_assert_uint_eq(heard.natives, 0);
}
END_TEST

START_TEST(a_refused_run_leaves_simulation_off)
{
    heard.simulate_result = -ENOMEM;
    ck_assert_int_eq(enqueue("-run"), PTLCALL_OP_ENQUEUE);
    ck_assert(!ptlcall->session.simulating);
    ck_assert(!stub_steps(&stub));
    ck_assert(log_has("command=-run effect=\"refused by the stub\"\n"));
    ck_assert(notice_has("minivmm: no room for pipelines; simulation stays off\n"));
}
END_TEST

START_TEST(a_step_counts_from_one)
{
    enqueue("-run");
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert_int_eq(stub_step(&stub, fixture.vcpu, 0x1000, 64), MINIVMM_STEP);
        ck_assert_uint_eq(heard.number, i);
    }
}
END_TEST

START_TEST(a_step_that_says_native_is_seen_by_the_guest)
{
    enqueue("-run");
    heard.next = MINIVMM_NATIVE;
    ck_assert_int_eq(stub_step(&stub, fixture.vcpu, 0x1000, 64), MINIVMM_NATIVE);
    ck_assert_uint_eq(heard.natives, 1);
    ck_assert(!ptlcall->session.simulating);
    ck_assert_int_eq(stub_step(&stub, fixture.vcpu, 0x1000, 64), MINIVMM_NATIVE);
    ck_assert_uint_eq(heard.steps, 1);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
}
END_TEST

START_TEST(with_kill_after_run_it_ends_the_guest)
{
    enqueue("-kill-after-run -run");
    heard.next = MINIVMM_NATIVE;
    stub_step(&stub, fixture.vcpu, 0x1000, 64);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(&fixture.machine), 0);
}
END_TEST

START_TEST(what_step_must_not_give_ends_simulation)
{
    enqueue("-run");
    heard.next = (enum minivmm_next)5;
    ck_assert_int_eq(stub_step(&stub, fixture.vcpu, 0x1000, 64), MINIVMM_NATIVE);
    ck_assert(!stub_steps(&stub));
    ck_assert(notice_has("minivmm: stub hearing: step() gave 5,"));
}
END_TEST

START_TEST(the_end_of_the_run_is_the_end_of_simulation)
{
    enqueue("-run");
    stub_detach(&stub);
    ck_assert_uint_eq(heard.natives, 1);
    ck_assert_uint_eq(heard.detached, 1);
    ck_assert_ptr_null(stub_of(&fixture.machine));
    stub_detach(&stub);
    ck_assert_uint_eq(heard.detached, 1);
}
END_TEST

START_TEST(a_second_device_takes_the_switch_over)
{
    char properties[128];
    struct ptlcall *other;

    snprintf(properties, sizeof(properties), "log=%s/other", fixture.out_dir);
    other = &((struct ptlcall_pci *)fixture_device(&fixture, "ptlcall-pci", properties))->ptlcall;
    const struct stub_session session = ptlcall_session_of(other);

    enqueue("-run");
    ck_assert(stub_switch(&stub, fixture.vcpu, true, &session));
    ck_assert_uint_eq(heard.simulated, 1);
    ck_assert(!ptlcall->session.simulating);
    enqueue("-stop");
    ck_assert(stub_steps(&stub));
    stub_switch(&stub, fixture.vcpu, false, &session);
    ck_assert(!stub_steps(&stub));
}
END_TEST

START_TEST(simulation_goes_on_in_a_restored_machine)
{
    stub_detach(&stub);
    ptlcall->session.simulating = true;
    ptlcall_resume(ptlcall);
    ck_assert_int_eq(stub_attach(&stub, &fixture.machine, NULL, &error), 0);
    ck_assert_uint_eq(heard.simulated, 1);
    ck_assert(stub_steps(&stub));
    ck_assert(ptlcall->session.simulating);
}
END_TEST

START_TEST(a_stub_that_refuses_to_go_on_leaves_it_off)
{
    stub_detach(&stub);
    ptlcall->session.simulating = true;
    ptlcall_resume(ptlcall);
    heard.simulate_result = -EIO;
    ck_assert_int_eq(stub_attach(&stub, &fixture.machine, NULL, &error), 0);
    ck_assert(!stub_steps(&stub));
    ck_assert(!ptlcall->session.simulating);
}
END_TEST

START_TEST(a_refused_machine_has_no_stub)
{
    stub_detach(&stub);
    heard.attach_result = -ENODEV;
    ck_assert_int_eq(stub_attach(&stub, &fixture.machine, NULL, &error), -ENODEV);
    ck_assert_str_eq(error.text, "stub hearing: it refuses the machine: No such device");
    ck_assert_ptr_null(stub_of(&fixture.machine));
    heard.detached = 0;
    stub_detach(&stub);
    ck_assert_uint_eq(heard.detached, 0);
}
END_TEST

/* ---- Finding one ---- */

static struct stub found;

static int find(const char *text)
{
    return stub_open(&found, stub_types, text, NULL, NULL, &error);
}

START_TEST(the_preset_is_marss_which_is_plain)
{
    ck_assert_int_eq(find(NULL), 0);
    ck_assert_str_eq(found.type->name, "marss");
    ck_assert(stub_is_plain(&found));
    stub_close(&found);
}
END_TEST

START_TEST(options_stand_behind_a_comma)
{
    ck_assert_int_eq(find("step,a=b,c"), 0);
    ck_assert_str_eq(found.type->name, "step");
    ck_assert_str_eq(found.options, "a=b,c");
    ck_assert(!stub_is_plain(&found));
    stub_close(&found);
}
END_TEST

START_TEST(an_own_stub_of_another_abi_is_refused)
{
    const struct minivmm_stub other = {.abi = MINIVMM_ABI + 6, .name = "other"};

    ck_assert_int_eq(stub_open(&found, stub_types, NULL, &other, NULL, &error), -EPROTO);
    ck_assert_str_eq(error.text,
                     "the config's own stub is for ABI 7, and this minivmm has 1; build it against "
                     "this minivmm's header");
    stub_close(&found);
}
END_TEST

/* A shared object made of (source), or with NULL a file that is not one. */
static int find_built(const char *source, int expected)
{
    char path[128], command[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/stub.so", fixture.out_dir);
    if (source) {
        snprintf(command, sizeof(command), "cc -x c -shared -fPIC -w -o %s -", path);
        file = popen(command, "w");
        ck_assert_ptr_nonnull(file);
        fputs(source, file);
        ck_assert_int_eq(pclose(file), 0);
    } else {
        file = fopen(path, "w");
        fputs("#!/bin/sh\n", file);
        fclose(file);
    }
    ck_assert_int_eq(find(path), expected);
    return 0;
}

static const struct file_case {
    const char *source;
    int result;
    const char *sentence; /* its end */
} file_cases[] = {
    {NULL, -ENOEXEC, "stub.so is not an ELF file; build a shared object: cc -shared -fPIC"},
    {"int other;", -ENOSYS,
     "stub.so has no symbol minivmm_stub; define `const struct minivmm_stub minivmm_stub` in it"},
    {"const unsigned minivmm_stub[64] = {7};", -EPROTO,
     "stub.so is for ABI 7, and this minivmm has 1; build it against this minivmm's header"},
    {"const unsigned minivmm_stub[64] = {1};", -EINVAL, "stub.so has no name; give it one"},
    {"void no_such_function(void); void f(void) { no_such_function(); }", -ENOEXEC,
     "undefined symbol: no_such_function"},
};

START_TEST(a_file_that_is_no_stub_is_refused_with_a_sentence)
{
    const struct file_case *c = &file_cases[_i];

    find_built(c->source, c->result);
    ck_assert_msg(strlen(error.text) > strlen(c->sentence) &&
                      strcmp(error.text + strlen(error.text) - strlen(c->sentence), c->sentence) ==
                          0,
                  "%s", error.text);
    stub_close(&found);
}
END_TEST

START_TEST(a_stub_comes_from_a_file)
{
    find_built("const struct { unsigned abi; const char *name; void *rest[16]; } minivmm_stub = "
               "{1, \"mine\"};",
               0);
    ck_assert_str_eq(found.type->name, "mine");
    stub_close(&found);
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
    ck_assert_int_eq(find("./no-such-stub.so"), -ENOENT);
    ck_assert_str_eq(error.text, "stub ./no-such-stub.so: No such file or directory; name a shared "
                                 "object that can be read");
    ck_assert_int_eq(find("none"), -ENOENT);
    ck_assert_str_eq(error.text, "no stub 'none' is built in; --stub help lists them, and a file "
                                 "has a slash: ./none");
    ck_assert_int_eq(find("/"), -ENOEXEC);
}
END_TEST

Suite *stub_suite(void)
{
    Suite *suite = suite_create("stub");
    TCase *tcase = tcase_create("stub");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_call_goes_through_the_stub);
    tcase_add_test(tcase, a_stub_serves_an_op_itself);
    tcase_add_test(tcase, a_stub_changes_a_result);
    tcase_add_test(tcase, the_default_is_there_once);
    tcase_add_test(tcase, the_default_is_not_there_later);
    tcase_add_test(tcase, a_refused_list_has_no_commands);
    tcase_add_test(tcase, a_stub_hears_commands_and_they_have_their_effect);
    tcase_add_test(tcase, a_stub_takes_a_command_for_itself);
    tcase_add_test(tcase, what_comes_behind_a_kill_that_is_none_has_its_effect);
    tcase_add_test(tcase, run_and_stop_are_told_once);
    tcase_add_test(tcase, a_stray_stop_is_not_told);
    tcase_add_test(tcase, a_refused_run_leaves_simulation_off);
    tcase_add_test(tcase, a_step_counts_from_one);
    tcase_add_test(tcase, a_step_that_says_native_is_seen_by_the_guest);
    tcase_add_test(tcase, with_kill_after_run_it_ends_the_guest);
    tcase_add_test(tcase, what_step_must_not_give_ends_simulation);
    tcase_add_test(tcase, the_end_of_the_run_is_the_end_of_simulation);
    tcase_add_test(tcase, a_second_device_takes_the_switch_over);
    tcase_add_test(tcase, simulation_goes_on_in_a_restored_machine);
    tcase_add_test(tcase, a_stub_that_refuses_to_go_on_leaves_it_off);
    tcase_add_test(tcase, a_refused_machine_has_no_stub);
    tcase_add_test(tcase, the_preset_is_marss_which_is_plain);
    tcase_add_test(tcase, options_stand_behind_a_comma);
    tcase_add_test(tcase, an_own_stub_of_another_abi_is_refused);
    tcase_add_loop_test(tcase, a_file_that_is_no_stub_is_refused_with_a_sentence, 0,
                        (int)(sizeof(file_cases) / sizeof(file_cases[0])));
    tcase_add_test(tcase, a_stub_comes_from_a_file);
    tcase_add_test(tcase, what_is_not_there_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
