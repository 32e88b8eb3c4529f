/*
 * A checkpoint by ptlcall: who goes on, the guest that asked or a copy of it, is told by the result.
 * Guest argument: continue, shutdown, reboot, pause or pause-only.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

static const char *const actions[] = {"continue", "shutdown", "reboot", "pause", "pause-only"};

static unsigned action_of(const char *word)
{
    unsigned action = 0;

    while (action < PTLCALL_CHECKPOINT_PAUSE_ONLY && strcmp(actions[action], word) != 0)
        action++;
    return action;
}

int main(const struct boot_info *boot)
{
    const unsigned action = action_of(boot->command);
    ptlcall_status result;

    if (!ptlcall_init())
        return 1;
    printf("before: %s\n", actions[action]);
    result = ptlcall_checkpoint_generic("roi", action);
    if (result < 0)
        printf("failed: %ld\n", result);
    else
        printf("after: %s, result %ld\n", ptlcall_is_restored(result) ? "restored" : "the same run",
               ptlcall_plain(result));
    return result < 0 ? 2 : ptlcall_is_restored(result) ? 7 : 3;
}
