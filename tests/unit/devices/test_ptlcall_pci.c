/* The ptlcall as a PCI function: where its BARs are there are calls, each device with its own state. */
#include "devices/ptlcall.h"

#include "guest/abi/pci.h"
#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

Suite *ptlcall_pci_suite(void);

/* Guest memory, gpa; paging is off. */
#define TEXT 0x100000u
#define LIST 0x110000u

struct guest {
    struct fixture fixture;
    struct ptlcall_pci *ptlcall;
};

static uint32_t config_read(struct guest *guest, const struct ptlcall_pci *ptlcall, unsigned reg,
                            unsigned size)
{
    return pci_config_read(&guest->fixture.machine.pci, PCI_ADDRESS(ptlcall->pci.slot, 0, reg),
                           reg & 3, size);
}

static void config_write(struct guest *guest, unsigned reg, unsigned size, uint32_t value)
{
    pci_config_write(&guest->fixture.machine.pci, PCI_ADDRESS(guest->ptlcall->pci.slot, 0, reg),
                     reg & 3, size, value);
}

static uint64_t page_of(struct guest *guest, const struct ptlcall_pci *ptlcall)
{
    return config_read(guest, ptlcall, PCI_REG_BAR(0), 4) & ~PCI_BAR_MEMORY_FLAGS;
}

static uint16_t port_of(struct guest *guest, const struct ptlcall_pci *ptlcall)
{
    return (uint16_t)(config_read(guest, ptlcall, PCI_REG_BAR(1), 4) & ~PCI_BAR_IO_FLAGS);
}

static struct ptlcall_pci *add_device(struct guest *guest, const char *log)
{
    char properties[128];

    snprintf(properties, sizeof(properties), "log=%s/%s", guest->fixture.out_dir, log);
    return (struct ptlcall_pci *)fixture_device(&guest->fixture, "ptlcall-pci", properties);
}

/* A guest in 32-bit protected mode, and the device with its log in the file "log". */
static void guest_setup(struct guest *guest)
{
    fixture_setup(&guest->fixture);
    guest->ptlcall = add_device(guest, "log");
    guest->fixture.vcpu->run->s.regs.sregs.cr0 = X86_CR0_PE;
}

static void guest_teardown(struct guest *guest)
{
    fixture_teardown(&guest->fixture);
}

/* One VERSION call: RAX after a store, or an OUT. Ones: it was not a call. */
static uint32_t store(struct guest *guest, uint64_t address, unsigned size)
{
    struct kvm_regs *regs = vcpu_registers(guest->fixture.vcpu);

    regs->rax = PTLCALL_OP_VERSION;
    fixture_store(&guest->fixture, address, size, UINT64_MAX);
    return regs->rax == PTLCALL_OP_VERSION ? UINT32_MAX : (uint32_t)regs->rax;
}

static uint32_t out(struct guest *guest, uint16_t port, unsigned size)
{
    struct kvm_regs *regs = vcpu_registers(guest->fixture.vcpu);

    regs->rax = PTLCALL_OP_VERSION;
    fixture_out(&guest->fixture, port, size, UINT32_MAX);
    return regs->rax == PTLCALL_OP_VERSION ? UINT32_MAX : (uint32_t)regs->rax;
}

/* A call with two arguments by the page of (ptlcall). */
static int32_t call(struct guest *guest, const struct ptlcall_pci *ptlcall, uint64_t op,
                    uint64_t first, uint64_t second)
{
    struct kvm_regs *regs = vcpu_registers(guest->fixture.vcpu);

    regs->rax = op;
    regs->rdi = first;
    regs->rsi = second;
    fixture_store(&guest->fixture, page_of(guest, ptlcall), 8, 0);
    return (int32_t)regs->rax;
}

static int32_t enqueue(struct guest *guest, const struct ptlcall_pci *ptlcall, const char *list)
{
    const struct ptlcall_descriptor descriptor = {TEXT, strlen(list)};
    const struct memory *memory = &guest->fixture.machine.memory;

    ck_assert_int_eq(memory_write(memory, gpa(TEXT), list, strlen(list)), 0);
    ck_assert_int_eq(memory_write(memory, gpa(LIST), &descriptor, sizeof(descriptor)), 0);
    return call(guest, ptlcall, PTLCALL_OP_ENQUEUE, LIST, 1);
}

static const char *log_text(struct guest *guest, struct ptlcall_pci *ptlcall, const char *log)
{
    ck_assert_int_eq(ptlcall_log_flush(&ptlcall->ptlcall.log), 0);
    return fixture_out_file(&guest->fixture, log);
}

/* ---- the function ---- */

START_TEST(it_says_what_it_is)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(config_read(&guest, guest.ptlcall, PCI_REG_VENDOR, 4), 0x50541234);
    ck_assert_uint_eq(config_read(&guest, guest.ptlcall, PCI_REG_CLASS, 1), 0xff);
    ck_assert_uint_eq(config_read(&guest, guest.ptlcall, PCI_REG_INTERRUPT_PIN, 1), 0);
    config_write(&guest, PCI_REG_BAR(0), 4, ~0u);
    config_write(&guest, PCI_REG_BAR(1), 4, ~0u);
    ck_assert_uint_eq(config_read(&guest, guest.ptlcall, PCI_REG_BAR(0), 4), 0xfffff000);
    ck_assert_uint_eq(config_read(&guest, guest.ptlcall, PCI_REG_BAR(1), 4) & 0xffff, 0xfffd);
    guest_teardown(&guest);
}
END_TEST

START_TEST(it_wants_no_interrupt_controllers)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert(!guest.fixture.machine.irqs.needed);
    guest_teardown(&guest);
}
END_TEST

START_TEST(it_offers_no_cpuid_leaf)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(guest.fixture.machine.cpuid_leaf_count, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(it_goes_where_addr_says)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(
        ((struct pci_device *)fixture_device(&guest.fixture, "ptlcall-pci", "addr=17"))->slot, 17);
    guest_teardown(&guest);
}
END_TEST

/* ---- calls ---- */

START_TEST(a_store_of_any_width_anywhere_in_bar_0_is_one_call)
{
    static const uint64_t offsets[] = {0, 1, 144, 0x7fd, 0xff8};
    struct guest guest;
    uint64_t calls = 0;

    guest_setup(&guest);
    for (unsigned size = 1; size <= 8; size++)
        for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
            ck_assert_uint_eq(store(&guest, page_of(&guest, guest.ptlcall) + offsets[i], size),
                              PTLCALL_VERSION_NUMBER);
            ck_assert_uint_eq(guest.ptlcall->ptlcall.calls, ++calls);
        }
    guest_teardown(&guest);
}
END_TEST

START_TEST(an_out_of_any_width_to_bar_1_is_one_call)
{
    struct guest guest;
    uint64_t calls = 0;

    guest_setup(&guest);
    for (unsigned size = 1; size <= 4; size *= 2) {
        ck_assert_uint_eq(out(&guest, port_of(&guest, guest.ptlcall), size),
                          PTLCALL_VERSION_NUMBER);
        ck_assert_uint_eq(guest.ptlcall->ptlcall.calls, ++calls);
    }
    guest_teardown(&guest);
}
END_TEST

START_TEST(an_out_behind_the_first_port_is_no_call)
{
    struct guest guest;

    guest_setup(&guest);
    for (unsigned at = 1; at < PTLCALL_PORTS; at++)
        out(&guest, (uint16_t)(port_of(&guest, guest.ptlcall) + at), 1);
    ck_assert_uint_eq(guest.ptlcall->ptlcall.calls, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_load_or_an_in_gives_zero_and_is_no_call)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(fixture_load(&guest.fixture, page_of(&guest, guest.ptlcall) + 144, 8), 0);
    ck_assert_uint_eq(fixture_in(&guest.fixture, port_of(&guest, guest.ptlcall), 4), 0);
    ck_assert_uint_eq(guest.ptlcall->ptlcall.calls, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_call_waits_for_the_registers_if_they_are_not_there)
{
    struct guest guest;

    guest_setup(&guest);
    guest.fixture.vcpu->registers_valid = false;
    ck_assert_int_eq(fixture_store(&guest.fixture, page_of(&guest, guest.ptlcall), 2, 0),
                     EXIT_REGISTERS);
    ck_assert_int_eq(fixture_out(&guest.fixture, port_of(&guest, guest.ptlcall), 1, 0),
                     EXIT_REGISTERS);
    ck_assert_uint_eq(guest.ptlcall->ptlcall.calls, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(calls_go_with_the_bars_when_they_move)
{
    struct guest guest;
    uint64_t page;
    uint16_t port;

    guest_setup(&guest);
    page = page_of(&guest, guest.ptlcall);
    port = port_of(&guest, guest.ptlcall);
    config_write(&guest, PCI_REG_BAR(0), 4, 0xd0000000);
    config_write(&guest, PCI_REG_BAR(1), 4, 0x4560);
    ck_assert_uint_eq(store(&guest, page, 8), UINT32_MAX);
    ck_assert_uint_eq(out(&guest, port, 4), UINT32_MAX);
    ck_assert_uint_eq(store(&guest, 0xd0000000, 8), PTLCALL_VERSION_NUMBER);
    ck_assert_uint_eq(out(&guest, 0x4560, 4), PTLCALL_VERSION_NUMBER);
    guest_teardown(&guest);
}
END_TEST

START_TEST(what_the_command_register_switches_off_does_not_call)
{
    struct guest guest;
    uint64_t page;
    uint16_t port;

    guest_setup(&guest);
    page = page_of(&guest, guest.ptlcall);
    port = port_of(&guest, guest.ptlcall);
    config_write(&guest, PCI_REG_COMMAND, 2, PCI_COMMAND_IO);
    ck_assert_uint_eq(store(&guest, page, 8), UINT32_MAX);
    ck_assert_uint_eq(out(&guest, port, 4), PTLCALL_VERSION_NUMBER);
    config_write(&guest, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
    ck_assert_uint_eq(store(&guest, page, 8), PTLCALL_VERSION_NUMBER);
    ck_assert_uint_eq(out(&guest, port, 4), UINT32_MAX);
    guest_teardown(&guest);
}
END_TEST

/* ---- several devices ---- */

START_TEST(each_device_has_its_own_session)
{
    struct guest guest;
    struct ptlcall_device *fixed;
    struct ptlcall_pci *second;

    guest_setup(&guest);
    second = add_device(&guest, "second");
    fixed = (struct ptlcall_device *)fixture_device(&guest.fixture, "ptlcall", NULL);
    ck_assert_uint_eq(guest.fixture.machine.cpuid_leaf_count, 1);
    ck_assert_int_eq(enqueue(&guest, second, "-run -stopinsns 5"), 2);
    ck_assert(second->ptlcall.session.simulating);
    ck_assert(!guest.ptlcall->ptlcall.session.simulating);
    ck_assert(!fixed->ptlcall.session.simulating);
    ck_assert_uint_eq(guest.ptlcall->ptlcall.session.limits[PTLCALL_LIMIT_INSNS], 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(each_device_has_its_own_log_and_numbers)
{
    struct guest guest;
    struct ptlcall_pci *second;

    guest_setup(&guest);
    second = add_device(&guest, "second");
    store(&guest, page_of(&guest, guest.ptlcall), 8);
    store(&guest, page_of(&guest, second), 8);
    out(&guest, port_of(&guest, guest.ptlcall), 1);
    ck_assert_str_eq(log_text(&guest, guest.ptlcall, "log"),
                     "ptlcall 1 vcpu=0 via=pci-mmio op=VERSION result=1\n"
                     "ptlcall 2 vcpu=0 via=pci-port op=VERSION result=1\n");
    ck_assert_str_eq(log_text(&guest, second, "second"),
                     "ptlcall 1 vcpu=0 via=pci-mmio op=VERSION result=1\n");
    guest_teardown(&guest);
}
END_TEST

/* ---- its life ---- */

START_TEST(a_reset_takes_back_commands_and_moves)
{
    struct guest guest;
    uint64_t page;

    guest_setup(&guest);
    page = page_of(&guest, guest.ptlcall);
    enqueue(&guest, guest.ptlcall, "-run -stopinsns 5");
    config_write(&guest, PCI_REG_BAR(0), 4, 0xd0000000);
    guest.ptlcall->pci.device.type->reset(&guest.ptlcall->pci.device);
    ck_assert(!guest.ptlcall->ptlcall.session.simulating);
    ck_assert_uint_eq(guest.ptlcall->ptlcall.session.limits[PTLCALL_LIMIT_INSNS], 0);
    ck_assert_uint_eq(store(&guest, page, 8), PTLCALL_VERSION_NUMBER);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_kill_ends_the_guest_with_its_log_on_the_disk)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, guest.ptlcall, "-kill");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_GUEST);
    ck_assert_ptr_nonnull(strstr(fixture_out_file(&guest.fixture, "log"), "command=-kill"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_log_that_is_lost_is_an_error_at_the_end)
{
    struct error error = {""};
    struct fixture fixture;
    struct device *device;

    fixture_setup(&fixture);
    device = fixture_device(&fixture, "ptlcall-pci", "log=/dev/full");
    ck_assert_int_eq(device->type->finish(device, &error), 0);
    vcpu_registers(fixture.vcpu)->rax = PTLCALL_OP_VERSION;
    fixture_store(&fixture, PCI_MEMORY_BASE, 8, 0);
    ck_assert_int_lt(device->type->finish(device, &error), 0);
    ck_assert_msg(strstr(error.text, "/dev/full"), "%s", error.text);
    fixture_teardown(&fixture);
}
END_TEST

static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static const struct {
    const char *properties, *named;
} refused_properties[] = {
    {"log=/nowhere/at/all", "/nowhere/at/all: No such file or directory"},
    {"addr=1,log=/dev/null", "slot 1"}, /* taken */
    {"addr=33", "addr"},
    {"mmio=0xf0000000", "mmio"},
};

START_TEST(a_device_that_cannot_be_is_refused_and_leaves_nothing_open)
{
    struct error error = {""};
    struct fixture fixture;
    unsigned before;

    fixture_setup(&fixture);
    fixture_device(&fixture, "ptlcall-pci", "addr=1");
    before = open_descriptors();
    ck_assert_int_lt(fixture_try_device(&fixture, "ptlcall-pci", refused_properties[_i].properties,
                                        &error),
                     0);
    ck_assert_msg(strstr(error.text, refused_properties[_i].named), "%s", error.text);
    ck_assert_uint_eq(open_descriptors(), before);
    fixture_teardown(&fixture);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *ptlcall_pci_suite(void)
{
    Suite *suite = suite_create("ptlcall_pci");
    TCase *function = tcase_create("function"), *calls = tcase_create("calls"),
          *several = tcase_create("several"), *life = tcase_create("life");

    tcase_add_test(function, it_says_what_it_is);
    tcase_add_test(function, it_wants_no_interrupt_controllers);
    tcase_add_test(function, it_offers_no_cpuid_leaf);
    tcase_add_test(function, it_goes_where_addr_says);
    suite_add_tcase(suite, function);
    tcase_add_test(calls, a_store_of_any_width_anywhere_in_bar_0_is_one_call);
    tcase_add_test(calls, an_out_of_any_width_to_bar_1_is_one_call);
    tcase_add_test(calls, an_out_behind_the_first_port_is_no_call);
    tcase_add_test(calls, a_load_or_an_in_gives_zero_and_is_no_call);
    tcase_add_test(calls, a_call_waits_for_the_registers_if_they_are_not_there);
    tcase_add_test(calls, calls_go_with_the_bars_when_they_move);
    tcase_add_test(calls, what_the_command_register_switches_off_does_not_call);
    suite_add_tcase(suite, calls);
    tcase_add_test(several, each_device_has_its_own_session);
    tcase_add_test(several, each_device_has_its_own_log_and_numbers);
    suite_add_tcase(suite, several);
    tcase_add_test(life, a_reset_takes_back_commands_and_moves);
    tcase_add_test(life, a_kill_ends_the_guest_with_its_log_on_the_disk);
    needs_test_add(life, NEED_FULL, a_log_that_is_lost_is_an_error_at_the_end, 1);
    tcase_add_loop_test(life, a_device_that_cannot_be_is_refused_and_leaves_nothing_open, 0,
                        COUNT(refused_properties));
    suite_add_tcase(suite, life);
    return suite;
}
