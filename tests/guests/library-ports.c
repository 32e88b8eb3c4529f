/*
 * For tests/system/library: writes 1 to 10 to port 0x510c, reads port 0x510d, and ends with the
 * value. Guest argument wait=1: waits first until port 0x510e reads as another byte than 0.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define SUM_PORT    0x510cu
#define STATUS_PORT 0x510du
#define GO_PORT     0x510eu

int main(const struct boot_info *boot)
{
    if (boot->command[0] != '\0')
        while (in8(GO_PORT) == 0)
            ;
    for (uint8_t number = 1; number <= 10; number++)
        out8(SUM_PORT, number);
    return in8(STATUS_PORT) & 0x7f;
}
