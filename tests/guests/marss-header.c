/*
 * MARSSx86's own guest header, compiled as it is, in ring 0 and then ring 3; with the guest argument
 * `ring3`, there at once. The header is not part of this project: this guest is built only where
 * MARSS_PTLCALLS_H names it.
 */
#include MARSS_PTLCALLS_H

#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"

static uint64_t benchmark(void *argument)
{
    char first[] = "-stopinsns 1m", second[] = "-run";
    char *list[] = {first, second};

    (void)argument;
    check("runs under a simulator", is_running_under_ptlsim());
    check_equal("version", ptlcall_version(), 1);
    check_equal("marker", ptlcall_marker(42), 0);
    check_equal("nop", ptlcall_nop(), 2);
    check_equal("version in between", ptlcall_version(), 1ull << 63 | 1);
    check_equal("capture stats", ptlcall_capture_stats("header"), 2);
    check_equal("switch to native", ptlcall_switch_to_native(), 2);
    check_equal("version after that", ptlcall_version(), 1);
    check_equal("enqueue two", ptlcall_multi_enqueue(list, 2), 2);
    check_equal("flush two", ptlcall_multi_flush(list, 2), 2);
    check_equal("enqueue one", ptlcall_single_enqueue("-stop"), 2);
    check_equal("switch to sim", ptlcall_switch_to_sim(), 2);
    check_equal("switch to native", ptlcall_switch_to_native(), 2);
    check_equal("checkpoint", ptlcall_checkpoint_and_continue("header"), 3);
    return 0;
}

static uint64_t sees_leaf(void *argument)
{
    (void)argument;
    return cpuid(PTLSIM_CPUID_MAGIC, 0).eax == PTLSIM_CPUID_FOUND;
}

int main(const struct boot_info *boot)
{
    exceptions_init();
    if (argument_given(boot, "ring3") && !ring3_call(sees_leaf, NULL)) {
        printf("SKIP ring 3 sees the host's CPUID, without the leaf of ptlcalls\n");
        return 0;
    }
    if (!argument_given(boot, "ring3")) {
        check_group("ring 0");
        benchmark(NULL);
    }
    check_group("ring 3");
    ring3_call(benchmark, NULL);
    check_group("");
    return check_summary();
}
