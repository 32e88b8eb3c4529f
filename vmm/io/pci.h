/*
 * PCI: what a device on the bus has in common with every other: configuration space, BARs,
 * capabilities, interrupts. PCI Local Bus Specification 3.0, chapter 6.
 *
 * There is one bus with 32 slots and single-function devices. The instance of a PCI device begins with struct
 * pci_device, its create() calls pci_attach(), and its BARs are regions like any other: the bus
 * calls read() and write() with the region's index. A BAR can be anywhere; where it overlaps RAM or
 * a fixed device, those win, and of two BARs the lower slot's.
 *
 * Threads: configuration space, and what follows from it, is changed and read under the lock of
 * the bus (struct pci_bus); a device's own state under its device lock. A device's lock may be held
 * when that of the bus is taken, never the other way round: configuration accesses call no device.
 * Under the lock of the bus only bus_move() and irq.h are called, whose locks are the last ones.
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
#define PCI_ADDR_AUTO   PCI_SLOTS /* of the property `addr`: the next free slot */

/* Where BARs are placed at start, upwards and aligned to their size. */
#define PCI_MEMORY_BASE 0xe0000000ull
#define PCI_MEMORY_END  0xfec00000ull /* exclusive: here the IOAPIC's page begins */
#define PCI_IO_BASE     0xc000u
#define PCI_IO_END      0x10000u

/* Who we are: the numbers that virtual test devices use; see docs/devices.md. */
#define PCI_VENDOR_QEMU   0x1234
#define PCI_VENDOR_REDHAT 0x1b36

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY32, PCI_BAR_MEMORY64 };

/* A BAR as its device declares it. A 64-bit one takes its own place in the array and the next. */
struct pci_bar {
    enum pci_bar_kind kind;
    uint64_t size;  /* a power of two; memory at least 16 bytes, I/O at least 4 and at most 256 */
    unsigned index; /* region number for read() and write() */
    unsigned widest;
    bool prefetchable;
    bool registers, whole; /* as in struct device_claim */
    const char *name;
};

/* What a device declares of itself: const data. */
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
    bool interrupt; /* what the device wants of its interrupt */
};

struct pci_bus {
    pthread_mutex_t lock;
    struct bus *buses;    /* where BARs decode: the machine's, by enum bus_space */
    struct irq_hub *irqs; /* where interrupts go */
    struct pci_device *slots[PCI_SLOTS];
    uint64_t memory_next, io_next; /* where the next BAR is placed at start */
};

/* The property that every PCI device has; for its table. */
#define PCI_ADDR_PROPERTY                                                                          \
    {                                                                                              \
        .name = "addr", .kind = PROPERTY_INTEGER, .offset = offsetof(struct pci_device, addr),     \
        .preset = "32", .max = PCI_ADDR_AUTO, .help = "slot, 0 to 31; 32: the next that is free"   \
    }

/* What is state of every PCI device; for its table. */
#define PCI_STATE STATE_FIELD(struct pci_device, config), STATE_FIELD(struct pci_device, interrupt)

/* (buses) and (irqs) are the machine's, and outlive it. */
void pci_bus_init(struct pci_bus *bus, struct bus *buses, struct irq_hub *irqs);
void pci_bus_destroy(struct pci_bus *bus);

/*
 * Put (pci) on (bus), that of its machine: identity, BARs placed and switched on by the command register,
 * interrupt line. Called from create(), the property is set. Slot 0 is not given to PCI_ADDR_AUTO:
 * it is the host bridge's. -EBUSY: the slot is taken (both are named); -ENOSPC: no slot, or no room
 * for a BAR.
 */
int pci_attach(struct pci_device *pci, struct pci_bus *bus, const struct pci_identity *identity,
               struct error *error);

/* Take (device) off the bus, if it is on it: its create() failed after pci_attach(). */
void pci_detach(struct pci_bus *bus, const struct device *device);

/*
 * Everything the guest wrote into configuration space is forgotten; BARs are back at their start,
 * and the interrupt is down.
 */
void pci_reset(struct pci_device *pci);

/*
 * These fields are loaded: a device's loaded(), or what its loaded() calls once all else is checked.
 * BARs and INTA# follow; no MSI is sent. -EINVAL: the guest could not have made configuration space
 * so.
 */
int pci_loaded(struct device *device, struct error *error);

/*
 * Configuration access by mechanism #1: (address) is what was written to 0xcf8, (offset) 0..3 of
 * 0xcfc, (size) 1, 2 or 4 inside it. Absent functions read as ones. For the host bridge.
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
