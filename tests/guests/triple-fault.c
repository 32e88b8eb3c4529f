/* An exception without an IDT. */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    const struct table_register none = {0, 0};

    (void)boot;
    printf("now a triple fault\n");
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
    return 1;
}
