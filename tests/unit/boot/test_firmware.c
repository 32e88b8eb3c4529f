/* vmm/boot/start.c and firmware*.c: MP and ACPI tables, read as a guest reads them. */
#include "vmm/boot/start.h"

#include "guest/abi/boot.h"
#include "vmm/boot/firmware.h"
#include "vmm/core/machine.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *firmware_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct machine machine; /* only the parts that the tables describe */
static struct pci_device functions[3];

/* The BIOS area is not zero: what is written there must not count on it. */
static void setup(void)
{
    memset(&machine, 0, sizeof(machine));
    ck_assert_int_eq(memory_init(&machine.memory, MIB, NULL), 0);
    memset(memory_at(&machine.memory, gpa(BOOT_BIOS), BOOT_BIOS_END - BOOT_BIOS), 0xa5,
           BOOT_BIOS_END - BOOT_BIOS);
    machine.vcpu_count = 3;
    machine.irqs.needed = true;
}

static void teardown(void)
{
    memory_finish(&machine.memory);
}

/* Functions in slots 1, 5 and 31; the second has no interrupt. */
static void add_pci(void)
{
    static const struct pci_identity with = {.interrupts = true}, without;

    functions[0] = (struct pci_device){.identity = &with, .intx.gsi = 11};
    functions[1] = (struct pci_device){.identity = &without, .intx.gsi = 5};
    functions[2] = (struct pci_device){.identity = &with, .intx.gsi = 17};
    machine.pci.slots[1] = &functions[0];
    machine.pci.slots[5] = &functions[1];
    machine.pci.slots[31] = &functions[2];
}

static void write_tables(void)
{
    struct error error;

    ck_assert_msg(firmware_write(&machine, &error) == 0, "%s", error.text);
}

static const uint8_t *at(uint64_t address)
{
    const uint8_t *bytes = memory_at(&machine.memory, gpa(address), 1);

    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

/* (size) bytes, the low one first. */
static uint64_t number(uint64_t address, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, at(address), size);
    return value;
}

static void check_sum(uint64_t address, uint64_t size)
{
    uint8_t sum = 0;

    ck_assert_uint_le(address + size, BOOT_BIOS_END);
    for (uint64_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + *at(address + i));
    ck_assert_msg(sum == 0, "the sum at 0x%jx is %u", (uintmax_t)address, sum);
}

/* The first place from (start) on where a guest would find (signature); 0: none. */
static uint64_t find(uint64_t start, const char *signature)
{
    for (uint64_t address = start; address < BOOT_BIOS_END; address += 16)
        if (memcmp(at(address), signature, strlen(signature)) == 0)
            return address;
    return 0;
}

static uint64_t mp_table(void)
{
    uint64_t pointer = find(0xf0000, "_MP_");

    ck_assert_uint_ne(pointer, 0);
    check_sum(pointer, 16);
    ck_assert_uint_eq(number(pointer + 8, 1), 1);  /* length */
    ck_assert_uint_eq(number(pointer + 9, 1), 4);  /* version 1.4 */
    ck_assert_uint_eq(number(pointer + 11, 1), 0); /* no default configuration */
    return number(pointer + 4, 4);
}

/* The (index)th entry of (type) in the MP table; 0: there are fewer. */
static uint64_t mp_entry(unsigned type, unsigned index)
{
    const uint64_t table = mp_table();
    uint64_t entry = table + 44;

    for (uint64_t i = 0; i < number(table + 34, 2); i++) {
        if (*at(entry) == type && index-- == 0)
            return entry;
        entry += *at(entry) == 0 ? 20 : 8;
    }
    ck_assert_uint_eq(entry, table + number(table + 4, 2));
    return 0;
}

static unsigned mp_count(unsigned type)
{
    unsigned count = 0;

    while (mp_entry(type, count))
        count++;
    return count;
}

/* The MP interrupt of (bus) and (source), 8 bytes; 0: none. */
static uint64_t mp_interrupt(unsigned bus, unsigned source)
{
    uint64_t entry;

    for (unsigned i = 0; (entry = mp_entry(3, i)); i++)
        if (*at(entry + 4) == bus && *at(entry + 5) == source)
            return entry;
    return 0;
}

START_TEST(the_mp_table_is_found_and_sums_to_0)
{
    uint64_t table;

    write_tables();
    table = mp_table();
    ck_assert_mem_eq(at(table), "PCMP", 4);
    check_sum(table, number(table + 4, 2));
    ck_assert_uint_eq(number(table + 36, 4), 0xfee00000);
}
END_TEST

START_TEST(the_mp_table_lists_every_processor)
{
    write_tables();
    ck_assert_uint_eq(mp_count(0), 3);
    for (unsigned id = 0; id < 3; id++) {
        ck_assert_uint_eq(*at(mp_entry(0, id) + 1), id);
        ck_assert_uint_eq(*at(mp_entry(0, id) + 3), id == 0 ? 3 : 1); /* enabled, the first */
    }
}
END_TEST

START_TEST(the_mp_table_stops_where_ids_do)
{
    machine.vcpu_count = 300;
    write_tables();
    check_sum(mp_table(), number(mp_table() + 4, 2));
    ck_assert_uint_eq(mp_count(0), 255);
    ck_assert_uint_eq(*at(mp_entry(0, 254) + 1), 254);
}
END_TEST

START_TEST(the_mp_table_has_its_buses_and_the_ioapic)
{
    write_tables();
    ck_assert_uint_eq(mp_count(1), 2);
    ck_assert_mem_eq(at(mp_entry(1, 0)), "\1\0PCI   ", 8);
    ck_assert_mem_eq(at(mp_entry(1, 1)), "\1\1ISA   ", 8);
    ck_assert_uint_eq(mp_count(2), 1);
    ck_assert_mem_eq(at(mp_entry(2, 0)), "\2\0\x11\1\0\0\xc0\xfe", 8);
}
END_TEST

START_TEST(isa_interrupts_go_to_the_inputs_of_their_numbers)
{
    write_tables();
    ck_assert_uint_eq(mp_count(3), 15);
    for (unsigned irq = 0; irq < 16; irq++) {
        const uint8_t entry[] = {3, 0, 0, 0, 1, (uint8_t)irq, 0, (uint8_t)irq};

        if (irq == 2) /* the cascade */
            ck_assert_uint_eq(mp_interrupt(1, irq), 0);
        else
            ck_assert_mem_eq(at(mp_interrupt(1, irq)), entry, 8);
    }
}
END_TEST

START_TEST(pci_interrupts_are_listed_by_slot_and_taken_from_isa)
{
    static const uint8_t first[] = {3, 0, 13, 0, 0, 1 << 2, 0, 11};
    static const uint8_t last[] = {3, 0, 13, 0, 0, 31 << 2, 0, 17};

    add_pci();
    write_tables();
    ck_assert_mem_eq(at(mp_interrupt(0, 1 << 2)), first, 8);
    ck_assert_mem_eq(at(mp_interrupt(0, 31 << 2)), last, 8);
    ck_assert_uint_eq(mp_interrupt(0, 5 << 2), 0);
    ck_assert_uint_eq(mp_interrupt(1, 11), 0);
    ck_assert_uint_ne(mp_interrupt(1, 5), 0);
    ck_assert_uint_eq(mp_count(3), 16);
}
END_TEST

START_TEST(local_interrupts_are_those_of_a_pc)
{
    write_tables();
    ck_assert_uint_eq(mp_count(4), 2);
    ck_assert_mem_eq(at(mp_entry(4, 0)), "\4\3\0\0\1\0\xff\0", 8); /* ExtINT at LINT0 */
    ck_assert_mem_eq(at(mp_entry(4, 1)), "\4\1\0\0\1\0\xff\1", 8); /* NMI at LINT1 */
}
END_TEST

START_TEST(without_interrupt_controllers_there_is_no_mp_table)
{
    machine.irqs.needed = false;
    machine.vcpu_count = 1;
    write_tables();
    ck_assert_uint_eq(find(BOOT_BIOS, "_MP_"), 0);
}
END_TEST

static uint64_t acpi_pointer(void)
{
    uint64_t pointer = find(BOOT_BIOS, "RSD PTR ");

    ck_assert_uint_ne(pointer, 0);
    return pointer;
}

/* The ACPI table with (signature), by the list at (list) with addresses of (size) bytes. */
static uint64_t listed(uint64_t list, unsigned size, const char *signature)
{
    check_sum(list, number(list + 4, 4));
    for (uint64_t i = 36; i < number(list + 4, 4); i += size)
        if (memcmp(at(number(list + i, size)), signature, 4) == 0)
            return number(list + i, size);
    return 0;
}

static uint64_t acpi_table(const char *signature)
{
    uint64_t table = listed(number(acpi_pointer() + 24, 8), 8, signature);

    ck_assert_msg(table != 0, "no %s", signature);
    check_sum(table, number(table + 4, 4));
    return table;
}

/* The (index)th entry of (type) in the MADT; 0: there are fewer. */
static uint64_t madt_entry(unsigned type, unsigned index)
{
    const uint64_t table = acpi_table("APIC");
    const uint64_t end = table + number(table + 4, 4);
    uint64_t entry = table + 44;

    for (; entry < end; entry += *at(entry + 1)) {
        ck_assert_uint_gt(*at(entry + 1), 0);
        if (*at(entry) == type && index-- == 0)
            return entry;
    }
    ck_assert_uint_eq(entry, end);
    return 0;
}

static unsigned madt_count(unsigned type)
{
    unsigned count = 0;

    while (madt_entry(type, count))
        count++;
    return count;
}

START_TEST(the_acpi_pointer_is_right_in_both_versions)
{
    write_tables();
    check_sum(acpi_pointer(), 20);
    check_sum(acpi_pointer(), 36);
    ck_assert_uint_eq(number(acpi_pointer() + 15, 1), 2);
    ck_assert_uint_eq(number(acpi_pointer() + 20, 4), 36);
    ck_assert_mem_eq(at(number(acpi_pointer() + 16, 4)), "RSDT", 4);
    ck_assert_mem_eq(at(number(acpi_pointer() + 24, 8)), "XSDT", 4);
}
END_TEST

START_TEST(both_lists_name_the_same_tables)
{
    static const char *const names[] = {"FACP", "APIC"};
    const char *name = names[_i];

    write_tables();
    ck_assert_uint_eq(listed(number(acpi_pointer() + 16, 4), 4, name), acpi_table(name));
}
END_TEST

START_TEST(the_fadt_tells_of_a_machine_without_fixed_hardware)
{
    static const uint8_t reset[] = {1, 8, 0, 1, 0x64, 0, 0, 0, 0, 0, 0, 0, 0xfe};
    uint64_t fadt;

    write_tables();
    fadt = acpi_table("FACP");
    ck_assert_uint_eq(number(fadt + 4, 4), 276);
    ck_assert_uint_eq(number(fadt + 112, 4), 0x100431); /* hardware-reduced, reset register, … */
    ck_assert_uint_eq(number(fadt + 108, 1), 0x32);     /* the century */
    ck_assert_uint_eq(number(fadt + 109, 2), 0x5);      /* legacy devices, no VGA */
    ck_assert_mem_eq(at(fadt + 116), reset, sizeof(reset));
}
END_TEST

START_TEST(the_dsdt_is_an_empty_block)
{
    uint64_t dsdt;

    write_tables();
    dsdt = number(acpi_table("FACP") + 40, 4);
    ck_assert_uint_eq(number(acpi_table("FACP") + 140, 8), dsdt);
    ck_assert_mem_eq(at(dsdt), "DSDT", 4);
    ck_assert_uint_eq(number(dsdt + 4, 4), 36);
    check_sum(dsdt, 36);
}
END_TEST

START_TEST(the_madt_lists_every_processor)
{
    write_tables();
    ck_assert_uint_eq(number(acpi_table("APIC") + 36, 4), 0xfee00000);
    ck_assert_uint_eq(madt_count(0), 3);
    for (unsigned id = 0; id < 3; id++) {
        const uint8_t entry[] = {0, 8, (uint8_t)id, (uint8_t)id, 1, 0, 0, 0};

        ck_assert_mem_eq(at(madt_entry(0, id)), entry, 8);
    }
}
END_TEST

START_TEST(processors_from_id_255_on_are_listed_with_their_x2apic)
{
    static const uint8_t first[] = {9, 16, 0, 0, 255, 0, 0, 0, 1, 0, 0, 0, 255, 0, 0, 0};

    machine.vcpu_count = 300;
    write_tables();
    ck_assert_uint_eq(madt_count(0), 255);
    ck_assert_uint_eq(madt_count(9), 45);
    ck_assert_mem_eq(at(madt_entry(9, 0)), first, sizeof(first));
    ck_assert_uint_eq(number(madt_entry(9, 44) + 4, 4), 299);
}
END_TEST

START_TEST(the_madt_has_the_interrupt_controllers)
{
    static const uint8_t ioapic[] = {1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0};

    write_tables();
    ck_assert_uint_eq(number(acpi_table("APIC") + 40, 4), 1); /* 8259s too */
    ck_assert_uint_eq(madt_count(1), 1);
    ck_assert_mem_eq(at(madt_entry(1, 0)), ioapic, sizeof(ioapic));
    ck_assert_uint_eq(madt_count(2), 0);
    ck_assert_uint_eq(madt_count(4), 1);
    ck_assert_mem_eq(at(madt_entry(4, 0)), "\4\6\xff\0\0\1", 6);
}
END_TEST

START_TEST(the_madt_tells_that_pci_interrupts_are_levels)
{
    static const uint8_t override[] = {2, 10, 0, 11, 11, 0, 0, 0, 13, 0};

    add_pci();
    write_tables();
    ck_assert_uint_eq(madt_count(2), 1);
    ck_assert_mem_eq(at(madt_entry(2, 0)), override, sizeof(override));
}
END_TEST

START_TEST(without_interrupt_controllers_the_madt_has_the_processor_only)
{
    machine.irqs.needed = false;
    machine.vcpu_count = 1;
    write_tables();
    ck_assert_uint_eq(number(acpi_table("APIC") + 40, 4), 0);
    ck_assert_uint_eq(number(acpi_table("APIC") + 4, 4), 44 + 8);
    ck_assert_uint_eq(madt_count(0), 1);
}
END_TEST

START_TEST(as_many_processors_as_there_is_room_for_are_listed)
{
    machine.vcpu_count = FIRMWARE_CPUS_MAX;
    write_tables();
    ck_assert_uint_eq(number(acpi_table("APIC") + 4, 4),
                      44 + 255 * 8 + (FIRMWARE_CPUS_MAX - 255) * 16 + 12 + 6);
    ck_assert_mem_eq(at(mp_table()), "PCMP", 4);
}
END_TEST

START_TEST(more_processors_are_refused)
{
    struct error error;

    machine.vcpu_count = FIRMWARE_CPUS_MAX + 1;
    ck_assert_int_eq(firmware_write(&machine, &error), -E2BIG);
    ck_assert_str_eq(error.text, "--cpus 2049: the ACPI tables have room for 2048");
}
END_TEST

START_TEST(no_ram_for_the_tables_is_an_error)
{
    struct machine none = {.vcpu_count = 1};

    ck_assert_int_eq(firmware_write(&none, NULL), -EFAULT);
}
END_TEST

Suite *firmware_suite(void)
{
    Suite *suite = suite_create("firmware");
    TCase *tcase = tcase_create("firmware");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_mp_table_is_found_and_sums_to_0);
    tcase_add_test(tcase, the_mp_table_lists_every_processor);
    tcase_add_test(tcase, the_mp_table_stops_where_ids_do);
    tcase_add_test(tcase, the_mp_table_has_its_buses_and_the_ioapic);
    tcase_add_test(tcase, isa_interrupts_go_to_the_inputs_of_their_numbers);
    tcase_add_test(tcase, pci_interrupts_are_listed_by_slot_and_taken_from_isa);
    tcase_add_test(tcase, local_interrupts_are_those_of_a_pc);
    tcase_add_test(tcase, without_interrupt_controllers_there_is_no_mp_table);
    tcase_add_test(tcase, the_acpi_pointer_is_right_in_both_versions);
    tcase_add_loop_test(tcase, both_lists_name_the_same_tables, 0, 2);
    tcase_add_test(tcase, the_fadt_tells_of_a_machine_without_fixed_hardware);
    tcase_add_test(tcase, the_dsdt_is_an_empty_block);
    tcase_add_test(tcase, the_madt_lists_every_processor);
    tcase_add_test(tcase, processors_from_id_255_on_are_listed_with_their_x2apic);
    tcase_add_test(tcase, the_madt_has_the_interrupt_controllers);
    tcase_add_test(tcase, the_madt_tells_that_pci_interrupts_are_levels);
    tcase_add_test(tcase, without_interrupt_controllers_the_madt_has_the_processor_only);
    tcase_add_test(tcase, as_many_processors_as_there_is_room_for_are_listed);
    tcase_add_test(tcase, more_processors_are_refused);
    tcase_add_test(tcase, no_ram_for_the_tables_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
