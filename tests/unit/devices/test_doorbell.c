/* The doorbell: rings that are exits and rings that KVM handles have the same effects. */
#include "guest/abi/doorbell.h"
#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"
#include "vmm/base/descriptor.h"
#include "vmm/boot/loader.h"
#include "vmm/boot/start.h"
#include "vmm/core/machine_run.h"
#include "vmm/io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *doorbell_suite(void);

#define RING  DOORBELL_PORT
#define COUNT (DOORBELL_PORT + DOORBELL_COUNT)
#define IRQ   5
#define RINGS 20000u

static struct fixture fixture;

/* What arrived at the other end of the interrupt line. */
static struct {
    atomic_bool level;
    atomic_uint rises;
} sink;

static void note_line(void *opaque, unsigned gsi, bool level)
{
    (void)opaque;
    ck_assert_uint_eq(gsi, IRQ);
    atomic_store(&sink.level, level);
    atomic_fetch_add(&sink.rises, level);
}

static void setup(void)
{
    memset(&sink, 0, sizeof(sink));
    fixture_setup(&fixture);
    fixture.machine.irqs.sink.set = note_line;
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static void ring(unsigned times)
{
    while (times-- > 0)
        fixture_out(&fixture, RING, 1, 0);
}

/* As KVM does, before the vCPU continues. */
static void ring_by_event(uint64_t times)
{
    ck_assert_int_eq(write(fixture.machine.events->fd, &times, sizeof(times)), sizeof(times));
}

static uint32_t count(void)
{
    return fixture_in(&fixture, COUNT, 4);
}

static void acknowledge(void)
{
    fixture_out(&fixture, COUNT, 4, 0);
}

static bool comes_up(unsigned rises)
{
    return comes_true(atomic_load(&sink.level) && atomic_load(&sink.rises) == rises);
}

START_TEST(an_out_of_any_width_rings_once)
{
    fixture_device(&fixture, "doorbell", "ioeventfd=off");
    for (unsigned size = 1; size <= 4; size *= 2) {
        fixture_out(&fixture, RING, size, UINT32_MAX);
        ck_assert_uint_eq(count(), 1 + size / 2);
    }
}
END_TEST

START_TEST(the_ports_behind_the_first_do_not_ring)
{
    fixture_device(&fixture, "doorbell", NULL);
    for (unsigned port = RING + 1; port < RING + DOORBELL_PORTS; port++)
        fixture_out(&fixture, (uint16_t)port, 1, 1);
    ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(a_part_of_a_wider_out_rings_as_a_byte_bus_has_it)
{
    fixture_device(&fixture, "doorbell", NULL);
    fixture_out(&fixture, RING - 1, 4, 0);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(the_count_is_read_whole_or_in_parts_and_the_rest_reads_0)
{
    fixture_device(&fixture, "doorbell", NULL);
    ring_by_event(0x12345678);
    ck_assert_uint_eq(count(), 0x12345678);
    ck_assert_uint_eq(fixture_in(&fixture, COUNT, 2), 0x5678);
    ck_assert_uint_eq(fixture_in(&fixture, COUNT + 2, 2), 0x1234);
    ck_assert_uint_eq(fixture_in(&fixture, COUNT + 3, 1), 0x12);
    ck_assert_uint_eq(fixture_in(&fixture, RING, 4), 0);
}
END_TEST

START_TEST(the_count_wraps_at_32_bits)
{
    fixture_device(&fixture, "doorbell", NULL);
    ring_by_event(UINT32_MAX);
    ring(3);
    ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(what_kvm_took_and_what_were_exits_count_together)
{
    fixture_device(&fixture, "doorbell", NULL);
    ring(2);
    ring_by_event(40);
    ck_assert_uint_eq(count(), 42);
    ck_assert_uint_eq(count(), 42);
}
END_TEST

START_TEST(with_a_journal_or_where_it_is_off_kvm_is_told_of_nothing)
{
    static const struct journal_ops ops;
    static struct journal journal = {.ops = &ops}; /* outlives the machine */

    if (_i == 0)
        machine_set_journal(&fixture.machine, &journal);
    fixture_device(&fixture, "doorbell", _i == 0 ? "irq=5" : "irq=5,ioeventfd=off");
    ck_assert_ptr_null(fixture.machine.events);
}
END_TEST

START_TEST(kvm_is_told_of_the_port_and_of_an_eventfd)
{
    fixture_device(&fixture, "doorbell", "port=0x600");
    ck_assert_uint_eq(fixture.machine.events->port, 0x600);
    ck_assert_int_ge(fixture.machine.events->fd, 0);
    ck_assert_ptr_null(fixture.machine.events->next);
}
END_TEST

START_TEST(without_irq_it_needs_no_interrupt_controllers)
{
    fixture_device(&fixture, "doorbell", NULL);
    ck_assert(!fixture.machine.irqs.needed);
}
END_TEST

START_TEST(the_line_is_up_from_a_ring_until_it_is_acknowledged)
{
    fixture_device(&fixture, "doorbell", "irq=5,ioeventfd=off");
    ck_assert(fixture.machine.irqs.needed);
    ck_assert(!sink.level);
    ring(2);
    ck_assert(sink.level);
    ck_assert_uint_eq(count(), 2);
    ck_assert(sink.level);
    acknowledge();
    ck_assert(!sink.level);
    ck_assert_uint_eq(sink.rises, 1);
    ck_assert_uint_eq(count(), 2);
    ring(1);
    ck_assert(sink.level);
}
END_TEST

START_TEST(a_ring_that_kvm_took_raises_the_line_though_no_vcpu_looks)
{
    fixture_device(&fixture, "doorbell", "irq=5");
    for (unsigned rises = 1; rises <= 100; rises++) {
        ring_by_event(1);
        ck_assert(comes_up(rises));
        acknowledge();
        ck_assert(!sink.level);
    }
    ck_assert_uint_eq(count(), 100);
}
END_TEST

START_TEST(an_acknowledgement_is_for_all_that_rang_before_it)
{
    fixture_device(&fixture, "doorbell", "irq=5");
    ring_by_event(1);
    acknowledge();
    ck_assert(!sink.level);
    ck_assert_uint_eq(sink.rises, 1);
    ck_assert_uint_eq(count(), 1);
}
END_TEST

static void *ring_on(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < RINGS; i++)
        ring_by_event(1);
    return NULL;
}

/* Three threads read the eventfd: one reads the count, one acknowledges, one raises the line. */
START_TEST(no_ring_is_lost_while_others_look)
{
    uint32_t last = 0;
    pthread_t thread;

    fixture_device(&fixture, "doorbell", "irq=5");
    ck_assert_int_eq(pthread_create(&thread, NULL, ring_on, NULL), 0);
    while (last < RINGS / 2) {
        const uint32_t now = count();

        ck_assert_uint_ge(now, last);
        last = now;
        acknowledge();
    }
    pthread_join(thread, NULL);
    ck_assert_uint_eq(count(), RINGS);
}
END_TEST

START_TEST(a_reset_forgets_the_rings_and_lowers_the_line)
{
    struct device *device = fixture_device(&fixture, "doorbell", "irq=5");
    unsigned rises;

    ring(3);
    ring_by_event(4);
    device->type->reset(device);
    ck_assert(!sink.level);
    ck_assert_uint_eq(count(), 0);
    rises = sink.rises;
    ring_by_event(1);
    ck_assert(comes_up(rises + 1));
}
END_TEST

static void ck_assert_state(struct device *device, const char *expected)
{
    struct text text = {0};

    state_write(device, &text);
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.used, strlen(expected));
    ck_assert_mem_eq(text.bytes, expected, text.used);
    text_free(&text);
}

START_TEST(what_kvm_took_is_part_of_the_state)
{
    struct device *device = fixture_device(&fixture, "doorbell", _i ? "irq=5" : NULL);

    ring(1);
    ring_by_event(0x100);
    ck_assert_state(device, _i ? "device doorbell.0 version 1\ncount=01010000\nline_up=01\n"
                               : "device doorbell.0 version 1\ncount=01010000\nline_up=00\n");
}
END_TEST

START_TEST(a_line_that_was_up_stays_up_without_an_interrupt)
{
    static const char state[] = "device doorbell.0 version 1\ncount=07000000\nline_up=01\n";
    struct device *device = fixture_device(&fixture, "doorbell", "irq=5");
    struct error error;

    ck_assert_msg(state_read(device, state, strlen(state), &error) == 0, "%s", error.text);
    ring_by_event(1);
    ck_assert_uint_eq(count(), 8);
    ck_assert_uint_eq(sink.rises, 0);
    acknowledge();
    ring_by_event(1);
    ck_assert(comes_up(1));
}
END_TEST

START_TEST(a_line_that_there_is_not_cannot_be_up)
{
    static const char state[] = "device doorbell.0 version 1\ncount=07000000\nline_up=01\n";
    struct device *device = fixture_device(&fixture, "doorbell", NULL);
    struct error error;

    ck_assert_int_eq(state_read(device, state, strlen(state), &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "line_up"));
    ck_assert_uint_eq(count(), 0);
}
END_TEST

/* 3 rings, of each width one; the count becomes the status. */
static const uint8_t rings[] = {
    0x66, 0xba, 0xb0, 0x0d, /* mov $0xdb0, %dx */
    0xee,                   /* out %al, %dx */
    0x66, 0xef,             /* out %ax, %dx */
    0xef,                   /* out %eax, %dx */
    0x66, 0xba, 0xb4, 0x0d, /* mov $0xdb4, %dx */
    0xed,                   /* in %dx, %eax */
    0xe6, 0xf4,             /* out %al, $0xf4 */
    0xf4,                   /* hlt */
};

static const struct {
    const char *properties;
    unsigned exits;
} runs[] = {{"ioeventfd=on", 2}, {"ioeventfd=off", 5}};

START_TEST(the_guest_reads_the_same_whether_rings_are_exits_or_not)
{
    const struct machine_config config = {
        .memory_size = 2 * MIB,
        .vcpu_count = 1,
        .console_fd = STDERR_FILENO,
        .out_dir = "/tmp",
        .message_fd = -1,
    };
    const struct loader_request request = {.path = "image"};
    uint8_t bytes[sizeof(rings)];
    const struct loader_file file = {.path = "image", .bytes = bytes, .size = sizeof(bytes)};
    struct machine *machine = &fixture.machine;
    struct x86_start start;
    struct error error;

    memcpy(bytes, rings, sizeof(bytes));
    ck_assert_int_eq(machine_init(machine, &config, &error), 0);
    fixture_device(&fixture, "doorbell", runs[_i].properties);
    fixture_device(&fixture, "debug-exit", NULL);
    ck_assert_int_eq(loader_load_files(&machine->memory, &request, &file, NULL, &start, &error), 0);
    ck_assert_msg(kvm_open(&machine->kvm, KVM_DEVICE, &error) == 0, "%s", error.text);
    ck_assert_msg(machine_make_vm(machine, &error) == 0, "%s", error.text);
    ck_assert_msg(machine_set_start(machine, &start, &error) == 0, "%s", error.text);
    machine_run(machine);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), 3);
    ck_assert_uint_eq(atomic_load(&machine->vcpus[0].exits[KVM_EXIT_IO]), runs[_i].exits);
    machine_finish(machine);
}
END_TEST

Suite *doorbell_suite(void)
{
    Suite *suite = suite_create("doorbell");
    TCase *alone = tcase_create("without KVM"), *kvm = tcase_create("with KVM");

    tcase_add_checked_fixture(alone, setup, teardown);
    tcase_add_test(alone, an_out_of_any_width_rings_once);
    tcase_add_test(alone, the_ports_behind_the_first_do_not_ring);
    tcase_add_test(alone, a_part_of_a_wider_out_rings_as_a_byte_bus_has_it);
    tcase_add_test(alone, the_count_is_read_whole_or_in_parts_and_the_rest_reads_0);
    tcase_add_test(alone, the_count_wraps_at_32_bits);
    tcase_add_test(alone, what_kvm_took_and_what_were_exits_count_together);
    tcase_add_loop_test(alone, with_a_journal_or_where_it_is_off_kvm_is_told_of_nothing, 0, 2);
    tcase_add_test(alone, kvm_is_told_of_the_port_and_of_an_eventfd);
    tcase_add_test(alone, without_irq_it_needs_no_interrupt_controllers);
    tcase_add_test(alone, the_line_is_up_from_a_ring_until_it_is_acknowledged);
    tcase_add_test(alone, a_ring_that_kvm_took_raises_the_line_though_no_vcpu_looks);
    tcase_add_test(alone, an_acknowledgement_is_for_all_that_rang_before_it);
    tcase_add_test(alone, no_ring_is_lost_while_others_look);
    tcase_add_test(alone, a_reset_forgets_the_rings_and_lowers_the_line);
    tcase_add_loop_test(alone, what_kvm_took_is_part_of_the_state, 0, 2);
    tcase_add_test(alone, a_line_that_was_up_stays_up_without_an_interrupt);
    tcase_add_test(alone, a_line_that_there_is_not_cannot_be_up);
    suite_add_tcase(suite, alone);
    kvm_test_add(kvm, the_guest_reads_the_same_whether_rings_are_exits_or_not, 2);
    suite_add_tcase(suite, kvm);
    return suite;
}
