/* Configuration accesses of the guest: mechanism #1, PCI 3.0 section 3.2.2.3.2. */
#include "vmm/io/pci_config.h"

uint32_t pci_register(const struct pci_device *pci, unsigned reg, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)pci->config[reg + i] << (8 * i);
    return value;
}

void pci_register_put(uint8_t *space, unsigned reg, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        space[reg + i] = (uint8_t)(value >> (8 * i));
}

/* Bit 31: enabled; bits 23..16 bus, 15..11 slot, 10..8 function, 7..2 register. */
static struct pci_device *find_function(struct pci_bus *bus, uint32_t address)
{
    if (!(address & PCI_ADDRESS_ENABLE) || address & 0x00ff0700)
        return NULL;
    return bus->slots[address >> 11 & (PCI_SLOTS - 1)];
}

static unsigned find_register(uint32_t address, unsigned offset)
{
    return (address & 0xfc) + (offset & 3);
}

uint32_t pci_config_read(struct pci_bus *bus, uint32_t address, unsigned offset, unsigned size)
{
    uint32_t value = UINT32_MAX >> (32 - 8 * size);
    const struct pci_device *pci;

    pthread_mutex_lock(&bus->lock);
    pci = find_function(bus, address);
    if (pci)
        value = pci_register(pci, find_register(address, offset), size);
    pthread_mutex_unlock(&bus->lock);
    return value;
}

static void write_registers(struct pci_device *pci, unsigned reg, unsigned size, uint32_t value)
{
    for (unsigned at = reg; at < reg + size; at++, value >>= 8)
        pci->config[at] =
            (uint8_t)((pci->config[at] & ~pci->writable[at]) | (value & pci->writable[at]));

    if (reg >= PCI_REG_COMMAND && reg < PCI_REG_BAR(PCI_BARS))
        pci_apply_bars(pci);
    pci_apply_interrupt(pci);
}

void pci_config_write(struct pci_bus *bus, uint32_t address, unsigned offset, unsigned size,
                      uint32_t value)
{
    struct pci_device *pci;

    pthread_mutex_lock(&bus->lock);
    pci = find_function(bus, address);
    if (pci)
        write_registers(pci, find_register(address, offset), size, value);
    pthread_mutex_unlock(&bus->lock);
}
