/* A crash after a milestone: the report shows the last one. */
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define POST_PORT 0x80

int main(const struct boot_info *boot)
{
    (void)boot;
    out8(POST_PORT, 0x29);
    out8(POST_PORT, 0x2a);
    __asm__ volatile("ud2");
    return 1;
}
