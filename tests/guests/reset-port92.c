/* A reset by port 0x92, as PC software does it: bit 0 from 0 to 1, and the others unchanged. */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define PORT92     0x92
#define FAST_RESET 0x01

int main(const struct boot_info *boot)
{
    uint8_t value = in8(PORT92);

    (void)boot;
    out8(PORT92, value & (uint8_t)~FAST_RESET);
    printf("reset by port 0x92\n");
    out8(PORT92, value | FAST_RESET);
    printf("still here\n");
    return 1;
}
