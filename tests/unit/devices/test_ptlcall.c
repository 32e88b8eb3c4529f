/* The ptlcall device: every op by both ways of calling, every error, and what the log shows. */
#include "devices/ptlcall.h"

#include "devices/ptlcall/counters.h"
#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *ptlcall_suite(void);

#define TRIGGER PTLCALL_DEFAULT_TRIGGER
#define PORT    PTLCALL_DEFAULT_PORT

/* Guest memory, gpa. In long mode all 16 MiB are mapped to themselves by 2 MiB pages. */
#define PML4   0x10000u
#define PDPT   0x11000u
#define PD     0x12000u
#define PD_4K  0x13000u
#define PT     0x14000u
#define TEXT   0x100000u
#define LIST   0x110000u /* descriptors */
#define NAME   0x120000u
#define NO_RAM 0xa0000000u

/*
 * Four pages at 1 GiB: two that lie in RAM in the wrong order, the first for ring 0 only, one that
 * is missing, and one that is no RAM.
 */
#define SPLIT         0x40000000u
#define SPLIT_FIRST   0x300000u
#define SPLIT_SECOND  0x200000u
#define SPLIT_MISSING (SPLIT + 2 * PAGE_SIZE)
#define SPLIT_NO_RAM  (SPLIT + 3 * PAGE_SIZE)

/* The last 2 MiB of the address space, so that a range can only fail by wrapping around. */
#define TOP_PDPT 0x15000u
#define TOP_PD   0x16000u
#define TOP_RAM  0x400000u

#define PRESENT 1u
#define WRITE   2u
#define USER    4u
#define LARGE   0x80u

enum mode { LONG, COMPATIBILITY, PROTECTED, REAL };
enum via { VIA_TRIGGER, VIA_PORT, VIAS };

struct guest {
    struct fixture fixture;
    struct device *device;
    struct ptlcall *ptlcall; /* of the device */
    uint64_t length;         /* of what text() put into memory last */
};

static void put(struct guest *guest, uint64_t address, const void *bytes, uint64_t length)
{
    ck_assert_int_eq(memory_write(&guest->fixture.machine.memory, gpa(address), bytes, length), 0);
}

static void put_entry(struct guest *guest, uint64_t table, unsigned index, uint64_t value)
{
    put(guest, table + 8 * index, &value, sizeof(value));
}

static void put_page_tables(struct guest *guest)
{
    put_entry(guest, PML4, 0, PDPT | PRESENT | WRITE | USER);
    put_entry(guest, PDPT, 0, PD | PRESENT | WRITE | USER);
    put_entry(guest, PDPT, 1, PD_4K | PRESENT | WRITE | USER);
    for (unsigned i = 0; i < 8; i++)
        put_entry(guest, PD, i, i * 2 * MIB | PRESENT | WRITE | USER | LARGE);
    put_entry(guest, PML4, 511, TOP_PDPT | PRESENT);
    put_entry(guest, TOP_PDPT, 511, TOP_PD | PRESENT);
    put_entry(guest, TOP_PD, 511, TOP_RAM | PRESENT | LARGE);
    put_entry(guest, PD_4K, 0, PT | PRESENT | WRITE | USER);
    put_entry(guest, PT, 0, SPLIT_FIRST | PRESENT);
    put_entry(guest, PT, 1, SPLIT_SECOND | PRESENT | USER);
    put_entry(guest, PT, 3, NO_RAM | PRESENT | USER);
}

static void set_mode(struct guest *guest, enum mode mode)
{
    struct kvm_sregs *sregs = &guest->fixture.vcpu->run->s.regs.sregs;

    memset(sregs, 0, sizeof(*sregs));
    if (mode == REAL)
        return;
    sregs->cr0 = X86_CR0_PE;
    if (mode == PROTECTED)
        return;
    sregs->cr0 |= X86_CR0_PG;
    sregs->cr4 = X86_CR4_PAE;
    sregs->efer = X86_EFER_LME | X86_EFER_LMA;
    sregs->cr3 = PML4;
    sregs->cs.l = mode == LONG;
}

/* A guest in long mode, and the device with its log in the file "log". */
static void guest_setup(struct guest *guest)
{
    char properties[128];

    fixture_setup(&guest->fixture);
    snprintf(properties, sizeof(properties), "log=%s/log", guest->fixture.out_dir);
    guest->device = fixture_device(&guest->fixture, "ptlcall", properties);
    guest->ptlcall = &((struct ptlcall_device *)guest->device)->ptlcall;
    put_page_tables(guest);
    set_mode(guest, LONG);
}

static void guest_teardown(struct guest *guest)
{
    fixture_teardown(&guest->fixture);
}

/* One call with RAX = (rax). Gives RAX, and checks that no other register changed. */
static uint64_t call_with(struct guest *guest, enum via via, uint64_t rax,
                          const uint64_t arguments[5])
{
    struct kvm_regs *regs = vcpu_registers(guest->fixture.vcpu);
    struct kvm_regs before;
    uint64_t result;

    memset(regs, 0x5a, sizeof(*regs));
    regs->rax = rax;
    regs->rdi = arguments[0];
    regs->rsi = arguments[1];
    regs->rdx = arguments[2];
    regs->r10 = arguments[3];
    regs->r8 = arguments[4];
    before = *regs;
    if (via == VIA_TRIGGER)
        fixture_store(&guest->fixture, TRIGGER, 2, 0);
    else
        fixture_out(&guest->fixture, PORT, 1, 0);
    result = regs->rax;
    before.rax = result;
    ck_assert_mem_eq(regs, &before, sizeof(before));
    return result;
}

#define CALL(guest, via, op, ...)                                                                  \
    ((int64_t)call_with(guest, via, op, (const uint64_t[5]){__VA_ARGS__}))

/* Put a string at (address), and give the address; its length is guest->length. */
static uint64_t text(struct guest *guest, uint64_t address, const char *string)
{
    guest->length = strlen(string);
    put(guest, address, string, guest->length);
    return address;
}

/* ENQUEUE with one string. */
static int64_t enqueue(struct guest *guest, enum via via, const char *list)
{
    struct ptlcall_descriptor descriptor = {.string = text(guest, TEXT, list)};

    descriptor.length = guest->length;
    put(guest, LIST, &descriptor, sizeof(descriptor));
    return CALL(guest, via, PTLCALL_OP_ENQUEUE, LIST, 1, 0);
}

static const char *log_text(struct guest *guest)
{
    ck_assert_int_eq(ptlcall_log_flush(&guest->ptlcall->log), 0);
    return fixture_out_file(&guest->fixture, "log");
}

/* Files in the --out directory, temporary ones too, besides the log. */
static unsigned files(struct guest *guest)
{
    DIR *dir = opendir(guest->fixture.out_dir);
    const struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 strcmp(entry->d_name, "log") != 0;
    closedir(dir);
    return count;
}

static bool simulating(struct guest *guest)
{
    uint64_t version = (uint64_t)CALL(guest, VIA_TRIGGER, PTLCALL_OP_VERSION, 0);

    ck_assert_uint_eq(version & ~PTLCALL_SIMULATING, PTLCALL_VERSION_NUMBER);
    return version & PTLCALL_SIMULATING;
}

/* ---- the device ---- */

START_TEST(a_store_of_any_width_anywhere_in_the_page_is_a_call)
{
    static const unsigned widths[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint64_t offsets[] = {0, 1, 0x7fd, 0xff8};
    struct guest guest;
    uint64_t calls = 0;

    guest_setup(&guest);
    for (unsigned w = 0; w < 8; w++)
        for (unsigned o = 0; o < 4; o++) {
            vcpu_registers(guest.fixture.vcpu)->rax = PTLCALL_OP_VERSION;
            fixture_store(&guest.fixture, TRIGGER + offsets[o], widths[w], UINT64_MAX);
            ck_assert_uint_eq(vcpu_registers(guest.fixture.vcpu)->rax, PTLCALL_VERSION_NUMBER);
            ck_assert_uint_eq(guest.ptlcall->calls, ++calls);
        }
    guest_teardown(&guest);
}
END_TEST

START_TEST(an_out_of_any_width_to_the_port_is_a_call)
{
    struct guest guest;
    uint64_t calls = 0;

    guest_setup(&guest);
    for (unsigned width = 1; width <= 4; width *= 2) {
        vcpu_registers(guest.fixture.vcpu)->rax = PTLCALL_OP_VERSION;
        fixture_out(&guest.fixture, PORT, width, 0xffffffff);
        ck_assert_uint_eq(vcpu_registers(guest.fixture.vcpu)->rax, PTLCALL_VERSION_NUMBER);
        ck_assert_uint_eq(guest.ptlcall->calls, ++calls);
    }
    guest_teardown(&guest);
}
END_TEST

START_TEST(an_out_to_the_ports_behind_the_port_is_no_call)
{
    struct guest guest;

    guest_setup(&guest);
    for (unsigned at = 1; at < PTLCALL_PORTS; at++)
        fixture_out(&guest.fixture, (uint16_t)(PORT + at), 1, 0);
    ck_assert_uint_eq(guest.ptlcall->calls, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_load_or_an_in_gives_zero_and_is_no_call)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_uint_eq(fixture_load(&guest.fixture, TRIGGER, 8), 0);
    ck_assert_uint_eq(fixture_load(&guest.fixture, TRIGGER + 0xfff, 1), 0);
    ck_assert_uint_eq(fixture_in(&guest.fixture, PORT, 4), 0);
    ck_assert_uint_eq(guest.ptlcall->calls, 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_call_makes_its_result_the_new_rax_of_the_vcpu)
{
    struct guest guest;

    guest_setup(&guest);
    CALL(&guest, VIA_TRIGGER, PTLCALL_OP_VERSION, 0);
    ck_assert(guest.fixture.vcpu->run->kvm_dirty_regs & KVM_SYNC_X86_REGS);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_call_waits_for_the_registers_if_they_are_not_there)
{
    struct guest guest;

    guest_setup(&guest);
    guest.fixture.vcpu->registers_valid = false;
    ck_assert_int_eq(fixture_store(&guest.fixture, TRIGGER, 2, 0), EXIT_REGISTERS);
    ck_assert_int_eq(fixture_out(&guest.fixture, PORT, 1, 0), EXIT_REGISTERS);
    ck_assert_uint_eq(guest.ptlcall->calls, 0);
    guest_teardown(&guest);
}
END_TEST

static const struct {
    const char *properties;
    uint32_t ecx, edx;
} leaf_cases[] = {
    {NULL, 0xfffff000, 0x00e00008},
    {"mmio=0x456789abc8,port=0x1234", 0x6789abc8, 0x12340045},
    {"mmio=0x7fffffffffff,port=0xfffc", 0xffffffff, 0xfffc7fff},
};

START_TEST(the_cpuid_leaf_names_the_methods_the_trigger_word_and_the_port)
{
    struct fixture fixture;
    const struct kvm_cpuid_entry2 *leaf = &fixture.machine.cpuid_leaves[0];

    fixture_setup(&fixture);
    fixture_device(&fixture, "ptlcall", leaf_cases[_i].properties);
    ck_assert_uint_eq(fixture.machine.cpuid_leaf_count, 1);
    ck_assert_uint_eq(leaf->function, PTLCALL_CPUID_LEAF);
    ck_assert_uint_eq(leaf->flags, 0);
    ck_assert_uint_eq(leaf->eax, PTLCALL_CPUID_FOUND);
    ck_assert_uint_eq(leaf->ebx, PTLCALL_BY_MMIO | PTLCALL_BY_PORT);
    ck_assert_uint_eq(leaf->ecx, leaf_cases[_i].ecx);
    ck_assert_uint_eq(leaf->edx, leaf_cases[_i].edx);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(the_trigger_page_and_the_port_lie_where_the_properties_say)
{
    struct fixture fixture;
    struct ptlcall_device *device;
    const struct ptlcall *ptlcall;

    fixture_setup(&fixture);
    device = (struct ptlcall_device *)fixture_device(&fixture, "ptlcall",
                                                     "mmio=0x456789abc8,port=0x1234");
    ptlcall = &device->ptlcall;
    fixture_store(&fixture, 0x456789a000, 2, 0);
    fixture_store(&fixture, 0x456789aff8, 8, 0);
    fixture_out(&fixture, 0x1234, 4, 0);
    ck_assert_uint_eq(ptlcall->calls, 3);
    fixture_store(&fixture, 0x4567899ff8, 8, 0);
    fixture_store(&fixture, 0x456789b000, 8, 0);
    fixture_out(&fixture, PORT, 1, 0);
    ck_assert_uint_eq(ptlcall->calls, 3);
    fixture_teardown(&fixture);
}
END_TEST

static const struct {
    const char *properties, *named;
} refused_properties[] = {
    {"mmio=0x1000000000000", "mmio"},
    {"port=0xfffd", "port"},
    {"mmio=0x100000", "0x100000"}, /* RAM */
    {"log=/nowhere/at/all", "/nowhere/at/all: No such file or directory"},
    {"log=/", "/: Is a directory"},
};

START_TEST(a_device_that_cannot_be_is_refused_with_the_cause)
{
    struct error error = {""};
    struct fixture fixture;

    fixture_setup(&fixture);
    ck_assert_int_lt(fixture_try_device(&fixture, "ptlcall", refused_properties[_i].properties,
                                        &error),
                     0);
    ck_assert_msg(strstr(error.text, refused_properties[_i].named), "%s", error.text);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(a_reset_takes_back_what_commands_set)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, VIA_TRIGGER, "-run -kill-after-run -stopinsns 5");
    guest.device->type->reset(guest.device);
    ck_assert(!simulating(&guest));
    ck_assert_uint_eq(guest.ptlcall->session.limits[PTLCALL_LIMIT_INSNS], 0);
    enqueue(&guest, VIA_TRIGGER, "-run -stop");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_NONE);
    guest_teardown(&guest);
}
END_TEST

/* ---- ops; each test runs once by trigger and once by port ---- */

START_TEST(version_is_one)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_VERSION, 0), 1);
    ck_assert_str_eq(log_text(&guest), _i == VIA_TRIGGER
                                           ? "ptlcall 1 vcpu=0 via=mmio op=VERSION result=1\n"
                                           : "ptlcall 1 vcpu=0 via=port op=VERSION result=1\n");
    guest_teardown(&guest);
}
END_TEST

START_TEST(version_has_bit_63_while_simulating)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, _i, "-run");
    ck_assert_uint_eq((uint64_t)CALL(&guest, _i, PTLCALL_OP_VERSION, 0), PTLCALL_SIMULATING | 1);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), "op=VERSION result=0x8000000000000001\n"));
    enqueue(&guest, _i, "-stop");
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_VERSION, 0), 1);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_op_is_the_low_half_of_rax_signed)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(CALL(&guest, _i, 0xffffffff00000000, 0), 1);
    ck_assert_int_eq(CALL(&guest, _i, UINT64_MAX, 0), -PTLCALL_EINVAL);
    ck_assert_int_eq(CALL(&guest, _i, 0x80000000, 0), -PTLCALL_EINVAL);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OPS, 0), -PTLCALL_EINVAL);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), "op=-1 result=-22 reason=\"no such op\"\n"));
    ck_assert_ptr_nonnull(strstr(log_text(&guest), "op=6 result=-22"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_marker_is_logged_with_time_and_exits_by_reason)
{
    uint64_t seconds, nanoseconds, tsc;
    struct guest guest;
    int end = -1;

    guest_setup(&guest);
    atomic_store(&guest.fixture.vcpu->exits[KVM_EXIT_IO], 12);
    atomic_store(&guest.fixture.vcpu->exits[KVM_EXIT_MMIO], 3);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_MARKER, UINT64_MAX), 0);
    sscanf(log_text(&guest),
           "ptlcall 1 vcpu=0 via=%*4s op=MARKER id=18446744073709551615 result=0 "
           "time=%" SCNu64 ".%9" SCNu64 " tsc=%" SCNu64 " exits=io:12,mmio:3\n%n",
           &seconds, &nanoseconds, &tsc, &end);
    ck_assert_int_eq(end, (int)strlen(log_text(&guest)));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_marker_before_any_counted_exit_says_none)
{
    struct guest guest;

    guest_setup(&guest);
    CALL(&guest, _i, PTLCALL_OP_MARKER, 0);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " exits=none\n"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_log_text_is_one_line)
{
    struct guest guest;

    guest_setup(&guest);
    text(&guest, TEXT, "hello, world");
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_LOG, TEXT, guest.length), 5);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " op=LOG text=\"hello, world\" result=5\n"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_log_text_cannot_end_its_line_or_its_quotes)
{
    static const char forged[] = "x\" result=5\nptlcall 9 \\ \t\r\x1b[2J\x7f\xff";
    static const char shown[] = " op=LOG text=\"x\\\" result=5\\nptlcall 9 "
                                "\\\\ \\t\\x0d\\x1b[2J\\x7f\\xff\\x00\" result=5\n";
    struct guest guest;

    guest_setup(&guest);
    put(&guest, TEXT, forged, sizeof(forged));
    CALL(&guest, _i, PTLCALL_OP_LOG, TEXT, sizeof(forged));
    ck_assert_ptr_nonnull(strstr(log_text(&guest), shown));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_log_text_may_be_empty_or_as_long_as_the_limit)
{
    char filled[PTLCALL_LOG_MAX];
    struct guest guest;

    guest_setup(&guest);
    memset(filled, '\n', sizeof(filled));
    put(&guest, TEXT, filled, sizeof(filled));
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_LOG, NO_RAM, 0), 5);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " text=\"\" result=5\n"));
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_LOG, TEXT, sizeof(filled)), 5);
    ck_assert_uint_gt(strlen(log_text(&guest)), 2 * sizeof(filled));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_core_dump_is_the_memory_in_a_file)
{
    struct guest guest;

    guest_setup(&guest);
    text(&guest, TEXT, "what the guest remembers");
    put(&guest, NAME, "crash", 5);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, TEXT, guest.length, NAME, 5, 11), 4);
    ck_assert_str_eq(fixture_out_file(&guest.fixture, "crash-core"), "what the guest remembers");
    ck_assert_ptr_nonnull(
        strstr(log_text(&guest), " op=CORE_DUMP name=\"crash\" size=24 signal=11 result=4\n"));
    ck_assert_uint_eq(files(&guest), 1);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_core_dump_may_be_empty_or_longer_than_a_chunk)
{
    const uint64_t size = PTLCALL_CHUNK * 2 + 7;
    struct guest guest;
    struct stat status;
    char path[128];

    guest_setup(&guest);
    put(&guest, NAME, "crash", 5);
    snprintf(path, sizeof(path), "%s/crash-core", guest.fixture.out_dir);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, NO_RAM, 0, NAME, 5, 0), 4);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, 0);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, TEXT, size, NAME, 5, 0), 4);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, (off_t)size);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_core_dump_stops_when_the_machine_has_ended)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, NAME, "crash", 5);
    machine_end(&guest.fixture.machine, OUTCOME_TIMEOUT, 0);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, TEXT, 1, NAME, 5, 0), -PTLCALL_EIO);
    ck_assert_uint_eq(files(&guest), 0);
    guest_teardown(&guest);
}
END_TEST

/* ---- errors ---- */

/* What call_refused() finds in memory: names and descriptor lists, each at its address. */
#define NAME_DOTS    (NAME + 0x100)
#define NAME_SLASH   (NAME + 0x200)
#define NAME_NUL     (NAME + 0x300)
#define LIST_LONG    (LIST + 0x1000) /* one string of 2^64 - 1 bytes */
#define LIST_OVER    (LIST + 0x2000) /* two strings, one byte over the limit with their separator */
#define LIST_SUM     (LIST + 0x3000) /* lengths that wrap around to 1 */
#define LIST_FAULT   (LIST + 0x4000) /* a good string, and one outside RAM */
#define LIST_WRAP    (LIST + 0x5000) /* a string that wraps around */
#define LIST_BAD     (LIST + 0x6000) /* a good string, and a malformed one */
#define LIST_NAMES   (LIST + 0x7000) /* a good snapshot, and one with a forbidden name */
#define LIST_CONTROL (LIST + 0x8000) /* a zero byte at the end of a command */

static void put_list(struct guest *guest, uint64_t address, struct ptlcall_descriptor first,
                     struct ptlcall_descriptor second)
{
    put(guest, address, &first, sizeof(first));
    put(guest, address + sizeof(first), &second, sizeof(second));
}

static void put_bad_arguments(struct guest *guest)
{
    const struct ptlcall_descriptor run = {TEXT, 4}, none = {0, 0};

    text(guest, TEXT, "-run");
    text(guest, TEXT + 0x100, "run");
    text(guest, TEXT + 0x200, "-run -snapshot-now a");
    text(guest, TEXT + 0x300, "-snapshot-now ../b");
    text(guest, NAME, "crash");
    text(guest, NAME_DOTS, "..");
    text(guest, NAME_SLASH, "a/b");
    put(guest, NAME_NUL, "a\0b", 3);
    put_list(guest, LIST, run, none);
    put_list(guest, LIST_LONG, (struct ptlcall_descriptor){TEXT, UINT64_MAX}, none);
    put_list(guest, LIST_OVER, run, (struct ptlcall_descriptor){TEXT, PTLCALL_COMMANDS_MAX - 4});
    put_list(guest, LIST_SUM, (struct ptlcall_descriptor){TEXT, 2},
             (struct ptlcall_descriptor){TEXT, UINT64_MAX - 1});
    put_list(guest, LIST_FAULT, run, (struct ptlcall_descriptor){NO_RAM, 4});
    put_list(guest, LIST_WRAP, run, (struct ptlcall_descriptor){UINT64_MAX - 1, 4});
    put_list(guest, LIST_BAD, run, (struct ptlcall_descriptor){TEXT + 0x100, 3});
    put_list(guest, LIST_NAMES, (struct ptlcall_descriptor){TEXT + 0x200, 20},
             (struct ptlcall_descriptor){TEXT + 0x300, 18});
    put_list(guest, LIST_CONTROL, (struct ptlcall_descriptor){TEXT, 5}, none);
}

#define TOP           (UINT64_MAX - 15) /* 16 bytes below the end of the address space */
#define NOT_CANONICAL 0x800000000000

static const struct {
    uint64_t op, arguments[5];
    int64_t result;
    const char *reason;
} error_cases[] = {
    {PTLCALL_OP_CHECKPOINT, {NAME, 0, 0}, -PTLCALL_EINVAL, "the name is empty"},
    {PTLCALL_OP_CHECKPOINT,
     {NAME, PTLCALL_NAME_MAX + 1, 0},
     -PTLCALL_E2BIG,
     "the name is too long"},
    {PTLCALL_OP_CHECKPOINT, {NAME, UINT64_MAX, 0}, -PTLCALL_E2BIG, "the name is too long"},
    {PTLCALL_OP_CHECKPOINT, {NO_RAM, 5, 0}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_CHECKPOINT, {TOP, 17, 0}, -PTLCALL_EFAULT, "a pointer wraps around"},
    {PTLCALL_OP_CHECKPOINT, {NAME_DOTS, 2, 0}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CHECKPOINT, {NAME_SLASH, 3, 0}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CHECKPOINT, {NAME_NUL, 3, 4}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CHECKPOINT, {NAME, 5, 5}, -PTLCALL_EINVAL, "no such action"},
    {PTLCALL_OP_CHECKPOINT, {NAME, 5, 1ULL << 32}, -PTLCALL_EINVAL, "no such action"},
    {PTLCALL_OP_CHECKPOINT, {NAME, 5, UINT64_MAX}, -PTLCALL_EINVAL, "no such action"},
    {PTLCALL_OP_LOG, {TEXT, PTLCALL_LOG_MAX + 1}, -PTLCALL_E2BIG, "the text is too long"},
    {PTLCALL_OP_LOG, {TEXT, UINT64_MAX}, -PTLCALL_E2BIG, "the text is too long"},
    {PTLCALL_OP_LOG, {NO_RAM, 1}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_LOG, {SPLIT_MISSING, 1}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_LOG, {SPLIT_MISSING - 4, 5}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_LOG, {SPLIT_NO_RAM, 1}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_LOG, {16 * MIB - 4, 5}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_LOG, {TOP, 17}, -PTLCALL_EFAULT, "a pointer wraps around"},
    {PTLCALL_OP_LOG, {NOT_CANONICAL, 1}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_ENQUEUE, {LIST, 65}, -PTLCALL_E2BIG, "too many descriptors"},
    {PTLCALL_OP_ENQUEUE, {LIST, UINT64_MAX}, -PTLCALL_E2BIG, "too many descriptors"},
    {PTLCALL_OP_ENQUEUE, {LIST, 1ULL << 60}, -PTLCALL_E2BIG, "too many descriptors"},
    {PTLCALL_OP_ENQUEUE, {LIST_LONG, 1}, -PTLCALL_E2BIG, "the command list is too long"},
    {PTLCALL_OP_ENQUEUE, {LIST_OVER, 2}, -PTLCALL_E2BIG, "the command list is too long"},
    {PTLCALL_OP_ENQUEUE, {LIST_SUM, 2}, -PTLCALL_E2BIG, "the command list is too long"},
    {PTLCALL_OP_ENQUEUE, {NO_RAM, 1}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_ENQUEUE, {SPLIT_MISSING - 16, 2}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_ENQUEUE, {TOP, 2}, -PTLCALL_EFAULT, "a pointer wraps around"},
    {PTLCALL_OP_ENQUEUE, {LIST_FAULT, 2}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_ENQUEUE, {LIST_WRAP, 2}, -PTLCALL_EFAULT, "a pointer wraps around"},
    {PTLCALL_OP_ENQUEUE, {LIST_BAD, 2}, -PTLCALL_EINVAL, "a word is neither an option nor a value"},
    {PTLCALL_OP_ENQUEUE, {LIST_NAMES, 2}, -PTLCALL_EINVAL, "a file name is not allowed"},
    {PTLCALL_OP_ENQUEUE,
     {LIST_CONTROL, 1},
     -PTLCALL_EINVAL,
     "a control character in a command list"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NAME, 0}, -PTLCALL_EINVAL, "the name is empty"},
    {PTLCALL_OP_CORE_DUMP,
     {TEXT, 1, NAME, PTLCALL_NAME_MAX + 1},
     -PTLCALL_E2BIG,
     "the name is too long"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NAME, UINT64_MAX}, -PTLCALL_E2BIG, "the name is too long"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NO_RAM, 5}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NAME_DOTS, 2}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NAME_SLASH, 3}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, 1, NAME_NUL, 3}, -PTLCALL_EINVAL, "the name is not allowed"},
    {PTLCALL_OP_CORE_DUMP,
     {TEXT, PTLCALL_CORE_MAX + 1, NAME, 5},
     -PTLCALL_E2BIG,
     "the dump is too large"},
    {PTLCALL_OP_CORE_DUMP, {TEXT, UINT64_MAX, NAME, 5}, -PTLCALL_E2BIG, "the dump is too large"},
    {PTLCALL_OP_CORE_DUMP, {NO_RAM, 1, NAME, 5}, -PTLCALL_EFAULT, "a pointer cannot be read"},
    {PTLCALL_OP_CORE_DUMP,
     {15 * MIB, 2 * MIB, NAME, 5},
     -PTLCALL_EFAULT,
     "a pointer cannot be read"},
    {PTLCALL_OP_CORE_DUMP, {TOP, 17, NAME, 5}, -PTLCALL_EFAULT, "a pointer wraps around"},
    {PTLCALL_OP_CORE_DUMP,
     {-(uint64_t)PTLCALL_CHUNK, PTLCALL_CHUNK + 1, NAME, 5},
     -PTLCALL_EFAULT,
     "a pointer wraps around"},
    {17, {0}, -PTLCALL_EINVAL, "no such op"},
};

#define ERROR_CASES (int)(sizeof(error_cases) / sizeof(error_cases[0]))

START_TEST(a_refused_call_has_its_error_its_reason_and_no_effect)
{
    const enum via via = _i / ERROR_CASES;
    const int at = _i % ERROR_CASES;
    struct guest guest;
    char line_end[128];

    guest_setup(&guest);
    put_bad_arguments(&guest);
    ck_assert_int_eq((int64_t)call_with(&guest, via, error_cases[at].op, error_cases[at].arguments),
                     error_cases[at].result);
    snprintf(line_end, sizeof(line_end), " result=%" PRId64 " reason=\"%s\"\n",
             error_cases[at].result, error_cases[at].reason);
    ck_assert_msg(strstr(log_text(&guest), line_end), "%s", log_text(&guest));
    ck_assert_uint_eq(files(&guest), 0);
    ck_assert(!simulating(&guest));
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_NONE);
    guest_teardown(&guest);
}
END_TEST

/* No directory for files: as an unwritable one, but root cannot write there either. */
START_TEST(a_file_that_cannot_be_written_is_an_error_without_effect)
{
    struct guest guest;
    int dir_fd;

    guest_setup(&guest);
    dir_fd = guest.fixture.machine.out_dir_fd;
    guest.fixture.machine.out_dir_fd = -1;
    put(&guest, NAME, "crash", 5);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, TEXT, 1, NAME, 5, 0), -PTLCALL_EIO);
    ck_assert_int_eq(enqueue(&guest, _i, "-run -snapshot-now roi -kill"), -PTLCALL_EIO);
    ck_assert(!simulating(&guest));
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_NONE);
    guest.fixture.machine.out_dir_fd = dir_fd;
    guest_teardown(&guest);
}
END_TEST

/* Let no file grow past (size); gives the limit as it was. */
static struct rlimit limit_files(rlim_t size)
{
    struct rlimit old, small;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    return old;
}

/* The second chunk does not fit; the log goes to a file, but is not written until the end. */
START_TEST(a_file_that_does_not_fit_is_an_error_and_nothing_of_it_is_left)
{
    struct guest guest;
    struct rlimit old;
    int64_t core, snapshot;

    guest_setup(&guest);
    put(&guest, NAME, "crash", 5);
    old = limit_files(PAGE_SIZE);
    core = CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, TEXT, 1024 * 1024, NAME, 5, 0);
    limit_files(1);
    snapshot = enqueue(&guest, _i, "-snapshot-now roi -run");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(core, -PTLCALL_EIO);
    ck_assert_int_eq(snapshot, -PTLCALL_EIO);
    ck_assert_uint_eq(files(&guest), 0);
    ck_assert(!simulating(&guest));
    guest_teardown(&guest);
}
END_TEST

START_TEST(of_several_snapshots_none_is_left_when_one_cannot_be_written)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(mkdirat(guest.fixture.machine.out_dir_fd, "b.stats", 0755), 0);
    ck_assert_int_eq(enqueue(&guest, _i, "-snapshot-now a -snapshot-now b -run"), -PTLCALL_EIO);
    ck_assert_uint_eq(files(&guest), 1);
    ck_assert(!simulating(&guest));
    unlinkat(guest.fixture.machine.out_dir_fd, "b.stats", AT_REMOVEDIR);
    guest_teardown(&guest);
}
END_TEST

/* ---- modes and pages ---- */

static const enum mode narrow_modes[] = {COMPATIBILITY, PROTECTED, REAL};

START_TEST(outside_64_bit_mode_registers_and_result_count_32_bits)
{
    const uint64_t high = 0xdeadbeef00000000;
    struct guest guest;

    guest_setup(&guest);
    set_mode(&guest, narrow_modes[_i]);
    text(&guest, TEXT, "narrow");
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, high | PTLCALL_OP_LOG, high | TEXT, high | 6), 5);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " text=\"narrow\" result=5\n"));
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, 17, 0), 0xffffffea);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_MARKER, high | 7), 0);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " id=7 "));
    enqueue(&guest, VIA_TRIGGER, "-run");
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_VERSION, 0), 1);
    guest_teardown(&guest);
}
END_TEST

START_TEST(outside_64_bit_mode_string_addresses_count_32_bits)
{
    const struct ptlcall_descriptor descriptor = {0xffffffff00000000 | TEXT, 4};
    struct guest guest;

    guest_setup(&guest);
    set_mode(&guest, narrow_modes[_i]);
    text(&guest, TEXT, "-run");
    put(&guest, LIST, &descriptor, sizeof(descriptor));
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_ENQUEUE, LIST, 1), 2);
    ck_assert(guest.ptlcall->session.simulating);
    guest_teardown(&guest);
}
END_TEST

START_TEST(outside_64_bit_mode_nothing_is_read_past_4_gib)
{
    struct guest guest;

    guest_setup(&guest);
    set_mode(&guest, narrow_modes[_i]);
    /* With these tables a compatibility-mode pointer could be followed past 4 GiB. */
    put_entry(&guest, PDPT, 3, PD_4K | PRESENT);
    put_entry(&guest, PDPT, 4, PD | PRESENT);
    put_entry(&guest, PD_4K, 511, PT | PRESENT);
    put_entry(&guest, PT, 511, SPLIT_FIRST | PRESENT);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_LOG, 0xfffffffe, 4), 0xfffffff2);
    guest_teardown(&guest);
}
END_TEST

START_TEST(outside_64_bit_mode_a_core_dump_does_not_wrap_at_4_gib)
{
    const uint64_t buffer = (1ULL << 32) - PTLCALL_CHUNK;
    struct guest guest;

    guest_setup(&guest);
    set_mode(&guest, narrow_modes[_i]);
    put_entry(&guest, PDPT, 3, TOP_PD | PRESENT);
    put(&guest, NAME, "crash", 5);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_CORE_DUMP, buffer, PTLCALL_CHUNK + 1,
                          NAME, 5),
                     0xfffffff2);
    ck_assert_uint_eq(files(&guest), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_last_byte_of_the_address_space_can_be_read)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, TOP_RAM + 2 * MIB - 4, "last", 4);
    put(&guest, NAME, "crash", 5);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_LOG, UINT64_MAX - 3, 4), 5);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " text=\"last\" "));
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_CORE_DUMP, UINT64_MAX - 3, 4, NAME, 5),
                     4);
    guest_teardown(&guest);
}
END_TEST

START_TEST(in_64_bit_mode_the_whole_register_is_the_pointer)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_LOG, 1ULL << 32 | TEXT, 4),
                     -PTLCALL_EFAULT);
    ck_assert_int_eq(CALL(&guest, VIA_TRIGGER, PTLCALL_OP_LOG, TEXT, 1ULL << 32), -PTLCALL_E2BIG);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_string_may_lie_across_pages_that_are_not_neighbours)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, SPLIT_FIRST + PAGE_SIZE - 6, "hello,", 6);
    put(&guest, SPLIT_SECOND, " world", 6);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_LOG, SPLIT + PAGE_SIZE - 6, 12), 5);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " text=\"hello, world\" "));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_descriptor_may_lie_across_pages_that_are_not_neighbours)
{
    const struct ptlcall_descriptor descriptor = {TEXT, 4};
    struct guest guest;

    guest_setup(&guest);
    text(&guest, TEXT, "-run");
    put(&guest, SPLIT_FIRST + PAGE_SIZE - 10, &descriptor, 10);
    put(&guest, SPLIT_SECOND, (const char *)&descriptor + 10, 6);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, SPLIT + PAGE_SIZE - 10, 1), 2);
    ck_assert(simulating(&guest));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_core_dump_follows_pages_that_are_not_neighbours)
{
    struct guest guest;

    guest_setup(&guest);
    put(&guest, NAME, "crash", 5);
    put(&guest, SPLIT_FIRST + PAGE_SIZE - 3, "one", 3);
    put(&guest, SPLIT_SECOND, "two", 3);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_CORE_DUMP, SPLIT + PAGE_SIZE - 3, 6, NAME, 5), 4);
    ck_assert_str_eq(fixture_out_file(&guest.fixture, "crash-core"), "onetwo");
    guest_teardown(&guest);
}
END_TEST

/* ---- commands ---- */

static const struct {
    const char *list, *log;
    bool simulating;
    enum outcome outcome;
} command_cases[] = {
    {"", "commands=0 result=2\n", false, OUTCOME_NONE},
    {"-run",
     "commands=1 result=2\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n",
     true, OUTCOME_NONE},
    {"-run -stop -run",
     "commands=3 result=2\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n"
     "ptlcall 1 command=-stop effect=\"simulation off\"\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n",
     true, OUTCOME_NONE},
    {"-stop -run",
     "commands=2 result=2\n"
     "ptlcall 1 command=-stop effect=\"simulation off\"\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n",
     true, OUTCOME_NONE},
    {"-run -native",
     "commands=2 result=2\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n"
     "ptlcall 1 command=-native effect=\"simulation off\"\n",
     false, OUTCOME_NONE},
    {"-kill -run",
     "commands=2 result=2\n"
     "ptlcall 1 command=-kill effect=\"guest ends\"\n"
     "ptlcall 1 command=-run effect=\"not run: the guest has ended\"\n",
     false, OUTCOME_GUEST},
    {"-kill-after-run -stop",
     "commands=2 result=2\n"
     "ptlcall 1 command=-kill-after-run effect=\"guest ends at next stop\"\n"
     "ptlcall 1 command=-stop effect=\"simulation off\"\n",
     false, OUTCOME_NONE},
    {"-kill-after-run -run -stop -run",
     "commands=4 result=2\n"
     "ptlcall 1 command=-kill-after-run effect=\"guest ends at next stop\"\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n"
     "ptlcall 1 command=-stop effect=\"simulation off, guest ends\"\n"
     "ptlcall 1 command=-run effect=\"not run: the guest has ended\"\n",
     false, OUTCOME_GUEST},
    {"-stopinsns 1m -stopcycle inf",
     "commands=2 result=2\n"
     "ptlcall 1 command=-stopinsns value=\"1m\" number=1000000 effect=\"kept\"\n"
     "ptlcall 1 command=-stopcycle value=\"inf\" number=inf effect=\"kept\"\n",
     false, OUTCOME_NONE},
    {"-machine \"x\\\xff\" -logfile /etc/passwd -stats /x -execute-after-kill \"rm -rf /\"",
     "commands=4 result=2\n"
     "ptlcall 1 command=-machine value=\"x\\\\\\xff\" effect=\"accepted\"\n"
     "ptlcall 1 command=-logfile value=\"/etc/passwd\" "
     "effect=\"refused: guests name no host files\"\n"
     "ptlcall 1 command=-stats value=\"/x\" effect=\"refused: guests name no host files\"\n"
     "ptlcall 1 command=-execute-after-kill value=\"rm -rf /\" "
     "effect=\"refused: guests run no host commands\"\n",
     false, OUTCOME_NONE},
    {"-other\xff thing -run",
     "commands=2 result=2\n"
     "ptlcall 1 command=-other\\xff value=\"thing\" effect=\"ignored: unknown option\"\n"
     "ptlcall 1 command=-run effect=\"simulation on\"\n",
     true, OUTCOME_NONE},
};

START_TEST(commands_run_in_order_with_a_line_each)
{
    struct guest guest;
    const char *log;

    guest_setup(&guest);
    ck_assert_int_eq(enqueue(&guest, VIA_TRIGGER, command_cases[_i].list), 2);
    log = strstr(log_text(&guest), "commands=");
    ck_assert_str_eq(log, command_cases[_i].log);
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), command_cases[_i].outcome);
    ck_assert(guest.ptlcall->session.simulating == command_cases[_i].simulating);
    ck_assert_uint_eq(files(&guest), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_kill_ends_the_guest_with_status_0_at_that_exit)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, VIA_TRIGGER, "-kill");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(&guest.fixture.machine), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_log_is_in_the_file_when_a_kill_ends_the_guest)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, VIA_TRIGGER, "-kill");
    ck_assert_ptr_nonnull(strstr(fixture_out_file(&guest.fixture, "log"), "command=-kill"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(the_strings_of_one_call_are_one_list_with_a_line_each)
{
    const struct ptlcall_descriptor list[] = {
        {TEXT, 6}, {TEXT + 6, 10}, {NO_RAM, 0}, {TEXT + 16, 4}, {TEXT + 20, 10},
    };
    struct guest guest;

    guest_setup(&guest);
    text(&guest, TEXT, "-run #-stopinsns42 #-stopcycle");
    put(&guest, LIST, list, sizeof(list));
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, LIST, 4), 2);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), "commands=2 "));
    ck_assert(guest.ptlcall->session.simulating);
    ck_assert_uint_eq(guest.ptlcall->session.limits[PTLCALL_LIMIT_INSNS], 42);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, LIST, 5), -PTLCALL_EINVAL);
    guest_teardown(&guest);
}
END_TEST

START_TEST(an_empty_list_is_fine_wherever_it_lies)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, NO_RAM, 0), 2);
    ck_assert_ptr_nonnull(strstr(log_text(&guest), "op=ENQUEUE commands=0 result=2\n"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_list_may_be_as_long_as_the_limits)
{
    struct ptlcall_descriptor list[PTLCALL_DESCRIPTORS_MAX];
    const uint64_t length = PTLCALL_COMMANDS_MAX / PTLCALL_DESCRIPTORS_MAX - 1;
    char spaces[PTLCALL_COMMANDS_MAX];
    struct guest guest;

    guest_setup(&guest);
    memset(spaces, ' ', sizeof(spaces));
    put(&guest, TEXT, spaces, sizeof(spaces));
    for (unsigned i = 0; i < PTLCALL_DESCRIPTORS_MAX; i++)
        list[i] = (struct ptlcall_descriptor){TEXT, length};
    list[0].length++;
    put(&guest, LIST, list, sizeof(list));
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, LIST, PTLCALL_DESCRIPTORS_MAX), 2);
    list[0].length++;
    put(&guest, LIST, list, sizeof(list));
    ck_assert_int_eq(CALL(&guest, _i, PTLCALL_OP_ENQUEUE, LIST, PTLCALL_DESCRIPTORS_MAX),
                     -PTLCALL_E2BIG);
    guest_teardown(&guest);
}
END_TEST

START_TEST(two_lists_in_a_row_both_count)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, _i, "-stopinsns 1");
    enqueue(&guest, _i, "-run -fast-fwd-insns 2k -corefreq 3g");
    ck_assert(simulating(&guest));
    ck_assert_uint_eq(guest.ptlcall->session.limits[PTLCALL_LIMIT_INSNS], 1);
    ck_assert_uint_eq(guest.ptlcall->session.limits[PTLCALL_LIMIT_FAST_FORWARD], 2000);
    ck_assert_uint_eq(guest.ptlcall->session.limits[PTLCALL_LIMIT_FREQUENCY], 3000000000);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_stray_stop_does_not_break_a_later_run)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, _i, "-stop");
    enqueue(&guest, _i, "-stop");
    enqueue(&guest, _i, "-run");
    ck_assert(simulating(&guest));
    guest_teardown(&guest);
}
END_TEST

START_TEST(kill_after_run_ends_the_guest_at_a_stop_in_a_later_call)
{
    struct guest guest;

    guest_setup(&guest);
    enqueue(&guest, _i, "-kill-after-run");
    enqueue(&guest, _i, "-run");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_NONE);
    enqueue(&guest, _i, "-stop");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_GUEST);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_snapshot_with_a_name_is_json_in_a_file)
{
    struct guest guest;
    uint64_t time;
    int end = -1;

    guest_setup(&guest);
    atomic_store(&guest.fixture.vcpu->exits[KVM_EXIT_IO], 12);
    atomic_store(&guest.fixture.vcpu->exits[KVM_EXIT_MMIO], 3);
    ck_assert_int_eq(enqueue(&guest, _i, "-snapshot-now roi"), 2);
    sscanf(fixture_out_file(&guest.fixture, "roi.stats"),
           "{\"name\":\"roi\",\"time_ns\":%" SCNu64 ",\"exits\":{\"io\":12,\"mmio\":3}}\n%n", &time,
           &end);
    ck_assert_int_eq(end, (int)strlen(guest.fixture.console_text));
    ck_assert_uint_eq(files(&guest), 1);
    ck_assert_ptr_nonnull(
        strstr(log_text(&guest),
               "ptlcall 1 command=-snapshot-now value=\"roi\" effect=\"counters\"\n"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_quote_in_a_snapshot_name_does_not_break_the_json)
{
    static const struct ptlcall_span span = {"a\"b", 3};
    struct guest guest;

    guest_setup(&guest);
    ptlcall_report_counters(guest.ptlcall, span.text);
    ck_assert_int_eq(strncmp(guest.ptlcall->chunk, "{\"name\":\"a\\\"b\",", 15), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_snapshot_without_a_name_is_in_the_log_only)
{
    struct guest guest;

    guest_setup(&guest);
    atomic_store(&guest.fixture.vcpu->exits[KVM_EXIT_IO], 12);
    ck_assert_int_eq(enqueue(&guest, _i, "-snapshot-now -run"), 2);
    ck_assert_ptr_nonnull(
        strstr(log_text(&guest), "command=-snapshot-now effect=\"counters\" time="));
    ck_assert_ptr_nonnull(strstr(log_text(&guest), " exits=io:12\n"));
    ck_assert_uint_eq(files(&guest), 0);
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_snapshot_behind_a_kill_is_not_written)
{
    struct guest guest;

    guest_setup(&guest);
    ck_assert_int_eq(enqueue(&guest, _i, "-snapshot-now a -kill -snapshot-now b"), 2);
    ck_assert_uint_eq(files(&guest), 1);
    ck_assert_ptr_nonnull(fixture_out_file(&guest.fixture, "a.stats"));
    guest_teardown(&guest);
}
END_TEST

START_TEST(more_snapshots_than_the_limit_are_refused_and_none_is_written)
{
    char list[PTLCALL_COMMANDS_MAX] = "";
    struct guest guest;

    guest_setup(&guest);
    for (unsigned i = 0; i < PTLCALL_SNAPSHOTS_MAX; i++)
        snprintf(list + strlen(list), 32, "-snapshot-now s%u ", i);
    ck_assert_int_eq(enqueue(&guest, _i, list), 2);
    ck_assert_uint_eq(files(&guest), PTLCALL_SNAPSHOTS_MAX);
    strcat(list, "-snapshot-now more");
    ck_assert_int_eq(enqueue(&guest, _i, list), -PTLCALL_E2BIG);
    ck_assert_uint_eq(files(&guest), PTLCALL_SNAPSHOTS_MAX);
    guest_teardown(&guest);
}
END_TEST

/* ---- the log ---- */

START_TEST(calls_are_numbered_from_one_refused_ones_too)
{
    struct guest guest;

    guest_setup(&guest);
    CALL(&guest, VIA_TRIGGER, PTLCALL_OP_VERSION, 0);
    CALL(&guest, VIA_PORT, 99, 0);
    enqueue(&guest, VIA_TRIGGER, "-run");
    ck_assert_str_eq(log_text(&guest),
                     "ptlcall 1 vcpu=0 via=mmio op=VERSION result=1\n"
                     "ptlcall 2 vcpu=0 via=port op=99 result=-22 reason=\"no such op\"\n"
                     "ptlcall 3 vcpu=0 via=mmio op=ENQUEUE commands=1 result=2\n"
                     "ptlcall 3 command=-run effect=\"simulation on\"\n");
    guest_teardown(&guest);
}
END_TEST

START_TEST(a_log_that_cannot_be_written_ends_the_machine)
{
    struct fixture fixture;
    struct ptlcall_device *device;
    const struct ptlcall *ptlcall;

    fixture_setup(&fixture);
    device = (struct ptlcall_device *)fixture_device(&fixture, "ptlcall", "log=/dev/full");
    ptlcall = &device->ptlcall;
    while (ptlcall->calls < 1000 && machine_outcome(&fixture.machine) == OUTCOME_NONE) {
        vcpu_registers(fixture.vcpu)->rax = PTLCALL_OP_VERSION;
        fixture_store(&fixture, TRIGGER, 2, 0);
    }
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_OUTPUT);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(a_kill_is_no_success_when_the_log_is_lost)
{
    struct guest guest = {0};

    fixture_setup(&guest.fixture);
    fixture_device(&guest.fixture, "ptlcall", "log=/dev/full");
    enqueue(&guest, VIA_TRIGGER, "-kill");
    ck_assert_int_eq(machine_outcome(&guest.fixture.machine), OUTCOME_OUTPUT);
    guest_teardown(&guest);
}
END_TEST

/* Calls once with the log on stderr, and gives what was written there before the device goes. */
static size_t stderr_of_a_call(int message_fd, char *shown, size_t size)
{
    int file = memfd_create("stderr", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
    struct guest guest = {0};
    ssize_t length;

    fixture_setup(&guest.fixture);
    guest.fixture.machine.config.message_fd = message_fd;
    fixture_device(&guest.fixture, "ptlcall", NULL);
    dup2(file, STDERR_FILENO);
    CALL(&guest, VIA_TRIGGER, PTLCALL_OP_VERSION, 0);
    dup2(saved, STDERR_FILENO);
    length = pread(file, shown, size - 1, 0);
    ck_assert_int_ge(length, 0);
    shown[length] = '\0';
    fixture_teardown(&guest.fixture);
    close(file);
    close(saved);
    return (size_t)length;
}

START_TEST(without_a_file_each_line_goes_to_stderr_at_once)
{
    char shown[128];

    stderr_of_a_call(STDERR_FILENO, shown, sizeof(shown));
    ck_assert_str_eq(shown, "ptlcall 1 vcpu=0 via=mmio op=VERSION result=1\n");
}
END_TEST

START_TEST(without_messages_nothing_is_logged)
{
    char shown[128];

    ck_assert_uint_eq(stderr_of_a_call(-1, shown, sizeof(shown)), 0);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static void add_device_tests(Suite *suite)
{
    TCase *device = tcase_create("device");

    tcase_add_test(device, a_store_of_any_width_anywhere_in_the_page_is_a_call);
    tcase_add_test(device, an_out_of_any_width_to_the_port_is_a_call);
    tcase_add_test(device, an_out_to_the_ports_behind_the_port_is_no_call);
    tcase_add_test(device, a_load_or_an_in_gives_zero_and_is_no_call);
    tcase_add_test(device, a_call_makes_its_result_the_new_rax_of_the_vcpu);
    tcase_add_test(device, a_call_waits_for_the_registers_if_they_are_not_there);
    tcase_add_loop_test(device, the_cpuid_leaf_names_the_methods_the_trigger_word_and_the_port, 0,
                        COUNT(leaf_cases));
    tcase_add_test(device, the_trigger_page_and_the_port_lie_where_the_properties_say);
    tcase_add_loop_test(device, a_device_that_cannot_be_is_refused_with_the_cause, 0,
                        COUNT(refused_properties));
    tcase_add_test(device, a_reset_takes_back_what_commands_set);
    suite_add_tcase(suite, device);
}

static void add_op_tests(Suite *suite)
{
    TCase *ops = tcase_create("ops"), *errors = tcase_create("errors");

    tcase_add_loop_test(ops, version_is_one, 0, VIAS);
    tcase_add_loop_test(ops, version_has_bit_63_while_simulating, 0, VIAS);
    tcase_add_loop_test(ops, the_op_is_the_low_half_of_rax_signed, 0, VIAS);
    tcase_add_loop_test(ops, a_marker_is_logged_with_time_and_exits_by_reason, 0, VIAS);
    tcase_add_loop_test(ops, a_marker_before_any_counted_exit_says_none, 0, VIAS);
    tcase_add_loop_test(ops, a_log_text_is_one_line, 0, VIAS);
    tcase_add_loop_test(ops, a_log_text_cannot_end_its_line_or_its_quotes, 0, VIAS);
    tcase_add_loop_test(ops, a_log_text_may_be_empty_or_as_long_as_the_limit, 0, VIAS);
    tcase_add_loop_test(ops, a_core_dump_is_the_memory_in_a_file, 0, VIAS);
    tcase_add_loop_test(ops, a_core_dump_may_be_empty_or_longer_than_a_chunk, 0, VIAS);
    tcase_add_loop_test(ops, a_core_dump_stops_when_the_machine_has_ended, 0, VIAS);
    suite_add_tcase(suite, ops);
    tcase_add_loop_test(errors, a_refused_call_has_its_error_its_reason_and_no_effect, 0,
                        VIAS * ERROR_CASES);
    tcase_add_loop_test(errors, a_file_that_cannot_be_written_is_an_error_without_effect, 0, VIAS);
    tcase_add_loop_test(errors, a_file_that_does_not_fit_is_an_error_and_nothing_of_it_is_left, 0,
                        VIAS);
    tcase_add_loop_test(errors, of_several_snapshots_none_is_left_when_one_cannot_be_written, 0,
                        VIAS);
    suite_add_tcase(suite, errors);
}

static void add_page_tests(Suite *suite)
{
    TCase *pages = tcase_create("pages");

    tcase_add_loop_test(pages, outside_64_bit_mode_registers_and_result_count_32_bits, 0,
                        COUNT(narrow_modes));
    tcase_add_loop_test(pages, outside_64_bit_mode_string_addresses_count_32_bits, 0,
                        COUNT(narrow_modes));
    tcase_add_loop_test(pages, outside_64_bit_mode_nothing_is_read_past_4_gib, 0,
                        COUNT(narrow_modes));
    tcase_add_loop_test(pages, outside_64_bit_mode_a_core_dump_does_not_wrap_at_4_gib, 0,
                        COUNT(narrow_modes));
    tcase_add_test(pages, the_last_byte_of_the_address_space_can_be_read);
    tcase_add_test(pages, in_64_bit_mode_the_whole_register_is_the_pointer);
    tcase_add_loop_test(pages, a_string_may_lie_across_pages_that_are_not_neighbours, 0, VIAS);
    tcase_add_loop_test(pages, a_descriptor_may_lie_across_pages_that_are_not_neighbours, 0, VIAS);
    tcase_add_loop_test(pages, a_core_dump_follows_pages_that_are_not_neighbours, 0, VIAS);
    suite_add_tcase(suite, pages);
}

static void add_command_tests(Suite *suite)
{
    TCase *commands = tcase_create("commands");

    tcase_add_loop_test(commands, commands_run_in_order_with_a_line_each, 0, COUNT(command_cases));
    tcase_add_test(commands, a_kill_ends_the_guest_with_status_0_at_that_exit);
    tcase_add_test(commands, the_log_is_in_the_file_when_a_kill_ends_the_guest);
    tcase_add_loop_test(commands, the_strings_of_one_call_are_one_list_with_a_line_each, 0, VIAS);
    tcase_add_loop_test(commands, an_empty_list_is_fine_wherever_it_lies, 0, VIAS);
    tcase_add_loop_test(commands, a_list_may_be_as_long_as_the_limits, 0, VIAS);
    tcase_add_loop_test(commands, two_lists_in_a_row_both_count, 0, VIAS);
    tcase_add_loop_test(commands, a_stray_stop_does_not_break_a_later_run, 0, VIAS);
    tcase_add_loop_test(commands, kill_after_run_ends_the_guest_at_a_stop_in_a_later_call, 0, VIAS);
    tcase_add_loop_test(commands, a_snapshot_with_a_name_is_json_in_a_file, 0, VIAS);
    tcase_add_test(commands, a_quote_in_a_snapshot_name_does_not_break_the_json);
    tcase_add_loop_test(commands, a_snapshot_without_a_name_is_in_the_log_only, 0, VIAS);
    tcase_add_loop_test(commands, a_snapshot_behind_a_kill_is_not_written, 0, VIAS);
    tcase_add_loop_test(commands, more_snapshots_than_the_limit_are_refused_and_none_is_written, 0,
                        VIAS);
    suite_add_tcase(suite, commands);
}

static void add_log_tests(Suite *suite)
{
    TCase *log = tcase_create("log");

    tcase_add_test(log, calls_are_numbered_from_one_refused_ones_too);
    needs_test_add(log, NEED_FULL, a_log_that_cannot_be_written_ends_the_machine, 1);
    needs_test_add(log, NEED_FULL, a_kill_is_no_success_when_the_log_is_lost, 1);
    tcase_add_test(log, without_a_file_each_line_goes_to_stderr_at_once);
    tcase_add_test(log, without_messages_nothing_is_logged);
    suite_add_tcase(suite, log);
}

Suite *ptlcall_suite(void)
{
    Suite *suite = suite_create("ptlcall");

    add_device_tests(suite);
    add_op_tests(suite);
    add_page_tests(suite);
    add_command_tests(suite);
    add_log_tests(suite);
    return suite;
}
