/*
 * vmm/step/step.c under KVM: a stub is asked about each instruction between -run and -stop, once.
 *
 * Each program is a few instructions whose number is known. What is counted with them: the five that make
 * the call of -stop.
 */
#include "include/minivmm.h"

#include "tests/unit/needs.h"
#include "vmm/step/step.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *step_suite(void);

#define LOAD     0x10000u
#define EPILOGUE 5u
#define ASKED    64 /* addresses that are kept */

/* The program (name) is what the stub is asked about, after the set-up before it. */
#define PROGRAM(name, before, code)                                                                \
    __asm__(".pushsection .rodata\n"                                                               \
            ".code64\n" #name ":\n"                                                                \
            "   lea  91f(%rip), %rax\n"                                                            \
            "   mov  %rax, 93f(%rip)\n"                                                            \
            "   lea  92f(%rip), %rax\n"                                                            \
            "   mov  %rax, 94f(%rip)\n" before "   lea  93f(%rip), %rdi\n"                         \
            "   mov  $1, %esi\n"                                                                   \
            "   xor  %edx, %edx\n"                                                                 \
            "   mov  $2, %eax\n"                                                                   \
            "   out  %al, $0xe0\n" #name "_code:\n" code "   lea  94f(%rip), %rdi\n"               \
            "   mov  $1, %esi\n"                                                                   \
            "   xor  %edx, %edx\n"                                                                 \
            "   mov  $2, %eax\n"                                                                   \
            "   out  %al, $0xe0\n"                                                                 \
            "   mov  $7, %eax\n"                                                                   \
            "   out  %al, $0xf4\n"                                                                 \
            "91: .ascii \"-run\"\n"                                                                \
            "92: .ascii \"-stop\"\n"                                                               \
            "93: .quad 0, 4\n"                                                                     \
            "94: .quad 0, 5\n"                                                                     \
            "95: .fill 64, 1, 0x41\n" /* for string instructions */                                \
            "   .balign 8\n"                                                                       \
            "96: .word 0xfff\n" /* an interrupt table of 256 gates, for what comes before */       \
            "   .quad 0\n"                                                                         \
            "   .balign 16\n"                                                                      \
            "97: .fill 4096, 1, 0\n" #name "_end:\n"                                               \
            ".popsection\n");                                                                      \
    extern const uint8_t name[], name##_code[], name##_end[]

/* A gate for (vector), at the label 97, to the label (entry); and the table. */
#define GATE(vector, entry)                                                                        \
    "   lea  " entry "(%rip), %rcx\n"                                                              \
    "   mov  %cx, 97f+16*" vector "(%rip)\n"                                                       \
    "   shr  $16, %rcx\n"                                                                          \
    "   mov  %cx, 97f+16*" vector "+6(%rip)\n"                                                     \
    "   movw $8, 97f+16*" vector "+2(%rip)\n"                                                      \
    "   movw $0x8e00, 97f+16*" vector "+4(%rip)\n"                                                 \
    "   lea  97f(%rip), %rcx\n"                                                                    \
    "   mov  %rcx, 96f+2(%rip)\n"                                                                  \
    "   lidt 96f(%rip)\n"

PROGRAM(plain, "", "nop\n mov $1, %eax\n push %rax\n pop %rbx\n");
PROGRAM(loop, "", "mov $1000, %ecx\n 1: dec %ecx\n jnz 1b\n");
PROGRAM(jump_to_itself, "", "mov $5, %ecx\n 1: loop 1b\n");
PROGRAM(calls, "", "call 1f\n jmp 2f\n 1: ret\n 2: nop\n");
PROGRAM(strings, "",
        "cld\n mov $64, %ecx\n lea 95f(%rip), %rdi\n rep stosb\n mov $32, %ecx\n"
        "lea 95f(%rip), %rsi\n lea 95f+32(%rip), %rdi\n rep movsb\n rep movsb\n");
PROGRAM(long_string, "", "cld\n mov $100000, %ecx\n mov $0x40000, %edi\n rep stosb\n");
PROGRAM(ports, "", "out %al, $0x90\n nop\n in $0x90, %al\n out %eax, $0x90\n");
PROGRAM(port_strings, "",
        "cld\n mov $3, %ecx\n lea 95f(%rip), %rsi\n mov $0x90, %dx\n rep outsb\n"
        "mov $70, %ecx\n lea 97f(%rip), %rdi\n rep insb\n outsb\n");
PROGRAM(device_memory, "",
        "mov $0xa0000000, %edi\n mov %eax, (%rdi)\n mov (%rdi), %eax\n addl $1, (%rdi)\n"
        "mov %rax, -3(%rdi)\n push (%rdi)\n pop (%rdi)\n");
PROGRAM(device_strings, "",
        "cld\n mov $3, %ecx\n lea 95f(%rip), %rsi\n mov $0xa0000000, %edi\n rep movsb\n"
        "mov $3, %ecx\n rep stosl\n");
PROGRAM(flags, "", "pushf\n pop %rbx\n push %rbx\n popf\n nop\n");
PROGRAM(tables, "", "mov %cr3, %rax\n mov %rax, %cr3\n mov %cr4, %rax\n mov %rax, %cr4\n");
PROGRAM(machine_registers, "",
        "xor %eax, %eax\n cpuid\n mov $0xc0000082, %ecx\n rdmsr\n wrmsr\n rdtsc\n");
PROGRAM(segments, "", "mov %ss, %eax\n mov %eax, %ss\n nop\n");
PROGRAM(interrupt_return, "",
        "mov %rsp, %rbx\n pushq $0x10\n push %rbx\n pushf\n pushq $8\n lea 1f(%rip), %rax\n"
        "push %rax\n iretq\n 1: nop\n");
PROGRAM(fault, GATE("6", "1f"),
        "nop\n ud2\n nop\n jmp 2f\n"
        "1: mov (%rsp), %rbx\n addq $2, (%rsp)\n iretq\n 2: nop\n");
PROGRAM(interrupt,
        GATE("0x40", "1f") "mov $0xfee00000, %ebx\n movl $0x1ff, 0xf0(%rbx)\n"
                           "movl $0x44040, 0x300(%rbx)\n",
        "nop\n sti\n nop\n nop\n cli\n jmp 2f\n"
        "1: nop\n movl $0, 0xb0(%rbx)\n iretq\n 2: nop\n");
PROGRAM(two_halts,
        GATE("0x40", "1f") "mov $0xfee00000, %ebx\n movl $0x1ff, 0xf0(%rbx)\n"
                           "movl $0x40, 0x320(%rbx)\n movl $0x3, 0x3e0(%rbx)\n",
        "movl $2000000, 0x380(%rbx)\n sti\n hlt\n hlt\n cli\n jmp 2f\n"
        "1: movl $0, 0xb0(%rbx)\n movl $2000000, 0x380(%rbx)\n iretq\n 2: nop\n");
PROGRAM(halt,
        GATE("0x40", "1f") "mov $0xfee00000, %ebx\n movl $0x1ff, 0xf0(%rbx)\n"
                           "movl $0x40, 0x320(%rbx)\n movl $0x3, 0x3e0(%rbx)\n",
        "movl $2000000, 0x380(%rbx)\n sti\n hlt\n cli\n jmp 2f\n"
        "1: nop\n movl $0, 0xb0(%rbx)\n iretq\n 2: nop\n");

static const struct program {
    const char *name;
    const uint8_t *image, *end, *code;
    unsigned instructions; /* completed, without the epilogue */
    bool irqchip;
    bool emulated; /* all are reported only where KVM emulates ring 0: see vmm/step/step.h */
} programs[] = {
#define ROW(name, instructions, irqchip, emulated)                                                 \
    {                                                                                              \
#name, name, name##_end, name##_code, instructions, irqchip, emulated                      \
    }
    ROW(plain, 4, false, false),
    ROW(loop, 2001, false, false),
    ROW(jump_to_itself, 6, false, false),
    ROW(calls, 4, false, false),
    ROW(strings, 9, false, false),
    ROW(long_string, 4, false, false),
    ROW(ports, 4, false, false),
    ROW(port_strings, 9, false, false),
    ROW(device_memory, 7, false, false),
    ROW(device_strings, 7, false, false),
    ROW(flags, 5, false, false),
    ROW(tables, 4, false, false),
    ROW(machine_registers, 6, false, false),
    ROW(segments, 3, false, true),
    ROW(interrupt_return, 9, false, false),
    ROW(fault, 7, false, true),
    ROW(interrupt, 10, true, true),
    ROW(halt, 9, true, true),
    ROW(two_halts, 13, true, true),
#undef ROW
};

#define PROGRAMS ((int)(sizeof(programs) / sizeof(programs[0])))

/* A stub that counts, and may do more at one of the instructions. */
static struct counter {
    uint64_t steps, last; /* callbacks, and the last one's number */
    uint64_t addresses[ASKED];
    unsigned simulations, natives, bits;
    uint64_t at; /* the instruction at which it does that; 0: never */
    enum minivmm_next (*then)(struct minivmm_vcpu *vcpu);
} counter;

static int count_simulate(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error)
{
    (void)state;
    (void)vcpu;
    (void)error;
    counter.simulations++;
    return 0;
}

static void count_native(void *state, struct minivmm_vcpu *vcpu)
{
    (void)state;
    (void)vcpu;
    counter.natives++;
}

static enum minivmm_next count_step(void *state, struct minivmm_vcpu *vcpu,
                                    const struct minivmm_instruction *instruction)
{
    (void)state;
    if (counter.steps < ASKED)
        counter.addresses[counter.steps] = instruction->address;
    __atomic_fetch_add(&counter.steps, 1, __ATOMIC_SEQ_CST);
    counter.last = instruction->number;
    counter.bits = instruction->bits;
    if (counter.at && counter.steps == counter.at)
        return counter.then(vcpu);
    return MINIVMM_STEP;
}

static const struct minivmm_stub counting = {
    .abi = MINIVMM_ABI,
    .name = "counting",
    .simulate = count_simulate,
    .native = count_native,
    .step = count_step,
};

static struct minivmm_error error;
static struct minivmm_result result;
static char out_dir[] = "/tmp/minivmm-test-XXXXXX";

static void setup(void)
{
    memset(&counter, 0, sizeof(counter));
    ck_assert_ptr_nonnull(mkdtemp(out_dir));
    minivmm_take_kick_signal(NULL);
}

static void teardown(void)
{
    rmdir(out_dir);
}

static struct minivmm_config config_of(bool irqchip)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    config.memory_size = 2u << 20;
    config.irqchip = irqchip;
    config.console_fd = -1;
    config.message_fd = -1;
    config.out_dir = out_dir;
    config.own = &counting;
    config.timeout_ns = 10000000000u;
    return config;
}

static struct minivmm_machine *load(const struct program *program,
                                    const struct minivmm_config *config)
{
    char path[] = "/tmp/minivmm-image-XXXXXX";
    const struct minivmm_image image = {
        .path = path, .has_load = true, .has_entry = true, .load = LOAD, .entry = LOAD};
    struct minivmm_machine *machine;
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, program->image, (size_t)(program->end - program->image)),
                     program->end - program->image);
    close(fd);
    ck_assert_msg(minivmm_create(config, &machine, &error) == 0, "%s", error.text);
    ck_assert_msg(minivmm_load(machine, &image, &error) == 0, "%s", error.text);
    unlink(path);
    return machine;
}

/* Run it to its end, which is status 7. */
static void run(struct minivmm_machine *machine)
{
    ck_assert_int_eq(minivmm_run(machine, &result), 0);
    ck_assert_msg(result.outcome == MINIVMM_GUEST, "outcome %d: %s %s", (int)result.outcome,
                  result.text, result.report ? result.report : "");
    ck_assert_int_eq(result.guest_status, 7);
    minivmm_destroy(machine, NULL);
}

static uint64_t address_of(const struct program *program, const uint8_t *at)
{
    return LOAD + (uint64_t)(at - program->image);
}

START_TEST(a_stub_is_asked_about_each_instruction_once)
{
    const struct program *program = &programs[_i];
    const struct minivmm_config config = config_of(program->irqchip);

    run(load(program, &config));
    if (program->emulated && step_probe())
        ck_assert_uint_lt(counter.steps, program->instructions + EPILOGUE);
    else
        ck_assert_msg(counter.steps == program->instructions + EPILOGUE, "%s: %lu instead of %u",
                      program->name, (unsigned long)counter.steps,
                      program->instructions + EPILOGUE);
    ck_assert_uint_eq(counter.last, counter.steps);
    ck_assert_uint_eq(counter.simulations, 1);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

START_TEST(the_first_is_the_one_behind_run)
{
    const struct minivmm_config config = config_of(false);

    run(load(&programs[0], &config));
    ck_assert_uint_eq(counter.addresses[0], address_of(&programs[0], programs[0].code));
    ck_assert_uint_eq(counter.addresses[1], counter.addresses[0] + 1);
    ck_assert_uint_eq(counter.bits, 64);
}
END_TEST

START_TEST(exits_are_measured_as_always)
{
    struct minivmm_config config = config_of(false);

    config.stats = MINIVMM_STATS_TABLE;
    config.stats_fd = -1;
    run(load(&programs[8], &config));
    ck_assert_uint_eq(counter.steps, programs[8].instructions + EPILOGUE);
}
END_TEST

static enum minivmm_next say_native(struct minivmm_vcpu *vcpu)
{
    (void)vcpu;
    return MINIVMM_NATIVE;
}

START_TEST(a_step_that_says_native_ends_the_simulation)
{
    const struct minivmm_config config = config_of(false);

    counter.at = 10;
    counter.then = say_native;
    run(load(&programs[1], &config));
    ck_assert_uint_eq(counter.steps, 10);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

static enum minivmm_next say_anything(struct minivmm_vcpu *vcpu)
{
    (void)vcpu;
    return (enum minivmm_next)77;
}

START_TEST(a_step_that_gives_anything_else_ends_it_too)
{
    const struct minivmm_config config = config_of(false);

    counter.at = 10;
    counter.then = say_anything;
    run(load(&programs[1], &config));
    ck_assert_uint_eq(counter.steps, 10);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

static enum minivmm_next ask_for_checkpoint(struct minivmm_vcpu *vcpu)
{
    static char path[64];

    snprintf(path, sizeof(path), "%s/step.core", out_dir);
    ck_assert_msg(minivmm_save(vcpu, path, MINIVMM_CHECKPOINT_CONTINUE, &error) == 0, "%s",
                  error.text);
    return MINIVMM_STEP;
}

/* The copy continues at the same instruction, and simulates at once. */
START_TEST(a_checkpoint_in_a_step_is_taken_before_the_instruction)
{
    const struct minivmm_config config = config_of(false);
    struct minivmm_config restored = config_of(false);
    struct minivmm_machine *machine;
    char path[64];
    uint64_t address;

    counter.at = 3;
    counter.then = ask_for_checkpoint;
    run(load(&programs[0], &config));
    ck_assert_uint_eq(counter.steps, programs[0].instructions + EPILOGUE);
    address = counter.addresses[2];

    memset(&counter, 0, sizeof(counter));
    snprintf(path, sizeof(path), "%s/step.core", out_dir);
    restored.memory_size = 0;
    ck_assert_msg(minivmm_create(&restored, &machine, &error) == 0, "%s", error.text);
    ck_assert_msg(minivmm_restore(machine, path, true, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(counter.simulations, 1);
    run(machine);
    unlink(path);
    ck_assert_uint_eq(counter.steps, programs[0].instructions + EPILOGUE - 2);
    ck_assert_uint_eq(counter.addresses[0], address);
}
END_TEST

static enum minivmm_next skip_it(struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers;
    uint8_t bytes[15];

    ck_assert_uint_eq(minivmm_fetch(vcpu, bytes), sizeof(bytes));
    ck_assert_uint_eq(bytes[0], 0xff); /* dec %ecx */
    ck_assert_int_eq(minivmm_get_registers(vcpu, &registers, &error), 0);
    ck_assert_uint_eq(registers.rcx, 1000);
    registers.rcx = 2;
    ck_assert_int_eq(minivmm_set_registers(vcpu, &registers, &error), 0);
    return MINIVMM_STEP;
}

START_TEST(a_step_may_change_registers)
{
    const struct minivmm_config config = config_of(false);

    counter.at = 2;
    counter.then = skip_it;
    run(load(&programs[1], &config));
    ck_assert_uint_eq(counter.steps, 1 + 2 * 2 + EPILOGUE);
}
END_TEST

static enum minivmm_next end_it(struct minivmm_vcpu *vcpu)
{
    minivmm_end(vcpu, 7);
    return MINIVMM_STEP;
}

START_TEST(a_step_may_end_the_guest)
{
    const struct minivmm_config config = config_of(false);

    counter.at = 5;
    counter.then = end_it;
    run(load(&programs[1], &config));
    ck_assert_uint_eq(counter.steps, 5);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

/* Ring 3 makes both calls, between which it runs the loop. */
PROGRAM(ring_3,
        "lea 97f+64(%rip), %rax\n lea 96f+2(%rip), %rbx\n mov %rax, (%rbx)\n movw $0x27, -2(%rbx)\n"
        "movq $0, (%rax)\n mov $0x00af9b000000ffff, %rcx\n mov %rcx, 8(%rax)\n"
        "mov $0x00cf93000000ffff, %rcx\n mov %rcx, 16(%rax)\n"
        "mov $0x00affb000000ffff, %rcx\n mov %rcx, 24(%rax)\n"
        "mov $0x00cff3000000ffff, %rcx\n mov %rcx, 32(%rax)\n lgdt 96f(%rip)\n"
        "mov %rsp, %rbx\n pushq $0x23\n push %rbx\n pushq $0x3002\n pushq $0x1b\n"
        "lea 5f(%rip), %rax\n push %rax\n iretq\n 5:\n",
        "mov $1000, %ecx\n 1: dec %ecx\n jnz 1b\n");

START_TEST(ring_3_is_stepped_or_runs_at_full_speed)
{
    const struct program program = {"ring 3", ring_3, ring_3_end, ring_3_code, 2001, false, false};
    const struct minivmm_config config = config_of(false);

    run(load(&program, &config));
    if (step_probe())
        ck_assert_uint_eq(counter.steps, program.instructions + EPILOGUE);
    else
        ck_assert_uint_lt(counter.steps, program.instructions);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

PROGRAM(no_controllers, "", "nop\n hlt\n nop\n");

START_TEST(a_halt_without_interrupt_controllers_ends_the_guest)
{
    const struct program program = {
        "halt", no_controllers, no_controllers_end, no_controllers_code, 2, false, false};
    const struct minivmm_config config = config_of(false);
    struct minivmm_machine *machine = load(&program, &config);

    ck_assert_int_eq(minivmm_run(machine, &result), 0);
    ck_assert_int_eq(result.outcome, MINIVMM_GUEST);
    ck_assert_int_eq(result.guest_status, 0);
    minivmm_destroy(machine, NULL);
    ck_assert_uint_eq(counter.steps, 2);
    ck_assert_uint_eq(counter.natives, 1);
}
END_TEST

/* Counts for ever, and never makes the call of -stop. */
PROGRAM(for_ever, "", "1: incl %eax\n jmp 1b\n");

static void *run_for_ever(void *machine)
{
    ck_assert_int_eq(minivmm_run(machine, &result), 0);
    return NULL;
}

static uint64_t steps_now(void)
{
    return __atomic_load_n(&counter.steps, __ATOMIC_SEQ_CST);
}

/* A kick comes between any two instructions: the stub gets no instruction twice, and misses none. */
START_TEST(pauses_lose_no_instruction)
{
    const struct program program = {"for ever", for_ever, for_ever_end, for_ever_code,
                                    0,          false,    false};
    const struct minivmm_config config = config_of(false);
    struct minivmm_machine *machine = load(&program, &config);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_for_ever, machine), 0);
    while (steps_now() == 0)
        usleep(100);
    for (unsigned i = 0; i < 200; i++) {
        struct minivmm_registers registers;
        uint64_t steps;

        ck_assert_msg(minivmm_pause(machine, &error) == 0, "%s", error.text);
        ck_assert_int_eq(minivmm_get_registers(minivmm_vcpu(machine, 0), &registers, &error), 0);
        steps = steps_now();
        /* EAX is 2 at first; each turn is two instructions, of which one may be asked about and wait. */
        ck_assert_uint_le((registers.rax - 2) * 2, steps + 1);
        ck_assert_uint_ge((registers.rax - 2) * 2 + 1, steps - 1);
        ck_assert_int_eq(minivmm_resume(machine, &error), 0);
        usleep(i % 7 * 100);
    }
    minivmm_stop(machine);
    pthread_join(thread, NULL);
    ck_assert_int_eq(result.outcome, MINIVMM_INTERRUPTED);
    minivmm_destroy(machine, NULL);
}
END_TEST

/* In most cases one instruction waits that the stub got before the pause. */
START_TEST(a_stub_hears_what_an_owner_steps)
{
    const struct program program = {"for ever", for_ever, for_ever_end, for_ever_code,
                                    0,          false,    false};
    const struct minivmm_config config = config_of(false);
    struct minivmm_machine *machine = load(&program, &config);
    struct minivmm_registers before, after;
    uint64_t steps;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, run_for_ever, machine), 0);
    while (steps_now() == 0)
        usleep(100);
    ck_assert_int_eq(minivmm_pause(machine, &error), 0);
    steps = steps_now();
    ck_assert_int_eq(minivmm_get_registers(minivmm_vcpu(machine, 0), &before, &error), 0);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_msg(minivmm_step(minivmm_vcpu(machine, 0), &error) == 0, "%s", error.text);
    ck_assert_int_eq(minivmm_get_registers(minivmm_vcpu(machine, 0), &after, &error), 0);
    ck_assert_uint_eq(after.rax, before.rax + 5);
    ck_assert_uint_ge(steps_now(), steps + 9);
    ck_assert_uint_le(steps_now(), steps + 10);
    ck_assert_int_eq(minivmm_resume(machine, &error), 0);
    while (steps_now() < steps + 10)
        usleep(100);
    minivmm_stop(machine);
    pthread_join(thread, NULL);
    minivmm_destroy(machine, NULL);
}
END_TEST

Suite *step_suite(void)
{
    Suite *suite = suite_create("step");
    TCase *tcase = tcase_create("step");

    tcase_add_checked_fixture(tcase, setup, teardown);
    kvm_test_add(tcase, a_stub_is_asked_about_each_instruction_once, PROGRAMS);
    kvm_test_add(tcase, the_first_is_the_one_behind_run, 1);
    kvm_test_add(tcase, exits_are_measured_as_always, 1);
    kvm_test_add(tcase, a_step_that_says_native_ends_the_simulation, 1);
    kvm_test_add(tcase, a_step_that_gives_anything_else_ends_it_too, 1);
    kvm_test_add(tcase, a_checkpoint_in_a_step_is_taken_before_the_instruction, 1);
    kvm_test_add(tcase, a_step_may_change_registers, 1);
    kvm_test_add(tcase, a_step_may_end_the_guest, 1);
    kvm_test_add(tcase, ring_3_is_stepped_or_runs_at_full_speed, 1);
    kvm_test_add(tcase, a_halt_without_interrupt_controllers_ends_the_guest, 1);
    kvm_test_add(tcase, pauses_lose_no_instruction, 1);
    kvm_test_add(tcase, a_stub_hears_what_an_owner_steps, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
