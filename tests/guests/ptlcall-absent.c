/* Without a ptlcall device, the library returns -ENOSYS. */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    check("ptlcall_init() finds nothing", !ptlcall_init());
    check("no method can be used", !ptlcall_use(PTLCALL_BY_MMIO) && !ptlcall_use(PTLCALL_BY_PORT));
    check_result("version", ptlcall_version(), -PTLCALL_ENOSYS);
    return check_summary();
}
