/* Stubs that do in each of their callbacks what they may, and what they should not. */
#include "tests/unit/api_guest.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *api_stub_suite(void);

#define PATH   api_guest_core() /* a checkpoint */
#define STATUS 7
#define BYTES  0x7000u /* gpa where nothing is */

/* An op that there is not, a marker, -run, four instructions, -stop, and the end with status 7. */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_calls:\n"
        "    lea 1f(%rip), %rax\n"
        "    mov %rax, 3f(%rip)\n"
        "    lea 2f(%rip), %rax\n"
        "    mov %rax, 4f(%rip)\n"
        "    movl $99, %eax\n"
        "    outb %al, $0xe0\n"
        "    movl $5, %edi\n"
        "    movl $1, %eax\n"
        "    outb %al, $0xe0\n"
        "    lea 3f(%rip), %rdi\n"
        "    movl $1, %esi\n"
        "    xorl %edx, %edx\n"
        "    movl $2, %eax\n"
        "    outb %al, $0xe0\n"
        "    nop\n"
        "    movl $6, %ebx\n"
        "    push %rbx\n"
        "    pop %rcx\n"
        "    lea 4f(%rip), %rdi\n"
        "    movl $1, %esi\n"
        "    xorl %edx, %edx\n"
        "    movl $2, %eax\n"
        "    outb %al, $0xe0\n"
        "    movb $7, %al\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "1:  .ascii \"-run\"\n"
        "2:  .ascii \"-stop\"\n"
        "    .balign 8\n"
        "3:  .quad 0, 4\n"
        "4:  .quad 0, 5\n"
        "image_calls_end:\n"
        ".popsection\n");

GUEST(image_calls);

enum place {
    AT_ATTACH,
    AT_PTLCALL,
    AT_COMMAND,
    AT_MARKER,
    AT_SIMULATE,
    AT_STEP,
    AT_NATIVE,
    AT_DETACH,
    PLACES
};

/* A machine and what its stub does. */
struct hostile {
    struct api_guest guest;
    unsigned calls[PLACES];
    enum place place; /* where (act) is called; PLACES: everywhere */
    void (*act)(struct hostile *hostile, struct minivmm_vcpu *vcpu);
    int codes[PLACES]; /* of (act) */
    bool alone;        /* its commands are its own */
    unsigned errors;   /* what its ptlcall(), simulate() and step() give, if not 0 */
    pthread_barrier_t *meet;
};

static struct hostile hostile, other;
static struct minivmm_error error;

static void call(struct hostile *self, enum place place, struct minivmm_vcpu *vcpu)
{
    self->calls[place]++;
    if (self->act && (self->place == place || self->place == PLACES)) {
        self->codes[place] = 0;
        self->act(self, vcpu);
    }
}

static int attach(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *reason)
{
    struct hostile *self = options && *options ? &other : &hostile;

    (void)reason;
    *state = self;
    self->guest.machine = machine;
    call(self, AT_ATTACH, minivmm_vcpu(machine, 0));
    return 0;
}

static void detach(void *state)
{
    struct hostile *self = state;

    call(self, AT_DETACH, minivmm_vcpu(self->guest.machine, 0));
}

static int64_t ptlcall(void *state, struct minivmm_call *made)
{
    struct hostile *self = state;
    const int64_t result = self->errors ? -1 : minivmm_call_default(made);

    if (made->op == 99)
        call(self, AT_PTLCALL, made->vcpu);
    return self->errors && made->op == 2 ? minivmm_call_default(made) : result;
}

static const char *command(void *state, struct minivmm_vcpu *vcpu,
                           const struct minivmm_command *given)
{
    struct hostile *self = state;

    (void)given;
    call(self, AT_COMMAND, vcpu);
    return self->alone ? "the stub's" : NULL;
}

static void marker(void *state, struct minivmm_vcpu *vcpu, uint64_t id)
{
    ck_assert_uint_eq(id, 5);
    call(state, AT_MARKER, vcpu);
}

static int simulate(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *reason)
{
    struct hostile *self = state;

    (void)reason;
    call(self, AT_SIMULATE, vcpu);
    return self->errors == 1 ? -EPERM : 0;
}

static void native(void *state, struct minivmm_vcpu *vcpu)
{
    call(state, AT_NATIVE, vcpu);
}

static enum minivmm_next step(void *state, struct minivmm_vcpu *vcpu,
                              const struct minivmm_instruction *instruction)
{
    struct hostile *self = state;

    (void)instruction;
    call(self, AT_STEP, vcpu);
    return self->errors ? (enum minivmm_next)self->errors : MINIVMM_STEP;
}

static const struct minivmm_stub stub = {
    .abi = MINIVMM_ABI,
    .name = "hostile",
    .attach = attach,
    .detach = detach,
    .ptlcall = ptlcall,
    .command = command,
    .marker = marker,
    .simulate = simulate,
    .native = native,
    .step = step,
};

static void setup(void)
{
    memset(&hostile, 0, sizeof(hostile));
    memset(&other, 0, sizeof(other));
    hostile.place = other.place = PLACES;
    minivmm_take_kick_signal(NULL);
    unlink(PATH);
}

static void load(struct hostile *self, const char *options)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    config.memory_size = GUEST_MEMORY;
    config.console_fd = config.message_fd = config.stats_fd = -1;
    config.own = &stub;
    config.stub_options = options;
    config.timeout_ns = 20000000000u;
    ck_assert_int_eq(minivmm_create(&config, &self->guest.machine, &error), 0);
    api_guest_load(&self->guest, image_calls, image_calls_end);
}

static void run(struct hostile *self)
{
    ck_assert_msg(minivmm_run(self->guest.machine, &self->guest.result) == 0, "%s",
                  self->guest.result.text);
}

static void check_ended(const struct hostile *self, enum minivmm_outcome outcome, int status)
{
    const struct minivmm_result *result = &self->guest.result;

    ck_assert_msg(result->outcome == outcome, "%d: %s", (int)result->outcome, result->text);
    ck_assert_int_eq(result->guest_status, status);
}

START_TEST(each_callback_comes)
{
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    api_guest_destroy(&hostile.guest);
    for (int place = 0; place < PLACES; place++)
        ck_assert_msg(hostile.calls[place] >= 1, "%d", place);
    ck_assert_uint_eq(hostile.calls[AT_STEP], 9);
    ck_assert_uint_eq(hostile.calls[AT_DETACH], 1);
}
END_TEST

static void stop(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    (void)vcpu;
    minivmm_stop(self->guest.machine);
}

START_TEST(a_stop_in_a_callback_ends_the_run_but_not_before_it_and_not_behind_it)
{
    const bool runs = _i != AT_ATTACH && _i != AT_DETACH;

    load(&hostile, NULL);
    api_guest_destroy(&hostile.guest);
    hostile.place = (enum place)_i;
    hostile.act = stop;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, runs ? MINIVMM_INTERRUPTED : MINIVMM_GUEST, runs ? 0 : STATUS);
    api_guest_destroy(&hostile.guest);
}
END_TEST

static void end(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    (void)self;
    minivmm_end(vcpu, 9);
}

START_TEST(an_end_in_a_callback_is_the_guests_own)
{
    hostile.place = (enum place)_i;
    hostile.act = end;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, _i == AT_DETACH ? STATUS : 9);
    api_guest_destroy(&hostile.guest);
    ck_assert_uint_eq(hostile.calls[AT_DETACH], 1);
}
END_TEST

static void save(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    self->codes[self->place] = minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, NULL);
}

START_TEST(a_save_in_a_callback_makes_a_checkpoint_while_the_machine_runs)
{
    const bool runs = _i != AT_ATTACH && _i != AT_DETACH;

    hostile.place = (enum place)_i;
    hostile.act = save;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    ck_assert_int_eq(hostile.codes[_i], runs ? 0 : -EBUSY);
    ck_assert_int_eq(access(PATH, R_OK), runs ? 0 : -1);
    unlink(PATH);
    api_guest_destroy(&hostile.guest);
}
END_TEST

/* RBX and R15, which the guest does not use there, and memory. */
static void change(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers;
    uint32_t bytes = 0;

    (void)self;
    ck_assert_int_eq(minivmm_get_registers(vcpu, &registers, &error), 0);
    registers.r15++;
    ck_assert_int_eq(minivmm_set_registers(vcpu, &registers, &error), 0);
    ck_assert_int_eq(minivmm_read_virtual(vcpu, BYTES, &bytes, sizeof(bytes), &error), 0);
    bytes++;
    ck_assert_int_eq(minivmm_write_physical(self->guest.machine, BYTES, &bytes, sizeof(bytes),
                                            &error),
                     0);
}

START_TEST(what_every_callback_changes_is_there_at_the_end)
{
    struct minivmm_registers registers;
    uint32_t bytes;
    unsigned calls = 0;

    hostile.act = change;
    load(&hostile, NULL);
    if (_i)
        for (unsigned i = 0; i < 3; i++)
            ck_assert_int_eq(minivmm_step(hostile.guest.vcpu, &error), 0);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    for (int place = 0; place < PLACES; place++)
        calls += hostile.calls[place];
    ck_assert_int_eq(minivmm_get_registers(hostile.guest.vcpu, &registers, &error), 0);
    ck_assert_uint_eq(registers.r15, calls);
    ck_assert_int_eq(minivmm_read_physical(hostile.guest.machine, BYTES, &bytes, sizeof(bytes),
                                           &error),
                     0);
    ck_assert_uint_eq(bytes, calls);
    hostile.act = NULL;
    api_guest_destroy(&hostile.guest);
}
END_TEST

/* All that the header has. What is not for a callback is refused, and does nothing. */
static void everything(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    struct minivmm_machine *machine = self->guest.machine;
    static const struct minivmm_region region = {.name = "late", .size = 1};
    static const struct minivmm_image image = {.path = "/dev/null"};
    struct minivmm_call forged = {.vcpu = vcpu, .op = 1};
    struct minivmm_registers registers;
    struct minivmm_result result;
    uint64_t counts[8], gpa;
    uint8_t bytes[15];

    ck_assert_int_eq(minivmm_destroy(machine, &error), -EBUSY);
    ck_assert_int_eq(minivmm_add_region(machine, &region, &error), -EINVAL);
    ck_assert_int_eq(minivmm_load(machine, &image, &error), -EBUSY);
    ck_assert_int_eq(minivmm_restore(machine, PATH, true, &error), -EBUSY);
    ck_assert_int_eq(minivmm_run(machine, &result), -EBUSY);
    ck_assert_int_eq(minivmm_run_foreground(&machine, 1, NULL, &result), -EBUSY);
    ck_assert_int_eq(minivmm_pause(machine, &error), -EDEADLK);
    ck_assert_int_eq(minivmm_resume(machine, &error), -EBUSY);
    ck_assert_int_eq(minivmm_step(vcpu, &error), -EBUSY);
    ck_assert_int_eq(minivmm_save(vcpu, "", MINIVMM_CHECKPOINT_CONTINUE, &error), -EINVAL);
    ck_assert_int_eq(minivmm_set_interrupt(machine, 5, true, &error), -EINVAL);
    ck_assert_ptr_eq(minivmm_vcpu(machine, 0), vcpu);
    ck_assert_ptr_null(minivmm_vcpu(machine, 1));
    ck_assert_ptr_eq(minivmm_vcpu_machine(vcpu), machine);
    ck_assert_int_eq(minivmm_get_registers(vcpu, &registers, &error), 0);
    ck_assert_int_eq(minivmm_set_registers(vcpu, &registers, &error), 0);
    ck_assert_int_eq(minivmm_translate(vcpu, GUEST_LOAD, &gpa, &error), 0);
    ck_assert_uint_eq(gpa, GUEST_LOAD);
    ck_assert_int_eq(minivmm_read_virtual(vcpu, UINT64_MAX, bytes, 15, &error), -EFAULT);
    ck_assert_int_eq(minivmm_read_physical(machine, UINT64_MAX - 3, bytes, 15, &error), -EFAULT);
    ck_assert_uint_eq(minivmm_fetch(vcpu, bytes), 15);
    ck_assert_uint_gt(minivmm_count_exits(machine, counts, 8), 8);
    ck_assert_int_eq(minivmm_call_default(&forged), -22);
    ck_assert_int_eq(minivmm_call_default(NULL), -22);
    minivmm_notice(machine, "%s", "a notice");
    minivmm_continue(machine);
}

START_TEST(a_stub_that_calls_everything_everywhere_leaves_the_guest_as_it_is)
{
    hostile.act = everything;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    ck_assert_uint_eq(hostile.calls[AT_STEP], 9);
    api_guest_destroy(&hostile.guest);
}
END_TEST

START_TEST(a_stub_that_gives_errors_everywhere_does_not_simulate)
{
    hostile.errors = (unsigned)_i + 1;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    ck_assert_uint_eq(hostile.calls[AT_STEP], _i == 0 ? 0 : 1);
    api_guest_destroy(&hostile.guest);
}
END_TEST

START_TEST(a_stub_may_keep_all_commands_for_itself)
{
    hostile.alone = true;
    load(&hostile, NULL);
    run(&hostile);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    ck_assert_uint_eq(hostile.calls[AT_SIMULATE], 0);
    ck_assert_uint_eq(hostile.calls[AT_COMMAND], 2);
    api_guest_destroy(&hostile.guest);
}
END_TEST

/* With one lock for both, this would never be reached. */
static void meet(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    (void)vcpu;
    pthread_barrier_wait(self->meet);
}

START_TEST(a_stub_of_two_machines_is_two_stubs)
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, 2);
    load(&hostile, "");
    load(&other, "other");
    hostile.meet = other.meet = &barrier;
    hostile.act = other.act = meet;
    hostile.place = other.place = AT_STEP;
    api_guest_start(&hostile.guest);
    api_guest_start(&other.guest);
    api_guest_join(&hostile.guest);
    api_guest_join(&other.guest);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    check_ended(&other, MINIVMM_GUEST, STATUS);
    ck_assert_uint_eq(hostile.calls[AT_STEP], 9);
    ck_assert_uint_eq(other.calls[AT_STEP], 9);
    api_guest_destroy(&other.guest);
    api_guest_destroy(&hostile.guest);
    pthread_barrier_destroy(&barrier);
}
END_TEST

static atomic_bool let_go, is_held;

static void take_long(struct hostile *self, struct minivmm_vcpu *vcpu)
{
    (void)self;
    (void)vcpu;
    atomic_store(&is_held, true);
    while (!atomic_load(&let_go)) /* kicks interrupt it */
        usleep(1000);
}

START_TEST(a_callback_that_takes_long_is_not_waited_for_and_harms_nobody)
{
    hostile.act = take_long;
    hostile.place = AT_MARKER;
    load(&hostile, NULL);
    atomic_store(&let_go, false);
    api_guest_start(&hostile.guest);
    ck_assert(comes_true(atomic_load(&is_held)));
    ck_assert_int_eq(minivmm_pause(hostile.guest.machine, &error), -ETIMEDOUT);
    ck_assert_int_eq(minivmm_resume(hostile.guest.machine, &error), -EINVAL);
    minivmm_notice(hostile.guest.machine, "meanwhile");
    atomic_store(&let_go, true);
    ck_assert_ptr_eq(minivmm_vcpu(hostile.guest.machine, 0), hostile.guest.vcpu);
    api_guest_join(&hostile.guest);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    api_guest_destroy(&hostile.guest);
}
END_TEST

/* A stub that counts its machines in its state, and calls no library function. */
static const char source[] =
    "#include \"include/minivmm.h\"\n"
    "#include <stdlib.h>\n"
    "static int attach(struct minivmm_machine *machine, const char *options, void **state,\n"
    "                  struct minivmm_error *error)\n"
    "{ if (options && *options) return -1;\n"
    "  *state = malloc(1); return 0; }\n"
    "static void detach(void *state) { free(state); }\n"
    "static int64_t ptlcall(void *state, struct minivmm_call *call)\n"
    "{ return call->arguments[0]; }\n"
    "const struct minivmm_stub minivmm_stub = {.abi = MINIVMM_ABI, .name = \"file\",\n"
    "    .attach = attach, .detach = detach, .ptlcall = ptlcall};\n";

static void build(const char *path)
{
    char command[256];
    FILE *compiler;

    snprintf(command, sizeof(command), "cc -x c -shared -fPIC -w -I. -o %s -", path);
    compiler = popen(command, "w");
    ck_assert_ptr_nonnull(compiler);
    fputs(source, compiler);
    ck_assert_int_eq(pclose(compiler), 0);
}

static void load_file(struct hostile *self, const char *text)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    config.memory_size = GUEST_MEMORY;
    config.console_fd = config.message_fd = config.stats_fd = -1;
    config.stub = text;
    ck_assert_int_eq(minivmm_create(&config, &self->guest.machine, &error), 0);
    api_guest_load(&self->guest, image_calls, image_calls_end);
}

static bool is_loaded(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);

    if (library)
        dlclose(library);
    return library;
}

START_TEST(a_file_of_two_machines_is_there_until_the_second_goes)
{
    char path[] = "/tmp/minivmm-stub-XXXXXX", text[64];

    close(mkstemp(path));
    build(path);
    snprintf(text, sizeof(text), "%s,", path);
    load_file(&hostile, text);
    load_file(&other, path);
    unlink(path);
    api_guest_start(&hostile.guest);
    api_guest_start(&other.guest);
    api_guest_join(&hostile.guest);
    api_guest_join(&other.guest);
    check_ended(&hostile, MINIVMM_GUEST, STATUS);
    check_ended(&other, MINIVMM_GUEST, STATUS);
    api_guest_destroy(&hostile.guest);
    ck_assert(is_loaded(path));
    api_guest_destroy(&other.guest);
    ck_assert(!is_loaded(path));
}
END_TEST

START_TEST(what_is_behind_a_comma_is_no_part_of_a_path)
{
    struct minivmm_config config = MINIVMM_CONFIG;
    const struct minivmm_image image = {.path = "/dev/null"};

    config.stub = "./no,such/stub.so";
    ck_assert_int_eq(minivmm_create(&config, &hostile.guest.machine, &error), 0);
    ck_assert_int_eq(minivmm_load(hostile.guest.machine, &image, &error), -ENOENT);
    ck_assert_str_eq(error.text, "stub ./no: there is none; after the comma come its "
                                 "options; give a path without commas");
    ck_assert_int_eq(error.outcome, MINIVMM_USAGE);
    api_guest_destroy(&hostile.guest);
}
END_TEST

Suite *api_stub_suite(void)
{
    Suite *suite = suite_create("api_stub");
    TCase *tcase = tcase_create("stub");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, what_is_behind_a_comma_is_no_part_of_a_path);
    kvm_test_add(tcase, each_callback_comes, 1);
    kvm_test_add(tcase, a_stop_in_a_callback_ends_the_run_but_not_before_it_and_not_behind_it,
                 PLACES);
    kvm_test_add(tcase, an_end_in_a_callback_is_the_guests_own, PLACES);
    kvm_test_add(tcase, a_save_in_a_callback_makes_a_checkpoint_while_the_machine_runs, PLACES);
    kvm_test_add(tcase, what_every_callback_changes_is_there_at_the_end, 2);
    kvm_test_add(tcase, a_stub_that_calls_everything_everywhere_leaves_the_guest_as_it_is, 1);
    kvm_test_add(tcase, a_stub_that_gives_errors_everywhere_does_not_simulate, 4);
    kvm_test_add(tcase, a_stub_may_keep_all_commands_for_itself, 1);
    kvm_test_add(tcase, a_stub_of_two_machines_is_two_stubs, 1);
    kvm_test_add(tcase, a_file_of_two_machines_is_there_until_the_second_goes, 1);
    kvm_test_add(tcase, a_callback_that_takes_long_is_not_waited_for_and_harms_nobody, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
