/* Requests one checkpoint after the other, for ever; a copy ends at once, with status 7. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    ptlcall_status result;

    (void)boot;
    if (!ptlcall_init())
        return 1;
    printf("ready\n");
    do
        result = ptlcall_checkpoint_and_continue("roi");
    while (!ptlcall_is_restored(result));
    return 7;
}
