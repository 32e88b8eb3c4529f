/* Calls from 32-bit protected mode without paging: pointers are physical. */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#define PAST_RAM  0xf0000000ul
#define LAST_BYTE 0xfffffffful

int main(const struct boot_info *boot)
{
    (void)boot;
    check("a method is found", ptlcall_init());
    check("the trigger page is out of reach", !ptlcall_use(PTLCALL_BY_MMIO));
    check_result("version", ptlcall_version(), PTLCALL_VERSION_NUMBER);
    check_result("marker", ptlcall_marker(0xffffffff), 0);
    check_result("log", ptlcall_log("a line from protected mode"), PTLCALL_OP_LOG);
    check_result("enqueue", ptlcall_single_flush("-run -stop"), PTLCALL_OP_ENQUEUE);
    check_result("an unknown op", ptlcall(7, 0, 0, 0, 0, 0, 0), -PTLCALL_EINVAL);
    check_result("a pointer past RAM", ptlcall(PTLCALL_OP_LOG, PAST_RAM, 4, 0, 0, 0, 0),
                 -PTLCALL_EFAULT);
    check_result("a range past 4 GiB", ptlcall(PTLCALL_OP_LOG, LAST_BYTE, 4, 0, 0, 0, 0),
                 -PTLCALL_EFAULT);
    check_result("length 2^32 - 1", ptlcall(PTLCALL_OP_LOG, 0, LAST_BYTE, 0, 0, 0, 0),
                 -PTLCALL_E2BIG);
    return check_summary();
}
