/* PCI devices in checkpoints: configuration space, and what follows from it. */
#include "vmm/core/machine.h"
#include "vmm/io/pci_config.h"

/* The field that cannot be as it is; NULL: they all can. */
static const char *impossible(const struct pci_device *pci)
{
    const uint16_t status = (uint16_t)pci_register(pci, PCI_REG_STATUS, 2);

    if (pci->interrupt && !pci->identity->interrupts)
        return "interrupt";
    if ((status & PCI_STATUS_INTERRUPT) != (pci->interrupt ? PCI_STATUS_INTERRUPT : 0))
        return "config";
    for (unsigned at = 0; at < PCI_CONFIG_SIZE; at++) {
        uint8_t fixed = (uint8_t)~pci->writable[at];

        if (at == PCI_REG_STATUS)
            fixed &= (uint8_t)~PCI_STATUS_INTERRUPT;
        if ((pci->config[at] ^ pci->start[at]) & fixed)
            return "config";
    }
    return NULL;
}

int pci_loaded(struct device *device, struct error *error)
{
    struct pci_device *pci = (struct pci_device *)device;
    const char *field;

    pthread_mutex_lock(&pci->bus->lock);
    field = impossible(pci);
    if (!field) {
        irq_restore(&pci->intx, pci_raises_intx(pci));
        pci_apply_bars(pci);
    }
    pthread_mutex_unlock(&pci->bus->lock);
    return field ? state_refuse(device, field, error) : 0;
}
