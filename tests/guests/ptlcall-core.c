/*
 * Core dumps and snapshots write files: with the right bytes, empty ones, and replacing old ones.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

static char text[100000]; /* more than the monitor copies at a time */

int main(const struct boot_info *boot)
{
    (void)boot;
    memset(text, 'x', sizeof(text));
    memcpy(text + sizeof(text) - 4, "end\n", 4);
    check("a method is found", ptlcall_init());
    check_result("long", ptlcall_core_dump(text, sizeof(text), "long", 6), PTLCALL_OP_CORE_DUMP);
    check_result("empty", ptlcall_core_dump(text, 0, "empty", 6), PTLCALL_OP_CORE_DUMP);
    check_result("first", ptlcall_core_dump("first", 5, "twice", 6), PTLCALL_OP_CORE_DUMP);
    check_result("second", ptlcall_core_dump("second", 6, "twice", 6), PTLCALL_OP_CORE_DUMP);
    check_result("snapshot", ptlcall_capture_stats("roi"), PTLCALL_OP_ENQUEUE);
    check_result("unnamed snapshot", ptlcall_capture_stats(NULL), PTLCALL_OP_ENQUEUE);
    return check_summary();
}
