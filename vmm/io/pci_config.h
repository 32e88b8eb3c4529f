/* What vmm/io/pci.c and vmm/io/pci_config.c share: registers of configuration space. */
#ifndef VMM_IO_PCI_CONFIG_H
#define VMM_IO_PCI_CONFIG_H

#include "guest/abi/pci.h"
#include "vmm/io/pci.h"

#define PCI_MSI 0x40u /* where the MSI capability is, if there is one */

/* Registers are little-endian, and (reg) + (size) lies inside configuration space. */
uint32_t pci_register(const struct pci_device *pci, unsigned reg, unsigned size);
void pci_register_put(uint8_t *space, unsigned reg, unsigned size, uint32_t value);

/*
 * Let the buses and the interrupt be as configuration space says, which changed. The lock of the
 * bus is held.
 */
void pci_apply_bars(struct pci_device *pci);
void pci_apply_interrupt(struct pci_device *pci);

/* Is the device's INTA# up, as configuration space has it? */
bool pci_raises_intx(const struct pci_device *pci);

#endif
