/* Echoes the input, until a 'q'. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    char byte;

    (void)boot;
    printf("ready\n");
    do {
        byte = console_get();
        console_put(byte);
    } while (byte != 'q');
    printf("\nbye\n");
    return 0;
}
