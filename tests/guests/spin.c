/* Runs for ever without an exit. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("spinning\n");
    for (;;)
        __asm__ volatile("");
}
