/*
 * The device `ptlcall-pci`: the trigger page and the port as the BARs of a PCI function. A Linux
 * process reaches them through /sys/bus/pci/devices/…/resource0 and resource1.
 */
#include "devices/ptlcall.h"

#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

static const struct pci_identity ptlcall_pci_identity = {
    .vendor = PTLCALL_PCI_VENDOR,
    .device = PTLCALL_PCI_DEVICE,
    .revision = PTLCALL_VERSION_NUMBER,
    .class_code = 0xff, /* no other class fits */
    .bars =
        {
            {
                .kind = PCI_BAR_MEMORY32,
                .size = PAGE_SIZE,
                .index = PTLCALL_REGION_TRIGGER,
                .widest = 8,
                .registers = true,
                .whole = true,
                .name = "ptlcall-pci trigger",
            },
            {
                .kind = PCI_BAR_IO,
                .size = PTLCALL_PORTS,
                .index = PTLCALL_REGION_PORT,
                .widest = 4,
                .registers = true,
                .whole = true,
                .name = "ptlcall-pci port",
            },
        },
};

static void ptlcall_pci_write(struct device *device, const struct device_access *access,
                              uint64_t value)
{
    static const char *const vias[PTLCALL_REGIONS] = {"pci-mmio", "pci-port"};

    (void)value;
    ptlcall_store(&((struct ptlcall_pci *)device)->ptlcall, access, vias);
}

static int ptlcall_pci_create(struct device *device, struct error *error)
{
    struct ptlcall_pci *ptlcall = (struct ptlcall_pci *)device;
    int result = ptlcall_open(&ptlcall->ptlcall, device->machine, device->name, error);

    if (result < 0)
        return result;
    result = pci_attach(&ptlcall->pci, &device->machine->pci, &ptlcall_pci_identity, error);
    if (result < 0)
        ptlcall_close(&ptlcall->ptlcall);
    return result;
}

static void ptlcall_pci_reset(struct device *device)
{
    struct ptlcall_pci *ptlcall = (struct ptlcall_pci *)device;

    ptlcall_clear(&ptlcall->ptlcall);
    pci_reset(&ptlcall->pci);
}

static int ptlcall_pci_finish(struct device *device, struct error *error)
{
    return ptlcall_finish_log(&((struct ptlcall_pci *)device)->ptlcall, error);
}

static void ptlcall_pci_destroy(struct device *device)
{
    ptlcall_close(&((struct ptlcall_pci *)device)->ptlcall);
}

static const struct property ptlcall_pci_properties[] = {
    PCI_ADDR_PROPERTY,
    PTLCALL_LOG_PROPERTY(struct ptlcall_pci),
    {.name = NULL},
};

static const struct state_field ptlcall_pci_fields[] = {
    PCI_STATE,
    PTLCALL_STATE(struct ptlcall_pci),
    {.name = NULL},
};

static int ptlcall_pci_loaded(struct device *device, struct error *error)
{
    const int result = pci_loaded(device, error);

    if (result == 0)
        ptlcall_resume(&((struct ptlcall_pci *)device)->ptlcall);
    return result;
}

static const struct device_state ptlcall_pci_state = {
    .version = 1,
    .fields = ptlcall_pci_fields,
    .loaded = ptlcall_pci_loaded,
};

const struct device_type ptlcall_pci_type = {
    .name = "ptlcall-pci",
    .help = "ptlcalls by a PCI function: BAR0 is a trigger page, BAR1 the port",
    .instance_size = sizeof(struct ptlcall_pci),
    .locking = DEVICE_LOCKED,
    .needs = HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_OUT_FILE) | HOST_NEED(HOST_CHECKPOINT),
    .properties = ptlcall_pci_properties,
    .state = &ptlcall_pci_state,
    .create = ptlcall_pci_create,
    .read = ptlcall_load,
    .write = ptlcall_pci_write,
    .reset = ptlcall_pci_reset,
    .finish = ptlcall_pci_finish,
    .destroy = ptlcall_pci_destroy,
};
