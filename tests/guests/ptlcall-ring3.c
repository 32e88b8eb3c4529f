/*
 * Ptlcalls that are first looked for in ring 3. Guest arguments: what lies at the documented page and
 * port: `page`, `port`, both or none.
 *
 * A KVM that traps CPUID in ring 3 shows the leaf there. One that does not leaves the documented places,
 * which are used as far as they answer.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

static bool leaf_is_shown(void)
{
    return cpuid(PTLCALL_CPUID_LEAF, 0).eax == PTLCALL_CPUID_FOUND;
}

static uint32_t methods_expected(const struct boot_info *boot)
{
    if (leaf_is_shown())
        return PTLCALL_BY_MMIO | PTLCALL_BY_PORT;
    return (argument_given(boot, "page") ? PTLCALL_BY_MMIO : 0) |
           (argument_given(boot, "port") ? PTLCALL_BY_PORT : 0);
}

/* Each method works, or cannot be used. */
static void check_methods(uint32_t methods)
{
    static const struct {
        const char *name;
        uint32_t method;
    } cases[] = {{"page", PTLCALL_BY_MMIO}, {"port", PTLCALL_BY_PORT}};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool offered = (methods & cases[i].method) != 0;
        check_group(cases[i].name);
        check_equal("it can be used", ptlcall_use(cases[i].method), offered);
        if (!offered)
            continue;
        check_result("version", ptlcall_version(), PTLCALL_VERSION_NUMBER);
        check_result("log", ptlcall_log("a line from ring 3"), PTLCALL_OP_LOG);
    }
    check_group("");
}

static uint64_t find_and_call(void *argument)
{
    uint32_t methods = methods_expected(argument);

    check_equal("ptlcall_init() finds them", ptlcall_init(), methods != 0);
    check_equal("methods", ptlcall_discovered()->methods, methods);
    check_result("version", ptlcall_version(),
                 methods != 0 ? (int)PTLCALL_VERSION_NUMBER : -PTLCALL_ENOSYS);
    check_methods(methods);
    return 0;
}

/* What ring 0 finds stays: also what ring 3 could not find by itself. */
static uint64_t find_again(void *argument)
{
    const struct ptlcall_discovery *found = argument;

    check("ptlcall_init() finds what ring 0 has found", ptlcall_init());
    check_equal("the same page", ptlcall_discovered()->trigger, found->trigger);
    check_equal("the same port", ptlcall_discovered()->port, found->port);
    check_result("version", ptlcall_version(), PTLCALL_VERSION_NUMBER);
    return 0;
}

int main(const struct boot_info *boot)
{
    exceptions_init();
    ring3_call(find_and_call, (void *)(uintptr_t)boot);
    if (leaf_is_shown()) { /* to ring 0 always, unless nobody serves them */
        check("ring 0 finds them", ptlcall_init());
        struct ptlcall_discovery found = *ptlcall_discovered();
        ring3_call(find_again, &found);
    }
    return check_summary();
}
