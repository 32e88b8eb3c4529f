/*
 * All CPUs make ptlcalls at the same time, by both methods, and meanwhile the last CPU requests a
 * checkpoint: of itself and of the others, at whatever point they are. The log shows that no call
 * was lost or doubled: the n-th LOG of CPU c says "cpu c call n". Guest arguments: the number of
 * CPUs; `all`: each CPU requests one, at the same time.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"

#define CPUS_MAX 10 /* one digit */
#define CALLS    1000u

struct caller {
    unsigned cpu, wrong;
    char text[sizeof("cpu 0 call 000")];
    char name[sizeof("roi-0")];
    bool asks, ready, done, restored;
};

static struct caller callers[CPUS_MAX];
static unsigned cpus, asking; /* all; and those that all CPUs make before they request */
static bool go, all_ask;

/*
 * Arguments 1 and 2 are enough here, and DX, which has the port, is 0 as argument 3: the action
 * CONTINUE.
 */
static ptlcall_status call(ptlcall_word op, ptlcall_word arg1, ptlcall_word arg2, bool by_port)
{
    if (by_port)
        __asm__ volatile("out %%al, %[port]"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"(0), [port] "N"(PTLCALL_DEFAULT_PORT)
                         : "memory");
    else
        __asm__ volatile("movl %%eax, (%[trigger])"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"(0), [trigger] "r"(PTLCALL_DEFAULT_TRIGGER)
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

static void ask(struct caller *caller)
{
    ptlcall_status result;

    __atomic_fetch_add(&asking, 1, __ATOMIC_ACQ_REL);
    while (all_ask && __atomic_load_n(&asking, __ATOMIC_ACQUIRE) < cpus)
        __asm__ volatile("pause");
    result = call(PTLCALL_OP_CHECKPOINT, (uintptr_t)caller->name, sizeof(caller->name) - 1,
                  caller->cpu % 2);

    caller->restored = ptlcall_is_restored(result);
    if (ptlcall_plain(result) != PTLCALL_OP_CHECKPOINT)
        caller->wrong++;
}

static void run_cpu(void *argument)
{
    struct caller *caller = argument;

    __atomic_store_n(&caller->ready, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        __asm__ volatile("pause");
    for (unsigned number = 0; number < CALLS; number++) {
        const bool by_port = (number + caller->cpu) % 2;

        if (number == CALLS / 2 && caller->asks)
            ask(caller);
        if (call(PTLCALL_OP_LOG, (uintptr_t)caller->text, sizeof(caller->text) - 1, by_port) !=
            PTLCALL_OP_LOG)
            caller->wrong++;
        count_up(caller->text);
    }
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
    caller->asks = all_ask || cpu == cpus - 1;
    memcpy(caller->text, "cpu 0 call 000", sizeof(caller->text));
    caller->text[4] = (char)('0' + cpu);
    memcpy(caller->name, "roi-0", sizeof(caller->name));
    caller->name[4] = (char)('0' + cpu);
}

int main(const struct boot_info *boot)
{
    unsigned restored = 0;

    cpus = boot->vcpu_count;
    all_ask = argument_given(boot, "all");
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
        restored += callers[cpu].restored;
    }
    check(restored ? "this is a copy" : "this is the run that asked", restored <= 1);
    return check_summary();
}
