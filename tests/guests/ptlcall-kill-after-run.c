/* -kill-after-run: the next -stop ends the guest, nothing else does. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    ptlcall_single_flush("-stop");
    ptlcall_single_flush("-kill-after-run -run");
    printf("still running\n");
    ptlcall_switch_to_native();
    printf("not reached\n");
    return 2;
}
