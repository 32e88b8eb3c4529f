/* The MP tables: Intel MultiProcessor Specification 1.4, chapter 4. */
#include "vmm/boot/firmware_mp.h"

#include "vmm/core/machine.h"

#include <string.h>

#define MP_REVISION         4
#define MP_IDS              255  /* processors that a table can list: id 255 means all */
#define MP_EVERY            0xff /* as an APIC id: all local APICs */
#define LOCAL_APIC_VERSION  0x14
#define IOAPIC_VERSION      0x11
#define PROCESSOR_ENABLED   0x1
#define PROCESSOR_FIRST     0x2
#define PROCESSOR_SIGNATURE 0x600 /* family 6: CPUID has the details */
#define PROCESSOR_FEATURES  0x201 /* FPU and local APIC: CPUID has the details */
#define IOAPIC_ENABLED      0x1

/* Types of interrupts. */
#define INTERRUPT_VECTORED 0
#define INTERRUPT_NMI      1
#define INTERRUPT_EXTERNAL 3 /* an 8259 gives the vector */

#define FLAGS_OF_BUS     0x0
#define FLAGS_HIGH_LEVEL 0xd /* active high, level-triggered */

#define ISA_INTERRUPTS 16
#define ISA_CASCADE    2 /* connects the two 8259s: no device uses it */

enum mp_entry {
    MP_PROCESSOR,
    MP_BUS,
    MP_IOAPIC,
    MP_IO_INTERRUPT,
    MP_LOCAL_INTERRUPT,
};

enum mp_bus { MP_BUS_PCI, MP_BUS_ISA };

struct mp_pointer {
    char signature[4];
    uint32_t table; /* gpa */
    uint8_t length; /* in units of 16 bytes */
    uint8_t revision, checksum;
    uint8_t features[5]; /* 0: there is a table, and the 8259s are wired to the local APICs */
} __attribute__((packed));

struct mp_header {
    char signature[4];
    uint16_t length;
    uint8_t revision, checksum;
    char oem[8], product[12];
    uint32_t oem_table;
    uint16_t oem_size;
    uint16_t entry_count;
    uint32_t local_apic;
    uint16_t extended_length;
    uint8_t extended_checksum, reserved;
} __attribute__((packed));

struct mp_processor {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t signature, features;
    uint32_t reserved[2];
} __attribute__((packed));

struct mp_bus_name {
    uint8_t type, id;
    char name[6];
} __attribute__((packed));

struct mp_ioapic {
    uint8_t type, id, version, flags;
    uint32_t address;
} __attribute__((packed));

struct mp_interrupt {
    uint8_t type, kind;
    uint16_t flags;
    uint8_t bus, source;
    uint8_t apic_id, input;
} __attribute__((packed));

struct mp_table {
    struct firmware_area *area;
    struct mp_header *header;
};

static void put(const struct mp_table *table, const void *entry, size_t size)
{
    firmware_append(table->area, entry, size);
    table->header->entry_count++;
}

static void put_processors(const struct mp_table *table, unsigned count)
{
    for (unsigned id = 0; id < count && id < MP_IDS; id++) {
        const struct mp_processor processor = {
            .type = MP_PROCESSOR,
            .apic_id = (uint8_t)id,
            .apic_version = LOCAL_APIC_VERSION,
            .flags = PROCESSOR_ENABLED | (id == 0 ? PROCESSOR_FIRST : 0),
            .signature = PROCESSOR_SIGNATURE,
            .features = PROCESSOR_FEATURES,
        };

        put(table, &processor, sizeof(processor));
    }
}

static void put_buses(const struct mp_table *table)
{
    static const struct mp_bus_name buses[] = {
        {MP_BUS, MP_BUS_PCI, {'P', 'C', 'I', ' ', ' ', ' '}},
        {MP_BUS, MP_BUS_ISA, {'I', 'S', 'A', ' ', ' ', ' '}},
    };

    for (unsigned i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
        put(table, &buses[i], sizeof(buses[i]));
}

static void put_interrupt(const struct mp_table *table, enum mp_bus bus, unsigned source,
                          unsigned gsi, unsigned flags)
{
    const struct mp_interrupt interrupt = {
        .type = MP_IO_INTERRUPT,
        .kind = INTERRUPT_VECTORED,
        .flags = (uint16_t)flags,
        .bus = (uint8_t)bus,
        .source = (uint8_t)source,
        .apic_id = FIRMWARE_IOAPIC_ID,
        .input = (uint8_t)gsi,
    };

    put(table, &interrupt, sizeof(interrupt));
}

/* GSIs are the IOAPIC's inputs; the first 16 are the ISA interrupts. */
static void put_interrupts(const struct mp_table *table, const struct machine *machine)
{
    for (unsigned irq = 0; irq < ISA_INTERRUPTS; irq++)
        if (irq != ISA_CASCADE && !firmware_is_pci_interrupt(machine, irq))
            put_interrupt(table, MP_BUS_ISA, irq, irq, FLAGS_OF_BUS);
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        const struct pci_device *pci = machine->pci.slots[slot];

        if (pci && pci->identity->interrupts) /* the source: INTA# of the slot */
            put_interrupt(table, MP_BUS_PCI, slot << 2, pci->intx.gsi, FLAGS_HIGH_LEVEL);
    }
}

static void put_local_interrupts(const struct mp_table *table)
{
    static const struct mp_interrupt interrupts[] = {
        {MP_LOCAL_INTERRUPT, INTERRUPT_EXTERNAL, FLAGS_OF_BUS, MP_BUS_ISA, 0, MP_EVERY, 0},
        {MP_LOCAL_INTERRUPT, INTERRUPT_NMI, FLAGS_OF_BUS, MP_BUS_ISA, 0, MP_EVERY, 1},
    };

    for (unsigned i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++)
        put(table, &interrupts[i], sizeof(interrupts[i]));
}

void firmware_write_mp(struct firmware_area *area, const struct machine *machine)
{
    static const struct mp_pointer new_pointer = {.signature = {'_', 'M', 'P', '_'},
                                                  .length = 1,
                                                  .revision = MP_REVISION};
    static const struct mp_header new_header = {
        .signature = {'P', 'C', 'M', 'P'},
        .revision = MP_REVISION,
        .oem = {'M', 'I', 'N', 'I', 'V', 'M', 'M', ' '},
        .product = {'V', 'I', 'R', 'T', 'U', 'A', 'L', ' ', 'P', 'C', ' ', ' '},
        .local_apic = X86_LOCAL_APIC,
    };
    static const struct mp_ioapic ioapic = {
        .type = MP_IOAPIC,
        .id = FIRMWARE_IOAPIC_ID,
        .version = IOAPIC_VERSION,
        .flags = IOAPIC_ENABLED,
        .address = X86_IOAPIC,
    };
    struct mp_pointer *pointer = firmware_append(area, &new_pointer, sizeof(new_pointer));
    struct mp_header *header = firmware_append(area, &new_header, sizeof(new_header));
    const struct mp_table table = {area, header};

    put_processors(&table, machine->vcpu_count);
    put_buses(&table);
    put(&table, &ioapic, sizeof(ioapic));
    put_interrupts(&table, machine);
    put_local_interrupts(&table);

    header->length =
        (uint16_t)(firmware_gpa(area, area->bytes + area->used) - firmware_gpa(area, header));
    header->checksum = firmware_checksum(header, header->length);
    pointer->table = (uint32_t)firmware_gpa(area, header);
    pointer->checksum = firmware_checksum(pointer, sizeof(*pointer));
}
