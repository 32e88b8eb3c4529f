/* Runs for ever in ring 3, where the code may run natively. */
#include "guest/lib/console.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"

#include <stddef.h>

static uint64_t spin(void *argument)
{
    for (;;)
        __asm__ volatile("" : : "r"(argument));
    return 0;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("spinning in ring 3\n");
    exceptions_init();
    ring3_call(spin, NULL);
    return 1;
}
