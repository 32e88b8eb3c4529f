/*
 * Runs code in device space: KVM cannot fetch an instruction there, and reports an internal error.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    printf("running the trigger page\n");
    ((void (*)(void))ptlcall_discovered()->trigger)();
    return 1;
}
