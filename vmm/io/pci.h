/*
 * PCI: the common part of all devices on the bus: configuration space, BARs, capabilities,
 * interrupts. PCI Local Bus Specification 3.0, chapter 6.
 *
 * There is one bus with 32 slots and single-function devices. The instance of a PCI device begins
 * with struct pci_device, its create() calls pci_attach(), and its BARs are regions like any other:
 * the bus calls read() and write() with the region's index. A BAR can have any address; where it
 * overlaps RAM or a fixed device, those decode, and of two BARs the lower slot's.
 *
 * Threads: configuration space, and state derived from it, is changed and read under the lock of
 * the bus (struct pci_bus); a device's own state under its device lock. A device's lock is taken
 * before the lock of the bus, never after: configuration accesses call no device. Under the lock of
 * the bus only bus_move() and irq.h are called, whose locks come last.
 */
#ifndef VMM_IO_PCI_H
#define VMM_IO_PCI_H

#include "vmm/io/bus.h"
#include "vmm/io/device.h"
#include "vmm/io/device_state.h"
#include "vmm/io/irq.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_SLOTS       32
#define PCI_BARS        6
#define PCI_CONFIG_SIZE 256
#define PCI_ADDR_AUTO   PCI_SLOTS /* for the property `addr`: the next free slot */

/* Initial addresses of BARs: ascending, aligned to their size. */
#define PCI_MEMORY_BASE 0xe0000000ull
#define PCI_MEMORY_END  0xfec00000ull /* exclusive: here the IOAPIC's page begins */
#define PCI_IO_BASE     0xc000u
#define PCI_IO_END      0x10000u

/* The identity of minivmm's devices: numbers that virtual test devices use; see docs/devices.md. */
#define PCI_VENDOR_QEMU   0x1234
#define PCI_VENDOR_REDHAT 0x1b36

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY32, PCI_BAR_MEMORY64 };

/*
 * A BAR as its device declares it. A 64-bit BAR uses two elements of the array: its own and the
 * next.
 */
struct pci_bar {
    enum pci_bar_kind kind;
    uint64_t size;  /* a power of two; memory at least 16 bytes, I/O at least 4 and at most 256 */
    unsigned index; /* region number in read() and write() */
    unsigned widest;
    bool prefetchable;
    bool registers, whole; /* as in struct device_claim */
    const char *name;
};

/* A device's declaration: const data. */
struct pci_identity {
    uint16_t vendor, device;
    uint8_t revision;
    uint8_t class_code, subclass, interface;
    uint16_t subsystem_vendor, subsystem;
    bool interrupts; /* INTA#, and an MSI capability */
    struct pci_bar bars[PCI_BARS];
};

struct pci_bus;

struct pci_device {
    struct device device;
    uint64_t addr; /* the property: a slot, or PCI_ADDR_AUTO */

    struct pci_bus *bus;
    const struct pci_identity *identity;
    unsigned slot;
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t start[PCI_CONFIG_SIZE];    /* what (config) is after pci_reset() */
    uint8_t writable[PCI_CONFIG_SIZE]; /* the bits that the guest may change */
    struct irq_line intx;
    bool interrupt; /* the level that the device has set */
};

struct pci_bus {
    pthread_mutex_t lock;
    struct bus *buses;    /* where BARs decode: the machine's, by enum bus_space */
    struct irq_hub *irqs; /* the receiver of interrupts */
    struct pci_device *slots[PCI_SLOTS];
    uint64_t memory_next, io_next; /* the first free initial addresses of BARs */
};

/* The property of every PCI device; for its table. */
#define PCI_ADDR_PROPERTY                                                                          \
    {                                                                                              \
        .name = "addr", .kind = PROPERTY_INTEGER, .offset = offsetof(struct pci_device, addr),     \
        .preset = "32", .max = PCI_ADDR_AUTO, .help = "slot, 0 to 31; 32: the next that is free"   \
    }

/* The state of every PCI device; for its table. */
#define PCI_STATE STATE_FIELD(struct pci_device, config), STATE_FIELD(struct pci_device, interrupt)

/* (buses) and (irqs) are the machine's, and outlive it. */
void pci_bus_init(struct pci_bus *bus, struct bus *buses, struct irq_hub *irqs);
void pci_bus_finish(struct pci_bus *bus);

/*
 * Attach (pci) to its machine's (bus): identity, BARs placed and enabled by the command register,
 * interrupt line. Called from create(), with the properties set. PCI_ADDR_AUTO never gives slot 0,
 * which is the host bridge's. -EBUSY: the slot is in use (the sentence names both devices);
 * -ENOSPC: no slot, or no room for a BAR.
 */
int pci_attach(struct pci_device *pci, struct pci_bus *bus, const struct pci_identity *identity,
               struct error *error);

/* Detach (device), if it is attached: its create() failed after pci_attach(). */
void pci_detach(struct pci_bus *bus, const struct device *device);

/*
 * Reset configuration space: the guest's writes are undone, BARs return to their initial addresses,
 * and the interrupt is lowered.
 */
void pci_reset(struct pci_device *pci);

/*
 * Apply the loaded fields: a device's loaded(), or called by its loaded() after all other checks.
 * BARs and INTA# follow the fields; no MSI is sent. -EINVAL: no guest could have put configuration
 * space into this state.
 */
int pci_loaded(struct device *device, struct error *error);

/*
 * A configuration access by mechanism #1, for the host bridge: (address) is the value of 0xcf8,
 * (offset) 0..3 from 0xcfc, (size) 1, 2 or 4 within these bytes. Absent functions read as ones.
 */
uint32_t pci_config_read(struct pci_bus *bus, uint32_t address, unsigned offset, unsigned size);
void pci_config_write(struct pci_bus *bus, uint32_t address, unsigned offset, unsigned size,
                      uint32_t value);

/*
 * Raise or lower the device's interrupt: an MSI for each rise if the guest enabled it, else INTA#.
 * An MSI is a write of the device, so without the bus master bit it is lost, as in hardware.
 */
void pci_set_interrupt(struct pci_device *pci, bool level);

/* May the device read and write guest memory by itself (bus master)? */
bool pci_may_dma(const struct pci_device *pci);

#endif
