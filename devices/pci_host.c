/*
 * The host bridge: configuration mechanism #1 at ports 0xcf8 and 0xcfc, and the function 00:00.0,
 * which identifies itself as an i440FX, since guests know that. PCI 3.0 section 3.2.2.3.2.
 */
#include "guest/abi/pci.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/io/pci.h"

#define ADDRESS_BITS                                                                               \
    (PCI_ADDRESS_ENABLE | 0x00fffffc) /* the other bits are reserved and read as 0 */

enum { REGION_ADDRESS, REGION_DATA };

struct pci_host {
    struct pci_device pci;
    uint32_t address;
};

static const struct property pci_host_properties[] = {{0}};

static const struct pci_identity identity = {
    .vendor = 0x8086,
    .device = 0x1237,
    .revision = 2,
    .class_code = 6, /* bridge, host: PCI 3.0 appendix D */
    .subsystem_vendor = PCI_VENDOR_REDHAT,
    .subsystem = 0x1100,
};

static int pci_host_create(struct device *device, struct error *error)
{
    const struct device_claim claims[] = {
        {.space = BUS_PIO,
         .index = REGION_ADDRESS,
         .base = PCI_PORT_ADDRESS,
         .size = 4,
         .widest = 4,
         .name = "pci-host"},
        {.space = BUS_PIO,
         .index = REGION_DATA,
         .base = PCI_PORT_DATA,
         .size = 4,
         .widest = 4,
         .name = "pci-host"},
    };
    struct pci_host *host = (struct pci_host *)device;
    int result = device_claim_all(device, claims, sizeof(claims) / sizeof(claims[0]), error);

    if (result < 0)
        return result;
    host->pci.addr = 0;
    return pci_attach(&host->pci, &device->machine->pci, &identity, error);
}

/* The address register is one double word; narrower accesses do not reach it. */
static uint64_t pci_host_read(struct device *device, const struct device_access *access)
{
    const struct pci_host *host = (const struct pci_host *)device;

    if (access->region == REGION_DATA)
        return pci_config_read(&device->machine->pci, host->address, (unsigned)access->offset,
                               access->size);
    return access->size == 4 ? host->address : UINT32_MAX;
}

static void pci_host_write(struct device *device, const struct device_access *access,
                           uint64_t value)
{
    struct pci_host *host = (struct pci_host *)device;

    if (access->region == REGION_DATA)
        pci_config_write(&device->machine->pci, host->address, (unsigned)access->offset,
                         access->size, (uint32_t)value);
    else if (access->size == 4)
        host->address = (uint32_t)value & ADDRESS_BITS;
}

static void pci_host_reset(struct device *device)
{
    struct pci_host *host = (struct pci_host *)device;

    host->address = 0;
    pci_reset(&host->pci);
}

static const struct state_field pci_host_fields[] = {
    PCI_STATE,
    STATE_BITS(struct pci_host, address, ADDRESS_BITS),
    {0},
};

static const struct device_state pci_host_state = {
    .version = 1,
    .fields = pci_host_fields,
    .loaded = pci_loaded,
};

const struct device_type pci_host_type = {
    .name = "pci-host",
    .help = "PCI host bridge: configuration space at ports 0xcf8 to 0xcff",
    .instance_size = sizeof(struct pci_host),
    .locking = DEVICE_LOCKED,
    .properties = pci_host_properties,
    .state = &pci_host_state,
    .create = pci_host_create,
    .read = pci_host_read,
    .write = pci_host_write,
    .reset = pci_host_reset,
};
