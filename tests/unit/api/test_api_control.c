/* api/control.c, step.c, save.c: a machine is ended, paused, stepped and saved by its owner. */
#include "tests/unit/api_guest.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include "api/handle.h"
#include "vmm/core/machine_pause.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *api_control_suite(void);

#define PAUSES 100
#define PATH   api_guest_core() /* a checkpoint */

/*
 * steps: each line is an instruction, and the first OUT and the IN are to the test's region. sleeper: halts with
 * interrupts off. repeats: a rep store of four bytes. caller: for ever an OUT to the region.
 */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_steps:\n"
        "    movl $5, %eax\n"
        "    movl $0x700, %edx\n"
        "    addl $2, %eax\n"
        "    outb %al, %dx\n"
        "    movl $9, %ecx\n"
        "    inb %dx, %al\n"
        "    incl %ecx\n"
        "    movl $42, %eax\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "image_steps_end:\n"
        "image_sleeper:\n"
        "    cli\n"
        "    hlt\n"
        "image_sleeper_end:\n"
        "image_repeats:\n"
        "    movl $0x7000, %edi\n"
        "    movl $4, %ecx\n"
        "    movb $0x5a, %al\n"
        "    rep stosb\n"
        "    movl $1, %ebx\n"
        "1:  jmp 1b\n"
        "image_repeats_end:\n"
        "image_caller:\n"
        "    movl $0x700, %edx\n"
        "1:  outb %al, %dx\n"
        "    jmp 1b\n"
        "image_caller_end:\n"
        ".popsection\n");

GUEST(image_steps);
GUEST(image_sleeper);
GUEST(image_repeats);
GUEST(image_caller);

static struct api_guest guest;

/* What the region does in a write. */
static struct {
    atomic_uint calls;
    uint64_t value;
    pthread_t thread;
    atomic_bool wait; /* as long as this is true */
    void (*act)(struct minivmm_vcpu *vcpu);
} region_state;

static void write_region(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    (void)opaque;
    region_state.value = value;
    region_state.thread = pthread_self();
    atomic_fetch_add(&region_state.calls, 1);
    while (atomic_load(&region_state.wait))
        usleep(1000);
    if (region_state.act)
        region_state.act(access->vcpu);
}

static uint64_t read_region(void *opaque, const struct minivmm_access *access)
{
    (void)opaque;
    (void)access;
    return 0x33;
}

static const struct minivmm_region region = {.name = "mine",
                                             .space = MINIVMM_PORTS,
                                             .base = GUEST_PORT,
                                             .size = 1,
                                             .registers = true,
                                             .read = read_region,
                                             .write = write_region};

static void must(int result)
{
    ck_assert_msg(result == 0, "%s", guest.error.text);
}

static struct minivmm_registers registers_of(struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers = {0};

    must(minivmm_get_registers(vcpu, &registers, &guest.error));
    return registers;
}

static void load(unsigned vcpu_count, const uint8_t *from, const uint8_t *to)
{
    memset(&region_state, 0, sizeof(region_state));
    api_guest_create(&guest, vcpu_count, &region);
    api_guest_load(&guest, from, to);
}

static void stop_and_destroy(void)
{
    minivmm_stop(guest.machine);
    api_guest_join(&guest);
    api_guest_destroy(&guest);
}

static void wait_for_calls(unsigned count)
{
    while (atomic_load(&region_state.calls) < count)
        usleep(100);
}

/* ---- Without KVM ------------------------------------------------------------------------- */

static void setup(void)
{
    api_guest_create(&guest, 1, NULL);
}

static void teardown(void)
{
    api_guest_destroy(&guest);
}

START_TEST(what_does_not_run_is_not_paused)
{
    ck_assert_int_eq(minivmm_pause(guest.machine, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "does not run"));
}
END_TEST

START_TEST(what_is_not_paused_is_not_resumed)
{
    ck_assert_int_eq(minivmm_resume(guest.machine, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_pause()"));
}
END_TEST

START_TEST(what_does_not_run_can_be_stopped_and_continued_to_no_effect)
{
    minivmm_stop(guest.machine);
    minivmm_continue(guest.machine);
}
END_TEST

START_TEST(no_vcpu_is_not_stepped_and_not_saved)
{
    ck_assert_int_eq(minivmm_step(NULL, &guest.error), -EINVAL);
    ck_assert_int_eq(minivmm_save(NULL, PATH, MINIVMM_CHECKPOINT_CONTINUE, &guest.error), -EINVAL);
}
END_TEST

/* ---- Pausing ----------------------------------------------------------------------------- */

static void check_rest(void)
{
    const uint32_t counts[] = {api_guest_count(&guest, 0), api_guest_count(&guest, 1)};

    usleep(2000);
    ck_assert_uint_eq(api_guest_count(&guest, 0), counts[0]);
    ck_assert_uint_eq(api_guest_count(&guest, 1), counts[1]);
}

static void wait_until_both_count(void)
{
    const uint32_t counts[] = {api_guest_count(&guest, 0), api_guest_count(&guest, 1)};

    while (api_guest_count(&guest, 0) == counts[0] || api_guest_count(&guest, 1) == counts[1])
        usleep(100);
}

START_TEST(all_vcpus_rest_from_pause_to_resume)
{
    api_guest_spin(&guest, NULL);
    for (unsigned i = 0; i < PAUSES; i++) {
        must(minivmm_pause(guest.machine, &guest.error));
        if (i % 10 == 0)
            check_rest();
        must(minivmm_resume(guest.machine, &guest.error));
        if (i % 10 == 0)
            wait_until_both_count();
    }
    stop_and_destroy();
}
END_TEST

START_TEST(a_paused_machine_shows_and_takes_registers_of_all_vcpus)
{
    struct minivmm_registers registers;
    struct minivmm_vcpu *second;

    api_guest_spin(&guest, NULL);
    second = minivmm_vcpu(guest.machine, 1);
    must(minivmm_pause(guest.machine, &guest.error));
    ck_assert_uint_eq(registers_of(guest.vcpu).rsi, GUEST_COUNTS);
    ck_assert_uint_eq(registers_of(guest.vcpu).bits, 64);
    ck_assert_uint_eq(registers_of(second).bits, 16);
    registers = registers_of(guest.vcpu);
    registers.rdi = 0x1122334455667788;
    must(minivmm_set_registers(guest.vcpu, &registers, &guest.error));
    must(minivmm_resume(guest.machine, &guest.error));
    wait_until_both_count();
    must(minivmm_pause(guest.machine, &guest.error));
    ck_assert_uint_eq(registers_of(guest.vcpu).rdi, 0x1122334455667788);
    must(minivmm_resume(guest.machine, &guest.error));
    stop_and_destroy();
}
END_TEST

START_TEST(a_paused_machine_is_not_paused_again_and_not_destroyed)
{
    struct minivmm_result result;

    api_guest_spin(&guest, NULL);
    must(minivmm_pause(guest.machine, &guest.error));
    ck_assert_int_eq(minivmm_pause(guest.machine, &guest.error), -EALREADY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_resume()"));
    ck_assert_int_eq(minivmm_destroy(guest.machine, &guest.error), -EBUSY);
    ck_assert_int_eq(minivmm_run(guest.machine, &result), -EBUSY);
    must(minivmm_resume(guest.machine, &guest.error));
    ck_assert_int_eq(minivmm_resume(guest.machine, NULL), -EINVAL);
    stop_and_destroy();
}
END_TEST

START_TEST(a_paused_machine_that_is_stopped_ends_when_it_is_resumed)
{
    api_guest_spin(&guest, NULL);
    must(minivmm_pause(guest.machine, &guest.error));
    minivmm_stop(guest.machine);
    check_rest();
    must(minivmm_resume(guest.machine, &guest.error));
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_INTERRUPTED);
    ck_assert_int_eq(minivmm_pause(guest.machine, NULL), -EINVAL);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_pause_as_soon_as_the_run_begins_is_a_pause)
{
    int result;

    load(1, image_caller, image_caller_end);
    api_guest_start(&guest);
    do {
        result = minivmm_pause(guest.machine, &guest.error);
    } while (result == -EINVAL);
    must(result);
    registers_of(guest.vcpu);
    must(minivmm_resume(guest.machine, &guest.error));
    stop_and_destroy();
}
END_TEST

START_TEST(a_callback_that_does_not_return_is_not_waited_for_and_the_machine_goes_on)
{
    load(1, image_caller, image_caller_end);
    atomic_store(&region_state.wait, true);
    api_guest_start(&guest);
    wait_for_calls(1);
    ck_assert_int_eq(minivmm_pause(guest.machine, &guest.error), -ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "did not come to rest"));
    ck_assert_int_eq(minivmm_get_registers(guest.vcpu, &(struct minivmm_registers){0}, NULL),
                     -EBUSY);
    atomic_store(&region_state.wait, false);
    wait_for_calls(100);
    must(minivmm_pause(guest.machine, &guest.error));
    must(minivmm_resume(guest.machine, &guest.error));
    stop_and_destroy();
}
END_TEST

/* ---- Ending ------------------------------------------------------------------------------ */

START_TEST(a_machine_is_stopped_by_another_thread)
{
    api_guest_spin(&guest, NULL);
    minivmm_stop(guest.machine);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_INTERRUPTED);
    api_guest_destroy(&guest);
}
END_TEST

static void stop_here(struct minivmm_vcpu *vcpu)
{
    minivmm_stop(minivmm_vcpu_machine(vcpu));
}

static void end_here(struct minivmm_vcpu *vcpu)
{
    minivmm_end(vcpu, 17);
}

static const struct {
    void (*act)(struct minivmm_vcpu *vcpu);
    enum minivmm_outcome outcome;
    int status;
} ends[] = {{stop_here, MINIVMM_INTERRUPTED, 0}, {end_here, MINIVMM_GUEST, 17}};

START_TEST(a_callback_ends_its_machine)
{
    struct minivmm_result result;

    load(1, image_caller, image_caller_end);
    region_state.act = ends[_i].act;
    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_int_eq(result.outcome, ends[_i].outcome);
    ck_assert_int_eq(result.guest_status, ends[_i].status);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(outside_of_callbacks_nobody_ends_the_guest)
{
    load(1, image_steps, image_steps_end);
    minivmm_end(guest.vcpu, 17);
    api_guest_start(&guest);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.guest_status, 42);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_machine_that_does_not_run_yet_is_not_stopped)
{
    load(1, image_steps, image_steps_end);
    minivmm_stop(guest.machine);
    api_guest_start(&guest);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_GUEST);
    api_guest_destroy(&guest);
}
END_TEST

/* ---- Stepping ---------------------------------------------------------------------------- */

/* Bytes of each instruction of image_steps, and RAX and RCX after it. */
static const struct {
    unsigned size;
    uint64_t rax, rcx;
} lines[] = {
    {5, 5, 0}, {5, 5, 0}, {3, 7, 0}, {1, 7, 0}, {5, 7, 9}, {1, 0x33, 9}, {2, 0x33, 10}, {5, 42, 10},
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static void step_and_check(uint64_t *rip, unsigned line)
{
    struct minivmm_registers registers;
    const int result = minivmm_step(guest.vcpu, &guest.error);

    ck_assert_msg(result == 0, "line %u: %s", line, guest.error.text);
    *rip += lines[line].size;
    registers = registers_of(guest.vcpu);
    ck_assert_msg(registers.rip == *rip, "line %u: rip 0x%llx", line,
                  (unsigned long long)registers.rip);
    ck_assert_uint_eq(registers.rax, lines[line].rax);
    ck_assert_uint_eq(registers.rcx & 0xff, lines[line].rcx);
}

START_TEST(each_step_is_one_instruction)
{
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    for (unsigned line = 0; line < LINES; line++)
        step_and_check(&rip, line);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_step_serves_the_exit_of_its_instruction_on_the_callers_thread)
{
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    for (unsigned line = 0; line < 3; line++)
        step_and_check(&rip, line);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 0);
    step_and_check(&rip, 3);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    ck_assert_uint_eq(region_state.value, 7);
    ck_assert(pthread_equal(region_state.thread, pthread_self()));
    step_and_check(&rip, 4);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(behind_some_steps_the_guest_runs_on_at_full_speed)
{
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    for (unsigned line = 0; line < 4; line++)
        step_and_check(&rip, line);
    api_guest_start(&guest);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_GUEST);
    ck_assert_int_eq(guest.result.guest_status, 42);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_step_may_end_the_guest_and_then_there_are_no_more)
{
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    for (unsigned line = 0; line < LINES; line++)
        step_and_check(&rip, line);
    ck_assert_int_eq(minivmm_step(guest.vcpu, &guest.error), 1);
    ck_assert_int_eq(minivmm_step(guest.vcpu, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "has ended"));
    api_guest_start(&guest);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.guest_status, 42);
    ck_assert_int_eq(minivmm_step(guest.vcpu, &guest.error), -EINVAL);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(registers_that_were_set_between_steps_count)
{
    struct minivmm_registers registers;
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    step_and_check(&rip, 0);
    step_and_check(&rip, 1);
    registers = registers_of(guest.vcpu);
    registers.rax = 100;
    must(minivmm_set_registers(guest.vcpu, &registers, &guest.error));
    must(minivmm_step(guest.vcpu, &guest.error));
    ck_assert_uint_eq(registers_of(guest.vcpu).rax, 102);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(each_iteration_of_a_rep_instruction_takes_a_step)
{
    unsigned steps = 0;

    load(1, image_repeats, image_repeats_end);
    do {
        must(minivmm_step(guest.vcpu, &guest.error));
        steps++;
    } while (registers_of(guest.vcpu).rbx != 1 && steps < 20);
    ck_assert_uint_eq(registers_of(guest.vcpu).rcx, 0);
    ck_assert_uint_ge(steps, 5);
    ck_assert_uint_le(steps, 9);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_machine_that_runs_is_not_stepped)
{
    api_guest_spin(&guest, NULL);
    ck_assert_int_eq(minivmm_step(guest.vcpu, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_pause()"));
    stop_and_destroy();
}
END_TEST

START_TEST(a_paused_vcpu_is_stepped_while_the_other_rests)
{
    uint32_t counts[2];

    api_guest_spin(&guest, NULL);
    must(minivmm_pause(guest.machine, &guest.error));
    counts[0] = api_guest_count(&guest, 0);
    counts[1] = api_guest_count(&guest, 1);
    for (unsigned i = 0; i < 200; i++)
        must(minivmm_step(guest.vcpu, &guest.error));
    ck_assert_uint_eq(api_guest_count(&guest, 0), counts[0] + 100);
    ck_assert_uint_eq(api_guest_count(&guest, 1), counts[1]);
    must(minivmm_resume(guest.machine, &guest.error));
    wait_until_both_count();
    stop_and_destroy();
}
END_TEST

static void *kick_often(void *done)
{
    while (!atomic_load((atomic_bool *)done)) {
        machine_kick(&guest.machine->machine);
        usleep(20);
    }
    return NULL;
}

START_TEST(kicks_neither_lose_nor_add_instructions)
{
    atomic_bool done = false;
    pthread_t thread;
    uint32_t before;

    api_guest_spin(&guest, NULL);
    must(minivmm_pause(guest.machine, &guest.error));
    before = api_guest_count(&guest, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, kick_often, &done), 0);
    for (unsigned i = 0; i < 2000; i++)
        must(minivmm_step(guest.vcpu, &guest.error));
    atomic_store(&done, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(api_guest_count(&guest, 0), before + 1000);
    must(minivmm_resume(guest.machine, &guest.error));
    stop_and_destroy();
}
END_TEST

START_TEST(a_vcpu_that_was_never_started_is_not_stepped)
{
    load(2, image_steps, image_steps_end);
    ck_assert_int_eq(minivmm_step(minivmm_vcpu(guest.machine, 1), &guest.error), -EAGAIN);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "vCPU 1 waits"));
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_vcpu_that_has_halted_is_not_stepped)
{
    load(2, image_sleeper, image_sleeper_end);
    must(minivmm_step(guest.vcpu, &guest.error));
    must(minivmm_step(guest.vcpu, &guest.error));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(minivmm_step(guest.vcpu, &guest.error), -EAGAIN);
    ck_assert_uint_eq(registers_of(guest.vcpu).rip, GUEST_LOAD + 2);
    api_guest_destroy(&guest);
}
END_TEST

/* ---- Saving ------------------------------------------------------------------------------ */

static bool is_saved(void)
{
    return access(PATH, F_OK) == 0;
}

static void wait_until_saved(void)
{
    ck_assert(comes_true(is_saved()));
    unlink(PATH);
}

START_TEST(a_machine_that_runs_is_saved_and_goes_on)
{
    char *path = strdup(PATH);

    ck_assert_ptr_nonnull(path);
    unlink(path);
    api_guest_spin(&guest, NULL);
    must(minivmm_save(guest.vcpu, path, MINIVMM_CHECKPOINT_SHUT_DOWN, &guest.error));
    memset(path, 'x', strlen(path));
    free(path);
    wait_until_saved();
    wait_until_both_count();
    stop_and_destroy();
}
END_TEST

START_TEST(a_paused_machine_is_saved_at_once)
{
    unlink(PATH);
    api_guest_spin(&guest, NULL);
    must(minivmm_pause(guest.machine, &guest.error));
    must(minivmm_save(guest.vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &guest.error));
    ck_assert(is_saved());
    unlink(PATH);
    must(minivmm_resume(guest.machine, &guest.error));
    wait_until_both_count();
    stop_and_destroy();
}
END_TEST

static void save_and_shut_down(struct minivmm_vcpu *vcpu)
{
    must(minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_SHUT_DOWN, &guest.error));
    ck_assert_int_eq(minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "already"));
}

START_TEST(a_callback_saves_its_machine_which_ends_if_it_says_so)
{
    unlink(PATH);
    load(1, image_caller, image_caller_end);
    region_state.act = save_and_shut_down;
    api_guest_start(&guest);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_GUEST);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    wait_until_saved();
    api_guest_destroy(&guest);
}
END_TEST

static void save_and_wait(struct minivmm_vcpu *vcpu)
{
    region_state.act = NULL;
    must(minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_PAUSE, &guest.error));
}

START_TEST(a_guest_that_waits_because_of_a_checkpoint_is_continued)
{
    unlink(PATH);
    load(1, image_caller, image_caller_end);
    region_state.act = save_and_wait;
    api_guest_start(&guest);
    wait_until_saved();
    while (!atomic_load(&guest.machine->machine.held))
        usleep(1000);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    minivmm_continue(guest.machine);
    wait_for_calls(2);
    stop_and_destroy();
}
END_TEST

static void save_in_step(struct minivmm_vcpu *vcpu)
{
    ck_assert_int_eq(minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_run()"));
}

START_TEST(a_callback_of_a_step_does_not_save)
{
    uint64_t rip = GUEST_LOAD;

    load(1, image_steps, image_steps_end);
    region_state.act = save_in_step;
    for (unsigned line = 0; line < 4; line++)
        step_and_check(&rip, line);
    ck_assert_uint_eq(atomic_load(&region_state.calls), 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_machine_that_does_not_run_is_not_saved)
{
    load(1, image_steps, image_steps_end);
    ck_assert_int_eq(minivmm_save(guest.vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &guest.error),
                     -EINVAL);
    ck_assert_int_eq(minivmm_save(guest.vcpu, "", MINIVMM_CHECKPOINT_CONTINUE, NULL), -EINVAL);
    ck_assert_int_eq(minivmm_save(guest.vcpu, PATH, (enum minivmm_checkpoint)4, NULL), -EINVAL);
    api_guest_destroy(&guest);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static TCase *cases_without_guest(void)
{
    TCase *tests = tcase_create("nothing loaded");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_does_not_run_is_not_paused);
    tcase_add_test(tests, what_is_not_paused_is_not_resumed);
    tcase_add_test(tests, what_does_not_run_can_be_stopped_and_continued_to_no_effect);
    tcase_add_test(tests, no_vcpu_is_not_stepped_and_not_saved);
    return tests;
}

static TCase *cases_of_running(void)
{
    TCase *tests = tcase_create("running");

    kvm_test_add(tests, all_vcpus_rest_from_pause_to_resume, 1);
    kvm_test_add(tests, a_paused_machine_shows_and_takes_registers_of_all_vcpus, 1);
    kvm_test_add(tests, a_paused_machine_is_not_paused_again_and_not_destroyed, 1);
    kvm_test_add(tests, a_paused_machine_that_is_stopped_ends_when_it_is_resumed, 1);
    kvm_test_add(tests, a_pause_as_soon_as_the_run_begins_is_a_pause, 1);
    kvm_test_add(tests, a_callback_that_does_not_return_is_not_waited_for_and_the_machine_goes_on,
                 1);
    kvm_test_add(tests, a_machine_is_stopped_by_another_thread, 1);
    kvm_test_add(tests, a_callback_ends_its_machine, COUNT(ends));
    kvm_test_add(tests, outside_of_callbacks_nobody_ends_the_guest, 1);
    kvm_test_add(tests, a_machine_that_does_not_run_yet_is_not_stopped, 1);
    return tests;
}

static TCase *cases_of_stepping(void)
{
    TCase *tests = tcase_create("stepping");

    kvm_test_add(tests, each_step_is_one_instruction, 1);
    kvm_test_add(tests, a_step_serves_the_exit_of_its_instruction_on_the_callers_thread, 1);
    kvm_test_add(tests, behind_some_steps_the_guest_runs_on_at_full_speed, 1);
    kvm_test_add(tests, a_step_may_end_the_guest_and_then_there_are_no_more, 1);
    kvm_test_add(tests, registers_that_were_set_between_steps_count, 1);
    kvm_test_add(tests, each_iteration_of_a_rep_instruction_takes_a_step, 1);
    kvm_test_add(tests, a_machine_that_runs_is_not_stepped, 1);
    kvm_test_add(tests, a_paused_vcpu_is_stepped_while_the_other_rests, 1);
    kvm_test_add(tests, kicks_neither_lose_nor_add_instructions, 1);
    kvm_test_add(tests, a_vcpu_that_was_never_started_is_not_stepped, 1);
    kvm_test_add(tests, a_vcpu_that_has_halted_is_not_stepped, 1);
    return tests;
}

static TCase *cases_of_saving(void)
{
    TCase *tests = tcase_create("saving");

    kvm_test_add(tests, a_machine_that_runs_is_saved_and_goes_on, 1);
    kvm_test_add(tests, a_paused_machine_is_saved_at_once, 1);
    kvm_test_add(tests, a_callback_saves_its_machine_which_ends_if_it_says_so, 1);
    kvm_test_add(tests, a_guest_that_waits_because_of_a_checkpoint_is_continued, 1);
    kvm_test_add(tests, a_callback_of_a_step_does_not_save, 1);
    kvm_test_add(tests, a_machine_that_does_not_run_is_not_saved, 1);
    return tests;
}

Suite *api_control_suite(void)
{
    Suite *suite = suite_create("api_control");

    suite_add_tcase(suite, cases_without_guest());
    suite_add_tcase(suite, cases_of_running());
    suite_add_tcase(suite, cases_of_stepping());
    suite_add_tcase(suite, cases_of_saving());
    return suite;
}
