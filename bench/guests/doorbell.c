/* Samples of an OUT to the device doorbell. */
#include "guest/abi/doorbell.h"
#include "bench/guests/measure.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    (void)boot;
    MEASURE(out8(DOORBELL_PORT, 0x5a));
    return 0;
}
