/* The teaching device edu: every register at every width, interrupts, and DMA that means harm. */
#include "guest/abi/edu.h"
#include "guest/abi/pci.h"
#include "tests/unit/fixture.h"

#include <stdlib.h>
#include <string.h>

Suite *edu_suite(void);

#define RAM_END (16 * MIB)
#define ALL     UINT64_MAX

/* Guest memory, gpa. */
#define DATA 0x100000u /* goes into the buffer */
#define DUMP 0x200000u /* the buffer comes out here */

#define REGISTERS_END 0xa0u

/* What reached the interrupt controllers. */
struct wires {
    bool level;
    unsigned messages;
    uint64_t address;
    uint32_t data;
};

struct guest {
    struct fixture fixture;
    struct device *device;
    uint32_t slot;
    uint64_t bar;
    struct wires wires;
};

static void set_line(void *opaque, unsigned gsi, bool level)
{
    (void)gsi;
    ((struct wires *)opaque)->level = level;
}

static void take_message(void *opaque, uint64_t address, uint32_t data)
{
    struct wires *wires = opaque;

    wires->messages++;
    wires->address = address;
    wires->data = data;
}

static uint32_t config_read(struct guest *guest, unsigned reg, unsigned size)
{
    return pci_config_read(&guest->fixture.machine.pci, PCI_ADDRESS(guest->slot, 0, reg), reg & 3,
                           size);
}

static void config_write(struct guest *guest, unsigned reg, unsigned size, uint32_t value)
{
    pci_config_write(&guest->fixture.machine.pci, PCI_ADDRESS(guest->slot, 0, reg), reg & 3, size,
                     value);
}

/* An edu that may do DMA. */
static void guest_setup(struct guest *guest)
{
    memset(guest, 0, sizeof(*guest));
    fixture_setup(&guest->fixture);
    guest->fixture.machine.irqs.sink = (struct irq_sink){set_line, take_message, &guest->wires};
    guest->device = fixture_device(&guest->fixture, "edu", NULL);
    guest->slot = ((struct pci_device *)guest->device)->slot;
    guest->bar = config_read(guest, PCI_REG_BAR(0), 4) & ~PCI_BAR_MEMORY_FLAGS;
    config_write(guest, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
}

static void guest_teardown(struct guest *guest)
{
    fixture_teardown(&guest->fixture);
}

static uint64_t get(struct guest *guest, uint64_t offset, unsigned size)
{
    return fixture_load(&guest->fixture, guest->bar + offset, size);
}

static void put(struct guest *guest, uint64_t offset, unsigned size, uint64_t value)
{
    fixture_store(&guest->fixture, guest->bar + offset, size, value);
}

static uint64_t ones(unsigned size)
{
    return ALL >> (64 - 8 * size);
}

/* ---- registers ---- */

START_TEST(it_is_qemus_edu_to_a_driver)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(config_read(&guest, PCI_REG_VENDOR, 4), 0x11e81234);
    ck_assert_uint_eq(config_read(&guest, PCI_REG_SUBCLASS, 2), 0x00ff);
    ck_assert_uint_eq(config_read(&guest, PCI_REG_INTERRUPT_PIN, 1), 1);
    config_write(&guest, PCI_REG_BAR(0), 4, ~0u);
    ck_assert_uint_eq(config_read(&guest, PCI_REG_BAR(0), 4), 0xfff00000);
    guest_teardown(&guest);
}
END_TEST

START_TEST(liveness_reads_as_the_inverse_of_what_was_written)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_LIVENESS, 4, 0x12345678);
    ck_assert_uint_eq(get(&guest, EDU_LIVENESS, 4), 0xedcba987);
    guest_teardown(&guest);
}
END_TEST

/* Every register that reads, its value at the start, and whether all 8 bytes can be had. */
static const struct {
    uint64_t offset, value;
    bool wide;
} readable[] = {
    {0x00, 0x010000ed, false}, {0x04, 0, false}, {0x08, 0, false},
    {0x20, 0, false},          {0x24, 0, false}, {0x80, 0, true},
    {0x88, 0, true},           {0x90, 0, true},  {0x98, 0, true},
};

#define READABLE (sizeof(readable) / sizeof(readable[0]))

static uint64_t value_at_start(uint64_t offset, unsigned size)
{
    for (unsigned i = 0; i < READABLE; i++)
        if (readable[i].offset == offset && (size == 4 || (size == 8 && readable[i].wide)))
            return readable[i].value;
    return ones(size);
}

START_TEST(at_every_offset_and_width_there_is_a_register_or_ones)
{
    struct guest guest;

    guest_setup(&guest);
    for (unsigned size = 1; size <= 8; size++) {
        for (uint64_t offset = 0; offset < 2 * REGISTERS_END; offset++)
            ck_assert_msg(get(&guest, offset, size) == value_at_start(offset, size),
                          "offset 0x%lx, %u bytes: 0x%lx", offset, size, get(&guest, offset, size));
        ck_assert_uint_eq(get(&guest, EDU_BUFFER, size), ones(size));
        ck_assert_uint_eq(get(&guest, EDU_BAR_SIZE - size, size), ones(size));
    }
    guest_teardown(&guest);
}
END_TEST

static bool takes_writes(uint64_t offset, unsigned size)
{
    static const uint64_t narrow[] = {0x04, 0x08, 0x20, 0x60, 0x64};

    if (offset >= 0x80 && offset % 8 == 0 && offset < REGISTERS_END)
        return size == 4 || size == 8;
    for (unsigned i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
        if (narrow[i] == offset)
            return size == 4;
    return false;
}

START_TEST(a_write_that_meets_no_register_changes_nothing)
{
    struct guest guest;

    guest_setup(&guest);
    for (unsigned size = 1; size <= 8; size++) {
        for (uint64_t offset = 0; offset < 2 * REGISTERS_END; offset++)
            if (!takes_writes(offset, size))
                put(&guest, offset, size, ALL);
        put(&guest, EDU_BUFFER, size, ALL);
        put(&guest, EDU_BAR_SIZE - size, size, ALL);
    }
    for (unsigned i = 0; i < READABLE; i++)
        ck_assert_uint_eq(get(&guest, readable[i].offset, 4), readable[i].value);
    ck_assert(!guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_dma_registers_keep_8_bytes_and_4_bytes_are_the_low_half)
{
    struct guest guest;

    guest_setup(&guest);
    for (uint64_t offset = EDU_DMA_SOURCE; offset < EDU_DMA_COMMAND; offset += 8) {
        put(&guest, offset, 8, 0x1122334455667788);
        ck_assert_uint_eq(get(&guest, offset, 8), 0x1122334455667788);
        ck_assert_uint_eq(get(&guest, offset, 4), 0x55667788);
        put(&guest, offset, 4, 0x99aabbcc);
        ck_assert_uint_eq(get(&guest, offset, 8), 0x99aabbcc);
    }
    guest_teardown(&guest);
}
END_TEST

static const struct {
    uint32_t number, factorial;
} factorials[] = {
    {0, 1},           {1, 1},           {2, 2},  {5, 120}, {12, 479001600},
    {13, 1932053504}, /* the first that does not fit */
    {20, 2192834560}, {33, 0x80000000}, {34, 0}, {35, 0},  {UINT32_MAX, 0},
};

START_TEST(the_factorial_is_there_when_the_status_says_so)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_FACTORIAL, 4, factorials[_i].number);
    ck_assert_uint_eq(get(&guest, EDU_STATUS, 4) & EDU_STATUS_COMPUTING, 0);
    ck_assert_uint_eq(get(&guest, EDU_FACTORIAL, 4), factorials[_i].factorial);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(of_the_status_only_the_interrupt_bit_can_be_written)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_STATUS, 4, ~0u);
    ck_assert_uint_eq(get(&guest, EDU_STATUS, 4), EDU_STATUS_INTERRUPT);
    put(&guest, EDU_STATUS, 4, EDU_STATUS_COMPUTING);
    ck_assert_uint_eq(get(&guest, EDU_STATUS, 4), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_reset_forgets_everything)
{
    struct guest guest;
    uint8_t zeros[EDU_BUFFER_SIZE] = {0}, dump[EDU_BUFFER_SIZE];
    const struct memory *memory = &guest.fixture.machine.memory;

    guest_setup(&guest);
    memory_write(memory, gpa(DATA), "secret", 6);
    put(&guest, EDU_LIVENESS, 4, 1);
    put(&guest, EDU_FACTORIAL, 4, 5);
    put(&guest, EDU_STATUS, 4, EDU_STATUS_INTERRUPT);
    put(&guest, EDU_RAISE, 4, 1);
    put(&guest, EDU_DMA_SOURCE, 8, DATA);
    put(&guest, EDU_DMA_DESTINATION, 8, EDU_BUFFER);
    put(&guest, EDU_DMA_COUNT, 8, 6);
    put(&guest, EDU_DMA_COMMAND, 8, EDU_DMA_START | EDU_DMA_INTERRUPT);
    guest.device->type->reset(guest.device);
    ck_assert(!guest.wires.level);
    ck_assert_uint_eq(config_read(&guest, PCI_REG_COMMAND, 2) & PCI_COMMAND_BUS_MASTER, 0);
    for (unsigned i = 0; i < READABLE; i++)
        ck_assert_uint_eq(get(&guest, readable[i].offset, 4), readable[i].value);

    config_write(&guest, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    put(&guest, EDU_DMA_SOURCE, 8, EDU_BUFFER);
    put(&guest, EDU_DMA_DESTINATION, 8, DATA);
    put(&guest, EDU_DMA_COUNT, 8, EDU_BUFFER_SIZE);
    put(&guest, EDU_DMA_COMMAND, 8, EDU_DMA_START | EDU_DMA_FROM_EDU);
    memory_read(memory, gpa(DATA), dump, sizeof(dump));
    ck_assert_mem_eq(dump, zeros, sizeof(zeros));
    guest_teardown(&guest);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(the_line_is_up_until_every_bit_is_acknowledged)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_RAISE, 4, 0x5);
    put(&guest, EDU_RAISE, 4, 0x80000002);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0x80000007);
    ck_assert(guest.wires.level);
    put(&guest, EDU_ACKNOWLEDGE, 4, 0x7ffffffd);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0x80000002);
    ck_assert(guest.wires.level);
    put(&guest, EDU_ACKNOWLEDGE, 4, 0x80000002);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0);
    ck_assert(!guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

START_TEST(raising_no_bit_is_no_interrupt)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_RAISE, 4, 0);
    ck_assert(!guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_factorial_interrupts_if_it_was_asked_to)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, EDU_STATUS, 4, EDU_STATUS_INTERRUPT);
    put(&guest, EDU_FACTORIAL, 4, 40);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), EDU_INTERRUPT_FACTORIAL);
    ck_assert(guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_message_is_sent_for_each_rise_and_the_line_stays_down)
{
    struct guest guest;
    unsigned msi;

    guest_setup(&guest);
    msi = config_read(&guest, PCI_REG_CAPABILITIES, 1);
    ck_assert_uint_eq(config_read(&guest, msi, 1), PCI_CAPABILITY_MSI);
    config_write(&guest, msi + PCI_MSI_ADDRESS, 4, 0xfee01000);
    config_write(&guest, msi + PCI_MSI_DATA, 2, 0x41);
    config_write(&guest, msi + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    put(&guest, EDU_RAISE, 4, 1);
    put(&guest, EDU_RAISE, 4, 2);
    ck_assert_uint_eq(guest.wires.messages, 1);
    ck_assert_uint_eq(guest.wires.address, 0xfee01000);
    ck_assert_uint_eq(guest.wires.data, 0x41);
    put(&guest, EDU_ACKNOWLEDGE, 4, 3);
    put(&guest, EDU_RAISE, 4, 1);
    ck_assert_uint_eq(guest.wires.messages, 2);
    ck_assert(!guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

/* ---- DMA ---- */

/* Run a transfer, and give the command register after it. */
static uint64_t transfer(struct guest *guest, uint64_t source, uint64_t destination, uint64_t count,
                         uint64_t command)
{
    put(guest, EDU_DMA_SOURCE, 8, source);
    put(guest, EDU_DMA_DESTINATION, 8, destination);
    put(guest, EDU_DMA_COUNT, 8, count);
    put(guest, EDU_DMA_COMMAND, 8, EDU_DMA_START | command);
    return get(guest, EDU_DMA_COMMAND, 8);
}

/* A transfer between (ram) and (inside), a device address. */
static uint64_t transfer_either(struct guest *guest, bool from_edu, uint64_t ram, uint64_t inside,
                                uint64_t count)
{
    if (from_edu)
        return transfer(guest, inside, ram, count, EDU_DMA_FROM_EDU) & ~EDU_DMA_FROM_EDU;
    return transfer(guest, ram, inside, count, 0);
}

static void fill(struct guest *guest, uint64_t address, uint8_t first)
{
    uint8_t bytes[EDU_BUFFER_SIZE];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(first + i * 13 + i / 256);
    ck_assert_int_eq(memory_write(&guest->fixture.machine.memory, gpa(address), bytes,
                                  sizeof(bytes)),
                     0);
}

static const uint8_t *ram_at(struct guest *guest, uint64_t address)
{
    const uint8_t *host = memory_at(&guest->fixture.machine.memory, gpa(address), EDU_BUFFER_SIZE);

    ck_assert_ptr_nonnull(host);
    return host;
}

START_TEST(a_buffer_full_comes_back_as_it_went)
{
    struct guest guest;

    guest_setup(&guest);
    fill(&guest, DATA, 1);
    ck_assert_uint_eq(transfer(&guest, DATA, EDU_BUFFER, EDU_BUFFER_SIZE, 0), 0);
    ck_assert_uint_eq(transfer(&guest, EDU_BUFFER, DUMP, EDU_BUFFER_SIZE, EDU_DMA_FROM_EDU),
                      EDU_DMA_FROM_EDU);
    ck_assert_mem_eq(ram_at(&guest, DUMP), ram_at(&guest, DATA), EDU_BUFFER_SIZE);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_part_goes_where_it_belongs_and_nothing_else_changes)
{
    struct guest guest;
    uint8_t want[EDU_BUFFER_SIZE];

    guest_setup(&guest);
    fill(&guest, DATA, 1);
    ck_assert_uint_eq(transfer(&guest, DATA, EDU_BUFFER, EDU_BUFFER_SIZE, 0), 0);
    fill(&guest, DATA, 77);
    fill(&guest, DUMP, 200);
    memcpy(want, ram_at(&guest, DUMP), sizeof(want));
    memcpy(want + 11, ram_at(&guest, DATA) + 3, 1000);
    transfer(&guest, DATA + 3, EDU_BUFFER + 500, 1000, 0);
    transfer(&guest, EDU_BUFFER + 500, DUMP + 11, 1000, EDU_DMA_FROM_EDU);
    ck_assert_mem_eq(ram_at(&guest, DUMP), want, sizeof(want));
    guest_teardown(&guest);
}
END_TEST

static const struct {
    uint64_t ram, inside, count;
} good_transfers[] = {
    {DATA, EDU_BUFFER, 1},
    {DATA, EDU_BUFFER + EDU_BUFFER_SIZE - 1, 1},
    {RAM_END - 1, EDU_BUFFER, 1},
    {RAM_END - EDU_BUFFER_SIZE, EDU_BUFFER, EDU_BUFFER_SIZE},
    {0, EDU_BUFFER, EDU_BUFFER_SIZE},
    {DATA, EDU_BUFFER, 0},
    {DATA, EDU_BUFFER + EDU_BUFFER_SIZE, 0},
};

#define GOOD_TRANSFERS (int)(sizeof(good_transfers) / sizeof(good_transfers[0]))

START_TEST(a_transfer_may_reach_every_edge)
{
    const int at = _i / 2;
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(transfer_either(&guest, _i % 2, good_transfers[at].ram,
                                      good_transfers[at].inside, good_transfers[at].count),
                      0);
    guest_teardown(&guest);
}
END_TEST

static const struct {
    uint64_t ram, inside, count;
} bad_transfers[] = {
    /* Out of the buffer. */
    {DATA, EDU_BUFFER, EDU_BUFFER_SIZE + 1},
    {DATA, EDU_BUFFER + 1, EDU_BUFFER_SIZE},
    {DATA, EDU_BUFFER + EDU_BUFFER_SIZE, 1},
    {DATA, EDU_BUFFER + EDU_BUFFER_SIZE + 1, 0},
    {DATA, EDU_BUFFER - 1, 1},
    {DATA, EDU_BUFFER - 1, 2},
    {DATA, EDU_BUFFER - 1, 0},
    {DATA, 0, 1},
    {DATA, EDU_BUFFER + (1ULL << 32), 1},
    {DATA, EDU_BUFFER + (1ULL << 63), 1},
    /* Sums that wrap around. */
    {DATA, EDU_BUFFER, ALL},
    {DATA, EDU_BUFFER + 1, ALL},
    {DATA, EDU_BUFFER + 16, ALL - 15},
    {DATA, EDU_BUFFER, 1ULL << 32},
    {DATA, EDU_BUFFER, (1ULL << 63) + 1},
    {DATA, ALL, 1},
    {DATA, ALL, 2},
    {DATA, ALL - 4095, EDU_BUFFER_SIZE},
    {0, 0, ALL},
    {ALL, ALL, ALL},
    /* Out of RAM. */
    {RAM_END, EDU_BUFFER, 1},
    {RAM_END, EDU_BUFFER, 0},
    {RAM_END - 1, EDU_BUFFER, 2},
    {RAM_END - EDU_BUFFER_SIZE + 1, EDU_BUFFER, EDU_BUFFER_SIZE},
    {ALL, EDU_BUFFER, 1},
    {ALL, EDU_BUFFER, 2},
    {ALL - 15, EDU_BUFFER, 32},
    {PCI_MEMORY_BASE, EDU_BUFFER, 4}, /* its own registers */
    {DATA + (1ULL << 32), EDU_BUFFER, 1},
};

#define BAD_TRANSFERS (int)(sizeof(bad_transfers) / sizeof(bad_transfers[0]))

/* Is what is in the buffer what is at DATA? The copy in RAM is overwritten by it. */
static void check_buffer_is_data(struct guest *guest)
{
    ck_assert_uint_eq(transfer_either(guest, true, DUMP, EDU_BUFFER, EDU_BUFFER_SIZE), 0);
    ck_assert_mem_eq(ram_at(guest, DUMP), ram_at(guest, DATA), EDU_BUFFER_SIZE);
}

START_TEST(a_transfer_that_leaves_the_buffer_or_ram_fails_and_moves_nothing)
{
    const int at = _i / 2;
    struct guest guest;
    uint8_t *before = malloc(RAM_END);

    guest_setup(&guest);
    fill(&guest, DATA, 1);
    fill(&guest, RAM_END - EDU_BUFFER_SIZE, 99);
    fill(&guest, 0, 50);
    ck_assert_uint_eq(transfer(&guest, DATA, EDU_BUFFER, EDU_BUFFER_SIZE, 0), 0);
    ck_assert_ptr_nonnull(before);
    ck_assert_int_eq(memory_read(&guest.fixture.machine.memory, gpa(0), before, RAM_END), 0);
    ck_assert_uint_eq(transfer_either(&guest, _i % 2, bad_transfers[at].ram,
                                      bad_transfers[at].inside, bad_transfers[at].count),
                      EDU_DMA_FAILED);
    ck_assert_mem_eq(memory_at(&guest.fixture.machine.memory, gpa(0), RAM_END), before, RAM_END);
    check_buffer_is_data(&guest);
    free(before);
    guest_teardown(&guest);
}
END_TEST

START_TEST(without_the_bus_master_bit_a_transfer_fails_and_moves_nothing)
{
    const bool from_edu = _i;
    struct guest guest;

    guest_setup(&guest);
    fill(&guest, DATA, 1);
    fill(&guest, DUMP, 2);
    transfer(&guest, DATA, EDU_BUFFER, EDU_BUFFER_SIZE, 0);
    config_write(&guest, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(transfer_either(&guest, from_edu, DUMP, EDU_BUFFER, EDU_BUFFER_SIZE),
                      EDU_DMA_FAILED);
    ck_assert_int_eq(ram_at(&guest, DUMP)[0], 2);
    config_write(&guest, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    check_buffer_is_data(&guest);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_command_without_start_is_ignored)
{
    struct guest guest;

    guest_setup(&guest);
    transfer(&guest, DATA, 0, 1, 0);
    put(&guest, EDU_DMA_COMMAND, 8, ALL & ~(uint64_t)EDU_DMA_START);
    ck_assert_uint_eq(get(&guest, EDU_DMA_COMMAND, 8), EDU_DMA_FAILED);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_failure_bit_is_about_the_last_transfer_only)
{
    struct guest guest;

    guest_setup(&guest);
    transfer(&guest, DATA, 0, 1, 0);
    ck_assert_uint_eq(transfer(&guest, DATA, EDU_BUFFER, 1, EDU_DMA_FAILED), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_transfer_interrupts_if_asked_to_also_when_it_fails)
{
    const uint64_t inside = _i ? EDU_BUFFER : 0;
    struct guest guest;

    guest_setup(&guest);
    transfer(&guest, DATA, inside, 1, EDU_DMA_INTERRUPT);
    ck_assert_uint_eq(get(&guest, EDU_INTERRUPTS, 4), EDU_INTERRUPT_DMA);
    ck_assert(guest.wires.level);
    guest_teardown(&guest);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *edu_suite(void)
{
    Suite *suite = suite_create("edu");
    TCase *registers = tcase_create("registers"), *interrupts = tcase_create("interrupts"),
          *dma = tcase_create("dma");

    tcase_add_test(registers, it_is_qemus_edu_to_a_driver);
    tcase_add_test(registers, liveness_reads_as_the_inverse_of_what_was_written);
    tcase_add_test(registers, at_every_offset_and_width_there_is_a_register_or_ones);
    tcase_add_test(registers, a_write_that_meets_no_register_changes_nothing);
    tcase_add_test(registers, the_dma_registers_keep_8_bytes_and_4_bytes_are_the_low_half);
    tcase_add_loop_test(registers, the_factorial_is_there_when_the_status_says_so, 0,
                        COUNT(factorials));
    tcase_add_test(registers, of_the_status_only_the_interrupt_bit_can_be_written);
    tcase_add_test(registers, a_reset_forgets_everything);
    suite_add_tcase(suite, registers);
    tcase_add_test(interrupts, the_line_is_up_until_every_bit_is_acknowledged);
    tcase_add_test(interrupts, raising_no_bit_is_no_interrupt);
    tcase_add_test(interrupts, the_factorial_interrupts_if_it_was_asked_to);
    tcase_add_test(interrupts, a_message_is_sent_for_each_rise_and_the_line_stays_down);
    suite_add_tcase(suite, interrupts);
    tcase_add_test(dma, a_buffer_full_comes_back_as_it_went);
    tcase_add_test(dma, a_part_goes_where_it_belongs_and_nothing_else_changes);
    tcase_add_loop_test(dma, a_transfer_may_reach_every_edge, 0, 2 * GOOD_TRANSFERS);
    tcase_add_loop_test(dma, a_transfer_that_leaves_the_buffer_or_ram_fails_and_moves_nothing, 0,
                        2 * BAD_TRANSFERS);
    tcase_add_loop_test(dma, without_the_bus_master_bit_a_transfer_fails_and_moves_nothing, 0, 2);
    tcase_add_test(dma, a_command_without_start_is_ignored);
    tcase_add_test(dma, the_failure_bit_is_about_the_last_transfer_only);
    tcase_add_loop_test(dma, a_transfer_interrupts_if_asked_to_also_when_it_fails, 0, 2);
    suite_add_tcase(suite, dma);
    return suite;
}
