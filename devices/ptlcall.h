/* The instances of the two ptlcall devices. */
#ifndef DEVICES_PTLCALL_H
#define DEVICES_PTLCALL_H

#include "devices/ptlcall/ptlcall.h"
#include "vmm/io/device.h"
#include "vmm/io/pci.h"

/* The device `ptlcall`: at addresses that do not change, and named by a CPUID leaf. */
struct ptlcall_device {
    struct device device;
    uint64_t trigger; /* gpa of the trigger word */
    uint64_t port;
    struct ptlcall ptlcall;
};

/* The device `ptlcall-pci`: where the guest's BARs say. */
struct ptlcall_pci {
    struct pci_device pci;
    struct ptlcall ptlcall;
};

#endif
