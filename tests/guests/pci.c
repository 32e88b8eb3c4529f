/*
 * Enumerates the PCI bus, prints what it finds, and sizes, moves and disables every BAR.
 *
 * It knows no device: a BAR is recognised by what it reads as, so only those are moved whose first
 * four bytes are not all ones.
 */
#include "guest/lib/pci.h"
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define ONES           0xffffffffu
#define MEMORY_AWAY    0xd0000000u /* no RAM, no device */
#define IO_AWAY        0x5000u
#define IO_BEYOND      0x10000u /* cut to the 16 bits of a port, this would be port 0 */
#define RAM_PATTERN    0x5eed5eedu
#define LAST_MEMORY    0xffffffffu
#define ABSENT_SLOT    31u
#define HOST_BRIDGE_ID 0x12378086u

/* RAM over which a BAR of up to that size can be moved. */
#define RAM_TARGET_SIZE 0x100000u
static uint32_t ram_target[RAM_TARGET_SIZE / 4] __attribute__((aligned(RAM_TARGET_SIZE)));

static uint32_t read_at(const struct pci_bar *bar, uint64_t address)
{
    return bar->io ? in32((uint16_t)address) : load32((uintptr_t)address);
}

static void print_bar(unsigned slot, unsigned number, const struct pci_bar *bar)
{
    printf("%02x:%02x.0 BAR%u: %s 0x%llx, 0x%llx bytes%s%s\n", 0, slot, number,
           bar->io ? "ports" : "memory", (unsigned long long)bar->address,
           (unsigned long long)bar->size, bar->wide ? ", 64 bits" : "",
           bar->prefetchable ? ", prefetchable" : "");
}

static void print_function(unsigned slot)
{
    printf("%02x:%02x.0 %04x:%04x class %02x%02x", 0, slot, pci_read16(slot, PCI_REG_VENDOR),
           pci_read16(slot, PCI_REG_DEVICE), pci_read8(slot, PCI_REG_CLASS),
           pci_read8(slot, PCI_REG_SUBCLASS));
    if (pci_read8(slot, PCI_REG_INTERRUPT_PIN))
        printf(" interrupt %u", pci_read8(slot, PCI_REG_INTERRUPT_LINE));
    printf("%s\n", pci_capability(slot, PCI_CAPABILITY_MSI) ? " msi" : "");
}

/* Move away and back, while it decodes. */
static void check_move(unsigned slot, unsigned number, const struct pci_bar *bar)
{
    uint64_t away = bar->io ? IO_AWAY : MEMORY_AWAY;
    uint32_t first = read_at(bar, bar->address);

    pci_bar_move(slot, number, away);
    check_equal("moved: the register", pci_bar_read(slot, number).address, away);
    check_equal("moved: the new place", read_at(bar, away), first);
    check_equal("moved: the old place", read_at(bar, bar->address), ONES);

    pci_bar_move(slot, number, bar->address);
    check_equal("moved back: the old place", read_at(bar, bar->address), first);
    check_equal("moved back: the new place", read_at(bar, away), ONES);
}

static void check_command(unsigned slot, const struct pci_bar *bar)
{
    uint16_t bit = bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    uint32_t first = read_at(bar, bar->address);

    pci_command(slot, 0, bit);
    check_equal("switched off", read_at(bar, bar->address), ONES);
    pci_command(slot, bit, 0);
    check_equal("switched on", read_at(bar, bar->address), first);
}

/* RAM has priority, and is unchanged afterwards. */
static void check_onto_ram(unsigned slot, unsigned number, const struct pci_bar *bar)
{
    uintptr_t target = (uintptr_t)ram_target;
    uint32_t first = read_at(bar, bar->address);

    store32(target, RAM_PATTERN);
    pci_bar_move(slot, number, target);
    check_equal("onto RAM: a load", load32(target), RAM_PATTERN);
    store32(target, ~RAM_PATTERN);
    check_equal("onto RAM: a store", load32(target), ~RAM_PATTERN);
    pci_bar_move(slot, number, 0);
    pci_bar_move(slot, number, bar->address);
    check_equal("back from RAM", read_at(bar, bar->address), first);
    check_equal("RAM afterwards", load32(target), ~RAM_PATTERN);
}

/* The console's ports, the address register of PCI itself, and beyond the last port. */
static void check_onto_ports(unsigned slot, unsigned number, const struct pci_bar *bar)
{
    static const uint32_t places[] = {UART_PORT, PCI_PORT_ADDRESS, IO_BEYOND, 0, ONES};
    uint32_t first = read_at(bar, bar->address);

    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        pci_bar_move(slot, number, places[i]);
        check("onto other ports: the console still takes bytes",
              in8(UART_LINE_STATUS) & UART_CAN_SEND);
        check("onto other ports: PCI still answers",
              pci_read32(0, PCI_REG_VENDOR) == HOST_BRIDGE_ID);
    }
    pci_bar_move(slot, number, bar->address);
    check_equal("back from other ports", read_at(bar, bar->address), first);
}

static void check_bar(unsigned slot, unsigned number, const struct pci_bar *bar)
{
    check("the address is a multiple of the size", (bar->address & (bar->size - 1)) == 0);
    if (read_at(bar, bar->address) == ONES)
        return;
    check_command(slot, bar);
    check_move(slot, number, bar);
    if (bar->io)
        check_onto_ports(slot, number, bar);
    else if (bar->size <= RAM_TARGET_SIZE)
        check_onto_ram(slot, number, bar);
    if (!bar->io) {
        pci_bar_move(slot, number, bar->wide ? ~0ull : LAST_MEMORY);
        check_equal("all ones are no address", load32(LAST_MEMORY - 3), ONES);
        pci_bar_move(slot, number, bar->address);
    }
}

/* Test the BARs of a device; returns their number. */
static unsigned check_bars(unsigned slot)
{
    unsigned count = 0;

    for (unsigned number = 0; number < PCI_BARS; number++) {
        struct pci_bar bar = pci_bar_read(slot, number);

        if (bar.size == 0)
            continue;
        print_bar(slot, number, &bar);
        check_bar(slot, number, &bar);
        count++;
        number += bar.wide;
    }
    return count;
}

static void check_bridge(void)
{
    check_group("host bridge");
    check_equal("identity", pci_read32(0, PCI_REG_VENDOR), HOST_BRIDGE_ID);
    check_equal("class", pci_read16(0, PCI_REG_SUBCLASS), 0x0600);
    check_equal("device by word", pci_read16(0, PCI_REG_DEVICE), HOST_BRIDGE_ID >> 16);
    check_equal("second byte", pci_read8(0, 1), HOST_BRIDGE_ID >> 8 & 0xff);
    out8(PCI_PORT_ADDRESS, 0xff);
    check_equal("the address register takes no byte", in32(PCI_PORT_DATA), HOST_BRIDGE_ID);

    check_group("absent");
    out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, 1, 0));
    check_equal("function 1", in32(PCI_PORT_DATA), ONES);
    out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, 0, 0) | 1u << 16);
    check_equal("bus 1", in32(PCI_PORT_DATA), ONES);
    out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, 0, 0) & ~PCI_ADDRESS_ENABLE);
    check_equal("enable bit", in32(PCI_PORT_DATA), ONES);
    check_equal("slot 31", pci_read32(ABSENT_SLOT, PCI_REG_VENDOR), ONES);
}

int main(const struct boot_info *boot)
{
    unsigned functions = 0, bars = 0;

    check_bridge();
    for (int slot = pci_next(0); slot >= 0; slot = pci_next((unsigned)slot + 1)) {
        check_group("");
        print_function((unsigned)slot);
        check_group("BARs");
        bars += check_bars((unsigned)slot);
        functions++;
    }
    check_group("arguments");
    check_equal("devices", functions, number_read(boot->command));
    printf("%u devices, %u BARs\n", functions, bars);
    return check_summary();
}
