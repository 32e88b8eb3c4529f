/*
 * PCI: vmm/io/pci.c, vmm/io/pci_config.c and devices/pci_host.c.
 *
 * The devices are probes: a region remembers the last value written to it. Configuration space is
 * reached as a guest does it, by exits of port I/O.
 */
#include "vmm/core/machine_device.h"
#include "vmm/io/bus.h"
#include "vmm/io/pci.h"

#include "guest/abi/pci.h"
#include "tests/unit/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *pci_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The probe with a BAR of each kind. Region numbers differ from those of the BARs. */
#define MEMORY_BAR    0
#define IO_BAR        1
#define WIDE_BAR      2
#define MEMORY_REGION 1
#define IO_REGION     2
#define WIDE_REGION   3
#define MEMORY_SIZE   0x1000
#define IO_SIZE       0x10
#define WIDE_SIZE     0x10000

#define ONES32 0xffffffffu

/* Where a BAR can be moved to: no RAM, no device. */
#define ELSEWHERE      0xd0000000u
#define ELSEWHERE_PORT 0x5000u
#define FAR_AWAY       0x1234500000000ull

enum probe_kind { PROBE_ALL, PROBE_PLAIN, PROBE_IO_256, PROBE_HUGE, PROBE_REGISTERS, PROBE_KINDS };

struct probe {
    struct pci_device pci;
    uint64_t kind;
    uint64_t value[4], offset[4]; /* by region: of the last write */
};

static const struct pci_identity identities[PROBE_KINDS] = {
    [PROBE_ALL] = {.vendor = 0x1234,
                   .device = 0x5678,
                   .revision = 0x9a,
                   .class_code = 0xbc,
                   .subclass = 0xde,
                   .interface = 0xf0,
                   .subsystem_vendor = 0x2345,
                   .subsystem = 0x6789,
                   .interrupts = true,
                   .bars = {[MEMORY_BAR] = {PCI_BAR_MEMORY32, MEMORY_SIZE, MEMORY_REGION, 8, false,
                                            false, false, "probe memory"},
                            [IO_BAR] = {PCI_BAR_IO, IO_SIZE, IO_REGION, 4, false, false, false,
                                        "probe ports"},
                            [WIDE_BAR] = {PCI_BAR_MEMORY64, WIDE_SIZE, WIDE_REGION, 8, true, false,
                                          false, "probe wide"}}},
    [PROBE_PLAIN] = {.vendor = 0x1111, .device = 0x2222},
    [PROBE_IO_256] = {.vendor = 0x1111,
                      .device = 0x3333,
                      .bars = {{PCI_BAR_IO, 256, IO_REGION, 4, false, false, false, "ports"}}},
    [PROBE_HUGE] = {.vendor = 0x1111,
                    .device = 0x4444,
                    .bars = {{PCI_BAR_IO, 256, IO_REGION, 4, false, false, false, "ports"},
                             {PCI_BAR_MEMORY64, 1ull << 63, MEMORY_REGION, 8, false, false, false,
                              "huge"}}},
    [PROBE_REGISTERS] = {.vendor = 0x1111,
                         .device = 0x5555,
                         .bars = {{PCI_BAR_MEMORY32, 4096, MEMORY_REGION, 4, false, true, false,
                                   "registers"}}},
};

static uint64_t probe_read(struct device *device, const struct device_access *access)
{
    return ((struct probe *)device)->value[access->region];
}

static void probe_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct probe *probe = (struct probe *)device;

    probe->value[access->region] = value;
    probe->offset[access->region] = access->offset;
}

static int probe_create(struct device *device, struct error *error)
{
    struct probe *probe = (struct probe *)device;

    return pci_attach(&probe->pci, &device->machine->pci, &identities[probe->kind], error);
}

static int failing_create(struct device *device, struct error *error)
{
    int result = probe_create(device, error);

    return result < 0 ? result : error_set(error, -EIO, "the last step failed");
}

static void probe_reset(struct device *device)
{
    pci_reset(&((struct probe *)device)->pci);
}

static const struct property probe_properties[] = {
    PCI_ADDR_PROPERTY,
    {.name = "kind",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct probe, kind),
     .max = PROBE_KINDS - 1},
    {0},
};

#define PROBE_TYPE(type_name, create_function)                                                     \
    {                                                                                              \
        .name = type_name, .instance_size = sizeof(struct probe), .locking = DEVICE_LOCKED,        \
        .properties = probe_properties, .create = create_function, .read = probe_read,             \
        .write = probe_write, .reset = probe_reset                                                 \
    }

static const struct device_type probe_type = PROBE_TYPE("probe", probe_create);
static const struct device_type other_type = PROBE_TYPE("other", probe_create);
static const struct device_type failing_type = PROBE_TYPE("failing", failing_create);

/* The output of the interrupt hub. */
struct sink {
    bool level[IRQ_GSIS];
    unsigned messages;
    uint64_t address;
    uint32_t data;
};

static struct fixture fixture;
static struct sink sink;

static void sink_set(void *opaque, unsigned gsi, bool level)
{
    ((struct sink *)opaque)->level[gsi] = level;
}

static void sink_message(void *opaque, uint64_t address, uint32_t data)
{
    struct sink *to = opaque;

    to->messages++;
    to->address = address;
    to->data = data;
}

static void setup(void)
{
    fixture_setup(&fixture);
    memset(&sink, 0, sizeof(sink));
    fixture.machine.irqs.sink = (struct irq_sink){sink_set, sink_message, &sink};
    fixture_device(&fixture, "pci-host", NULL);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static int try_probe(const struct device_type *type, const char *properties, struct error *error)
{
    return device_create(&fixture.machine, type, properties, error);
}

/* A new probe; of the kind PROBE_ALL unless the properties set another. */
static struct probe *add_probe(const char *properties)
{
    struct device *device;
    struct error error;

    ck_assert_msg(try_probe(&probe_type, properties, &error) == 0, "%s", error.text);
    for (device = fixture.machine.devices; device->next; device = device->next)
        ;
    return (struct probe *)device;
}

static void select_register(unsigned slot, unsigned reg)
{
    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, PCI_ADDRESS(slot, 0, reg));
}

static uint32_t config_read(unsigned slot, unsigned reg, unsigned size)
{
    select_register(slot, reg);
    return fixture_in(&fixture, (uint16_t)(PCI_PORT_DATA + reg % 4), size);
}

static void config_write(unsigned slot, unsigned reg, unsigned size, uint32_t value)
{
    select_register(slot, reg);
    fixture_out(&fixture, (uint16_t)(PCI_PORT_DATA + reg % 4), size, value);
}

static uint32_t bar_read(unsigned slot, unsigned bar)
{
    return config_read(slot, PCI_REG_BAR(bar), 4);
}

static void bar_write(unsigned slot, unsigned bar, uint32_t value)
{
    config_write(slot, PCI_REG_BAR(bar), 4, value);
}

static uint64_t memory_start(unsigned slot)
{
    return bar_read(slot, MEMORY_BAR) & ~PCI_BAR_MEMORY_FLAGS;
}

static uint16_t io_start(unsigned slot)
{
    return (uint16_t)(bar_read(slot, IO_BAR) & ~PCI_BAR_IO_FLAGS);
}

static uint64_t wide_start(unsigned slot)
{
    return (bar_read(slot, WIDE_BAR) & ~PCI_BAR_MEMORY_FLAGS) |
           (uint64_t)bar_read(slot, WIDE_BAR + 1) << 32;
}

static void wide_move(unsigned slot, uint64_t address)
{
    bar_write(slot, WIDE_BAR, (uint32_t)address);
    bar_write(slot, WIDE_BAR + 1, (uint32_t)(address >> 32));
}

/* Does the memory BAR of (probe) decode at (address)? */
static bool memory_reaches(struct probe *probe, unsigned region, uint64_t address)
{
    probe->value[region] = 0;
    fixture_store(&fixture, address, 4, 0x600d);
    return probe->value[region] == 0x600d && fixture_load(&fixture, address, 4) == 0x600d;
}

static bool ports_reach(struct probe *probe, uint16_t port)
{
    probe->value[IO_REGION] = 0;
    fixture_out(&fixture, port, 4, 0x600d);
    return probe->value[IO_REGION] == 0x600d && fixture_in(&fixture, port, 4) == 0x600d;
}

/* The address register and the data ports. */

START_TEST(the_address_register_keeps_what_a_double_word_writes)
{
    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, 0x80fffffc);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 4), 0x80fffffc);
    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, 0x00000800);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 4), 0x00000800);
}
END_TEST

START_TEST(reserved_bits_of_the_address_register_read_as_zero)
{
    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, ONES32);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 4), 0x80fffffc);
}
END_TEST

START_TEST(narrow_writes_leave_the_address_register_alone)
{
    static const unsigned sizes[] = {1, 2};

    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, PCI_ADDRESS(0, 0, 8));
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (uint16_t port = PCI_PORT_ADDRESS; port < PCI_PORT_DATA; port++)
            fixture_out(&fixture, port, sizes[i], 0);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 4), PCI_ADDRESS(0, 0, 8));
}
END_TEST

START_TEST(narrow_reads_of_the_address_register_give_ones)
{
    select_register(0, 0);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 1), 0xff);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 2), 0xffff);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS + 3, 1), 0xff);
}
END_TEST

/* Every port after the address register, also where the access leaves the data ports. */
START_TEST(every_width_at_every_data_port_reads_its_bytes)
{
    static const unsigned sizes[] = {1, 2, 4};

    select_register(0, PCI_REG_VENDOR);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (uint16_t port = PCI_PORT_ADDRESS + 1; port <= PCI_PORT_DATA + 3; port++) {
            uint32_t want = 0;

            for (unsigned byte = 0; byte < sizes[i]; byte++) {
                unsigned at = port + byte;
                bool inside = at >= PCI_PORT_DATA && at <= PCI_PORT_DATA + 3;

                want |= (inside ? 0x12378086u >> (8 * (at - PCI_PORT_DATA)) & 0xff : 0xff)
                        << (8 * byte);
            }
            ck_assert_msg(fixture_in(&fixture, port, sizes[i]) == want, "%u bytes at 0x%x: 0x%x",
                          sizes[i], port, fixture_in(&fixture, port, sizes[i]));
        }
    }
}
END_TEST

/* The upper half of the wide BAR takes all bits. */
START_TEST(every_width_at_every_data_port_writes_its_bytes)
{
    static const unsigned sizes[] = {1, 2, 4};

    add_probe(NULL);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (uint16_t port = PCI_PORT_ADDRESS + 1; port <= PCI_PORT_DATA + 3; port++) {
            uint32_t want = 0xa0a1a2a3;

            bar_write(1, WIDE_BAR + 1, want);
            for (unsigned byte = 0; byte < sizes[i]; byte++) {
                unsigned shift = 8 * (port + byte - PCI_PORT_DATA);

                if (shift < 32)
                    want = (want & ~(0xffu << shift)) | (0x10 + byte) << shift;
            }
            fixture_out(&fixture, port, sizes[i], 0x13121110);
            ck_assert_msg(bar_read(1, WIDE_BAR + 1) == want, "%u bytes at 0x%x: 0x%x", sizes[i],
                          port, bar_read(1, WIDE_BAR + 1));
        }
    }
}
END_TEST

static const struct absent_case {
    const char *what;
    uint32_t address;
} absent_cases[] = {
    {"a slot without device", PCI_ADDRESS(2, 0, 0)},
    {"the last slot", PCI_ADDRESS(31, 0, 0)},
    {"function 1", PCI_ADDRESS(1, 1, 0)},
    {"function 7 of the bridge", PCI_ADDRESS(0, 7, 0)},
    {"bus 1", PCI_ADDRESS(1, 0, 0) | 1 << 16},
    {"bus 255", PCI_ADDRESS(0, 0, 0) | 255 << 16},
    {"the enable bit clear", PCI_ADDRESS(1, 0, 0) & ~PCI_ADDRESS_ENABLE},
};

START_TEST(what_is_absent_reads_as_ones)
{
    const struct absent_case *c = &absent_cases[_i];

    add_probe(NULL);
    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += 4) {
        fixture_out(&fixture, PCI_PORT_ADDRESS, 4, c->address | reg);
        ck_assert_msg(fixture_in(&fixture, PCI_PORT_DATA, 4) == ONES32, "%s", c->what);
        ck_assert_msg(fixture_in(&fixture, PCI_PORT_DATA + 2, 2) == 0xffff, "%s", c->what);
        ck_assert_msg(fixture_in(&fixture, PCI_PORT_DATA + 3, 1) == 0xff, "%s", c->what);
    }
}
END_TEST

START_TEST(writes_to_what_is_absent_change_nobody)
{
    uint32_t bar;

    add_probe(NULL);
    bar = bar_read(1, MEMORY_BAR);
    fixture_out(&fixture, PCI_PORT_ADDRESS, 4, absent_cases[_i].address | PCI_REG_BAR(MEMORY_BAR));
    fixture_out(&fixture, PCI_PORT_DATA, 4, ELSEWHERE);
    ck_assert_uint_eq(bar_read(1, MEMORY_BAR), bar);
}
END_TEST

/* Headers. */

static const struct {
    const char *what;
    unsigned reg, size;
    uint32_t value;
} header_cases[] = {
    {"vendor", PCI_REG_VENDOR, 2, 0x1234},
    {"device", PCI_REG_DEVICE, 2, 0x5678},
    {"command: decoding is on, bus master is not", PCI_REG_COMMAND, 2, 3},
    {"status: a capabilities list", PCI_REG_STATUS, 2, 0x10},
    {"revision", PCI_REG_REVISION, 1, 0x9a},
    {"class", PCI_REG_INTERFACE + 1, 2, 0xbcde},
    {"interface", PCI_REG_INTERFACE, 1, 0xf0},
    {"header type", PCI_REG_HEADER_TYPE, 1, 0},
    {"the first memory address", PCI_REG_BAR(MEMORY_BAR), 4, 0xe0000000},
    {"the first port", PCI_REG_BAR(IO_BAR), 4, 0xc001},
    {"the next memory address, by size", PCI_REG_BAR(WIDE_BAR), 4, 0xe001000c},
    {"the upper half", PCI_REG_BAR(WIDE_BAR + 1), 4, 0},
    {"no fifth BAR", PCI_REG_BAR(4), 4, 0},
    {"subsystem vendor", PCI_REG_SUBSYSTEM_VENDOR, 2, 0x2345},
    {"subsystem", PCI_REG_SUBSYSTEM, 2, 0x6789},
    {"capabilities", PCI_REG_CAPABILITIES, 4, 0x40},
    {"expansion ROM", 0x30, 4, 0},
    {"interrupt line of an odd slot", PCI_REG_INTERRUPT_LINE, 1, 11},
    {"interrupt pin A", PCI_REG_INTERRUPT_PIN, 1, 1},
    {"MSI: the last capability", 0x40, 2, 0x0005},
    {"MSI: 64 bits, 1 vector, no mask, off", 0x42, 2, 0x0080},
};

START_TEST(the_header_tells_the_identity)
{
    add_probe(NULL);
    ck_assert_msg(config_read(1, header_cases[_i].reg, header_cases[_i].size) ==
                      header_cases[_i].value,
                  "%s: 0x%x", header_cases[_i].what,
                  config_read(1, header_cases[_i].reg, header_cases[_i].size));
}
END_TEST

START_TEST(the_host_bridge_is_the_first_device)
{
    ck_assert_uint_eq(config_read(0, PCI_REG_VENDOR, 4), 0x12378086);
    ck_assert_uint_eq(config_read(0, PCI_REG_SUBCLASS, 2), 0x0600);
    ck_assert_uint_eq(config_read(0, PCI_REG_HEADER_TYPE, 1), 0);
}
END_TEST

START_TEST(a_device_without_interrupts_has_no_pin_and_no_capabilities)
{
    add_probe("kind=1");
    ck_assert_uint_eq(config_read(1, PCI_REG_INTERRUPT_LINE, 2), 0);
    ck_assert_uint_eq(config_read(1, PCI_REG_STATUS, 2), 0);
    ck_assert_uint_eq(config_read(1, PCI_REG_CAPABILITIES, 4), 0);
    ck_assert_uint_eq(config_read(1, 0x40, 4), 0);
}
END_TEST

START_TEST(a_device_without_interrupts_needs_no_interrupt_controllers)
{
    add_probe("kind=1");
    ck_assert(!fixture.machine.irqs.needed);
    add_probe(NULL);
    ck_assert(fixture.machine.irqs.needed);
}
END_TEST

/* What a guest finds after it wrote ones, and after zeros, everywhere: by register. */
START_TEST(only_the_writable_bits_can_be_written)
{
    static const struct {
        unsigned reg;
        uint32_t writable;
    } rows[] = {
        {PCI_REG_COMMAND, 0x0407},
        {PCI_REG_BAR(MEMORY_BAR), 0xfffff000},
        {PCI_REG_BAR(IO_BAR), ~0xfu},
        {PCI_REG_BAR(WIDE_BAR), 0xffff0000},
        {PCI_REG_BAR(WIDE_BAR + 1), ~0u},
        {PCI_REG_INTERRUPT_LINE, 0xff},
        {0x40, 0x10000},
        {0x44, ~3u},
        {0x48, ~0u},
        {0x4c, 0xffff},
    };

    add_probe(NULL);
    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += 4) {
        uint32_t before = config_read(1, reg, 4), writable = 0;

        for (size_t i = 0; i < COUNT(rows); i++)
            writable |= rows[i].reg == reg ? rows[i].writable : 0;
        config_write(1, reg, 4, ONES32);
        ck_assert_msg(config_read(1, reg, 4) == (before | writable), "ones at 0x%x: 0x%x", reg,
                      config_read(1, reg, 4));
        config_write(1, reg, 4, 0);
        ck_assert_msg(config_read(1, reg, 4) == (before & ~writable), "zeros at 0x%x: 0x%x", reg,
                      config_read(1, reg, 4));
    }
}
END_TEST

/* Slots. */

START_TEST(slots_are_given_in_order_around_those_that_are_asked_for)
{
    add_probe("kind=1,addr=2");
    add_probe("kind=1");
    add_probe("kind=1");
    ck_assert_uint_eq(config_read(1, PCI_REG_VENDOR, 2), 0x1111);
    ck_assert_uint_eq(config_read(2, PCI_REG_VENDOR, 2), 0x1111);
    ck_assert_uint_eq(config_read(3, PCI_REG_VENDOR, 2), 0x1111);
    ck_assert_uint_eq(config_read(4, PCI_REG_VENDOR, 2), 0xffff);
}
END_TEST

START_TEST(slot_0_is_only_given_to_who_asks_for_it)
{
    pci_detach(&fixture.machine.pci, fixture.machine.devices);
    ck_assert_uint_eq(add_probe(NULL)->pci.slot, 1);
    ck_assert_uint_eq(add_probe("addr=0")->pci.slot, 0);
}
END_TEST

START_TEST(a_slot_that_is_taken_is_refused_and_both_devices_are_named)
{
    struct error error;

    add_probe("addr=7");
    ck_assert_int_eq(try_probe(&other_type, "addr=7", &error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "device other"));
    ck_assert_ptr_nonnull(strstr(error.text, "device probe"));
    ck_assert_ptr_nonnull(strstr(error.text, "slot 7"));
}
END_TEST

START_TEST(a_device_too_many_is_refused)
{
    struct error error;

    for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
        add_probe("kind=1");
    ck_assert_int_eq(try_probe(&probe_type, "kind=1", &error), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(error.text, "slots"));
}
END_TEST

START_TEST(a_bar_without_room_is_refused_and_nothing_is_left_behind)
{
    struct error error;

    ck_assert_int_eq(try_probe(&probe_type, "kind=3", &error), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(error.text, "BAR 1"));
    ck_assert_uint_eq(config_read(1, PCI_REG_VENDOR, 2), 0xffff);
    add_probe("kind=2");
    ck_assert_uint_eq(bar_read(1, 0), PCI_IO_BASE | PCI_BAR_IS_IO);
}
END_TEST

START_TEST(ports_for_bars_end_with_the_ports)
{
    struct error error;

    for (unsigned port = PCI_IO_BASE; port < PCI_IO_END; port += 256 * 4)
        add_probe("kind=2");
    for (unsigned slot = 1; slot <= 16; slot++)
        ck_assert_uint_eq(bar_read(slot, 0) & ~PCI_BAR_IO_FLAGS, PCI_IO_BASE + 256 * (slot - 1));
    fixture.machine.pci.io_next = PCI_IO_END - 255;
    ck_assert_int_eq(try_probe(&probe_type, "kind=2", &error), -ENOSPC);
}
END_TEST

START_TEST(a_device_that_fails_after_it_was_attached_is_off_the_bus)
{
    struct error error;

    ck_assert_int_eq(try_probe(&failing_type, NULL, &error), -EIO);
    ck_assert_uint_eq(config_read(1, PCI_REG_VENDOR, 4), ONES32);
    ck_assert_uint_eq(fixture_load(&fixture, PCI_MEMORY_BASE, 4), ONES32);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_IO_BASE, 4), ONES32);
}
END_TEST

/* BARs: size and place. */

START_TEST(a_bar_tells_its_size_when_ones_are_written)
{
    add_probe(NULL);
    bar_write(1, MEMORY_BAR, ONES32);
    bar_write(1, IO_BAR, ONES32);
    wide_move(1, UINT64_MAX);
    ck_assert_uint_eq(bar_read(1, MEMORY_BAR), (uint32_t)-MEMORY_SIZE);
    ck_assert_uint_eq(bar_read(1, IO_BAR), (uint32_t)-IO_SIZE | PCI_BAR_IS_IO);
    ck_assert_uint_eq(bar_read(1, WIDE_BAR),
                      (uint32_t)-WIDE_SIZE | PCI_BAR_IS_64_BIT | PCI_BAR_IS_PREFETCHABLE);
    ck_assert_uint_eq(bar_read(1, WIDE_BAR + 1), ONES32);
}
END_TEST

START_TEST(a_bar_that_is_being_sized_decodes_nothing)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, MEMORY_BAR, ONES32);
    bar_write(1, IO_BAR, ONES32);
    wide_move(1, UINT64_MAX);
    ck_assert(!memory_reaches(probe, MEMORY_REGION, (uint32_t)-MEMORY_SIZE));
    ck_assert(!memory_reaches(probe, MEMORY_REGION, PCI_MEMORY_BASE));
    ck_assert(!memory_reaches(probe, WIDE_REGION, (uint64_t)-WIDE_SIZE));
    ck_assert(!memory_reaches(probe, WIDE_REGION, UINT64_MAX - 3));
    ck_assert(!ports_reach(probe, (uint16_t)-IO_SIZE));
    ck_assert(!ports_reach(probe, PCI_IO_BASE));
}
END_TEST

START_TEST(bars_decode_where_they_are_placed_at_start)
{
    struct probe *probe = add_probe(NULL);

    ck_assert(memory_reaches(probe, MEMORY_REGION, memory_start(1)));
    ck_assert(memory_reaches(probe, WIDE_REGION, wide_start(1)));
    ck_assert(ports_reach(probe, io_start(1)));
}
END_TEST

START_TEST(bars_of_two_devices_start_side_by_side)
{
    add_probe(NULL);
    add_probe(NULL);
    ck_assert_uint_eq(memory_start(2), wide_start(1) + WIDE_SIZE);
    ck_assert_uint_eq(io_start(2), io_start(1) + IO_SIZE);
}
END_TEST

START_TEST(every_bar_of_every_slot_decodes)
{
    struct probe *probes[PCI_SLOTS];

    for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
        probes[slot] = add_probe(NULL);
    for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
        ck_assert(memory_reaches(probes[slot], MEMORY_REGION, memory_start(slot)));
        ck_assert(memory_reaches(probes[slot], WIDE_REGION, wide_start(slot)));
        ck_assert(ports_reach(probes[slot], io_start(slot)));
    }
}
END_TEST

START_TEST(the_device_gets_region_and_offset)
{
    struct probe *probe = add_probe(NULL);

    fixture_store(&fixture, memory_start(1) + MEMORY_SIZE - 1, 1, 1);
    fixture_store(&fixture, wide_start(1) + WIDE_SIZE - 8, 8, 2);
    fixture_out(&fixture, io_start(1) + 6, 2, 3);
    ck_assert_uint_eq(probe->offset[MEMORY_REGION], MEMORY_SIZE - 1);
    ck_assert_uint_eq(probe->offset[WIDE_REGION], WIDE_SIZE - 8);
    ck_assert_uint_eq(probe->offset[IO_REGION], 6);
}
END_TEST

START_TEST(a_moved_bar_decodes_at_its_new_place_only)
{
    struct probe *probe = add_probe(NULL);
    uint64_t memory = memory_start(1), wide = wide_start(1);
    uint16_t io = io_start(1);

    bar_write(1, MEMORY_BAR, ELSEWHERE);
    bar_write(1, IO_BAR, ELSEWHERE_PORT);
    wide_move(1, FAR_AWAY);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
    ck_assert(memory_reaches(probe, WIDE_REGION, FAR_AWAY + WIDE_SIZE - 4));
    ck_assert(ports_reach(probe, ELSEWHERE_PORT));
    ck_assert(!memory_reaches(probe, MEMORY_REGION, memory));
    ck_assert(!memory_reaches(probe, WIDE_REGION, wide));
    ck_assert(!ports_reach(probe, io));
    ck_assert_uint_eq(fixture_load(&fixture, memory, 8), UINT64_MAX);
    ck_assert_uint_eq(fixture_in(&fixture, io, 4), ONES32);
}
END_TEST

START_TEST(a_bar_moved_byte_by_byte_ends_where_the_bytes_say)
{
    struct probe *probe = add_probe(NULL);

    for (unsigned byte = 0; byte < 4; byte++)
        config_write(1, PCI_REG_BAR(MEMORY_BAR) + byte, 1, ELSEWHERE >> (8 * byte) & 0xff);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
}
END_TEST

START_TEST(a_bar_moved_onto_itself_still_decodes)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, MEMORY_BAR, (uint32_t)memory_start(1));
    ck_assert(memory_reaches(probe, MEMORY_REGION, memory_start(1)));
}
END_TEST

START_TEST(ports_moved_to_address_0_decode_there_and_come_back)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, IO_BAR, 0);
    ck_assert_uint_eq(bar_read(1, IO_BAR) & ~3u, 0);
    ck_assert(ports_reach(probe, 0));
    bar_write(1, IO_BAR, ELSEWHERE_PORT);
    ck_assert(!ports_reach(probe, 0));
    ck_assert(ports_reach(probe, ELSEWHERE_PORT));
}
END_TEST

START_TEST(an_address_inside_a_bar_is_rounded_down_to_its_size)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, MEMORY_BAR, ELSEWHERE + MEMORY_SIZE - 1);
    ck_assert_uint_eq(bar_read(1, MEMORY_BAR), ELSEWHERE);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
}
END_TEST

START_TEST(a_bar_can_be_the_last_below_all_ones)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, MEMORY_BAR, (uint32_t)(-2 * MEMORY_SIZE));
    wide_move(1, (uint64_t)(-2ll * WIDE_SIZE));
    bar_write(1, IO_BAR, 0x10000 - IO_SIZE);
    ck_assert(memory_reaches(probe, MEMORY_REGION, (uint32_t)(-2 * MEMORY_SIZE)));
    ck_assert(memory_reaches(probe, WIDE_REGION, (uint64_t)(-2ll * WIDE_SIZE)));
    ck_assert(ports_reach(probe, 0x10000 - IO_SIZE));
}
END_TEST

START_TEST(an_io_bar_above_the_ports_decodes_nothing)
{
    static const uint32_t places[] = {0x10000, 0x10000 + ELSEWHERE_PORT, 0xffff0000, 0x80005000};
    struct probe *probe = add_probe(NULL);

    for (size_t i = 0; i < COUNT(places); i++) {
        bar_write(1, IO_BAR, places[i]);
        ck_assert_uint_eq(bar_read(1, IO_BAR), places[i] | PCI_BAR_IS_IO);
        ck_assert(!ports_reach(probe, (uint16_t)places[i]));
    }
    bar_write(1, IO_BAR, ELSEWHERE_PORT);
    ck_assert(ports_reach(probe, ELSEWHERE_PORT));
}
END_TEST

START_TEST(an_access_past_the_last_port_reaches_no_bar_behind_it)
{
    struct probe *probe = add_probe(NULL);

    bar_write(1, IO_BAR, BUS_PIO_LAST + 1);
    fixture_out(&fixture, BUS_PIO_LAST, 2, 0x600d);
    ck_assert_uint_eq(probe->value[IO_REGION], 0);
    ck_assert_uint_eq(fixture_in(&fixture, BUS_PIO_LAST, 2), 0xffff);
}
END_TEST

/* The command register. */

START_TEST(each_space_decodes_only_while_the_command_register_says_so)
{
    struct probe *probe = add_probe(NULL);
    const uint64_t memory = memory_start(1), wide = wide_start(1);
    const uint16_t io = io_start(1);

    for (unsigned command = 0; command < 8; command++) {
        bool want_io = command & PCI_COMMAND_IO, want_memory = command & PCI_COMMAND_MEMORY;

        config_write(1, PCI_REG_COMMAND, 2, command);
        ck_assert_uint_eq(config_read(1, PCI_REG_COMMAND, 2), command);
        ck_assert(ports_reach(probe, io) == want_io);
        ck_assert(memory_reaches(probe, MEMORY_REGION, memory) == want_memory);
        ck_assert(memory_reaches(probe, WIDE_REGION, wide) == want_memory);
    }
}
END_TEST

START_TEST(a_bar_moved_while_switched_off_decodes_when_switched_on)
{
    struct probe *probe = add_probe(NULL);

    config_write(1, PCI_REG_COMMAND, 2, 0);
    bar_write(1, MEMORY_BAR, ELSEWHERE);
    ck_assert(!memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
    config_write(1, PCI_REG_COMMAND, 1, PCI_COMMAND_MEMORY);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
}
END_TEST

START_TEST(dma_needs_the_bus_master_bit)
{
    struct probe *probe = add_probe(NULL);

    ck_assert(!pci_may_dma(&probe->pci));
    config_write(1, PCI_REG_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
    ck_assert(pci_may_dma(&probe->pci));
}
END_TEST

/* Overlaps. */

START_TEST(of_two_bars_that_overlap_the_lower_slot_decodes)
{
    struct probe *high = add_probe("addr=9");
    struct probe *low = add_probe("addr=4");

    bar_write(9, MEMORY_BAR, ELSEWHERE);
    bar_write(4, MEMORY_BAR, ELSEWHERE);
    ck_assert(memory_reaches(low, MEMORY_REGION, ELSEWHERE));
    ck_assert(!memory_reaches(high, MEMORY_REGION, ELSEWHERE));
    config_write(4, PCI_REG_COMMAND, 2, 0);
    ck_assert(memory_reaches(high, MEMORY_REGION, ELSEWHERE));
}
END_TEST

START_TEST(a_fixed_device_wins_over_a_bar)
{
    struct probe *probe = add_probe(NULL);
    const struct device_claim claim = {
        .space = BUS_MMIO, .base = ELSEWHERE + 8, .size = 8, .widest = 8, .name = "fixed"};
    struct probe *fixed = add_probe("kind=1");
    struct error error;

    ck_assert_int_eq(device_claim(&fixed->pci.device, &claim, &error), 0);
    bar_write(1, MEMORY_BAR, ELSEWHERE);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
    ck_assert(!memory_reaches(probe, MEMORY_REGION, ELSEWHERE + 8));
    ck_assert_uint_eq(fixed->value[0], 0x600d);
    ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE + 16));
}
END_TEST

START_TEST(ports_of_the_host_bridge_win_over_a_bar)
{
    struct probe *probe = add_probe("kind=2");

    bar_write(1, 0, PCI_PORT_ADDRESS & ~0xffu);
    ck_assert(ports_reach(probe, PCI_PORT_ADDRESS - 4));
    ck_assert_uint_eq(config_read(1, PCI_REG_VENDOR, 2), 0x1111);
    bar_write(1, 0, ELSEWHERE_PORT);
    ck_assert(ports_reach(probe, ELSEWHERE_PORT));
}
END_TEST

/* Accesses to RAM do not come to the monitor; nothing may be lost that lies there. */
START_TEST(a_bar_moved_onto_ram_leaves_the_ram_alone_and_comes_back)
{
    static const uint64_t places[] = {0, 0x100000, 16 * MIB - MEMORY_SIZE};
    struct probe *probe = add_probe(NULL);

    for (size_t i = 0; i < COUNT(places); i++) {
        uint32_t before = 0x12345678, after = 0;

        ck_assert_int_eq(memory_write(&fixture.machine.memory, gpa(places[i]), &before, 4), 0);
        bar_write(1, MEMORY_BAR, (uint32_t)places[i]);
        ck_assert_int_eq(memory_read(&fixture.machine.memory, gpa(places[i]), &after, 4), 0);
        ck_assert_uint_eq(after, before);
        bar_write(1, MEMORY_BAR, ELSEWHERE);
        ck_assert(memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
    }
}
END_TEST

/* Interrupts. */

#define MSI_ADDRESS 0x00000012fee01004ull
#define MSI_DATA    0x4041

static void msi_set(unsigned slot, uint16_t control)
{
    unsigned msi = config_read(slot, PCI_REG_CAPABILITIES, 1);

    config_write(slot, msi + PCI_MSI_ADDRESS, 4, (uint32_t)MSI_ADDRESS);
    config_write(slot, msi + PCI_MSI_ADDRESS_HIGH, 4, (uint32_t)(MSI_ADDRESS >> 32));
    config_write(slot, msi + PCI_MSI_DATA, 2, MSI_DATA);
    config_write(slot, msi + PCI_MSI_CONTROL, 2, control);
}

START_TEST(intx_follows_the_device)
{
    struct probe *probe = add_probe(NULL);

    pci_set_interrupt(&probe->pci, true);
    ck_assert(sink.level[11]);
    pci_set_interrupt(&probe->pci, true);
    ck_assert(sink.level[11]);
    pci_set_interrupt(&probe->pci, false);
    ck_assert(!sink.level[11]);
    ck_assert_uint_eq(sink.messages, 0);
}
END_TEST

START_TEST(slots_share_two_lines_and_the_line_register_names_them)
{
    for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
        struct probe *probe = add_probe(NULL);
        unsigned gsi = slot % 2 ? 11 : 10;

        pci_set_interrupt(&probe->pci, true);
        ck_assert(sink.level[gsi]);
        ck_assert(!sink.level[21 - gsi]);
        pci_set_interrupt(&probe->pci, false);
        ck_assert(!sink.level[gsi]);
        ck_assert_uint_eq(config_read(slot, PCI_REG_INTERRUPT_LINE, 1), gsi);
    }
}
END_TEST

START_TEST(a_shared_line_is_up_while_one_of_its_devices_is)
{
    struct probe *first = add_probe("addr=3"), *second = add_probe("addr=5");

    pci_set_interrupt(&first->pci, true);
    pci_set_interrupt(&second->pci, true);
    pci_set_interrupt(&first->pci, false);
    ck_assert(sink.level[11]);
    pci_set_interrupt(&second->pci, false);
    ck_assert(!sink.level[11]);
}
END_TEST

START_TEST(intx_is_down_while_it_is_disabled_and_status_tells_that_it_waits)
{
    struct probe *probe = add_probe(NULL);

    config_write(1, PCI_REG_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    pci_set_interrupt(&probe->pci, true);
    ck_assert(!sink.level[11]);
    ck_assert(config_read(1, PCI_REG_STATUS, 2) & PCI_STATUS_INTERRUPT);
    config_write(1, PCI_REG_COMMAND, 2, 0);
    ck_assert(sink.level[11]);
    config_write(1, PCI_REG_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    ck_assert(!sink.level[11]);
    pci_set_interrupt(&probe->pci, false);
    ck_assert(!(config_read(1, PCI_REG_STATUS, 2) & PCI_STATUS_INTERRUPT));
}
END_TEST

START_TEST(an_msi_is_sent_at_each_rise_in_place_of_intx)
{
    struct probe *probe = add_probe(NULL);

    config_write(1, PCI_REG_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
    msi_set(1, PCI_MSI_ENABLE);
    for (unsigned rise = 1; rise <= 3; rise++) {
        pci_set_interrupt(&probe->pci, true);
        pci_set_interrupt(&probe->pci, true);
        ck_assert_uint_eq(sink.messages, rise);
        ck_assert(!sink.level[11]);
        pci_set_interrupt(&probe->pci, false);
        ck_assert_uint_eq(sink.messages, rise);
    }
    ck_assert_uint_eq(sink.address, MSI_ADDRESS);
    ck_assert_uint_eq(sink.data, MSI_DATA);
}
END_TEST

START_TEST(an_msi_that_is_not_enabled_is_not_sent)
{
    struct probe *probe = add_probe(NULL);

    config_write(1, PCI_REG_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
    msi_set(1, 0);
    pci_set_interrupt(&probe->pci, true);
    ck_assert_uint_eq(sink.messages, 0);
    ck_assert(sink.level[11]);
}
END_TEST

START_TEST(an_msi_needs_the_bus_master_bit)
{
    struct probe *probe = add_probe(NULL);

    msi_set(1, PCI_MSI_ENABLE);
    pci_set_interrupt(&probe->pci, true);
    ck_assert_uint_eq(sink.messages, 0);
    ck_assert(!sink.level[11]);
}
END_TEST

START_TEST(switching_msi_on_and_off_takes_intx_down_and_up)
{
    struct probe *probe = add_probe(NULL);

    pci_set_interrupt(&probe->pci, true);
    msi_set(1, PCI_MSI_ENABLE);
    ck_assert(!sink.level[11]);
    ck_assert_uint_eq(sink.messages, 0);
    msi_set(1, 0);
    ck_assert(sink.level[11]);
}
END_TEST

START_TEST(a_device_without_interrupts_raises_none)
{
    struct probe *probe = add_probe("kind=1");

    pci_set_interrupt(&probe->pci, true);
    for (unsigned gsi = 0; gsi < IRQ_GSIS; gsi++)
        ck_assert(!sink.level[gsi]);
    ck_assert_uint_eq(sink.messages, 0);
}
END_TEST

/* Reset. */

START_TEST(reset_brings_back_configuration_space)
{
    struct probe *probe = add_probe(NULL);
    uint32_t before[PCI_CONFIG_SIZE / 4];

    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += 4)
        before[reg / 4] = config_read(1, reg, 4);
    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += 4)
        config_write(1, reg, 4, 0x5a5a5a5a);
    probe_reset(&probe->pci.device);
    for (unsigned reg = 0; reg < PCI_CONFIG_SIZE; reg += 4)
        ck_assert_uint_eq(config_read(1, reg, 4), before[reg / 4]);
}
END_TEST

START_TEST(reset_brings_back_bars_and_takes_the_interrupt_down)
{
    struct probe *probe = add_probe(NULL);
    uint64_t start = memory_start(1);

    bar_write(1, MEMORY_BAR, ELSEWHERE);
    pci_set_interrupt(&probe->pci, true);
    probe_reset(&probe->pci.device);
    ck_assert(memory_reaches(probe, MEMORY_REGION, start));
    ck_assert(!memory_reaches(probe, MEMORY_REGION, ELSEWHERE));
    ck_assert(!sink.level[11]);
    ck_assert(!(config_read(1, PCI_REG_STATUS, 2) & PCI_STATUS_INTERRUPT));
}
END_TEST

START_TEST(reset_clears_the_address_register)
{
    struct device *host = fixture.machine.devices;

    select_register(0, 0);
    host->type->reset(host);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_ADDRESS, 4), 0);
    ck_assert_uint_eq(fixture_in(&fixture, PCI_PORT_DATA, 4), ONES32);
}
END_TEST

/* Threads. */

#define MOVES 20000

/* A second vCPU: moves the BAR to and fro, and switches decoding off now and then. */
static void *move_bar(void *opaque)
{
    struct pci_bus *bus = &fixture.machine.pci;

    (void)opaque;
    for (unsigned i = 0; i < MOVES; i++) {
        pci_config_write(bus, PCI_ADDRESS(1, 0, PCI_REG_BAR(MEMORY_BAR)), 0, 4,
                         i % 2 ? ELSEWHERE : (uint32_t)PCI_MEMORY_BASE);
        pci_config_write(bus, PCI_ADDRESS(1, 0, PCI_REG_COMMAND), 0, 2,
                         i % 3 ? PCI_COMMAND_MEMORY : 0);
    }
    pci_config_write(bus, PCI_ADDRESS(1, 0, PCI_REG_COMMAND), 0, 2, PCI_COMMAND_MEMORY);
    return NULL;
}

START_TEST(a_bar_moves_while_another_thread_uses_it_and_its_interrupt)
{
    struct probe *probe = add_probe(NULL);
    pthread_t mover;

    fixture.machine.bus[BUS_MMIO].alone = false;
    probe->value[MEMORY_REGION] = 0x600d;
    ck_assert_int_eq(pthread_create(&mover, NULL, move_bar, NULL), 0);
    for (unsigned i = 0; i < MOVES; i++) {
        uint64_t value = fixture_load(&fixture, i % 2 ? ELSEWHERE : PCI_MEMORY_BASE, 4);

        ck_assert(value == 0x600d || value == ONES32);
        pci_set_interrupt(&probe->pci, i % 2);
    }
    ck_assert_int_eq(pthread_join(mover, NULL), 0);
    ck_assert_uint_eq(fixture_load(&fixture, ELSEWHERE, 4), 0x600d);
    ck_assert(sink.level[11]);
}
END_TEST

/* It moved there after the vCPU was asked for its registers, which the device would look at. */
START_TEST(a_bar_that_looks_at_registers_is_not_there_for_an_access_without_them)
{
    static const struct {
        uint64_t address;
        unsigned size;
    } rows[] = {{PCI_MEMORY_BASE, 4}, {PCI_MEMORY_BASE + 1, 3}};
    struct probe *probe = add_probe("kind=4");

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bus_cycle cycle = {.address = rows[i].address, .size = rows[i].size, .write = true};
        struct bus *bus = &fixture.machine.bus[BUS_MMIO];

        probe->value[MEMORY_REGION] = 1;
        cycle.no_registers = true;
        ck_assert(!bus_access(bus, &cycle));
        ck_assert(!cycle.claimed);
        ck_assert_uint_eq(probe->value[MEMORY_REGION], 1);
        cycle.write = false;
        bus_access(bus, &cycle);
        ck_assert_uint_eq(cycle.value, UINT64_MAX >> (64 - 8 * rows[i].size));
        cycle.no_registers = false;
        bus_access(bus, &cycle);
        ck_assert(cycle.claimed);
    }
}
END_TEST

static void add_config_tests(TCase *tcase)
{
    tcase_add_test(tcase, the_address_register_keeps_what_a_double_word_writes);
    tcase_add_test(tcase, reserved_bits_of_the_address_register_read_as_zero);
    tcase_add_test(tcase, narrow_writes_leave_the_address_register_alone);
    tcase_add_test(tcase, narrow_reads_of_the_address_register_give_ones);
    tcase_add_test(tcase, every_width_at_every_data_port_reads_its_bytes);
    tcase_add_test(tcase, every_width_at_every_data_port_writes_its_bytes);
    tcase_add_loop_test(tcase, what_is_absent_reads_as_ones, 0, COUNT(absent_cases));
    tcase_add_loop_test(tcase, writes_to_what_is_absent_change_nobody, 0, COUNT(absent_cases));
    tcase_add_loop_test(tcase, the_header_tells_the_identity, 0, COUNT(header_cases));
    tcase_add_test(tcase, the_host_bridge_is_the_first_device);
    tcase_add_test(tcase, a_device_without_interrupts_has_no_pin_and_no_capabilities);
    tcase_add_test(tcase, a_device_without_interrupts_needs_no_interrupt_controllers);
    tcase_add_test(tcase, only_the_writable_bits_can_be_written);
    tcase_add_test(tcase, slots_are_given_in_order_around_those_that_are_asked_for);
    tcase_add_test(tcase, slot_0_is_only_given_to_who_asks_for_it);
    tcase_add_test(tcase, a_slot_that_is_taken_is_refused_and_both_devices_are_named);
    tcase_add_test(tcase, a_device_too_many_is_refused);
    tcase_add_test(tcase, a_device_that_fails_after_it_was_attached_is_off_the_bus);
}

static void add_bar_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_bar_without_room_is_refused_and_nothing_is_left_behind);
    tcase_add_test(tcase, ports_for_bars_end_with_the_ports);
    tcase_add_test(tcase, a_bar_tells_its_size_when_ones_are_written);
    tcase_add_test(tcase, a_bar_that_is_being_sized_decodes_nothing);
    tcase_add_test(tcase, bars_decode_where_they_are_placed_at_start);
    tcase_add_test(tcase, bars_of_two_devices_start_side_by_side);
    tcase_add_test(tcase, every_bar_of_every_slot_decodes);
    tcase_add_test(tcase, the_device_gets_region_and_offset);
    tcase_add_test(tcase, a_moved_bar_decodes_at_its_new_place_only);
    tcase_add_test(tcase, a_bar_moved_byte_by_byte_ends_where_the_bytes_say);
    tcase_add_test(tcase, a_bar_moved_onto_itself_still_decodes);
    tcase_add_test(tcase, ports_moved_to_address_0_decode_there_and_come_back);
    tcase_add_test(tcase, an_address_inside_a_bar_is_rounded_down_to_its_size);
    tcase_add_test(tcase, a_bar_can_be_the_last_below_all_ones);
    tcase_add_test(tcase, an_io_bar_above_the_ports_decodes_nothing);
    tcase_add_test(tcase, an_access_past_the_last_port_reaches_no_bar_behind_it);
    tcase_add_test(tcase, each_space_decodes_only_while_the_command_register_says_so);
    tcase_add_test(tcase, a_bar_moved_while_switched_off_decodes_when_switched_on);
    tcase_add_test(tcase, dma_needs_the_bus_master_bit);
    tcase_add_test(tcase, of_two_bars_that_overlap_the_lower_slot_decodes);
    tcase_add_test(tcase, a_fixed_device_wins_over_a_bar);
    tcase_add_test(tcase, ports_of_the_host_bridge_win_over_a_bar);
    tcase_add_test(tcase, a_bar_moved_onto_ram_leaves_the_ram_alone_and_comes_back);
}

static void add_interrupt_tests(TCase *tcase)
{
    tcase_add_test(tcase, intx_follows_the_device);
    tcase_add_test(tcase, slots_share_two_lines_and_the_line_register_names_them);
    tcase_add_test(tcase, a_shared_line_is_up_while_one_of_its_devices_is);
    tcase_add_test(tcase, intx_is_down_while_it_is_disabled_and_status_tells_that_it_waits);
    tcase_add_test(tcase, an_msi_is_sent_at_each_rise_in_place_of_intx);
    tcase_add_test(tcase, an_msi_that_is_not_enabled_is_not_sent);
    tcase_add_test(tcase, an_msi_needs_the_bus_master_bit);
    tcase_add_test(tcase, switching_msi_on_and_off_takes_intx_down_and_up);
    tcase_add_test(tcase, a_device_without_interrupts_raises_none);
    tcase_add_test(tcase, reset_brings_back_configuration_space);
    tcase_add_test(tcase, reset_brings_back_bars_and_takes_the_interrupt_down);
    tcase_add_test(tcase, reset_clears_the_address_register);
    tcase_add_test(tcase, a_bar_that_looks_at_registers_is_not_there_for_an_access_without_them);
    tcase_add_test(tcase, a_bar_moves_while_another_thread_uses_it_and_its_interrupt);
}

Suite *pci_suite(void)
{
    static const struct {
        const char *name;
        void (*add)(TCase *tcase);
    } cases[] = {{"config", add_config_tests},
                 {"bars", add_bar_tests},
                 {"interrupts", add_interrupt_tests}};
    Suite *suite = suite_create("pci");

    for (size_t i = 0; i < COUNT(cases); i++) {
        TCase *tcase = tcase_create(cases[i].name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        cases[i].add(tcase);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}
