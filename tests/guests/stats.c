/*
 * A known number of each kind of exit, and no others: 100 OUT and 10 IN of unclaimed ports, 50
 * loads and 25 stores of an unclaimed address, 5 ptlcalls, and the OUT that ends the guest.
 */
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#define ADDRESS 0xd0000000ul

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    for (unsigned i = 0; i < 100; i++)
        out8(0x280, (uint8_t)i);
    for (unsigned i = 0; i < 10; i++)
        in8(0x300);
    for (unsigned i = 0; i < 50; i++)
        load32(ADDRESS);
    for (unsigned i = 0; i < 25; i++)
        store32(ADDRESS, i);
    for (unsigned i = 0; i < 5; i++)
        ptlcall_version();
    return 0;
}
