/* Unclaimed addresses read as ones, and writes there are dropped. */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define PORT    0x300
#define ADDRESS 0xd0000000ul /* below 4 GiB, above the RAM of such a small guest */

int main(const struct boot_info *boot)
{
    (void)boot;
    check_equal("in, 1 byte", in8(PORT), 0xff);
    check_equal("in, 2 bytes", in16(PORT), 0xffff);
    check_equal("in, 4 bytes", in32(PORT), 0xffffffff);
    check_equal("load, 1 byte", load8(ADDRESS), 0xff);
    check_equal("load, 2 bytes", load16(ADDRESS), 0xffff);
    check_equal("load, 4 bytes", load32(ADDRESS), 0xffffffff);
    check_equal("load, 8 bytes", load64(ADDRESS), ~0ull);
    check_equal("load, unaligned", load64(ADDRESS + 0xffd), ~0ull);

    out8(PORT, 1);
    out16(PORT, 2);
    out32(PORT, 3);
    store32(ADDRESS, 4);
    store64(ADDRESS, 5);
    check_equal("in, after out", in32(PORT), 0xffffffff);
    check_equal("load, after store", load64(ADDRESS), ~0ull);
    return check_summary();
}
