/* -kill ends the guest with status 0, and the commands after it are not run. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    printf("before -kill\n");
    ptlcall_single_flush("-run -kill -snapshot-now never");
    printf("not reached\n");
    return 2;
}
