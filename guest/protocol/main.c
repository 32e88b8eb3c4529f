/*
 * The protocol guest: finds the ptlcall leaf and makes every call, by both methods, in ring 0 and
 * in ring 3. Its status is the number of failures.
 *
 * Guest argument "files": also the calls that write files.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

/* registers.S */
uint64_t registers_kept(uint64_t method, uint64_t trigger);

struct way {
    const char *name;
    uint32_t method;
    bool ring3;
};

static const struct way ways[] = {
    {"trigger page, ring 0", PTLCALL_BY_MMIO, false},
    {"port, ring 0", PTLCALL_BY_PORT, false},
    {"trigger page, ring 3", PTLCALL_BY_MMIO, true},
    {"port, ring 3", PTLCALL_BY_PORT, true},
};

static void check_discovery(void)
{
    struct cpuid leaf = cpuid(PTLCALL_CPUID_LEAF, 0);
    const struct ptlcall_discovery *discovery;

    check_equal("the ptlcall leaf of CPUID answers \"YES!\"", leaf.eax, PTLCALL_CPUID_FOUND);
    check("ptlcall_init() finds a method", ptlcall_init());
    discovery = ptlcall_discovered();
    check_equal("trigger page and port are offered", discovery->methods,
                PTLCALL_BY_MMIO | PTLCALL_BY_PORT);
    printf("trigger page 0x%lx, port 0x%x\n", discovery->trigger, discovery->port);
}

static void check_calls(void)
{
    const char *const list[] = {"-stopinsns 1m", "-stopcycle inf"};

    check_equal("version", (uint64_t)ptlcall_version(), PTLCALL_VERSION_NUMBER);
    check_result("marker", ptlcall_marker(0x1234), 0);
    check_result("log", ptlcall_log("hello from the protocol guest"), PTLCALL_OP_LOG);
    check_result("enqueue one string", ptlcall_single_enqueue("-corefreq 2g"), PTLCALL_OP_ENQUEUE);
    check_result("enqueue two strings", ptlcall_multi_enqueue(list, 2), PTLCALL_OP_ENQUEUE);
    check_result("flush two strings", ptlcall_multi_flush(list, 2), PTLCALL_OP_ENQUEUE);
}

static void check_simulation(void)
{
    check_result("switch to sim", ptlcall_switch_to_sim(), PTLCALL_OP_ENQUEUE);
    check_equal("version while simulating", (uint64_t)ptlcall_version(),
                PTLCALL_SIMULATING | PTLCALL_VERSION_NUMBER);
    check_result("snapshot into the log", ptlcall_single_flush("-snapshot-now -run"),
                 PTLCALL_OP_ENQUEUE);
    check_result("switch to native", ptlcall_switch_to_native(), PTLCALL_OP_ENQUEUE);
    check_equal("version after that", (uint64_t)ptlcall_version(), PTLCALL_VERSION_NUMBER);
}

static void check_errors(void)
{
    check_result("an unknown op", ptlcall(99, 0, 0, 0, 0, 0, 0), -PTLCALL_EINVAL);
    check_result("a pointer to nothing", ptlcall(PTLCALL_OP_LOG, 1ull << 45, 5, 0, 0, 0, 0),
                 -PTLCALL_EFAULT);
    check_result("a string that is too long",
                 ptlcall(PTLCALL_OP_LOG, BOOT_INFO, PTLCALL_LOG_MAX + 1, 0, 0, 0, 0),
                 -PTLCALL_E2BIG);
    check_result("a checkpoint with no such action",
                 ptlcall(PTLCALL_OP_CHECKPOINT, (ptlcall_word) "protocol", 8,
                         PTLCALL_CHECKPOINT_PAUSE_ONLY + 1, 0, 0, 0),
                 -PTLCALL_EINVAL);
}

static uint64_t walk(void *argument)
{
    const struct way *way = argument;

    if (way->method == PTLCALL_BY_MMIO || ptlcall_discovered()->port == PTLCALL_DEFAULT_PORT)
        check_equal("only RAX changes", registers_kept(way->method, ptlcall_discovered()->trigger),
                    0);
    check_calls();
    check_simulation();
    check_errors();
    return 0;
}

int main(const struct boot_info *boot)
{
    exceptions_init();
    check_group("discovery");
    check_discovery();

    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct way way = ways[i];
        check_group(way.name);
        check("can be used", ptlcall_use(way.method));
        if (way.ring3)
            ring3_call(walk, &way);
        else
            walk(&way);
    }

    if (argument_given(boot, "files")) {
        check_group("files");
        check_result("capture stats", ptlcall_capture_stats("protocol"), PTLCALL_OP_ENQUEUE);
        check_result("core dump", ptlcall_core_dump("0123456789", 10, "protocol", 11),
                     PTLCALL_OP_CORE_DUMP);
        check_result("checkpoint", ptlcall_plain(ptlcall_checkpoint_and_continue("protocol")),
                     PTLCALL_OP_CHECKPOINT);
    }
    check_group("");
    return check_summary();
}
