/* Jumps to an address without memory. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

#define NOWHERE 0x700000000000ul

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("off into the wild\n");
    ((void (*)(void))NOWHERE)();
    return 1;
}
