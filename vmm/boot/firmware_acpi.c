/*
 * The ACPI tables: ACPI Specification 6.5, chapter 5. The machine has no fixed ACPI hardware, so
 * the FADT has the hardware-reduced flag, and the definition block (DSDT) is empty.
 */
#include "vmm/boot/firmware_acpi.h"

#include "vmm/core/machine.h"

#include <string.h>

#define APIC_IDS 255u /* local APICs that an 8-bit id can name; the ids above need an x2APIC */

#define FADT_REVISION       6
#define FADT_MINOR_REVISION 5
#define FADT_CENTURY        0x32 /* the CMOS register of the century */
#define FADT_RESET_PORT     0x64 /* of the i8042 */
#define FADT_RESET_VALUE    0xfe

/* FADT boot flags, 5.2.9.3. The flag of the i8042 is not set: there is no keyboard. */
#define BOOT_LEGACY_DEVICES 0x1
#define BOOT_NO_VGA         0x4

/* FADT flags, 5.2.9. */
#define FADT_WBINVD       (1u << 0)
#define FADT_POWER_BUTTON (1u << 4) /* not part of the fixed hardware */
#define FADT_SLEEP_BUTTON (1u << 5) /* the same */
#define FADT_RESET        (1u << 10)
#define FADT_HW_REDUCED   (1u << 20)

#define SPACE_IO    1
#define ACCESS_BYTE 1

#define MADT_PICS         0x1 /* there are 8259s as well */
#define PROCESSOR_ENABLED 0x1
#define FLAGS_HIGH_LEVEL  0xd /* active high, level-triggered */
#define ISA_INTERRUPTS    16
#define NMI_INPUT         1
#define EVERY_PROCESSOR   0xff

enum madt_entry {
    MADT_LOCAL_APIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_NMI = 4,
    MADT_X2APIC = 9,
};

struct acpi_pointer {
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt; /* gpa, like all addresses of tables */
    uint32_t length;
    uint64_t xsdt;
    uint8_t whole_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

#define ACPI_POINTER_V1 20 /* size of the first version */

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __attribute__((packed));

struct acpi_address {
    uint8_t space, bits, offset, access;
    uint64_t address;
} __attribute__((packed));

struct acpi_fadt {
    struct acpi_header header;
    uint32_t facs, dsdt;
    uint8_t fixed_hardware[64];
    uint8_t century;
    uint16_t boot_flags;
    uint8_t reserved;
    uint32_t flags;
    struct acpi_address reset;
    uint8_t reset_value;
    uint16_t arm_boot_flags;
    uint8_t minor_revision;
    uint64_t facs64, dsdt64;
    struct acpi_address registers[10]; /* of the fixed hardware */
    uint64_t hypervisor;
} __attribute__((packed));
_Static_assert(sizeof(struct acpi_fadt) == 276, "the FADT has another size");

struct acpi_madt {
    struct acpi_header header;
    uint32_t local_apic;
    uint32_t flags;
} __attribute__((packed));

struct madt_local_apic {
    uint8_t type, length, processor, apic_id;
    uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
    uint8_t type, length;
    uint16_t reserved;
    uint32_t apic_id, flags, processor;
} __attribute__((packed));

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, first_gsi;
} __attribute__((packed));

struct madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
} __attribute__((packed));

struct madt_local_nmi {
    uint8_t type, length, processor;
    uint16_t flags;
    uint8_t input;
} __attribute__((packed));

/* Begin a table whose first (size) bytes are (table). The fields of its header are set here. */
static void *begin_table(struct firmware_area *area, const char *signature, unsigned revision,
                         const void *table, size_t size)
{
    struct acpi_header *header;

    firmware_align(area);
    header = firmware_append(area, table, size);
    memcpy(header->signature, signature, sizeof(header->signature));
    memcpy(header->oem, "MINIVM", sizeof(header->oem));
    memcpy(header->oem_table, "MINIVMM ", sizeof(header->oem_table));
    memcpy(header->creator, "MVMM", sizeof(header->creator));
    header->revision = (uint8_t)revision;
    header->oem_revision = 1;
    header->creator_revision = 1;
    return header;
}

/* End the table at the current end of the area. Returns its gpa. */
static uint64_t end_table(const struct firmware_area *area, struct acpi_header *header)
{
    const uint64_t address = firmware_gpa(area, header);

    header->length = (uint32_t)(area->base + area->used - address);
    header->checksum = firmware_checksum(header, header->length);
    return address;
}

static uint64_t put_dsdt(struct firmware_area *area)
{
    static const struct acpi_header empty;

    return end_table(area, begin_table(area, "DSDT", 2, &empty, sizeof(empty)));
}

static uint64_t put_fadt(struct firmware_area *area, uint64_t dsdt)
{
    const struct acpi_fadt fadt = {
        .dsdt = (uint32_t)dsdt,
        .century = FADT_CENTURY,
        .boot_flags = BOOT_LEGACY_DEVICES | BOOT_NO_VGA,
        .flags = FADT_WBINVD | FADT_POWER_BUTTON | FADT_SLEEP_BUTTON | FADT_RESET | FADT_HW_REDUCED,
        .reset = {SPACE_IO, 8, 0, ACCESS_BYTE, FADT_RESET_PORT},
        .reset_value = FADT_RESET_VALUE,
        .minor_revision = FADT_MINOR_REVISION,
        .dsdt64 = dsdt,
    };

    return end_table(area, begin_table(area, "FACP", FADT_REVISION, &fadt, sizeof(fadt)));
}

static void put_processors(struct firmware_area *area, unsigned count)
{
    for (unsigned id = 0; id < count; id++) {
        const struct madt_local_apic apic = {MADT_LOCAL_APIC, sizeof(apic), (uint8_t)id,
                                             (uint8_t)id, PROCESSOR_ENABLED};
        const struct madt_x2apic x2apic = {MADT_X2APIC, sizeof(x2apic),    0,
                                           id,          PROCESSOR_ENABLED, id};

        if (id < APIC_IDS)
            firmware_append(area, &apic, sizeof(apic));
        else
            firmware_append(area, &x2apic, sizeof(x2apic));
    }
}

/*
 * An ISA interrupt is the GSI of the same number; only interrupts that PCI uses need an override.
 */
static void put_controllers(struct firmware_area *area, const struct machine *machine)
{
    static const struct madt_ioapic ioapic = {MADT_IOAPIC, sizeof(ioapic), FIRMWARE_IOAPIC_ID,
                                              0,           X86_IOAPIC,     0};
    static const struct madt_local_nmi nmi = {MADT_LOCAL_NMI, sizeof(nmi), EVERY_PROCESSOR, 0,
                                              NMI_INPUT};

    firmware_append(area, &ioapic, sizeof(ioapic));
    for (unsigned irq = 0; irq < ISA_INTERRUPTS; irq++) {
        const struct madt_override override = {MADT_OVERRIDE, sizeof(override), 0, (uint8_t)irq,
                                               irq,           FLAGS_HIGH_LEVEL};

        if (firmware_is_pci_interrupt(machine, irq))
            firmware_append(area, &override, sizeof(override));
    }
    firmware_append(area, &nmi, sizeof(nmi));
}

static uint64_t put_madt(struct firmware_area *area, const struct machine *machine)
{
    const struct acpi_madt madt = {.local_apic = X86_LOCAL_APIC,
                                   .flags = machine->irqs.needed ? MADT_PICS : 0};
    void *table = begin_table(area, "APIC", 5, &madt, sizeof(madt));

    put_processors(area, machine->vcpu_count);
    if (machine->irqs.needed)
        put_controllers(area, machine);
    return end_table(area, table);
}

/* The lists of tables: RSDT with 4-byte addresses, XSDT with 8-byte ones. */
static uint64_t put_list(struct firmware_area *area, const char *signature, size_t address_size,
                         const uint64_t *tables, unsigned count)
{
    static const struct acpi_header empty;
    void *list = begin_table(area, signature, 1, &empty, sizeof(empty));

    for (unsigned i = 0; i < count; i++)
        firmware_append(area, &tables[i], address_size); /* the low bytes come first */
    return end_table(area, list);
}

void firmware_write_acpi(struct firmware_area *area, const struct machine *machine)
{
    static const struct acpi_pointer new_pointer = {
        .signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
        .oem = {'M', 'I', 'N', 'I', 'V', 'M'},
        .revision = 2,
        .length = sizeof(new_pointer),
    };
    struct acpi_pointer *pointer = firmware_append(area, &new_pointer, sizeof(new_pointer));
    const uint64_t dsdt = put_dsdt(area);
    const uint64_t fadt = put_fadt(area, dsdt);
    const uint64_t tables[] = {fadt, put_madt(area, machine)};
    const unsigned count = sizeof(tables) / sizeof(tables[0]);

    pointer->rsdt = (uint32_t)put_list(area, "RSDT", 4, tables, count);
    pointer->xsdt = put_list(area, "XSDT", 8, tables, count);
    pointer->checksum = firmware_checksum(pointer, ACPI_POINTER_V1);
    pointer->whole_checksum = firmware_checksum(pointer, sizeof(*pointer));
}
