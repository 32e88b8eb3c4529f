/* Halts with interrupts off: the guest's quiet end, status 0. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("halting\n");
    __asm__ volatile("cli; hlt");
    printf("not reached\n");
    return 1;
}
