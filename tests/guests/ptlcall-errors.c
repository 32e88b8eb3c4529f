/* Every error of the calls: each returns its number, has no effect, and the guest continues. */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define UNMAPPED      0x700000000000ull
#define NOT_CANONICAL 0x8000000000000000ull
#define LAST_BYTES    0xfffffffffffffff8ull /* the last 8 bytes of the address space */
#define HUGE          0xffffffffffffffffull

#define EFAULT (-PTLCALL_EFAULT)
#define EINVAL (-PTLCALL_EINVAL)
#define E2BIG  (-PTLCALL_E2BIG)

static char text[PTLCALL_COMMANDS_MAX + 1];
static uint64_t ram_end;

static ptlcall_status log_call(uint64_t string, uint64_t length)
{
    return ptlcall(PTLCALL_OP_LOG, string, length, 0, 0, 0, 0);
}

static ptlcall_status enqueue_call(const void *descriptors, uint64_t count)
{
    return ptlcall(PTLCALL_OP_ENQUEUE, (uint64_t)descriptors, count, 0, 0, 0, 0);
}

static ptlcall_status core_call(uint64_t buffer, uint64_t size, const char *name, uint64_t length)
{
    return ptlcall(PTLCALL_OP_CORE_DUMP, buffer, size, (uint64_t)name, length, 11, 0);
}

static bool simulating(void)
{
    return ((uint64_t)ptlcall_version() & PTLCALL_SIMULATING) != 0;
}

static void check_ops(void)
{
    check_group("op");
    check_result("6", ptlcall(6, 0, 0, 0, 0, 0, 0), EINVAL);
    check_result("-1", ptlcall(HUGE, 0, 0, 0, 0, 0, 0), EINVAL);
    check_result("the largest", ptlcall(0x7fffffff, 0, 0, 0, 0, 0, 0), EINVAL);
    check_result("the smallest", ptlcall(0x80000000, 0, 0, 0, 0, 0, 0), EINVAL);
    check_result("its high half does not count", ptlcall(0xabcd00000000, 0, 0, 0, 0, 0, 0),
                 PTLCALL_VERSION_NUMBER);
}

static void check_log(void)
{
    uint64_t string = (uint64_t)text, trigger = ptlcall_discovered()->trigger;

    check_group("log");
    check_result("the longest", log_call(string, PTLCALL_LOG_MAX), PTLCALL_OP_LOG);
    check_result("one byte more", log_call(string, PTLCALL_LOG_MAX + 1), E2BIG);
    check_result("length 2^64 - 1", log_call(string, HUGE), E2BIG);
    check_result("nothing", log_call(string, 0), PTLCALL_OP_LOG);
    check_result("nothing at a wrong address", log_call(UNMAPPED, 0), PTLCALL_OP_LOG);
    check_result("an unmapped address", log_call(UNMAPPED, 5), EFAULT);
    check_result("an address that is not canonical", log_call(NOT_CANONICAL, 5), EFAULT);
    check_result("a range that wraps around", log_call(LAST_BYTES, 16), EFAULT);
    check_result("the last bytes of RAM", log_call(ram_end - 8, 8), PTLCALL_OP_LOG);
    check_result("one byte past RAM", log_call(ram_end - 8, 9), EFAULT);
    check_result("the trigger page itself", log_call(trigger, 5), EFAULT);
}

static void check_enqueue_pointers(void)
{
    const struct ptlcall_descriptor bad_string = {UNMAPPED, 4};
    const struct ptlcall_descriptor wraps = {LAST_BYTES, 16};

    check_group("enqueue");
    check_result("no descriptors", enqueue_call((const void *)UNMAPPED, 0), PTLCALL_OP_ENQUEUE);
    check_result("unmapped descriptors", enqueue_call((const void *)UNMAPPED, 1), EFAULT);
    check_result("descriptors past RAM", enqueue_call((const void *)(ram_end - 8), 1), EFAULT);
    check_result("descriptors that wrap around", enqueue_call((const void *)LAST_BYTES, 1), EFAULT);
    check_result("an unmapped string", enqueue_call(&bad_string, 1), EFAULT);
    check_result("a string that wraps around", enqueue_call(&wraps, 1), EFAULT);
}

static void check_enqueue_limits(void)
{
    static struct ptlcall_descriptor many[PTLCALL_DESCRIPTORS_MAX + 1];
    const struct ptlcall_descriptor longest = {(uint64_t)text, PTLCALL_COMMANDS_MAX};
    const struct ptlcall_descriptor longer = {(uint64_t)text, PTLCALL_COMMANDS_MAX + 1};
    const struct ptlcall_descriptor huge = {(uint64_t)text, HUGE};
    const struct ptlcall_descriptor sum_wraps[] = {{(uint64_t)text, 1ull << 63},
                                                   {(uint64_t)text, 1ull << 63}};
    const struct ptlcall_descriptor sum_long[] = {{(uint64_t)text, PTLCALL_COMMANDS_MAX / 2},
                                                  {(uint64_t)text, PTLCALL_COMMANDS_MAX / 2 + 1}};

    check_result("the most descriptors", enqueue_call(many, PTLCALL_DESCRIPTORS_MAX),
                 PTLCALL_OP_ENQUEUE);
    check_result("one descriptor more", enqueue_call(many, PTLCALL_DESCRIPTORS_MAX + 1), E2BIG);
    check_result("2^64 - 1 descriptors", enqueue_call(many, HUGE), E2BIG);
    check_result("2^60 descriptors, whose size is 2^64", enqueue_call(many, 1ull << 60), E2BIG);
    check_result("the longest string", enqueue_call(&longest, 1), PTLCALL_OP_ENQUEUE);
    check_result("one byte more", enqueue_call(&longer, 1), E2BIG);
    check_result("length 2^64 - 1", enqueue_call(&huge, 1), E2BIG);
    check_result("lengths whose sum is 2^64", enqueue_call(sum_wraps, 2), E2BIG);
    check_result("lengths whose sum is too long", enqueue_call(sum_long, 2), E2BIG);
}

static void check_enqueue_effects(void)
{
    const struct ptlcall_descriptor half_bad[] = {{(uint64_t) "-run", 4}, {UNMAPPED, 4}};

    check_result("-run, then a bad string", enqueue_call(half_bad, 2), EFAULT);
    check("that -run had no effect", !simulating());
    check_result("-run, then no number", ptlcall_single_flush("-run -stopinsns many"), EINVAL);
    check("that -run had no effect", !simulating());
    check_result("an open quote", ptlcall_single_flush("-run \"x"), EINVAL);
    check_result("a word without -", ptlcall_single_flush("run"), EINVAL);
    check_result("a number over 2^64", ptlcall_single_flush("-stopinsns 99999999999t"), EINVAL);
    check_result("-snapshot-now ../x", ptlcall_single_flush("-snapshot-now ../x"), EINVAL);
    check_result("-snapshot-now /x", ptlcall_single_flush("-snapshot-now /x"), EINVAL);
    check_result("a host command is refused, the list is not",
                 ptlcall_single_flush("-execute-after-kill \"touch x\" -logfile x -stats x -run"),
                 PTLCALL_OP_ENQUEUE);
    check("-run behind it had its effect", simulating());
    check_result("-stop after a stray -stop", ptlcall_single_flush("-stop -stop -run -stop"),
                 PTLCALL_OP_ENQUEUE);
    check("-stop had its effect", !simulating());
}

static const struct {
    const char *what, *name;
} names[] = {
    {"name with /", "a/b"}, {"name ..", ".."},  {"name ../x", "../x"}, {"name /x", "/x"},
    {"name .x", ".x"},      {"empty name", ""}, {"newline", "a\nb"},   {"name with \\", "a\\b"},
};

static void check_core_dump(void)
{
    uint64_t buffer = (uint64_t)text;

    check_group("core dump");
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check_result(names[i].what, core_call(buffer, 8, names[i].name, strlen(names[i].name)),
                     EINVAL);
    check_result("a 0 in the name", core_call(buffer, 8, "a\0b", 3), EINVAL);
    check_result("a name that is too long", core_call(buffer, 8, text, PTLCALL_NAME_MAX + 1),
                 E2BIG);
    check_result("name length 2^64 - 1", core_call(buffer, 8, text, HUGE), E2BIG);
    check_result("an unmapped name", core_call(buffer, 8, (const char *)UNMAPPED, 4), EFAULT);
    check_result("too large", core_call(buffer, PTLCALL_CORE_MAX + 1ull, "large", 5), E2BIG);
    check_result("size 2^64 - 1", core_call(buffer, HUGE, "large", 5), E2BIG);
    check_result("unmapped memory", core_call(UNMAPPED, 8, "unmapped", 8), EFAULT);
    check_result("memory that wraps around", core_call(LAST_BYTES, 16, "wraps", 5), EFAULT);
    check_result("memory that ends early", core_call(ram_end - 0x20000, 0x20001, "early", 5),
                 EFAULT);
}

static ptlcall_status checkpoint_call(const char *name, uint64_t length, uint64_t action)
{
    return ptlcall(PTLCALL_OP_CHECKPOINT, (uint64_t)name, length, action, 0, 0, 0);
}

/* A call that would write no file must name an allowed one, too. */
static void check_checkpoint(void)
{
    check_group("checkpoint");
    for (unsigned action = 0; action <= PTLCALL_CHECKPOINT_PAUSE_ONLY; action++)
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            check_result(names[i].what,
                         checkpoint_call(names[i].name, strlen(names[i].name), action), EINVAL);
    check_result("a 0 in the name", checkpoint_call("a\0b", 3, 0), EINVAL);
    check_result("a name that is too long", checkpoint_call(text, PTLCALL_NAME_MAX + 1, 0), E2BIG);
    check_result("name length 2^64 - 1", checkpoint_call(text, HUGE, 0), E2BIG);
    check_result("an unmapped name", checkpoint_call((const char *)UNMAPPED, 4, 0), EFAULT);
    check_result("a name that wraps around", checkpoint_call((const char *)LAST_BYTES, 16, 0),
                 EFAULT);
    check_result("action 5", checkpoint_call("errors", 6, 5), EINVAL);
    check_result("action 2^32", checkpoint_call("errors", 6, 1ull << 32), EINVAL);
    check_result("action 2^64 - 1", checkpoint_call("errors", 6, HUGE), EINVAL);
}

int main(const struct boot_info *boot)
{
    ram_end = boot->low_end;
    memset(text, ' ', sizeof(text));
    check("a method is found", ptlcall_init());
    check_ops();
    check_log();
    check_enqueue_pointers();
    check_enqueue_limits();
    check_enqueue_effects();
    check_core_dump();
    check_checkpoint();
    check_group("");
    check_result("the guest goes on", ptlcall_marker(1), 0);
    return check_summary();
}
