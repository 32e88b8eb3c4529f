/* The instances of the two ptlcall devices. */
#ifndef DEVICES_PTLCALL_H
#define DEVICES_PTLCALL_H

#include "devices/ptlcall/ptlcall.h"
#include "vmm/io/device.h"
#include "vmm/io/pci.h"

/* The device `ptlcall`: at fixed addresses, which a CPUID leaf reports. */
struct ptlcall_device {
    struct device device;
    uint64_t trigger; /* gpa of the trigger word */
    uint64_t port;
    struct ptlcall ptlcall;
};

/* The device `ptlcall-pci`: at the addresses in its BARs. */
struct ptlcall_pci {
    struct pci_device pci;
    struct ptlcall ptlcall;
};

#endif
