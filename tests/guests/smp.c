/*
 * Several CPUs: the first one starts the others, one after another, and each finds the ptlcall leaf
 * and makes a call. Guest argument: the number of CPUs.
 */
#include "guest/lib/smp.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#define WAIT_ROUNDS 20000000u

/* The results of a CPU; (done) is written last. */
struct result {
    uint32_t apic_id, leaf;
    ptlcall_status call;
    bool done;
};

static void run_cpu(void *argument)
{
    struct result *result = argument;

    result->apic_id = cpuid(1, 0).ebx >> 24;
    result->leaf = cpuid(PTLCALL_CPUID_LEAF, 0).eax;
    result->call = ptlcall_version();
    __atomic_store_n(&result->done, true, __ATOMIC_RELEASE);
}

static bool wait_for(const struct result *result)
{
    for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
        if (__atomic_load_n(&result->done, __ATOMIC_ACQUIRE))
            return true;
        __asm__ volatile("pause");
    }
    return false;
}

int main(const struct boot_info *boot)
{
    check_equal("number of CPUs", boot->vcpu_count, number_read(boot->command));
    check_equal("the first CPU's APIC id", cpuid(1, 0).ebx >> 24, 0);
    check("ptlcalls by port", ptlcall_init() && ptlcall_use(PTLCALL_BY_PORT));

    for (unsigned cpu = 1; cpu < boot->vcpu_count; cpu++) {
        struct result result = {0};

        check("another CPU starts", smp_start(cpu, run_cpu, &result));
        check("it makes a call", wait_for(&result));
        check_equal("its APIC id", result.apic_id, cpu);
        check_equal("it finds the ptlcall leaf", result.leaf, PTLCALL_CPUID_FOUND);
        check_result("its call is answered", result.call, PTLCALL_VERSION_NUMBER);
    }
    return check_summary();
}
