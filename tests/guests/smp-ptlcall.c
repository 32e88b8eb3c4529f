/*
 * All CPUs make ptlcalls at the same time, by both methods. Every result is checked here; the log
 * shows that no call was lost, doubled or mixed with another: the n-th LOG of CPU c says "cpu c
 * call n", its n-th MARKER has the id (c + 1) * 100000 + n. Guest argument: the number of CPUs.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"

#define CPUS_MAX   10 /* one digit */
#define CALLS      10000u
#define KINDS      4u /* the log has CALLS / KINDS of each, for each CPU */
#define ID_STEP    100000u
#define UNKNOWN_OP 99u

struct caller {
    unsigned cpu, markers, wrong;
    char text[sizeof("cpu 0 call 00000")];
    bool ready, done;
};

static struct caller callers[CPUS_MAX];
static bool go;

/* Arguments 1 and 2 are enough here, so that DX is free for the port. */
static ptlcall_status call(bool by_port, ptlcall_word op, ptlcall_word arg1, ptlcall_word arg2)
{
    const struct ptlcall_discovery *discovered = ptlcall_discovered();

    if (by_port)
        __asm__ volatile("out %%al, %%dx"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"((ptlcall_word)discovered->port)
                         : "memory");
    else
        __asm__ volatile("movl %%eax, (%[trigger])"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), [trigger] "r"(discovered->trigger)
                         : "memory");
    return (ptlcall_status)op;
}

/* The number at the end of the text: each instruction is slow where it is emulated. */
static void count_up(char *text)
{
    char *digit = text + strlen(text) - 1;

    while (*digit == '9')
        *digit-- = '0';
    ++*digit;
}

static bool make_call(struct caller *caller, unsigned number)
{
    const bool by_port = (number / KINDS + caller->cpu) % 2;

    switch ((number + caller->cpu) % KINDS) {
    case 0:
        return call(by_port, PTLCALL_OP_VERSION, 0, 0) == PTLCALL_VERSION_NUMBER;
    case 1:
        return call(by_port, PTLCALL_OP_MARKER, (caller->cpu + 1) * ID_STEP + caller->markers++,
                    0) == 0;
    case 2:
        return call(by_port, UNKNOWN_OP, 0, 0) == -PTLCALL_EINVAL;
    default:
        if (call(by_port, PTLCALL_OP_LOG, (uintptr_t)caller->text, sizeof(caller->text) - 1) !=
            PTLCALL_OP_LOG)
            return false;
        count_up(caller->text);
        return true;
    }
}

static void run_cpu(void *argument)
{
    struct caller *caller = argument;

    __atomic_store_n(&caller->ready, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        __asm__ volatile("pause");
    for (unsigned number = 0; number < CALLS; number++)
        if (!make_call(caller, number))
            caller->wrong++;
    __atomic_store_n(&caller->done, true, __ATOMIC_RELEASE);
}

static void wait_for(const bool *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        __asm__ volatile("pause");
}

static void prepare(struct caller *caller, unsigned cpu)
{
    caller->cpu = cpu;
    memcpy(caller->text, "cpu 0 call 00000", sizeof(caller->text));
    caller->text[4] = (char)('0' + cpu);
}

int main(const struct boot_info *boot)
{
    const unsigned cpus = boot->vcpu_count;

    check_equal("number of CPUs", cpus, number_read(boot->command));
    check("a method is found", ptlcall_init());
    if (cpus > CPUS_MAX)
        return check_summary();
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        prepare(&callers[cpu], cpu);
    for (unsigned cpu = 1; cpu < cpus; cpu++) {
        check("another CPU starts", smp_start(cpu, run_cpu, &callers[cpu]));
        wait_for(&callers[cpu].ready);
    }
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    run_cpu(&callers[0]);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        wait_for(&callers[cpu].done);
        check_equal("wrong results", callers[cpu].wrong, 0);
    }
    return check_summary();
}
