/* The PCI bus: attaching devices, decoding BARs, raising interrupts. */
#include "vmm/io/pci.h"

#include "guest/abi/pci.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define INTX_GSI 10    /* of even slots; odd slots have the next */
#define PCI_MSI  0x40u /* offset of the MSI capability in a device that has it */

/* Each kind of BAR. */
static const struct bar_kind {
    enum bus_space space;
    unsigned words;   /* registers that it uses; 0: no BAR */
    uint32_t flags;   /* the bits that report its kind to the guest */
    uint16_t command; /* the command register's bit that enables it */
    /*
     * The last address that it may decode. All ones is not an address: the guest writes it to read
     * the size. I/O BARs have 32 bits like others, but a PC's ports have 16.
     */
    uint64_t last;
} bar_kinds[] = {
    [PCI_BAR_NONE] = {0},
    [PCI_BAR_IO] = {BUS_PIO, 1, PCI_BAR_IS_IO, PCI_COMMAND_IO, BUS_PIO_LAST},
    [PCI_BAR_MEMORY32] = {BUS_MMIO, 1, 0, PCI_COMMAND_MEMORY, UINT32_MAX - 1},
    [PCI_BAR_MEMORY64] = {BUS_MMIO, 2, PCI_BAR_IS_64_BIT, PCI_COMMAND_MEMORY, UINT64_MAX - 1},
};

void pci_bus_init(struct pci_bus *bus, struct bus *buses, struct irq_hub *irqs)
{
    memset(bus, 0, sizeof(*bus));
    bus->buses = buses;
    bus->irqs = irqs;
    bus->memory_next = PCI_MEMORY_BASE;
    bus->io_next = PCI_IO_BASE;
    pthread_mutex_init(&bus->lock, NULL);
}

void pci_bus_finish(struct pci_bus *bus)
{
    pthread_mutex_destroy(&bus->lock);
}

/* ---- Registers of configuration space: little-endian; (reg) + (size) lies inside ---- */

static uint32_t get_register(const struct pci_device *pci, unsigned reg, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)pci->config[reg + i] << (8 * i);
    return value;
}

static void put_register(uint8_t *space, unsigned reg, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        space[reg + i] = (uint8_t)(value >> (8 * i));
}

/* ---- State derived from configuration space; the lock of the bus is held ---- */

/* The address in a BAR. Its bits below the size are flags, so that address + size - 1 never wraps. */
static uint64_t bar_address(const struct pci_device *pci, unsigned index)
{
    const struct pci_bar *bar = &pci->identity->bars[index];
    uint64_t value = get_register(pci, PCI_REG_BAR(index), 4);

    if (bar_kinds[bar->kind].words == 2)
        value |= (uint64_t)get_register(pci, PCI_REG_BAR(index + 1), 4) << 32;
    return value & ~(bar->size - 1);
}

static void apply_bar(struct pci_device *pci, unsigned index)
{
    const struct pci_bar *bar = &pci->identity->bars[index];
    const struct bar_kind *kind = &bar_kinds[bar->kind];
    const uint64_t first = bar_address(pci, index);
    const struct bus_region region = {
        .first = first,
        .last = first + (bar->size - 1),
        .device = &pci->device,
        .index = bar->index,
        .widest = bar->widest,
        .registers = bar->registers,
        .whole = bar->whole,
        .name = bar->name,
    };
    const bool decodes =
        get_register(pci, PCI_REG_COMMAND, 2) & kind->command && region.last <= kind->last;

    bus_move(&pci->bus->buses[kind->space], pci->slot * PCI_BARS + index, decodes ? &region : NULL);
}

static void apply_bars(struct pci_device *pci)
{
    for (unsigned index = 0; index < PCI_BARS; index++)
        if (pci->identity->bars[index].kind != PCI_BAR_NONE)
            apply_bar(pci, index);
}

static bool msi_enabled(const struct pci_device *pci)
{
    return pci->identity->interrupts &&
           get_register(pci, PCI_MSI + PCI_MSI_CONTROL, 2) & PCI_MSI_ENABLE;
}

static bool raises_intx(const struct pci_device *pci)
{
    bool disabled = get_register(pci, PCI_REG_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;

    return pci->interrupt && !disabled && !msi_enabled(pci);
}

static void apply_interrupt(struct pci_device *pci)
{
    uint16_t status = (uint16_t)get_register(pci, PCI_REG_STATUS, 2) & ~PCI_STATUS_INTERRUPT;

    if (pci->interrupt)
        status |= PCI_STATUS_INTERRUPT;
    put_register(pci->config, PCI_REG_STATUS, 2, status);
    irq_set(&pci->intx, raises_intx(pci));
}

static void send_msi(const struct pci_device *pci)
{
    uint64_t address = get_register(pci, PCI_MSI + PCI_MSI_ADDRESS, 4) |
                       (uint64_t)get_register(pci, PCI_MSI + PCI_MSI_ADDRESS_HIGH, 4) << 32;

    if (get_register(pci, PCI_REG_COMMAND, 2) & PCI_COMMAND_BUS_MASTER)
        irq_send_message(pci->bus->irqs, address, get_register(pci, PCI_MSI + PCI_MSI_DATA, 2));
}

void pci_set_interrupt(struct pci_device *pci, bool level)
{
    bool rises;

    pthread_mutex_lock(&pci->bus->lock);
    rises = level && !pci->interrupt;
    pci->interrupt = level;
    apply_interrupt(pci);
    if (rises && msi_enabled(pci))
        send_msi(pci);
    pthread_mutex_unlock(&pci->bus->lock);
}

bool pci_may_dma(const struct pci_device *pci)
{
    bool master;

    pthread_mutex_lock(&pci->bus->lock);
    master = get_register(pci, PCI_REG_COMMAND, 2) & PCI_COMMAND_BUS_MASTER;
    pthread_mutex_unlock(&pci->bus->lock);
    return master;
}

void pci_reset(struct pci_device *pci)
{
    pthread_mutex_lock(&pci->bus->lock);
    memcpy(pci->config, pci->start, sizeof(pci->config));
    pci->interrupt = false;
    apply_bars(pci);
    apply_interrupt(pci);
    pthread_mutex_unlock(&pci->bus->lock);
}

static int choose_slot(struct pci_device *pci, const struct pci_bus *bus, struct error *error)
{
    const char *name = pci->device.type->name;

    if (pci->addr < PCI_SLOTS) {
        pci->slot = (unsigned)pci->addr;
        if (!bus->slots[pci->slot])
            return 0;
        return error_set(error, -EBUSY,
                         "device %s: PCI slot %u is taken by device %s; give another addr=", name,
                         pci->slot, bus->slots[pci->slot]->device.type->name);
    }
    for (pci->slot = 1; pci->slot < PCI_SLOTS; pci->slot++)
        if (!bus->slots[pci->slot])
            return 0;
    return error_set(error, -ENOSPC, "device %s: all PCI slots are taken; use fewer devices", name);
}

/* Place a BAR at the first multiple of its size from (*next) on. */
static int place_bar(struct pci_device *pci, unsigned index, uint64_t *next, uint64_t end,
                     struct error *error)
{
    const struct pci_bar *bar = &pci->identity->bars[index];
    const struct bar_kind *kind = &bar_kinds[bar->kind];
    uint64_t mask = ~(bar->size - 1);
    uint64_t base = (*next + bar->size - 1) & mask;

    if (bar->size > end || base > end - bar->size)
        return error_set(error, -ENOSPC,
                         "device %s: no room for BAR %u of %" PRIu64 " bytes; use fewer devices",
                         pci->device.type->name, index, bar->size);
    *next = base + bar->size;
    base |= kind->flags | (bar->prefetchable ? PCI_BAR_IS_PREFETCHABLE : 0);
    for (unsigned half = 0; half < kind->words; half++, base >>= 32, mask >>= 32) {
        put_register(pci->config, PCI_REG_BAR(index + half), 4, (uint32_t)base);
        put_register(pci->writable, PCI_REG_BAR(index + half), 4, (uint32_t)mask);
    }
    pci->config[PCI_REG_COMMAND] |= (uint8_t)kind->command;
    return 0;
}

static int place_bars(struct pci_device *pci, struct pci_bus *bus, struct error *error)
{
    uint64_t memory_next = bus->memory_next;
    uint64_t io_next = bus->io_next;
    int result = 0;

    for (unsigned index = 0; result == 0 && index < PCI_BARS; index++) {
        enum pci_bar_kind kind = pci->identity->bars[index].kind;

        if (kind == PCI_BAR_IO)
            result = place_bar(pci, index, &io_next, PCI_IO_END, error);
        else if (kind != PCI_BAR_NONE)
            result = place_bar(pci, index, &memory_next, PCI_MEMORY_END, error);
    }
    if (result == 0) {
        bus->memory_next = memory_next;
        bus->io_next = io_next;
    }
    return result;
}

static void write_identity(struct pci_device *pci)
{
    const struct pci_identity *identity = pci->identity;

    put_register(pci->config, PCI_REG_VENDOR, 2, identity->vendor);
    put_register(pci->config, PCI_REG_DEVICE, 2, identity->device);
    pci->config[PCI_REG_REVISION] = identity->revision;
    pci->config[PCI_REG_INTERFACE] = identity->interface;
    pci->config[PCI_REG_SUBCLASS] = identity->subclass;
    pci->config[PCI_REG_CLASS] = identity->class_code;
    put_register(pci->config, PCI_REG_SUBSYSTEM_VENDOR, 2, identity->subsystem_vendor);
    put_register(pci->config, PCI_REG_SUBSYSTEM, 2, identity->subsystem);
    put_register(pci->writable, PCI_REG_COMMAND, 2,
                 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER |
                     PCI_COMMAND_INTX_DISABLE);
}

/* INTA#, and MSI with one vector: PCI 3.0 sections 6.2.4 and 6.8.1. */
static int add_interrupt(struct pci_device *pci, struct pci_bus *bus, struct error *error)
{
    const unsigned gsi = INTX_GSI + pci->slot % 2;

    put_register(pci->config, PCI_REG_STATUS, 2, PCI_STATUS_CAPABILITIES);
    pci->config[PCI_REG_CAPABILITIES] = PCI_MSI;
    pci->config[PCI_REG_INTERRUPT_PIN] = 1;
    pci->config[PCI_REG_INTERRUPT_LINE] = (uint8_t)gsi;
    pci->writable[PCI_REG_INTERRUPT_LINE] = 0xff;

    pci->config[PCI_MSI] = PCI_CAPABILITY_MSI;
    put_register(pci->config, PCI_MSI + PCI_MSI_CONTROL, 2, PCI_MSI_64_BIT);
    put_register(pci->writable, PCI_MSI + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    put_register(pci->writable, PCI_MSI + PCI_MSI_ADDRESS, 4, ~3u);
    put_register(pci->writable, PCI_MSI + PCI_MSI_ADDRESS_HIGH, 4, ~0u);
    put_register(pci->writable, PCI_MSI + PCI_MSI_DATA, 2, 0xffff);
    return irq_connect(bus->irqs, &pci->intx, gsi, true, error);
}

int pci_attach(struct pci_device *pci, struct pci_bus *bus, const struct pci_identity *identity,
               struct error *error)
{
    int result = choose_slot(pci, bus, error);

    if (result < 0)
        return result;
    pci->bus = bus;
    pci->identity = identity;
    write_identity(pci);
    if (identity->interrupts)
        result = add_interrupt(pci, bus, error);
    if (result == 0)
        result = place_bars(pci, bus, error);
    if (result < 0)
        return result;

    memcpy(pci->start, pci->config, sizeof(pci->start));
    pthread_mutex_lock(&bus->lock);
    bus->slots[pci->slot] = pci;
    apply_bars(pci);
    pthread_mutex_unlock(&bus->lock);
    return 0;
}

void pci_detach(struct pci_bus *bus, const struct device *device)
{
    pthread_mutex_lock(&bus->lock);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        struct pci_device *pci = bus->slots[slot];

        if (!pci || &pci->device != device)
            continue;
        pci->config[PCI_REG_COMMAND] = 0;
        pci->interrupt = false;
        apply_bars(pci);
        apply_interrupt(pci);
        bus->slots[slot] = NULL;
    }
    pthread_mutex_unlock(&bus->lock);
}

/* ---- Configuration accesses of the guest: mechanism #1, PCI 3.0 section 3.2.2.3.2 ---- */

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
        value = get_register(pci, find_register(address, offset), size);
    pthread_mutex_unlock(&bus->lock);
    return value;
}

static void write_registers(struct pci_device *pci, unsigned reg, unsigned size, uint32_t value)
{
    for (unsigned at = reg; at < reg + size; at++, value >>= 8)
        pci->config[at] =
            (uint8_t)((pci->config[at] & ~pci->writable[at]) | (value & pci->writable[at]));

    if (reg >= PCI_REG_COMMAND && reg < PCI_REG_BAR(PCI_BARS))
        apply_bars(pci);
    apply_interrupt(pci);
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

/* ---- Checkpoints ---- */

/* The name of the first field whose value is impossible; NULL: all are possible. */
static const char *impossible(const struct pci_device *pci)
{
    const uint16_t status = (uint16_t)get_register(pci, PCI_REG_STATUS, 2);

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
        irq_restore(&pci->intx, raises_intx(pci));
        apply_bars(pci);
    }
    pthread_mutex_unlock(&pci->bus->lock);
    return field ? state_refuse(device, field, error) : 0;
}
