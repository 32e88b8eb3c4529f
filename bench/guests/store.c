/* Samples of a store to a device: edu, where there is one, or else an address of the PCI bus. */
#include "bench/guests/measure.h"
#include "guest/abi/edu.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/pci.h"

#define NOBODY 0xe0000000ul

int main(const struct boot_info *boot)
{
    const int slot = pci_find(EDU_VENDOR, EDU_DEVICE);
    const uintptr_t bar = slot < 0 ? NOBODY : pci_read32((unsigned)slot, PCI_REG_BAR(0)) & ~0xfu;

    (void)boot;
    MEASURE(store32(bar + EDU_LIVENESS, 0x5a));
    return 0;
}
