/*
 * Trigger and port at the addresses given by options. Guest arguments: the trigger's address, the
 * port.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

int main(const struct boot_info *boot)
{
    const char *second = boot->command;

    while (*second != '\0' && *second != ' ')
        second++;
    check("ptlcall_init() finds a method", ptlcall_init());
    check_equal("trigger", ptlcall_discovered()->trigger, number_read(boot->command));
    check_equal("port", ptlcall_discovered()->port, number_read(*second ? second + 1 : second));
    check_equal("version by the trigger", (uint64_t)ptlcall_version(), PTLCALL_VERSION_NUMBER);
    check("the port can be used", ptlcall_use(PTLCALL_BY_PORT));
    check_equal("version by the port", (uint64_t)ptlcall_version(), PTLCALL_VERSION_NUMBER);
    return check_summary();
}
