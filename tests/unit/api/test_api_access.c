/* api/access.c, registers.c, reach.c, look.c, region.c: what an owner sees of its machine, when and from where. */
#include "tests/unit/api_guest.h"
#include "tests/unit/needs.h"

#include "api/handle.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

Suite *api_access_suite(void);

#define RAM_END   ((uint64_t)GUEST_MEMORY)
#define NO_MEMORY 0x40000000u /* an unclaimed gpa */
#define FAR       0x50000000u /* gpa of a region in memory */

/*
 * ports: an OUT of 0x1234 to the port of the test's region, an IN from there into EBX, and the end with CL.
 * memory: an 8-byte load and store at FAR, and the end.
 */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_ports:\n"
        "    movl $0x700, %edx\n"
        "    movl $0x1234, %eax\n"
        "    movl $0x77, %ecx\n"
        "    outw %ax, %dx\n"
        "    xorl %eax, %eax\n"
        "    inb %dx, %al\n"
        "    movl %eax, %ebx\n"
        "    movl %ecx, %eax\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "image_ports_end:\n"
        "image_memory:\n"
        "    movl $0x50000000, %esi\n"
        "    movq (%rsi), %rax\n"
        "    movq %rax, 8(%rsi)\n"
        "    movq %rax, 0x7000\n"
        "    movl $42, %eax\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "image_memory_end:\n"
        ".popsection\n");

GUEST(image_ports);
GUEST(image_memory);

static struct api_guest guest;

/* ---- Before there is a guest ------------------------------------------------------------- */

static void setup(void)
{
    api_guest_create(&guest, 1, NULL);
}

static void teardown(void)
{
    api_guest_destroy(&guest);
}

START_TEST(a_machine_without_a_guest_has_no_vcpus)
{
    ck_assert_ptr_null(minivmm_vcpu(guest.machine, 0));
}
END_TEST

START_TEST(a_machine_without_a_guest_has_no_memory)
{
    char byte = 0;

    ck_assert_int_eq(minivmm_read_physical(guest.machine, 0, &byte, 1, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_load()"));
    ck_assert_int_eq(guest.error.outcome, MINIVMM_USAGE);
    ck_assert_int_eq(minivmm_write_physical(guest.machine, 0, &byte, 1, NULL), -EINVAL);
}
END_TEST

START_TEST(no_vcpu_has_no_registers_and_no_addresses)
{
    struct minivmm_registers registers = {0};
    uint64_t address;
    char byte = 0;

    ck_assert_int_eq(minivmm_get_registers(NULL, &registers, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_vcpu()"));
    ck_assert_int_eq(minivmm_set_registers(NULL, &registers, NULL), -EINVAL);
    ck_assert_int_eq(minivmm_read_virtual(NULL, 0, &byte, 1, NULL), -EINVAL);
    ck_assert_int_eq(minivmm_write_virtual(NULL, 0, &byte, 1, NULL), -EINVAL);
    ck_assert_int_eq(minivmm_translate(NULL, 0, &address, NULL), -EINVAL);
}
END_TEST

START_TEST(exits_have_names_and_those_that_kvm_does_not_make_have_none)
{
    const unsigned reasons = minivmm_count_exits(guest.machine, NULL, 0);

    ck_assert_str_eq(minivmm_exit_name(KVM_EXIT_IO), "io");
    ck_assert_str_eq(minivmm_exit_name(reasons - 1), "other");
    ck_assert_str_eq(minivmm_exit_name(KVM_EXIT_S390_UCONTROL), "other");
    ck_assert_ptr_null(minivmm_exit_name(reasons));
    ck_assert_ptr_null(minivmm_exit_name(UINT32_MAX));
}
END_TEST

START_TEST(a_machine_without_a_guest_has_no_exits_and_no_more_are_told_than_there_is_room_for)
{
    uint64_t counts[2] = {99, 99};

    ck_assert_uint_gt(minivmm_count_exits(guest.machine, counts, 1), 2);
    ck_assert_uint_eq(counts[0], 0);
    ck_assert_uint_eq(counts[1], 99);
}
END_TEST

START_TEST(a_machine_without_a_guest_has_no_interrupts)
{
    ck_assert_int_eq(minivmm_set_interrupt(guest.machine, 5, true, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_load()"));
}
END_TEST

static const struct {
    struct minivmm_region region;
    const char *says;
} wrong_regions[] = {
    {{.name = NULL, .base = 1, .size = 1}, "no name"},
    {{.name = "", .base = 1, .size = 1}, "no name"},
    {{.name = "mine", .base = 1, .size = 0}, "region mine is empty"},
    {{.name = "mine", .base = 1, .size = 1, .widest = 3}, "widest is 3"},
    {{.name = "mine", .base = 1, .size = 1, .widest = 16}, "widest is 16"},
    {{.name = "mine", .base = 1, .size = 1, .space = (enum minivmm_space)2}, "no such space"},
};

START_TEST(a_region_that_can_never_be_is_refused_when_it_is_added)
{
    ck_assert_int_eq(minivmm_add_region(guest.machine, &wrong_regions[_i].region, &guest.error),
                     -EINVAL);
    ck_assert_msg(strstr(guest.error.text, wrong_regions[_i].says), "%s", guest.error.text);
}
END_TEST

START_TEST(there_are_32_regions_and_no_more)
{
    struct minivmm_region region = {.name = "mine", .size = 1};

    for (region.base = 0x600; region.base < 0x620; region.base++)
        ck_assert_int_eq(minivmm_add_region(guest.machine, &region, NULL), 0);
    ck_assert_int_eq(minivmm_add_region(guest.machine, &region, &guest.error), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "more than 32"));
}
END_TEST

/* ---- Tools ------------------------------------------------------------------------------- */

START_TEST(a_number_is_read_as_on_the_command_line)
{
    uint64_t number = 0;

    ck_assert_int_eq(minivmm_parse_number("0x10", "", &number), 0);
    ck_assert_uint_eq(number, 16);
    ck_assert_int_eq(minivmm_parse_number("3M", "KMG", &number), 0);
    ck_assert_uint_eq(number, 3 * MIB);
    ck_assert_int_eq(minivmm_parse_number("3M", "", &number), -EINVAL);
}
END_TEST

START_TEST(a_device_that_there_is_not_is_not_printed)
{
    ck_assert_int_eq(minivmm_print_device("toaster", -1, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "toaster"));
    ck_assert_int_eq(guest.error.outcome, MINIVMM_USAGE);
}
END_TEST

START_TEST(a_file_that_there_is_not_is_not_replayed_drawn_or_told_of)
{
    const struct minivmm_config config = MINIVMM_CONFIG;

    ck_assert_int_eq(minivmm_replay(&config, "/nowhere", &guest.error), MINIVMM_STREAM);
    ck_assert_int_eq(guest.error.outcome, MINIVMM_STREAM);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "/nowhere"));
    ck_assert_int_lt(minivmm_write_report("/nowhere", "/tmp/none", &guest.error), 0);
    ck_assert_int_eq(guest.error.outcome, MINIVMM_STREAM);
    ck_assert_int_lt(minivmm_print_info("/nowhere", NULL, -1, &guest.error), 0);
    ck_assert_int_eq(guest.error.outcome, MINIVMM_IMAGE);
}
END_TEST

/* ---- A machine that stands still --------------------------------------------------------- */

static void setup_loaded(void)
{
    api_guest_create(&guest, 1, NULL);
    api_guest_load(&guest, image_ports, image_ports_end);
}

static struct minivmm_registers registers_of(struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers;

    ck_assert_msg(minivmm_get_registers(vcpu, &registers, &guest.error) == 0, "%s",
                  guest.error.text);
    return registers;
}

START_TEST(a_vcpu_knows_its_number_and_its_machine)
{
    ck_assert_uint_eq(minivmm_vcpu_id(guest.vcpu), 0);
    ck_assert_ptr_eq(minivmm_vcpu_machine(guest.vcpu), guest.machine);
    ck_assert_ptr_null(minivmm_vcpu(guest.machine, 1));
}
END_TEST

START_TEST(before_the_run_registers_are_those_of_the_start)
{
    const struct minivmm_registers registers = registers_of(guest.vcpu);

    ck_assert_uint_eq(registers.rip, GUEST_LOAD);
    ck_assert_uint_eq(registers.cs_base, 0);
    ck_assert_uint_eq(registers.bits, 64);
    ck_assert_uint_eq(registers.cpl, 0);
    ck_assert_uint_ne(registers.cr3, 0);
    ck_assert_uint_eq(registers.rflags & X86_RFLAGS_FIXED, X86_RFLAGS_FIXED);
}
END_TEST

START_TEST(what_is_set_is_what_is_read_and_what_the_guest_finds)
{
    struct minivmm_registers registers = registers_of(guest.vcpu);
    struct minivmm_result result;

    /* To `movl %ecx, %eax` and the end after it. */
    registers.rip = GUEST_LOAD + (uint64_t)(image_ports_end - image_ports) - 5;
    registers.rcx = 33;
    registers.r15 = 0x8877665544332211;
    ck_assert_int_eq(minivmm_set_registers(guest.vcpu, &registers, &guest.error), 0);
    ck_assert_uint_eq(registers_of(guest.vcpu).rcx, 33);
    ck_assert_uint_eq(registers_of(guest.vcpu).r15, 0x8877665544332211);
    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_int_eq(result.outcome, MINIVMM_GUEST);
    ck_assert_int_eq(result.guest_status, 33);
}
END_TEST

START_TEST(after_the_run_registers_and_memory_are_there_to_be_read)
{
    struct minivmm_result result;
    char byte;

    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_uint_eq(registers_of(guest.vcpu).rcx, 0x77);
    ck_assert_int_eq(minivmm_read_physical(guest.machine, GUEST_LOAD, &byte, 1, NULL), 0);
    ck_assert_uint_eq((uint8_t)byte, image_ports[0]);
}
END_TEST

START_TEST(memory_is_read_as_it_was_written)
{
    char text[] = "written", found[sizeof(text)];

    ck_assert_int_eq(minivmm_write_physical(guest.machine, 0x9000, text, sizeof(text), NULL), 0);
    ck_assert_int_eq(minivmm_read_physical(guest.machine, 0x9000, found, sizeof(text), NULL), 0);
    ck_assert_str_eq(found, text);
}
END_TEST

START_TEST(the_start_tables_map_addresses_to_themselves)
{
    char text[] = "written", found[sizeof(text)];
    uint64_t physical;

    ck_assert_int_eq(minivmm_write_virtual(guest.vcpu, 0x9ffc, text, sizeof(text), NULL), 0);
    ck_assert_int_eq(minivmm_read_virtual(guest.vcpu, 0x9ffc, found, sizeof(text), NULL), 0);
    ck_assert_str_eq(found, text);
    ck_assert_int_eq(minivmm_read_physical(guest.machine, 0x9ffc, found, sizeof(text), NULL), 0);
    ck_assert_str_eq(found, text);
    ck_assert_int_eq(minivmm_translate(guest.vcpu, 0x9ffc, &physical, NULL), 0);
    ck_assert_uint_eq(physical, 0x9ffc);
}
END_TEST

static const struct {
    uint64_t address;
    size_t size;
} wrong_ranges[] = {
    {RAM_END, 1},        {RAM_END - 1, 2}, {NO_MEMORY, 8}, {UINT64_MAX, 1},
    {UINT64_MAX - 3, 8}, {0, SIZE_MAX},    {1, SIZE_MAX},  {1ull << 63, 1},
};

START_TEST(beyond_ram_nothing_is_read)
{
    const uint64_t address = wrong_ranges[_i].address;
    char bytes[8];

    ck_assert_int_eq(minivmm_read_physical(guest.machine, address, bytes, wrong_ranges[_i].size,
                                           &guest.error),
                     -EFAULT);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "not all of it is RAM"));
    ck_assert_int_eq(minivmm_read_virtual(guest.vcpu, address, bytes, wrong_ranges[_i].size,
                                          &guest.error),
                     -EFAULT);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "vCPU 0's page tables"));
}
END_TEST

START_TEST(what_does_not_fit_is_not_written_at_all)
{
    char before, after;

    ck_assert_int_eq(minivmm_read_physical(guest.machine, RAM_END - 1, &before, 1, NULL), 0);
    ck_assert_int_eq(minivmm_write_physical(guest.machine, RAM_END - 1, "\x55\xaa", 2, NULL),
                     -EFAULT);
    ck_assert_int_eq(minivmm_write_virtual(guest.vcpu, RAM_END - 1, "\x55\xaa", 2, NULL), -EFAULT);
    ck_assert_int_eq(minivmm_read_physical(guest.machine, RAM_END - 1, &after, 1, NULL), 0);
    ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(no_bytes_are_copied_from_and_to_anywhere)
{
    ck_assert_int_eq(minivmm_read_physical(guest.machine, UINT64_MAX, NULL, 0, NULL), 0);
    ck_assert_int_eq(minivmm_write_physical(guest.machine, RAM_END, NULL, 0, NULL), 0);
    ck_assert_int_eq(minivmm_read_virtual(guest.vcpu, 1ull << 63, NULL, 0, NULL), 0);
    ck_assert_int_eq(minivmm_write_virtual(guest.vcpu, UINT64_MAX, NULL, 0, NULL), 0);
}
END_TEST

START_TEST(an_address_that_is_not_mapped_has_no_translation)
{
    uint64_t physical = 7;

    ck_assert_int_eq(minivmm_translate(guest.vcpu, 1ull << 62, &physical, &guest.error), -EFAULT);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "0x4000000000000000"));
    ck_assert_uint_eq(physical, 7);
}
END_TEST

START_TEST(exits_are_counted)
{
    struct minivmm_result result;
    uint64_t counts[KVM_EXIT_IO + 1];

    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    minivmm_count_exits(guest.machine, counts, KVM_EXIT_IO + 1);
    ck_assert_uint_eq(counts[KVM_EXIT_IO], 3);
}
END_TEST

START_TEST(a_machine_without_interrupt_controllers_has_no_interrupts)
{
    ck_assert_int_eq(minivmm_set_interrupt(guest.machine, 5, true, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "irqchip"));
}
END_TEST

START_TEST(there_are_24_interrupts)
{
    api_guest_destroy(&guest);
    api_guest_create(&guest, 2, NULL);
    api_guest_load(&guest, image_ports, image_ports_end);
    for (int level = 1; level >= 0; level--)
        ck_assert_int_eq(minivmm_set_interrupt(guest.machine, 23, level, &guest.error), 0);
    ck_assert_int_eq(minivmm_set_interrupt(guest.machine, 24, true, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "no interrupt 24"));
}
END_TEST

/* ---- Regions ----------------------------------------------------------------------------- */

/* What a region's callbacks saw and do. */
static struct {
    unsigned reads, writes;
    struct minivmm_access access[8];
    uint64_t values[8], answer;
    void (*act)(struct minivmm_vcpu *vcpu); /* in write(); NULL: nothing */
} seen;

static uint64_t read_region(void *opaque, const struct minivmm_access *access)
{
    ck_assert_ptr_eq(opaque, &seen);
    ck_assert_uint_lt(seen.reads, 8);
    seen.access[seen.reads++] = *access;
    return seen.answer;
}

static void write_region(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    ck_assert_ptr_eq(opaque, &seen);
    ck_assert_uint_lt(seen.writes, 8);
    seen.values[seen.writes] = value;
    seen.access[seen.writes++] = *access;
    if (seen.act)
        seen.act(access->vcpu);
}

static struct minivmm_region ports(bool registers)
{
    memset(&seen, 0, sizeof(seen));
    return (struct minivmm_region){.name = "my ports",
                                   .space = MINIVMM_PORTS,
                                   .base = GUEST_PORT,
                                   .size = 4,
                                   .registers = registers,
                                   .read = read_region,
                                   .write = write_region,
                                   .opaque = &seen};
}

/* Run image_ports with (region) to its end, which is as wanted. */
static void run_ports(const struct minivmm_region *region)
{
    struct minivmm_result result;

    api_guest_create(&guest, 1, region);
    api_guest_load(&guest, image_ports, image_ports_end);
    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_msg(result.outcome == MINIVMM_GUEST, "%s", result.text);
}

START_TEST(a_region_serves_what_the_guest_does_there)
{
    const struct minivmm_region region = ports(false);

    seen.answer = 0x5a;
    run_ports(&region);
    ck_assert_uint_eq(seen.writes, 1);
    ck_assert_uint_eq(seen.values[0], 0x1234);
    ck_assert_uint_eq(seen.reads, 1);
    ck_assert_uint_eq(seen.access[0].size, 1);
    ck_assert_uint_eq(seen.access[0].offset, 0);
    ck_assert_ptr_eq(seen.access[0].vcpu, guest.vcpu);
    ck_assert_uint_eq(registers_of(guest.vcpu).rbx, 0x5a);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(what_a_region_reads_is_cut_to_the_access)
{
    const struct minivmm_region region = ports(false);

    seen.answer = 0xffffffffffffff11;
    run_ports(&region);
    ck_assert_uint_eq(registers_of(guest.vcpu).rbx, 0x11);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_region_without_functions_reads_as_ones_and_drops_writes)
{
    struct minivmm_region region = ports(false);

    region.read = NULL;
    region.write = NULL;
    run_ports(&region);
    ck_assert_uint_eq(registers_of(guest.vcpu).rbx, 0xff);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(what_is_wider_than_a_region_takes_is_split)
{
    struct minivmm_region region = ports(false);

    region.widest = 1;
    run_ports(&region);
    ck_assert_uint_eq(seen.writes, 2);
    ck_assert_uint_eq(seen.values[0], 0x34);
    ck_assert_uint_eq(seen.values[1], 0x12);
    api_guest_destroy(&guest);
}
END_TEST

/* Bytes of an access, by the region's widest. */
static const struct {
    unsigned widest, size;
} widths[] = {{0, 8}, {8, 8}, {4, 4}};

START_TEST(a_region_in_memory_takes_8_bytes_unless_it_says_less)
{
    const struct minivmm_region region = {.name = "far",
                                          .space = MINIVMM_MEMORY,
                                          .base = FAR,
                                          .size = 16,
                                          .widest = widths[_i].widest,
                                          .read = read_region,
                                          .write = write_region,
                                          .opaque = &seen};
    struct minivmm_result result;

    memset(&seen, 0, sizeof(seen));
    seen.answer = 0x1122334455667788;
    api_guest_create(&guest, 1, &region);
    api_guest_load(&guest, image_memory, image_memory_end);
    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_int_eq(result.guest_status, 42);
    ck_assert_uint_eq(seen.writes, 8 / widths[_i].size);
    ck_assert_uint_eq(seen.access[0].size, widths[_i].size);
    ck_assert_uint_eq(seen.access[0].offset, 8);
    api_guest_destroy(&guest);
}
END_TEST

static const struct {
    struct minivmm_region region;
    const char *says;
} overlaps[] = {
    {{.name = "mine", .space = MINIVMM_PORTS, .base = 0xf0, .size = 8}, "mine: port range"},
    {{.name = "mine", .space = MINIVMM_PORTS, .base = 0xffff, .size = 2}, "mine: port range"},
    {{.name = "mine", .space = MINIVMM_MEMORY, .base = 0x1000, .size = 8}, "mine: RAM covers"},
    {{.name = "mine", .space = MINIVMM_MEMORY, .base = UINT64_MAX, .size = 8},
     "mine: address range"},
};

START_TEST(a_region_where_something_else_is_is_refused_when_the_guest_is_loaded)
{
    const struct minivmm_image image = {.path = "/dev/null"};

    api_guest_create(&guest, 1, &overlaps[_i].region);
    ck_assert_int_lt(minivmm_load(guest.machine, &image, &guest.error), 0);
    ck_assert_msg(strstr(guest.error.text, overlaps[_i].says), "%s", guest.error.text);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(regions_are_added_before_the_guest_is_loaded)
{
    const struct minivmm_region region = ports(false);

    ck_assert_int_eq(minivmm_add_region(guest.machine, &region, &guest.error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "before minivmm_load()"));
}
END_TEST

/* ---- Callbacks --------------------------------------------------------------------------- */

static void look_at_registers(struct minivmm_vcpu *vcpu)
{
    const struct minivmm_registers registers = registers_of(vcpu);

    ck_assert_uint_eq(registers.rax, 0x1234);
    ck_assert_uint_eq(registers.rcx, 0x77);
    ck_assert_uint_eq(registers.bits, 64);
}

START_TEST(in_a_callback_the_vcpus_registers_are_there)
{
    const struct minivmm_region region = ports(true);

    seen.act = look_at_registers;
    run_ports(&region);
    ck_assert_uint_eq(seen.writes, 1);
    api_guest_destroy(&guest);
}
END_TEST

static void change_registers(struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers = registers_of(vcpu);

    registers.rcx = 11;
    ck_assert_int_eq(minivmm_set_registers(vcpu, &registers, NULL), 0);
    ck_assert_uint_eq(registers_of(vcpu).rcx, 11);
}

START_TEST(what_a_callback_sets_is_what_the_guest_finds)
{
    const struct minivmm_region region = ports(true);

    seen.act = change_registers;
    run_ports(&region);
    ck_assert_uint_eq(registers_of(guest.vcpu).rcx, 11);
    api_guest_destroy(&guest);
}
END_TEST

/* The code at the start, by its address as the guest has it. */
static void look_at_memory(struct minivmm_vcpu *vcpu)
{
    uint8_t bytes[4];

    ck_assert_int_eq(minivmm_read_physical(minivmm_vcpu_machine(vcpu), GUEST_LOAD, bytes, 4,
                                           &guest.error),
                     0);
    ck_assert_mem_eq(bytes, image_ports, 4);
}

START_TEST(a_region_without_registers_sees_memory)
{
    const struct minivmm_region region = ports(false);

    seen.act = look_at_memory;
    run_ports(&region);
    api_guest_destroy(&guest);
}
END_TEST

static void want_registers(struct minivmm_vcpu *vcpu)
{
    struct minivmm_registers registers;
    uint64_t physical;

    ck_assert_int_eq(minivmm_get_registers(vcpu, &registers, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "struct minivmm_region"));
    ck_assert_int_eq(minivmm_set_registers(vcpu, &(struct minivmm_registers){0}, NULL), -EBUSY);
    ck_assert_int_eq(minivmm_translate(vcpu, 0, &physical, NULL), -EBUSY);
}

START_TEST(a_region_without_registers_does_not_see_them)
{
    const struct minivmm_region region = ports(false);

    seen.act = want_registers;
    run_ports(&region);
    api_guest_destroy(&guest);
}
END_TEST

static void look_at_another(struct minivmm_vcpu *vcpu)
{
    struct minivmm_vcpu *other = minivmm_vcpu(minivmm_vcpu_machine(vcpu), 1);
    struct minivmm_registers registers;

    ck_assert_int_eq(minivmm_get_registers(other, &registers, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "vCPU 1 is not the one of this callback"));
    ck_assert_int_eq(minivmm_save(other, "/tmp/none", MINIVMM_CHECKPOINT_CONTINUE, NULL), -EBUSY);
}

START_TEST(a_callback_sees_no_other_vcpu)
{
    const struct minivmm_region region = ports(true);
    struct minivmm_result result;

    seen.act = look_at_another;
    api_guest_create(&guest, 2, &region);
    api_guest_load(&guest, image_ports, image_ports_end);
    ck_assert_int_eq(minivmm_run(guest.machine, &result), 0);
    ck_assert_uint_eq(seen.writes, 1);
    api_guest_destroy(&guest);
}
END_TEST

static void do_what_callbacks_must_not(struct minivmm_vcpu *vcpu)
{
    struct minivmm_machine *machine = minivmm_vcpu_machine(vcpu);
    const struct minivmm_image image = {.path = "/dev/null"};
    const struct minivmm_region region = {.name = "late", .size = 1};
    struct minivmm_result result;

    ck_assert_int_eq(minivmm_run(machine, &result), -EBUSY);
    ck_assert_int_ne(result.text[0], '\0');
    ck_assert_int_eq(minivmm_destroy(machine, &guest.error), -EBUSY);
    ck_assert_int_eq(minivmm_pause(machine, &guest.error), -EDEADLK);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "another thread"));
    ck_assert_int_eq(minivmm_resume(machine, &guest.error), -EBUSY);
    ck_assert_int_eq(minivmm_step(vcpu, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "a callback cannot step"));
    ck_assert_int_lt(minivmm_load(machine, &image, &guest.error), 0);
    ck_assert_int_lt(minivmm_add_region(machine, &region, &guest.error), 0);
}

START_TEST(a_callback_cannot_run_pause_step_or_destroy_its_machine)
{
    const struct minivmm_region region = ports(true);

    seen.act = do_what_callbacks_must_not;
    run_ports(&region);
    ck_assert_uint_eq(seen.writes, 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(while_the_machine_runs_nobody_else_sees_registers_or_memory)
{
    struct minivmm_registers registers;
    char byte = 0;

    api_guest_spin(&guest, NULL);
    ck_assert_int_eq(minivmm_get_registers(guest.vcpu, &registers, &guest.error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(guest.error.text, "minivmm_pause()"));
    ck_assert_int_eq(minivmm_set_registers(guest.vcpu, &(struct minivmm_registers){0}, NULL),
                     -EBUSY);
    ck_assert_int_eq(minivmm_read_physical(guest.machine, 0, &byte, 1, NULL), -EBUSY);
    ck_assert_int_eq(minivmm_write_physical(guest.machine, 0, &byte, 1, NULL), -EBUSY);
    ck_assert_int_eq(minivmm_read_virtual(guest.vcpu, 0, &byte, 1, NULL), -EBUSY);
    ck_assert_int_eq(minivmm_write_virtual(guest.vcpu, 0, &byte, 1, NULL), -EBUSY);
    minivmm_stop(guest.machine);
    api_guest_join(&guest);
    api_guest_destroy(&guest);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static TCase *cases_without_guest(void)
{
    TCase *tests = tcase_create("nothing loaded");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_machine_without_a_guest_has_no_vcpus);
    tcase_add_test(tests, a_machine_without_a_guest_has_no_memory);
    tcase_add_test(tests, no_vcpu_has_no_registers_and_no_addresses);
    tcase_add_test(tests, exits_have_names_and_those_that_kvm_does_not_make_have_none);
    tcase_add_test(
        tests, a_machine_without_a_guest_has_no_exits_and_no_more_are_told_than_there_is_room_for);
    tcase_add_test(tests, a_machine_without_a_guest_has_no_interrupts);
    tcase_add_loop_test(tests, a_region_that_can_never_be_is_refused_when_it_is_added, 0,
                        COUNT(wrong_regions));
    tcase_add_test(tests, there_are_32_regions_and_no_more);
    tcase_add_test(tests, a_number_is_read_as_on_the_command_line);
    tcase_add_test(tests, a_device_that_there_is_not_is_not_printed);
    tcase_add_test(tests, a_file_that_there_is_not_is_not_replayed_drawn_or_told_of);
    return tests;
}

static TCase *cases_standing_still(void)
{
    TCase *tests = tcase_create("standing still");

    tcase_add_checked_fixture(tests, setup_loaded, teardown);
    kvm_test_add(tests, a_vcpu_knows_its_number_and_its_machine, 1);
    kvm_test_add(tests, before_the_run_registers_are_those_of_the_start, 1);
    kvm_test_add(tests, what_is_set_is_what_is_read_and_what_the_guest_finds, 1);
    kvm_test_add(tests, after_the_run_registers_and_memory_are_there_to_be_read, 1);
    kvm_test_add(tests, memory_is_read_as_it_was_written, 1);
    kvm_test_add(tests, the_start_tables_map_addresses_to_themselves, 1);
    kvm_test_add(tests, beyond_ram_nothing_is_read, COUNT(wrong_ranges));
    kvm_test_add(tests, what_does_not_fit_is_not_written_at_all, 1);
    kvm_test_add(tests, no_bytes_are_copied_from_and_to_anywhere, 1);
    kvm_test_add(tests, an_address_that_is_not_mapped_has_no_translation, 1);
    kvm_test_add(tests, exits_are_counted, 1);
    kvm_test_add(tests, a_machine_without_interrupt_controllers_has_no_interrupts, 1);
    kvm_test_add(tests, there_are_24_interrupts, 1);
    kvm_test_add(tests, regions_are_added_before_the_guest_is_loaded, 1);
    return tests;
}

static TCase *cases_running(void)
{
    TCase *tests = tcase_create("running");

    tcase_add_loop_test(tests, a_region_where_something_else_is_is_refused_when_the_guest_is_loaded,
                        0, COUNT(overlaps));
    kvm_test_add(tests, a_region_serves_what_the_guest_does_there, 1);
    kvm_test_add(tests, what_a_region_reads_is_cut_to_the_access, 1);
    kvm_test_add(tests, a_region_without_functions_reads_as_ones_and_drops_writes, 1);
    kvm_test_add(tests, what_is_wider_than_a_region_takes_is_split, 1);
    kvm_test_add(tests, a_region_in_memory_takes_8_bytes_unless_it_says_less, COUNT(widths));
    kvm_test_add(tests, in_a_callback_the_vcpus_registers_are_there, 1);
    kvm_test_add(tests, what_a_callback_sets_is_what_the_guest_finds, 1);
    kvm_test_add(tests, a_region_without_registers_sees_memory, 1);
    kvm_test_add(tests, a_region_without_registers_does_not_see_them, 1);
    kvm_test_add(tests, a_callback_sees_no_other_vcpu, 1);
    kvm_test_add(tests, a_callback_cannot_run_pause_step_or_destroy_its_machine, 1);
    kvm_test_add(tests, while_the_machine_runs_nobody_else_sees_registers_or_memory, 1);
    return tests;
}

Suite *api_access_suite(void)
{
    Suite *suite = suite_create("api_access");

    suite_add_tcase(suite, cases_without_guest());
    suite_add_tcase(suite, cases_standing_still());
    suite_add_tcase(suite, cases_running());
    return suite;
}
