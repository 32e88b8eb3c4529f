/*
 * Instructions whose number is known, between the ptlcalls of -run and of -stop: the console shows
 * what a stepping stub must count. The first is the one after -run's OUT, the last is -stop's OUT.
 *
 * Guest argument: what runs there. `loop`, `mixed`, or `ring3`, which is the loop in ring 3; or
 * `smp`, the loop while CPU 1 runs, too, so that more is counted.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"

#define LOOP_INSTRUCTIONS  2004u
#define MIXED_INSTRUCTIONS 19u

static const char run_text[] = "-run", stop_text[] = "-stop";

struct calls {
    struct ptlcall_descriptor run, stop;
};

uint64_t step_loop(void *calls);
uint64_t step_mixed(void *calls);

/* Both begin with -run and end with -stop, by the default port. */
__asm__(".pushsection .text.step\n"
        ".globl step_loop, step_mixed\n"
        "step_loop:\n"
        "   push  %r12\n"
        "   lea   16(%rdi), %r12\n"
        "   mov   $1, %esi\n"
        "   xor   %edx, %edx\n"
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   mov   $1000, %ecx\n" /* 1 */
        "1: dec   %ecx\n"        /* 1000 */
        "   jnz   1b\n"          /* 1000 */
        "   mov   %r12, %rdi\n"  /* 3 up to the OUT, with it */
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   pop   %r12\n"
        "   ret\n"
        "step_mixed:\n"
        "   push  %r12\n"
        "   lea   16(%rdi), %r12\n"
        "   mov   $1, %esi\n"
        "   xor   %edx, %edx\n"
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   mov   $run_text_copy, %edi\n" /* 5 with the string instruction, which counts as one */
        "   mov   $run_text_copy, %esi\n"
        "   mov   $64, %ecx\n"
        "   cld\n"
        "   rep movsb\n"
        "   out   %al, $0x90\n" /* 6: ports, flags, page tables */
        "   in    $0x90, %al\n"
        "   pushf\n"
        "   popf\n"
        "   mov   %cr3, %rax\n"
        "   mov   %rax, %cr3\n"
        "   call  2f\n" /* 3 */
        "   jmp   3f\n"
        "2: ret\n"
        "3: mov   $1, %esi\n" /* 5 */
        "   xor   %edx, %edx\n"
        "   mov   %r12, %rdi\n"
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   pop   %r12\n"
        "   ret\n"
        ".popsection\n"
        ".pushsection .bss\n"
        "run_text_copy: .fill 64\n"
        ".popsection\n");

static bool other_runs, other_ends, other_ended;

static void run_other(void *argument)
{
    (void)argument;
    __atomic_store_n(&other_runs, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&other_ends, __ATOMIC_ACQUIRE))
        ;
    __atomic_store_n(&other_ended, true, __ATOMIC_RELEASE);
}

static void wait_for(const bool *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        ;
}

static void run_two(struct calls *calls)
{
    check("CPU 1 starts", smp_start(1, run_other, NULL));
    wait_for(&other_runs);
    step_loop(calls);
    __atomic_store_n(&other_ends, true, __ATOMIC_RELEASE);
    wait_for(&other_ended);
}

int main(const struct boot_info *boot)
{
    struct calls calls = {
        .run = {(uintptr_t)run_text, sizeof(run_text) - 1},
        .stop = {(uintptr_t)stop_text, sizeof(stop_text) - 1},
    };
    unsigned expected = LOOP_INSTRUCTIONS;

    exceptions_init();
    check("a method is found", ptlcall_init());
    if (strcmp(boot->command, "mixed") == 0) {
        expected = MIXED_INSTRUCTIONS;
        check_equal("-stop gives 2", step_mixed(&calls), 2);
    } else if (strcmp(boot->command, "ring3") == 0) {
        check_equal("-stop gives 2", ring3_call(step_loop, &calls), 2);
    } else if (strcmp(boot->command, "smp") == 0) {
        run_two(&calls);
    } else {
        check_equal("-stop gives 2", step_loop(&calls), 2);
    }
    check("simulation is off", !((uint64_t)ptlcall_version() & PTLCALL_SIMULATING));
    printf("instructions: %u\n", expected);
    return check_summary();
}
