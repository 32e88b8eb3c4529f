/* Samples of OUT to a device. */
#include "bench/guests/measure.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    MEASURE(out8(MEASURE_PORT, 0x5a));
    return 0;
}
