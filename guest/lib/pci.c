/* PCI, seen from the guest. */
#include "guest/lib/pci.h"

#include "guest/lib/cpu.h"

#define CAPABILITIES_MAX 48 /* more do not fit: a longer list has a loop */

/* The data port for (reg) once the address register selects it. */
static uint16_t config_select(unsigned slot, unsigned reg)
{
    out32(PCI_PORT_ADDRESS, PCI_ADDRESS(slot, 0, reg));
    return (uint16_t)(PCI_PORT_DATA + (reg & 3));
}

uint8_t pci_read8(unsigned slot, unsigned reg)
{
    return in8(config_select(slot, reg));
}

uint16_t pci_read16(unsigned slot, unsigned reg)
{
    return in16(config_select(slot, reg));
}

uint32_t pci_read32(unsigned slot, unsigned reg)
{
    return in32(config_select(slot, reg));
}

void pci_write8(unsigned slot, unsigned reg, uint8_t value)
{
    out8(config_select(slot, reg), value);
}

void pci_write16(unsigned slot, unsigned reg, uint16_t value)
{
    out16(config_select(slot, reg), value);
}

void pci_write32(unsigned slot, unsigned reg, uint32_t value)
{
    out32(config_select(slot, reg), value);
}

int pci_next(unsigned slot)
{
    for (; slot < PCI_SLOTS; slot++)
        if (pci_read16(slot, PCI_REG_VENDOR) != PCI_NOBODY)
            return (int)slot;
    return -1;
}

int pci_find(uint16_t vendor, uint16_t device)
{
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
        if (pci_read32(slot, PCI_REG_VENDOR) == ((uint32_t)device << 16 | vendor))
            return (int)slot;
    return -1;
}

void pci_command(unsigned slot, uint16_t on, uint16_t off)
{
    uint16_t command = pci_read16(slot, PCI_REG_COMMAND);

    pci_write16(slot, PCI_REG_COMMAND, (uint16_t)((command & ~off) | on));
}

unsigned pci_capability(unsigned slot, uint8_t id)
{
    unsigned at;

    if (!(pci_read16(slot, PCI_REG_STATUS) & PCI_STATUS_CAPABILITIES))
        return 0;
    at = pci_read8(slot, PCI_REG_CAPABILITIES);
    for (unsigned count = 0; at != 0 && count < CAPABILITIES_MAX; count++) {
        if (pci_read8(slot, at) == id)
            return at;
        at = pci_read8(slot, at + 1);
    }
    return 0;
}

/* The address bits of a BAR. */
static uint64_t bar_value(unsigned slot, unsigned bar, bool wide)
{
    uint64_t value = pci_read32(slot, PCI_REG_BAR(bar));

    value &= ~(uint64_t)(value & PCI_BAR_IS_IO ? PCI_BAR_IO_FLAGS : PCI_BAR_MEMORY_FLAGS);
    if (wide)
        value |= (uint64_t)pci_read32(slot, PCI_REG_BAR(bar + 1)) << 32;
    return value;
}

static void bar_write(unsigned slot, unsigned bar, bool wide, uint64_t value)
{
    pci_write32(slot, PCI_REG_BAR(bar), (uint32_t)value);
    if (wide)
        pci_write32(slot, PCI_REG_BAR(bar + 1), (uint32_t)(value >> 32));
}

static bool bar_is_wide(unsigned slot, unsigned bar)
{
    uint32_t value = pci_read32(slot, PCI_REG_BAR(bar));

    return !(value & PCI_BAR_IS_IO) && value & PCI_BAR_IS_64_BIT && bar + 1 < PCI_BARS;
}

struct pci_bar pci_bar_read(unsigned slot, unsigned bar)
{
    uint32_t flags = pci_read32(slot, PCI_REG_BAR(bar));
    uint16_t command = pci_read16(slot, PCI_REG_COMMAND);
    struct pci_bar result = {
        .io = flags & PCI_BAR_IS_IO,
        .wide = bar_is_wide(slot, bar),
        .prefetchable = !(flags & PCI_BAR_IS_IO) && flags & PCI_BAR_IS_PREFETCHABLE,
    };
    uint64_t mask;

    result.address = bar_value(slot, bar, result.wide);
    pci_command(slot, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    bar_write(slot, bar, result.wide, ~0ull);
    mask = bar_value(slot, bar, result.wide);
    bar_write(slot, bar, result.wide, result.address);
    pci_write16(slot, PCI_REG_COMMAND, command);

    /* The lowest bit that can be written. */
    result.size = mask & -mask;
    return result;
}

void pci_bar_move(unsigned slot, unsigned bar, uint64_t address)
{
    bar_write(slot, bar, bar_is_wide(slot, bar), address);
}
