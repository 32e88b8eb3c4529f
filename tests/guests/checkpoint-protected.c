/*
 * A checkpoint from 32-bit protected mode, whose result has its flag in bit 30. Guest argument `port`:
 * by the port; else by the trigger page, which must lie below 4 GiB.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    ptlcall_status result;

    if (!ptlcall_init() ||
        !ptlcall_use(argument_given(boot, "port") ? PTLCALL_BY_PORT : PTLCALL_BY_MMIO))
        return 1;
    printf("before\n");
    result = ptlcall_checkpoint_and_continue("roi");
    printf("after: 0x%lx\n", (ptlcall_word)result);
    return ptlcall_is_restored(result) ? 7 : 3;
}
