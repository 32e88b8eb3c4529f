/* Prints a greeting and ends with status 0. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    printf("hello from a guest\n");
    return 0;
}
