/* Samples of the ptlcall VERSION by a store to the trigger page, at its preset address. */
#include "bench/guests/measure.h"
#include "guest/abi/ptlcall.h"
#include "guest/lib/guest.h"

static inline uint64_t call_version(void)
{
    uint64_t result = PTLCALL_OP_VERSION;

    __asm__ volatile("mov %%eax, (%[trigger])"
                     : "+a"(result)
                     : [trigger] "r"(PTLCALL_DEFAULT_TRIGGER)
                     : "memory");
    return result;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    if (call_version() != PTLCALL_VERSION_NUMBER)
        return 1;
    MEASURE(call_version());
    return 0;
}
