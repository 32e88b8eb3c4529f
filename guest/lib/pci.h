/*
 * PCI, seen from the guest: configuration space by mechanism #1, finding devices, sizing and moving
 * BARs. Only bus 0 and function 0, since the machine has no others.
 */
#ifndef GUEST_LIB_PCI_H
#define GUEST_LIB_PCI_H

#include "guest/abi/pci.h"

#include <stdbool.h>
#include <stdint.h>

#define PCI_SLOTS 32
#define PCI_BARS  6

/* (reg) is a multiple of the width. */
uint8_t pci_read8(unsigned slot, unsigned reg);
uint16_t pci_read16(unsigned slot, unsigned reg);
uint32_t pci_read32(unsigned slot, unsigned reg);
void pci_write8(unsigned slot, unsigned reg, uint8_t value);
void pci_write16(unsigned slot, unsigned reg, uint16_t value);
void pci_write32(unsigned slot, unsigned reg, uint32_t value);

/* The first slot from (slot) on that has a device, or -1. */
int pci_next(unsigned slot);

/* The first slot with that device, or -1. */
int pci_find(uint16_t vendor, uint16_t device);

/* Set some bits of PCI_COMMAND_, and clear others. */
void pci_command(unsigned slot, uint16_t on, uint16_t off);

/* The offset of a capability in configuration space, or 0. */
unsigned pci_capability(unsigned slot, uint8_t id);

struct pci_bar {
    bool io, wide, prefetchable; /* wide: 64 bits, the next BAR is its upper half */
    uint64_t address;
    uint64_t size; /* 0: there is no such BAR */
};

/* Describe a BAR; decoding is off while its size is read. */
struct pci_bar pci_bar_read(unsigned slot, unsigned bar);

/* Move a BAR; decoding stays on, so a half-moved 64-bit one must not overlap anything. */
void pci_bar_move(unsigned slot, unsigned bar, uint64_t address);

#endif
