/*
 * PCI configuration space: ports, registers and bits that guest and monitor share.
 * PCI Local Bus Specification 3.0, sections 3.2.2.3 (the ports), 6.1, 6.2 and 6.8.1 (MSI).
 */
#ifndef ABI_PCI_H
#define ABI_PCI_H

/* Configuration mechanism #1. */
#define PCI_PORT_ADDRESS   0xcf8u
#define PCI_PORT_DATA      0xcfcu
#define PCI_ADDRESS_ENABLE 0x80000000u
#define PCI_ADDRESS(slot, function, reg)                                                           \
    (PCI_ADDRESS_ENABLE | (unsigned)(slot) << 11 | (unsigned)(function) << 8 |                     \
     ((unsigned)(reg)&0xfcu))

/* Registers of every function: offsets in bytes. */
#define PCI_REG_VENDOR           0x00u /* 2 bytes */
#define PCI_REG_DEVICE           0x02u /* 2 bytes */
#define PCI_REG_COMMAND          0x04u /* 2 bytes */
#define PCI_REG_STATUS           0x06u /* 2 bytes */
#define PCI_REG_REVISION         0x08u
#define PCI_REG_INTERFACE        0x09u
#define PCI_REG_SUBCLASS         0x0au
#define PCI_REG_CLASS            0x0bu
#define PCI_REG_HEADER_TYPE      0x0eu
#define PCI_REG_BAR(bar)         (0x10u + 4u * (bar))
#define PCI_REG_SUBSYSTEM_VENDOR 0x2cu /* 2 bytes */
#define PCI_REG_SUBSYSTEM        0x2eu /* 2 bytes */
#define PCI_REG_CAPABILITIES     0x34u
#define PCI_REG_INTERRUPT_LINE   0x3cu
#define PCI_REG_INTERRUPT_PIN    0x3du

#define PCI_COMMAND_IO           0x0001u
#define PCI_COMMAND_MEMORY       0x0002u
#define PCI_COMMAND_BUS_MASTER   0x0004u
#define PCI_COMMAND_INTX_DISABLE 0x0400u
#define PCI_STATUS_INTERRUPT     0x0008u
#define PCI_STATUS_CAPABILITIES  0x0010u

/* The low bits of a BAR. */
#define PCI_BAR_IS_IO           0x1u
#define PCI_BAR_IS_64_BIT       0x4u
#define PCI_BAR_IS_PREFETCHABLE 0x8u
#define PCI_BAR_IO_FLAGS        0x3u
#define PCI_BAR_MEMORY_FLAGS    0xfu

/* The MSI capability with a 64-bit address: offsets from its first byte. */
#define PCI_CAPABILITY_MSI   0x05u
#define PCI_MSI_CONTROL      0x02u /* 2 bytes */
#define PCI_MSI_ADDRESS      0x04u /* 4 bytes */
#define PCI_MSI_ADDRESS_HIGH 0x08u /* 4 bytes */
#define PCI_MSI_DATA         0x0cu /* 2 bytes */
#define PCI_MSI_ENABLE       0x0001u
#define PCI_MSI_64_BIT       0x0080u

#define PCI_NOBODY 0xffffu /* reads as the vendor of an absent function */

#endif
