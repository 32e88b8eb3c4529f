/*
 * exit_handle(): every exit reason, with invented exits.
 *
 * The machine has one device, a probe, on both buses: it writes down what it is given, reads as
 * numbers that change with each read, and ends the machine after as many accesses as told.
 */
#include "vmm/core/exit.h"

#include "tests/unit/fixture.h"
#include "vmm/core/machine_device.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

Suite *exit_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define PORT           0x200 /* 8 ports */
#define PORT_REGISTERS 0x210 /* 8 ports whose device looks at registers */
#define PORT_NOBODY    0x300
#define PAGE           0x40000000 /* 8 bytes */
#define PAGE_REGISTERS 0x40001000 /* 8 bytes whose device looks at registers */
#define PAGE_NOBODY    0x50000000
#define DATA           PAGE_SIZE /* where the data of a port access lie in the run page */
#define FILL           0xcc      /* in all bytes of it that the exit does not use */
#define FIRST_READ     0x8877665544332211
#define READ_STEP      0x0101010101010101 /* from a read to the next */

struct probe {
    struct device device;
    char accesses[256]; /* "r OFFSET/SIZE" and "w OFFSET/SIZE=VALUE" */
    uint64_t next_read;
    unsigned count, end_after; /* accesses; 0: never ends the machine */
};

static void probe_note(struct probe *probe, const char *text)
{
    strncat(probe->accesses, text, sizeof(probe->accesses) - strlen(probe->accesses) - 1);
    if (++probe->count == probe->end_after)
        machine_end(probe->device.machine, OUTCOME_GUEST, 9);
}

static uint64_t probe_read(struct device *device, const struct device_access *access)
{
    struct probe *probe = (struct probe *)device;
    uint64_t value = probe->next_read;
    char text[64];

    snprintf(text, sizeof(text), "r %" PRIu64 "/%u ", access->offset, access->size);
    probe_note(probe, text);
    probe->next_read += READ_STEP;
    return value;
}

static void probe_write(struct device *device, const struct device_access *access, uint64_t value)
{
    char text[64];

    snprintf(text, sizeof(text), "w %" PRIu64 "/%u=%" PRIx64 " ", access->offset, access->size,
             value);
    probe_note((struct probe *)device, text);
}

static int probe_create(struct device *device, struct error *error)
{
    static const struct device_claim claims[] = {
        {.space = BUS_PIO, .base = PORT, .size = 8, .widest = 4, .name = "probe"},
        {.space = BUS_PIO,
         .base = PORT_REGISTERS,
         .size = 8,
         .widest = 4,
         .registers = true,
         .name = "probe"},
        {.space = BUS_MMIO, .base = PAGE, .size = 8, .widest = 8, .whole = true, .name = "probe"},
        {.space = BUS_MMIO,
         .base = PAGE_REGISTERS,
         .size = 8,
         .widest = 8,
         .whole = true,
         .registers = true,
         .name = "probe"},
    };
    int result = 0;

    ((struct probe *)device)->next_read = FIRST_READ;
    for (size_t i = 0; result == 0 && i < COUNT(claims); i++)
        result = device_claim(device, &claims[i], error);
    return result;
}

static const struct property no_properties[] = {{0}};

static const struct device_type probe_type = {
    .name = "probe",
    .instance_size = sizeof(struct probe),
    .locking = DEVICE_LOCK_FREE,
    .properties = no_properties,
    .create = probe_create,
    .read = probe_read,
    .write = probe_write,
};

static struct fixture fixture;
static struct machine *machine;
static struct vcpu *vcpu;
static struct kvm_run *run;
static struct probe *probe;

static void setup(void)
{
    fixture_setup(&fixture);
    machine = &fixture.machine;
    vcpu = fixture.vcpu;
    run = vcpu->run;
    ck_assert_int_eq(device_create(machine, &probe_type, NULL, NULL), 0);
    probe = (struct probe *)machine->devices;
    memset((uint8_t *)run + DATA, FILL, vcpu->run_size - DATA);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static uint8_t *data_at(unsigned index)
{
    return (uint8_t *)run + DATA + index;
}

/* The data area holds (bytes), and after them its old contents. */
static void check_data(const void *bytes, size_t length)
{
    ck_assert_mem_eq(data_at(0), bytes, length);
    for (size_t i = DATA + length; i < vcpu->run_size; i++)
        ck_assert_uint_eq(((const uint8_t *)run)[i], FILL);
}

static void set_port_exit(bool out, uint16_t port, uint8_t size, uint32_t count)
{
    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    run->io.size = size;
    run->io.port = port;
    run->io.count = count;
    run->io.data_offset = DATA;
}

static void set_memory_exit(bool write, uint64_t address, uint32_t length)
{
    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = address;
    run->mmio.is_write = write;
    run->mmio.len = length;
    memset(run->mmio.data, FILL, sizeof(run->mmio.data));
}

static enum exit_action handle(void)
{
    return exit_handle(machine, vcpu);
}

static enum exit_action handle_reason(uint32_t reason)
{
    run->exit_reason = reason;
    return handle();
}

START_TEST(an_out_gives_the_device_the_bytes_of_its_size)
{
    static const struct {
        uint8_t size;
        const char *accesses;
    } cases[] = {{1, "w 2/1=11 "}, {2, "w 2/2=2211 "}, {4, "w 2/4=44332211 "}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        probe->accesses[0] = '\0';
        set_port_exit(true, PORT + 2, cases[i].size, 1);
        memcpy(data_at(0), "\x11\x22\x33\x44\x55", 5);
        ck_assert_int_eq(handle(), EXIT_RESUME);
        ck_assert_str_eq(probe->accesses, cases[i].accesses);
    }
}
END_TEST

START_TEST(an_in_gives_the_guest_the_bytes_of_its_size)
{
    static const struct {
        uint8_t size;
        const char *accesses;
    } cases[] = {{1, "r 3/1 "}, {2, "r 3/2 "}, {4, "r 3/4 "}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        probe->accesses[0] = '\0';
        probe->next_read = FIRST_READ;
        memset(data_at(0), FILL, 8);
        set_port_exit(false, PORT + 3, cases[i].size, 1);
        ck_assert_int_eq(handle(), EXIT_RESUME);
        ck_assert_str_eq(probe->accesses, cases[i].accesses);
        check_data("\x11\x22\x33\x44", cases[i].size);
    }
}
END_TEST

START_TEST(in_a_string_output_the_port_stays_and_the_data_moves)
{
    set_port_exit(true, PORT + 1, 1, 3);
    memcpy(data_at(0), "abcd", 4);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_str_eq(probe->accesses, "w 1/1=61 w 1/1=62 w 1/1=63 ");
}
END_TEST

START_TEST(in_a_string_input_the_port_stays_and_the_data_moves)
{
    set_port_exit(false, PORT + 4, 2, 3);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_str_eq(probe->accesses, "r 4/2 r 4/2 r 4/2 ");
    check_data("\x11\x22\x12\x23\x13\x24", 6);
}
END_TEST

START_TEST(a_string_output_stops_where_the_machine_ends)
{
    probe->end_after = 2;
    set_port_exit(true, PORT, 1, 4);
    memcpy(data_at(0), "abcd", 4);
    ck_assert_int_eq(handle(), EXIT_STOP);
    ck_assert_str_eq(probe->accesses, "w 0/1=61 w 0/1=62 ");
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), 9);
}
END_TEST

START_TEST(a_string_input_stops_where_the_machine_ends)
{
    probe->end_after = 2;
    set_port_exit(false, PORT, 1, 4);
    ck_assert_int_eq(handle(), EXIT_STOP);
    ck_assert_str_eq(probe->accesses, "r 0/1 r 0/1 ");
    check_data("\x11\x12", 2);
}
END_TEST

START_TEST(a_string_output_of_no_elements_reaches_no_device)
{
    set_port_exit(true, PORT, 1, 0);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_str_eq(probe->accesses, "");
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 0);
}
END_TEST

START_TEST(a_string_may_fill_the_run_page_to_its_end)
{
    set_port_exit(false, PORT, 4, 2);
    run->io.data_offset = vcpu->run_size - 8;
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_mem_eq((uint8_t *)run + vcpu->run_size - 8, "\x11\x22\x33\x44\x12\x23\x34\x45", 8);
}
END_TEST

/* Of a port access; offsets and counts are relative to the 3 pages of the fixture's run page. */
static const struct malformed_case {
    uint8_t size;
    uint32_t count;
    uint64_t offset;
} malformed_cases[] = {
    {0, 1, DATA},
    {3, 1, DATA},
    {5, 1, DATA},
    {8, 1, DATA},
    {255, 1, DATA},
    {1, 1, 3 * PAGE_SIZE},
    {2, 1, 3 * PAGE_SIZE - 1},
    {4, 1, 3 * PAGE_SIZE - 3},
    {1, 0, 3 * PAGE_SIZE + 1},
    {1, 1, 0}, /* in the structure, which has the count */
    {4, 1, sizeof(struct kvm_run) - 1},
    {1, 1, UINT64_MAX},
    {4, 1, UINT64_MAX - 3},
    {1, 2 * PAGE_SIZE + 1, DATA},
    {4, PAGE_SIZE / 2 + 1, DATA},
    {4, 0x40000000, DATA}, /* 4 GiB: 0 in 32 bits */
    {4, UINT32_MAX, DATA},
};

START_TEST(a_malformed_port_exit_ends_the_machine_and_touches_nothing)
{
    const struct malformed_case *c = &malformed_cases[_i % (int)COUNT(malformed_cases)];
    static uint8_t before[3 * PAGE_SIZE];

    ck_assert_uint_eq(vcpu->run_size, sizeof(before));
    set_port_exit(_i >= (int)COUNT(malformed_cases), PORT, c->size, c->count);
    run->io.data_offset = c->offset;
    memcpy(before, run, sizeof(before));
    ck_assert_int_eq(handle(), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_INTERNAL);
    ck_assert_ptr_eq(machine->ended_by, vcpu);
    ck_assert_str_eq(probe->accesses, "");
    ck_assert_mem_eq(run, before, sizeof(before));
}
END_TEST

START_TEST(a_malformed_port_exit_is_remembered_without_data)
{
    const struct malformed_case *c = &malformed_cases[_i];

    set_port_exit(true, PORT, c->size, c->count);
    run->io.data_offset = c->offset;
    exit_remember(vcpu);
    ck_assert_uint_eq(vcpu->history.total, 1);
    ck_assert_uint_eq(vcpu->history.records[0].size, c->size);
    ck_assert_uint_eq(vcpu->history.records[0].count, c->count);
    ck_assert_uint_eq(vcpu->history.records[0].data, 0);
}
END_TEST

START_TEST(a_store_of_1_to_8_bytes_gives_the_device_those_bytes)
{
    static const char *const accesses[] = {
        "w 0/1=a1 ",
        "w 0/2=a2a1 ",
        "w 0/3=a3a2a1 ",
        "w 0/4=a4a3a2a1 ",
        "w 0/5=a5a4a3a2a1 ",
        "w 0/6=a6a5a4a3a2a1 ",
        "w 0/7=a7a6a5a4a3a2a1 ",
        "w 0/8=a8a7a6a5a4a3a2a1 ",
    };

    set_memory_exit(true, PAGE, (uint32_t)_i);
    memcpy(run->mmio.data, "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8", 8);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_str_eq(probe->accesses, accesses[_i - 1]);
}
END_TEST

START_TEST(a_load_of_1_to_8_bytes_gives_the_guest_those_bytes)
{
    static const char value[] = "\x11\x22\x33\x44\x55\x66\x77\x88";

    set_memory_exit(false, PAGE, (uint32_t)_i);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_mem_eq(run->mmio.data, value, (size_t)_i);
    for (int i = _i; i < 8; i++)
        ck_assert_uint_eq(run->mmio.data[i], FILL);
}
END_TEST

START_TEST(a_malformed_memory_exit_ends_the_machine_and_touches_nothing)
{
    static const uint32_t lengths[] = {0, 9, 256, UINT32_MAX};
    uint8_t fill[8];

    memset(fill, FILL, sizeof(fill));
    for (unsigned write = 0; write < 2; write++) {
        set_memory_exit(write, PAGE, lengths[_i]);
        ck_assert_int_eq(handle(), EXIT_STOP);
        ck_assert_int_eq(machine_outcome(machine), OUTCOME_INTERNAL);
        ck_assert_ptr_eq(machine->ended_by, vcpu);
        ck_assert_str_eq(probe->accesses, "");
        ck_assert_mem_eq(run->mmio.data, fill, sizeof(fill));
    }
}
END_TEST

START_TEST(an_access_that_ends_the_machine_stops_the_vcpu)
{
    probe->end_after = 1;
    ck_assert_int_eq(fixture_store(&fixture, PAGE, 4, 1), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_ptr_null(machine->ended_by);
}
END_TEST

START_TEST(what_nobody_decodes_reads_as_ones_and_is_counted)
{
    ck_assert_uint_eq(fixture_in(&fixture, PORT_NOBODY, 2), 0xffff);
    ck_assert_uint_eq(fixture_load(&fixture, PAGE_NOBODY, 8), UINT64_MAX);
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 2);
    ck_assert_int_eq(fixture_out(&fixture, PORT_NOBODY, 4, 0), EXIT_RESUME);
    ck_assert_int_eq(fixture_store(&fixture, PAGE_NOBODY, 1, 0), EXIT_RESUME);
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 4);
}
END_TEST

START_TEST(each_element_of_an_unclaimed_string_is_counted)
{
    set_port_exit(true, PORT_NOBODY, 2, 5);
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 5);
}
END_TEST

START_TEST(what_a_device_decodes_even_in_part_is_not_counted_as_unclaimed)
{
    fixture_out(&fixture, PORT, 1, 0);
    fixture_in(&fixture, PORT + 7, 4);
    fixture_load(&fixture, PAGE - 1, 2);
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 0);
}
END_TEST

static const struct registers_case {
    bool port, write, wanted;
    uint64_t address;
} registers_cases[] = {
    {true, true, true, PORT_REGISTERS},     {true, false, true, PORT_REGISTERS},
    {true, true, true, PORT_REGISTERS + 7}, {true, true, false, PORT},
    {true, false, false, PORT_NOBODY},      {false, true, true, PAGE_REGISTERS},
    {false, false, true, PAGE_REGISTERS},   {false, true, false, PAGE},
    {false, false, false, PAGE_NOBODY},
};

START_TEST(registers_are_asked_for_before_anything_is_done)
{
    const struct registers_case *c = &registers_cases[_i];
    static uint8_t before[3 * PAGE_SIZE];

    vcpu->registers_valid = false;
    if (c->port)
        set_port_exit(c->write, (uint16_t)c->address, 2, 2);
    else
        set_memory_exit(c->write, c->address, 2);
    memcpy(before, run, sizeof(before));
    if (!c->wanted) {
        ck_assert_int_eq(handle(), EXIT_RESUME);
        return;
    }

    ck_assert_int_eq(handle(), EXIT_REGISTERS);
    ck_assert_str_eq(probe->accesses, "");
    ck_assert_mem_eq(run, before, sizeof(before));
    ck_assert_uint_eq(atomic_load(&vcpu->unclaimed), 0);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_NONE);
    vcpu->registers_valid = true;
    ck_assert_int_eq(handle(), EXIT_RESUME);
    ck_assert_str_ne(probe->accesses, "");
}
END_TEST

START_TEST(a_halt_is_the_end_of_a_guest_with_status_0)
{
    ck_assert_int_eq(handle_reason(KVM_EXIT_HLT), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), 0);
}
END_TEST

static const struct end_case {
    uint32_t reason;
    enum outcome outcome;
} end_cases[] = {
    {KVM_EXIT_SHUTDOWN, OUTCOME_TRIPLE_FAULT},
    {KVM_EXIT_FAIL_ENTRY, OUTCOME_CRASH},
    {KVM_EXIT_INTERNAL_ERROR, OUTCOME_CRASH},
    {KVM_EXIT_UNKNOWN, OUTCOME_CRASH},
    {KVM_EXIT_DEBUG, OUTCOME_CRASH},
    {KVM_EXIT_EXCEPTION, OUTCOME_CRASH},
    /* Exits that the monitor never asks for, and numbers that no KVM has yet. */
    {KVM_EXIT_HYPERCALL, OUTCOME_CRASH},
    {KVM_EXIT_HYPERV, OUTCOME_CRASH},
    {KVM_EXIT_NOTIFY, OUTCOME_CRASH},
    {EXIT_REASON_OTHER, OUTCOME_CRASH},
    {EXIT_REASONS, OUTCOME_CRASH},
    {250, OUTCOME_CRASH},
    {UINT32_MAX, OUTCOME_CRASH},
};

START_TEST(an_exit_that_the_guest_cannot_go_on_from_ends_the_machine)
{
    const struct end_case *c = &end_cases[_i];

    ck_assert_int_eq(handle_reason(c->reason), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(machine), c->outcome);
    ck_assert_ptr_eq(machine->ended_by, vcpu);
    ck_assert_str_eq(probe->accesses, "");
}
END_TEST

START_TEST(a_system_event_ends_the_machine_as_it_says)
{
    static const struct {
        uint32_t type;
        enum outcome outcome;
    } cases[] = {
        {KVM_SYSTEM_EVENT_SHUTDOWN, OUTCOME_GUEST},
        {KVM_SYSTEM_EVENT_RESET, OUTCOME_RESET},
        {KVM_SYSTEM_EVENT_CRASH, OUTCOME_CRASH},
        {0, OUTCOME_CRASH},
        {1000, OUTCOME_CRASH},
    };

    run->system_event.type = cases[_i].type;
    ck_assert_int_eq(handle_reason(KVM_EXIT_SYSTEM_EVENT), EXIT_STOP);
    ck_assert_int_eq(machine_outcome(machine), cases[_i].outcome);
    ck_assert_int_eq(machine_status(machine), 0);
}
END_TEST

START_TEST(an_interruption_changes_nothing)
{
    ck_assert_int_eq(handle_reason(KVM_EXIT_INTR), EXIT_RESUME);
    ck_assert_int_eq(handle_reason(KVM_EXIT_IRQ_WINDOW_OPEN), EXIT_RESUME);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_NONE);
}
END_TEST

START_TEST(an_interruption_stops_a_vcpu_whose_machine_has_ended)
{
    machine_end(machine, OUTCOME_TIMEOUT, 0);
    ck_assert_int_eq(handle_reason(KVM_EXIT_INTR), EXIT_STOP);
}
END_TEST

START_TEST(an_msr_that_no_device_serves_faults_in_the_guest)
{
    static const uint32_t reasons[] = {KVM_EXIT_X86_RDMSR, KVM_EXIT_X86_WRMSR};

    for (size_t i = 0; i < COUNT(reasons); i++) {
        run->msr.error = 0;
        ck_assert_int_eq(handle_reason(reasons[i]), EXIT_RESUME);
        ck_assert_uint_eq(run->msr.error, 1);
    }
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_NONE);
}
END_TEST

START_TEST(the_first_end_of_a_machine_counts)
{
    static const uint32_t later[] = {KVM_EXIT_HLT, KVM_EXIT_SHUTDOWN, KVM_EXIT_INTERNAL_ERROR, 250};

    ck_assert(machine_end(machine, OUTCOME_GUEST, 5));
    for (size_t i = 0; i < COUNT(later); i++)
        ck_assert_int_eq(handle_reason(later[i]), EXIT_STOP);
    ck_assert(!machine_end(machine, OUTCOME_RESET, 6));
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), 5);
    ck_assert_ptr_null(machine->ended_by);
}
END_TEST

START_TEST(a_status_outside_the_guests_range_becomes_the_highest)
{
    static const struct {
        int given, status;
    } cases[] = {
        {0, 0},     {1, 1},           {127, 127}, {128, 127},
        {256, 127}, {INT32_MAX, 127}, {-1, 127},  {INT32_MIN, 127},
    };

    ck_assert(machine_end(machine, OUTCOME_GUEST, cases[_i].given));
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), cases[_i].status);
}
END_TEST

START_TEST(every_reason_has_a_name_and_a_place_in_the_tables)
{
    static const uint32_t known[] = {
        KVM_EXIT_UNKNOWN,
        KVM_EXIT_EXCEPTION,
        KVM_EXIT_IO,
        KVM_EXIT_DEBUG,
        KVM_EXIT_HLT,
        KVM_EXIT_MMIO,
        KVM_EXIT_SHUTDOWN,
        KVM_EXIT_FAIL_ENTRY,
        KVM_EXIT_INTR,
        KVM_EXIT_X86_RDMSR,
        KVM_EXIT_X86_WRMSR,
        KVM_EXIT_SYSTEM_EVENT,
        KVM_EXIT_INTERNAL_ERROR,
        KVM_EXIT_IRQ_WINDOW_OPEN,
    };

    for (size_t i = 0; i < COUNT(known); i++)
        ck_assert_uint_eq(exit_reason_index(known[i]), known[i]);
    for (uint32_t reason = 0; reason < 300; reason++) {
        ck_assert_uint_lt(exit_reason_index(reason), EXIT_REASONS);
        ck_assert_ptr_nonnull(exit_reason_name(reason));
        ck_assert_ptr_nonnull(exit_reason_words(reason));
    }
    ck_assert_str_eq(exit_reason_name(KVM_EXIT_IO), "io");
    ck_assert_str_eq(exit_reason_words(KVM_EXIT_IO), "port I/O");
}
END_TEST

START_TEST(reasons_beyond_the_known_share_the_last_place)
{
    static const uint32_t beyond[] = {KVM_EXIT_HYPERCALL, EXIT_REASON_OTHER, EXIT_REASONS, 250,
                                      INT32_MAX,          UINT32_MAX};

    for (size_t i = 0; i < COUNT(beyond); i++) {
        ck_assert_uint_eq(exit_reason_index(beyond[i]), EXIT_REASON_OTHER);
        ck_assert_str_eq(exit_reason_name(beyond[i]), "other");
    }
}
END_TEST

/* Names are keys in statistics: two reasons with one name would be one. */
START_TEST(no_two_reasons_share_a_name)
{
    for (uint32_t a = 0; a < EXIT_REASONS; a++)
        for (uint32_t b = 0; b < a; b++)
            ck_assert(exit_reason_index(a) == exit_reason_index(b) ||
                      strcmp(exit_reason_name(a), exit_reason_name(b)) != 0);
}
END_TEST

START_TEST(of_17_exits_the_last_16_are_remembered)
{
    struct exit_history *history = &vcpu->history;

    for (uint32_t i = 1; i <= EXIT_HISTORY + 1; i++) {
        fixture_out(&fixture, PORT, 1, i);
        exit_remember(vcpu);
    }
    ck_assert_uint_eq(history->total, EXIT_HISTORY + 1);
    for (uint64_t number = 2; number <= EXIT_HISTORY + 1; number++) {
        const struct exit_record *record = &history->records[(number - 1) % EXIT_HISTORY];

        ck_assert_uint_eq(record->number, number);
        ck_assert_uint_eq(record->data, number);
    }
}
END_TEST

static void check_record(const struct exit_record *record, const struct exit_record *expected)
{
    ck_assert_uint_eq(record->number, expected->number);
    ck_assert_uint_eq(record->reason, expected->reason);
    ck_assert_uint_eq(record->address, expected->address);
    ck_assert_uint_eq(record->size, expected->size);
    ck_assert_uint_eq(record->count, expected->count);
    ck_assert_uint_eq(record->data, expected->data);
    ck_assert_int_eq(record->write, expected->write);
}

START_TEST(the_data_of_a_remembered_port_read_are_what_was_returned)
{
    const struct exit_record expected = {.number = 1,
                                         .reason = KVM_EXIT_IO,
                                         .address = PORT + 2,
                                         .size = 2,
                                         .count = 3,
                                         .data = 0x2211};

    set_port_exit(false, PORT + 2, 2, 3);
    handle();
    exit_remember(vcpu);
    check_record(&vcpu->history.records[0], &expected);
}
END_TEST

START_TEST(the_data_of_a_remembered_load_are_what_was_returned)
{
    const struct exit_record expected = {.number = 1,
                                         .reason = KVM_EXIT_MMIO,
                                         .address = PAGE,
                                         .size = 8,
                                         .count = 1,
                                         .data = FIRST_READ};

    set_memory_exit(false, PAGE, 8);
    handle();
    exit_remember(vcpu);
    check_record(&vcpu->history.records[0], &expected);
}
END_TEST

START_TEST(a_store_is_remembered_as_a_write)
{
    const struct exit_record expected = {.number = 1,
                                         .reason = KVM_EXIT_MMIO,
                                         .address = PAGE,
                                         .size = 8,
                                         .count = 1,
                                         .data = 0x1234,
                                         .write = true};

    fixture_store(&fixture, PAGE, 8, 0x1234);
    exit_remember(vcpu);
    check_record(&vcpu->history.records[0], &expected);
}
END_TEST

START_TEST(an_msr_access_is_remembered_with_its_number)
{
    const struct exit_record expected = {.number = 1,
                                         .reason = KVM_EXIT_X86_WRMSR,
                                         .address = 0xc0000080,
                                         .size = 8,
                                         .count = 1,
                                         .data = 0x500,
                                         .write = true};

    run->msr.index = 0xc0000080;
    run->msr.data = 0x500;
    handle_reason(KVM_EXIT_X86_WRMSR);
    exit_remember(vcpu);
    check_record(&vcpu->history.records[0], &expected);
}
END_TEST

START_TEST(an_exit_without_data_is_remembered_by_its_reason)
{
    const struct exit_record expected = {.number = 1, .reason = 250, .count = 1};

    run->exit_reason = 250;
    exit_remember(vcpu);
    check_record(&vcpu->history.records[0], &expected);
}
END_TEST

static void add_access_tests(TCase *tcase)
{
    const int malformed = (int)COUNT(malformed_cases);

    tcase_add_test(tcase, an_out_gives_the_device_the_bytes_of_its_size);
    tcase_add_test(tcase, an_in_gives_the_guest_the_bytes_of_its_size);
    tcase_add_test(tcase, in_a_string_output_the_port_stays_and_the_data_moves);
    tcase_add_test(tcase, in_a_string_input_the_port_stays_and_the_data_moves);
    tcase_add_test(tcase, a_string_output_stops_where_the_machine_ends);
    tcase_add_test(tcase, a_string_input_stops_where_the_machine_ends);
    tcase_add_test(tcase, a_string_output_of_no_elements_reaches_no_device);
    tcase_add_test(tcase, a_string_may_fill_the_run_page_to_its_end);
    tcase_add_loop_test(tcase, a_malformed_port_exit_ends_the_machine_and_touches_nothing, 0,
                        2 * malformed);
    tcase_add_loop_test(tcase, a_store_of_1_to_8_bytes_gives_the_device_those_bytes, 1, 9);
    tcase_add_loop_test(tcase, a_load_of_1_to_8_bytes_gives_the_guest_those_bytes, 1, 9);
    tcase_add_loop_test(tcase, a_malformed_memory_exit_ends_the_machine_and_touches_nothing, 0, 4);
    tcase_add_test(tcase, an_access_that_ends_the_machine_stops_the_vcpu);
    tcase_add_test(tcase, what_nobody_decodes_reads_as_ones_and_is_counted);
    tcase_add_test(tcase, each_element_of_an_unclaimed_string_is_counted);
    tcase_add_test(tcase, what_a_device_decodes_even_in_part_is_not_counted_as_unclaimed);
    tcase_add_loop_test(tcase, registers_are_asked_for_before_anything_is_done, 0,
                        (int)COUNT(registers_cases));
}

static void add_end_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_halt_is_the_end_of_a_guest_with_status_0);
    tcase_add_loop_test(tcase, an_exit_that_the_guest_cannot_go_on_from_ends_the_machine, 0,
                        (int)COUNT(end_cases));
    tcase_add_loop_test(tcase, a_system_event_ends_the_machine_as_it_says, 0, 5);
    tcase_add_test(tcase, an_interruption_changes_nothing);
    tcase_add_test(tcase, an_interruption_stops_a_vcpu_whose_machine_has_ended);
    tcase_add_test(tcase, an_msr_that_no_device_serves_faults_in_the_guest);
    tcase_add_test(tcase, the_first_end_of_a_machine_counts);
    tcase_add_loop_test(tcase, a_status_outside_the_guests_range_becomes_the_highest, 0, 8);
}

static void add_record_tests(TCase *tcase)
{
    tcase_add_test(tcase, every_reason_has_a_name_and_a_place_in_the_tables);
    tcase_add_test(tcase, reasons_beyond_the_known_share_the_last_place);
    tcase_add_test(tcase, no_two_reasons_share_a_name);
    tcase_add_test(tcase, of_17_exits_the_last_16_are_remembered);
    tcase_add_test(tcase, the_data_of_a_remembered_port_read_are_what_was_returned);
    tcase_add_test(tcase, the_data_of_a_remembered_load_are_what_was_returned);
    tcase_add_test(tcase, a_store_is_remembered_as_a_write);
    tcase_add_test(tcase, an_msr_access_is_remembered_with_its_number);
    tcase_add_test(tcase, an_exit_without_data_is_remembered_by_its_reason);
    tcase_add_loop_test(tcase, a_malformed_port_exit_is_remembered_without_data, 0,
                        (int)COUNT(malformed_cases));
}

Suite *exit_suite(void)
{
    Suite *suite = suite_create("exit");
    TCase *tcase = tcase_create("exit");

    tcase_add_checked_fixture(tcase, setup, teardown);
    add_access_tests(tcase);
    add_end_tests(tcase);
    add_record_tests(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}
