/*
 * A checkpoint by ptlcall: the result shows whether the requesting guest or a copy of it continues.
 * Guest arguments: continue, shutdown, reboot, pause or pause-only; `port`: by the port; `ring3`:
 * from ring 3.
 */
#include "guest/lib/console.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#include <stddef.h>

static const char *const actions[] = {"continue", "shutdown", "reboot", "pause", "pause-only"};

static unsigned action; /* index into (actions) */

static uint64_t call(void *argument)
{
    (void)argument;
    return (uint64_t)ptlcall_checkpoint_generic("roi", action);
}

static int tell(ptlcall_status result)
{
    if (result < 0) {
        printf("failed: %ld\n", result);
        return 2;
    }
    printf("after: %s, result %ld\n", ptlcall_is_restored(result) ? "restored" : "the same run",
           ptlcall_plain(result));
    return ptlcall_is_restored(result) ? 7 : 3;
}

int main(const struct boot_info *boot)
{
    while (action < PTLCALL_CHECKPOINT_PAUSE_ONLY && !argument_given(boot, actions[action]))
        action++;
    exceptions_init();
    if (!ptlcall_init() || (argument_given(boot, "port") && !ptlcall_use(PTLCALL_BY_PORT)))
        return 1;
    printf("before: %s\n", actions[action]);
    if (argument_given(boot, "ring3"))
        return tell((ptlcall_status)ring3_call(call, NULL));
    return tell((ptlcall_status)call(NULL));
}
