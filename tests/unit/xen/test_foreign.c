/* devices/xen/foreign.c: another machine's pages in a KVM machine, and their allowed addresses. */
#include "devices/xen/foreign.h"

#include "devices/types.h"
#include "tests/unit/needs.h"
#include "vmm/boot/start.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/x86.h"

#include <check.h>
#include <errno.h>
#include <unistd.h>

Suite *foreign_suite(void);

#define PLACE     0xd0000000u /* neither RAM nor a device */
#define CODE      0x8000u
#define VALUE     0x1122334455667788u
#define OTHER     0x5555555555555555u
#define NO_ACCESS UINT64_MAX

/*
 * mov PLACE, %edi; mov (%rdi), %rax; mov %rax, RESULT; mov OTHER, %rbx; mov %rbx, (%rdi); and status 0
 * through the port that ends the guest.
 */
__asm__(".pushsection .rodata\n"
        "image_foreign:\n"
        "    movl $0xd0000000, %edi\n"
        "    movq (%rdi), %rax\n"
        "    movq %rax, 0x7000\n"
        "    movabsq $0x5555555555555555, %rbx\n"
        "    movq %rbx, (%rdi)\n"
        "    movq (%rdi), %rax\n"
        "    movq %rax, 0x7008\n"
        "    xorl %eax, %eax\n"
        "    outb %al, $0xf4\n"
        "1:  jmp 1b\n"
        "image_foreign_end:\n"
        ".popsection\n");

extern const uint8_t image_foreign[], image_foreign_end[];

#define RESULT_FIRST  0x7000u
#define RESULT_SECOND 0x7008u

static struct machine machine;
static struct foreign foreign;
static struct error error;
static uint64_t page[PAGE_SIZE / sizeof(uint64_t)] __attribute__((aligned(4096)));

static void must(int result)
{
    ck_assert_msg(result >= 0, "%s", error.text);
}

static void setup(void)
{
    const struct machine_config config = {
        .memory_size = 2 * MIB,
        .vcpu_count = 1,
        .console_fd = STDERR_FILENO,
        .out_dir = "/tmp",
        .message_fd = -1,
    };

    must(machine_init(&machine, &config, &error));
    must(device_create(&machine, device_type_find(device_types, "debug-exit"), NULL, &error));
    must(device_create(&machine, device_type_find(device_types, "ptlcall"), NULL, &error));
    must(kvm_open(&machine.kvm, KVM_DEVICE, &error));
    must(machine_make_vm(&machine, &error));
    foreign_init(&foreign, &machine);
    page[0] = VALUE;
}

static void teardown(void)
{
    machine_finish(&machine);
    foreign_finish(&foreign);
}

/* Let the guest read at PLACE, write there, and read again. */
static void run(void)
{
    const struct x86_start start = {.mode = X86_LONG, .entry = CODE};

    must(memory_write(&machine.memory, gpa(CODE), image_foreign,
                      (uint64_t)(image_foreign_end - image_foreign)));
    must(machine_set_start(&machine, &start, &error));
    machine_run(&machine);
    ck_assert_int_eq(machine_outcome(&machine), OUTCOME_GUEST);
}

static uint64_t result(uint64_t address)
{
    uint64_t value;

    must(memory_read(&machine.memory, gpa(address), &value, sizeof(value)));
    return value;
}

START_TEST(the_guest_reads_and_writes_the_page)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    run();
    ck_assert_uint_eq(result(RESULT_FIRST), VALUE);
    ck_assert_uint_eq(result(RESULT_SECOND), OTHER);
    ck_assert_uint_eq(page[0], OTHER);
}
END_TEST

START_TEST(case_12_a_write_to_a_readonly_page_is_discarded)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, true), 0);
    run();
    ck_assert_uint_eq(result(RESULT_FIRST), VALUE);
    ck_assert_uint_eq(result(RESULT_SECOND), VALUE);
    ck_assert_uint_eq(page[0], VALUE);
}
END_TEST

START_TEST(a_page_that_was_taken_away_is_nowhere)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
    run();
    ck_assert_uint_eq(result(RESULT_FIRST), NO_ACCESS);
    ck_assert_uint_eq(page[0], VALUE);
}
END_TEST

/* Where a page cannot be. */
static const struct {
    uint64_t address;
    int result;
} bad_places[] = {
    {PLACE + 1, -EINVAL},          {PLACE + 0x800, -EINVAL},
    {UINT64_MAX, -EINVAL},         {0, -EBUSY},                       /* RAM */
    {2 * MIB - PAGE_SIZE, -EBUSY},                                    /* its last page */
    {X86_LOCAL_APIC, -EBUSY},                                         /* interrupt controllers */
    {X86_IOAPIC, -EBUSY},          {UINT64_MAX - PAGE_MASK, -EINVAL}, /* wraps round */
};

START_TEST(a_page_is_refused_where_something_else_is)
{
    ck_assert_int_eq(foreign_map(&foreign, bad_places[_i].address, page, false),
                     bad_places[_i].result);
}
END_TEST

START_TEST(a_page_is_refused_where_a_device_decodes)
{
    const struct bus *bus = &machine.bus[BUS_MMIO];

    ck_assert_uint_gt(bus->region_count, 0);
    ck_assert_int_eq(foreign_map(&foreign, bus->regions[0].first & ~PAGE_MASK, page, false),
                     -EBUSY);
}
END_TEST

START_TEST(a_page_is_refused_where_a_moving_region_is)
{
    const struct bus_region region = {.first = PLACE + 0xff0,
                                      .last = PLACE + 0xfff,
                                      .device = machine.devices,
                                      .widest = 4};

    bus_move(&machine.bus[BUS_MMIO], 3, &region);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), -EBUSY);
    bus_move(&machine.bus[BUS_MMIO], 3, NULL);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
}
END_TEST

START_TEST(an_address_has_one_page)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, true), -EBUSY);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, true), 0);
}
END_TEST

START_TEST(what_is_not_mapped_cannot_be_taken_away)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), -ENOENT);
    ck_assert_int_eq(foreign_map(&foreign, 0, NULL, false), -ENOENT);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), -ENOENT);
}
END_TEST

START_TEST(a_page_that_kvm_does_not_give_up_stays)
{
    const int vm_fd = machine.kvm.vm_fd;

    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    machine.kvm.vm_fd = -1;
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), -EBADF);
    machine.kvm.vm_fd = vm_fd;
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), -EBUSY);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
}
END_TEST

START_TEST(a_page_can_be_at_two_addresses)
{
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE + PAGE_SIZE, page, true), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE + PAGE_SIZE, NULL, true), 0);
}
END_TEST

START_TEST(the_number_of_pages_is_bounded)
{
    /* As on a host with few slots. */
    machine.kvm.slots_max = MEMORY_SLOTS + 2;
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE + PAGE_SIZE, page, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE + 2 * PAGE_SIZE, page, false), -ENOSPC);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, NULL, false), 0);
    ck_assert_int_eq(foreign_map(&foreign, PLACE + 2 * PAGE_SIZE, page, false), 0);
}
END_TEST

START_TEST(without_readonly_slots_a_readonly_page_is_refused)
{
    machine.kvm.readonly_slots = false;
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, true), -EOPNOTSUPP);
    ck_assert_int_eq(foreign_map(&foreign, PLACE, page, false), 0);
}
END_TEST

Suite *foreign_suite(void)
{
    Suite *suite = suite_create("foreign");
    TCase *tcase = tcase_create("foreign");

    tcase_add_checked_fixture(tcase, setup, teardown);
    kvm_test_add(tcase, the_guest_reads_and_writes_the_page, 1);
    kvm_test_add(tcase, case_12_a_write_to_a_readonly_page_is_discarded, 1);
    kvm_test_add(tcase, a_page_that_was_taken_away_is_nowhere, 1);
    kvm_test_add(tcase, a_page_is_refused_where_something_else_is,
                 (int)(sizeof(bad_places) / sizeof(bad_places[0])));
    kvm_test_add(tcase, a_page_is_refused_where_a_device_decodes, 1);
    kvm_test_add(tcase, a_page_is_refused_where_a_moving_region_is, 1);
    kvm_test_add(tcase, an_address_has_one_page, 1);
    kvm_test_add(tcase, what_is_not_mapped_cannot_be_taken_away, 1);
    kvm_test_add(tcase, a_page_that_kvm_does_not_give_up_stays, 1);
    kvm_test_add(tcase, a_page_can_be_at_two_addresses, 1);
    kvm_test_add(tcase, the_number_of_pages_is_bounded, 1);
    kvm_test_add(tcase, without_readonly_slots_a_readonly_page_is_refused, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
