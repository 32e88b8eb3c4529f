/* A reset by the keyboard controller, as PC software does it: wait until it is ready, then 0xfe. */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define I8042_COMMAND 0x64
#define INPUT_FULL    0x02
#define PULSE_RESET   0xfe

int main(const struct boot_info *boot)
{
    (void)boot;
    while (in8(I8042_COMMAND) & INPUT_FULL)
        ;
    printf("reset by the keyboard controller\n");
    out8(I8042_COMMAND, PULSE_RESET);
    printf("still here\n");
    return 1;
}
