/*
 * For tests/system/library: the op 100, which only a stub implements, a marker, VERSION, and
 * simulation on and off. Each result is printed.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#define OP_OF_A_STUB 100

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    printf("op 100: %ld\n", ptlcall(OP_OF_A_STUB, 40, 2, 0, 0, 0, 0));
    printf("marker: %ld\n", ptlcall_marker(7));
    printf("version: 0x%lx\n", (unsigned long)ptlcall_version());
    printf("run: %ld\n", ptlcall_single_flush("-run"));
    printf("version: 0x%lx\n", (unsigned long)ptlcall_version());
    printf("stop: %ld\n", ptlcall_single_flush("-stop"));
    printf("version: 0x%lx\n", (unsigned long)ptlcall_version());
    return 0;
}
