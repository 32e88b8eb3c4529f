/* Halts with interrupts on, but without a source of interrupts: the same end as hlt. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("halting\n");
    __asm__ volatile("sti; hlt");
    printf("not reached\n");
    return 1;
}
