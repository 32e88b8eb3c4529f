/* Writes to the console for ever. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    for (unsigned long line = 0;; line++)
        printf("line %lu of a flood\n", line);
}
