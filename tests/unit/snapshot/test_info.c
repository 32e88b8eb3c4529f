/* vmm/snapshot/info.c: the report on a checkpoint, for files made here of invented notes and memory. */
#include "devices/types.h"
#include "vmm/snapshot/info.h"

#include "vmm/core/x86.h"
#include "vmm/io/memory.h"
#include "vmm/snapshot/elf_file.h"
#include "vmm/snapshot/kvm_state.h"
#include "vmm/snapshot/prstatus.h"

#include "tests/unit/needs.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *info_suite(void);

#define RAM       (16 * MIB)
#define NOTES_MAX 16
#define TEXT_MAX  65536

#define PRESENT  1ULL
#define WRITABLE 2ULL
#define USER     4ULL
#define LARGE    0x80ULL
#define NX       (1ULL << 63)

/* Tables and pages. Tables, at offset 0x3000 of the file, and code, at 0x7000, are a range each. */
#define TABLES 0x100000ULL
#define CODE   0x200000ULL
#define EMPTY  0x400000ULL

static const char machine_text[] = "checkpoint 1\n"
                                   "by 0.1.0\n"
                                   "saved 1700000000123456789\n"
                                   "exits 6011\n"
                                   "machine memory=16777216 cpus=1\n"
                                   "device serial\n"
                                   "device \"ptlcall,log=my calls\"\n";
static const char serial_text[] = "device serial.0 version 2\nlcr=03\nier=00\n";
static const char ptlcall_text[] = "device ptlcall.0 version 1\n";

static struct memory memory;
static struct kvm_vcpu_state vcpu;
static struct kvm_vm_state vm;
static struct elf_note notes[NOTES_MAX];
static unsigned note_count;
static char directory[32], path[64];
static char text[TEXT_MAX]; /* what print() has shown */
static struct error error;

static void add_note(const char *owner, uint32_t type, const void *bytes, size_t size)
{
    notes[note_count++] = (struct elf_note){owner, type, bytes, size};
}

static void add_text(uint32_t type, const char *string)
{
    add_note(ELF_OWNER, type, string, strlen(string));
}

/* The first note of (type) gets other contents, or, with NULL, an unknown type. */
static void replace_note(enum elf_note_type type, const char *string)
{
    for (unsigned i = 0; i < note_count; i++) {
        if (notes[i].type != (uint32_t)type || strcmp(notes[i].owner, ELF_OWNER) != 0)
            continue;
        if (string)
            notes[i] = (struct elf_note){ELF_OWNER, type, string, strlen(string)};
        else
            notes[i].type = 1000;
        return;
    }
    ck_abort_msg("no note of type %d", type);
}

static void put(uint64_t address, uint64_t value, size_t size)
{
    ck_assert_int_eq(memory_write(&memory, gpa(address), &value, size), 0);
}

/* 64-bit code at CODE, mapped by four tables of TABLES at 0xffffffff80000000. */
static void set_long_mode(void)
{
    vcpu.regs.rip = 0xffffffff80000123;
    vcpu.regs.rsp = 0xffffffff80001000;
    vcpu.sregs.cr0 = X86_CR0_PE | X86_CR0_PG;
    vcpu.sregs.cr3 = TABLES;
    vcpu.sregs.cr4 = X86_CR4_PAE;
    vcpu.sregs.efer = X86_EFER_LME | X86_EFER_LMA;
    vcpu.sregs.cs.l = 1;
    put(TABLES + 511 * 8, (TABLES + 0x1000) | PRESENT | WRITABLE | USER, 8);
    put(TABLES + 0x1000 + 510 * 8, (TABLES + 0x2000) | PRESENT | WRITABLE, 8);
    put(TABLES + 0x2000, (TABLES + 0x3000) | PRESENT | WRITABLE, 8);
    put(TABLES + 0x3000, CODE | PRESENT, 8);
    put(CODE, 0x90, 1);
}

/* Paging of 32-bit code, CR3 at TABLES. */
static void set_protected_mode(uint64_t cr4)
{
    vcpu.sregs.cr0 = X86_CR0_PE | X86_CR0_PG;
    vcpu.sregs.cr3 = TABLES;
    vcpu.sregs.cr4 = cr4;
    vcpu.sregs.efer = 0;
    vcpu.sregs.cs.l = 0;
    vcpu.sregs.cs.db = 1;
}

static void setup(void)
{
    ck_assert_int_eq(memory_init(&memory, RAM, NULL), 0);
    strcpy(directory, "/tmp/minivmm-info-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/roi.core", directory);
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&vm, 0, sizeof(vm));
    vcpu.version = KVM_STATE_VERSION;
    vm.version = KVM_STATE_VERSION;
    set_long_mode();

    note_count = 0;
    add_text(ELF_NOTE_MACHINE, machine_text);
    add_note(ELF_OWNER, ELF_NOTE_VCPU, &vcpu, kvm_vcpu_state_size(&vcpu));
    add_note(ELF_OWNER, ELF_NOTE_VM, &vm, sizeof(vm));
    add_text(ELF_NOTE_DEVICE, serial_text);
    add_text(ELF_NOTE_DEVICE, ptlcall_text);
    error.text[0] = '\0';
}

static void teardown(void)
{
    unlink(path);
    rmdir(directory);
    memory_finish(&memory);
}

static void write_core(void)
{
    int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(dir_fd, 0);
    ck_assert_msg(elf_file_write(dir_fd, "roi.core", notes, note_count, &memory, &error) == 0, "%s",
                  error.text);
    close(dir_fd);
}

/* info_print() of the file as it is, into (text). */
static int print(const uint64_t *gva_wanted)
{
    int fd = memfd_create("info", MFD_CLOEXEC);
    int result = info_print(path, device_types, gva_wanted, fd, &error);
    ssize_t count = pread(fd, text, sizeof(text) - 1, 0);

    ck_assert_int_ge(count, 0);
    text[count] = '\0';
    close(fd);
    return result;
}

static void show(void)
{
    write_core();
    ck_assert_msg(print(NULL) == 0, "%s", error.text);
}

static void translate(uint64_t address)
{
    write_core();
    ck_assert_msg(print(&address) == 0, "%s", error.text);
}

static void check_has(const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "not there: %s\nbut: %s", part, text);
}

/* The file is refused with the sentence "PATH(rest)", and nothing is shown. */
static void check_refused(const char *rest)
{
    char expected[ERROR_TEXT_MAX];

    write_core();
    snprintf(expected, sizeof(expected), "%s%s", path, rest);
    ck_assert_int_eq(print(NULL), -EINVAL);
    ck_assert_str_eq(error.text, expected);
    ck_assert_str_eq(text, "");
}

START_TEST(it_tells_when_a_checkpoint_was_saved_and_by_which_version)
{
    show();
    check_has("saved     2023-11-14 22:13:20 UTC by minivmm 0.1.0, after 6011 exits\n");
}
END_TEST

START_TEST(it_tells_how_large_the_machine_is)
{
    show();
    check_has("machine   16 MiB of memory, 1 vCPU, no interrupt controllers\n");
}
END_TEST

START_TEST(a_size_that_is_no_whole_unit_has_a_decimal)
{
    replace_note(ELF_NOTE_MACHINE,
                 "checkpoint 1\nmachine memory=17301504\ndevice serial\ndevice ptlcall\n");
    show();
    check_has("machine   16.5 MiB of memory, ");
}
END_TEST

START_TEST(interrupt_controllers_are_told_of_where_their_state_is_there)
{
    vm.has_irqchip = 1;
    for (uint32_t i = 0; i < KVM_STATE_CHIPS; i++)
        vm.chips[i].chip_id = i;
    show();
    check_has(", interrupt controllers in KVM\n");
}
END_TEST

START_TEST(each_device_has_a_line_with_the_version_and_the_fields_of_its_state)
{
    show();
    check_has("\ndevices   2\n"
              "  name           version  fields  --device\n"
              "  serial.0             2       2  serial\n"
              "  ptlcall.0            1       0  ptlcall,log=my calls\n");
}
END_TEST

START_TEST(ranges_of_memory_have_their_addresses_size_share_and_offset)
{
    show();
    check_has("\nmemory    20 KiB of it in the file, 0.1%; the rest is zero\n"
              "  first gpa       last gpa                 bytes   share  offset\n"
              "  0x000000100000  0x000000103fff          16384    0.1%  0x3000\n"
              "  0x000000200000  0x000000200fff           4096    0.0%  0x7000\n");
}
END_TEST

START_TEST(memory_that_is_all_zero_has_no_ranges)
{
    memset(memory_at(&memory, gpa(0), RAM), 0, RAM);
    show();
    check_has("\nmemory    0 bytes of it in the file, 0.0%; the rest is zero\n\n");
}
END_TEST

START_TEST(only_so_many_ranges_are_shown_and_the_others_counted)
{
    memset(memory_at(&memory, gpa(0), RAM), 0, RAM);
    for (uint64_t i = 0; i < 40; i++)
        put(i * 256 * KIB, 1, 1);
    show();
    check_has("  0x0000007c0000  0x0000007c0fff           4096    0.0%  ");
    ck_assert_ptr_null(strstr(text, "  0x000000800000  "));
    check_has("\n  and 8 more; readelf -lW shows them all\n");
}
END_TEST

START_TEST(a_vcpu_has_its_state_mode_and_registers_and_rip_is_found_in_the_file)
{
    show();
    check_has("\nvCPU 0    runs, 64-bit code, 4-level paging\n"
              "  rip 0xffffffff80000123, gpa 0x200123, offset 0x7123\n"
              "  rsp 0xffffffff80001000\n"
              "  cr3 0x0000000000100000\n");
}
END_TEST

START_TEST(every_vcpu_is_shown)
{
    struct kvm_vcpu_state second = {.version = KVM_STATE_VERSION, .id = 1};

    second.mp.mp_state = KVM_MP_STATE_UNINITIALIZED;
    add_note(ELF_OWNER, ELF_NOTE_VCPU, &second, kvm_vcpu_state_size(&second));
    replace_note(ELF_NOTE_MACHINE,
                 "checkpoint 1\nmachine memory=16777216 cpus=2\ndevice serial\ndevice ptlcall\n");
    show();
    check_has("machine   16 MiB of memory, 2 vCPUs, ");
    check_has("\nvCPU 0    runs, ");
    check_has("\nvCPU 1    waits for INIT, 16-bit code, no paging\n");
}
END_TEST

START_TEST(rip_of_real_mode_is_relative_to_its_segment)
{
    memset(&vcpu.sregs, 0, sizeof(vcpu.sregs));
    vcpu.regs.rip = 0x23;
    vcpu.sregs.cs.base = CODE;
    vcpu.mp.mp_state = KVM_MP_STATE_HALTED;
    show();
    check_has("\nvCPU 0    halted, 16-bit code, no paging\n"
              "  rip 0x0000000000000023, gpa 0x200023, offset 0x7023\n");
}
END_TEST

START_TEST(rip_that_nothing_maps_is_told_so)
{
    vcpu.regs.rip = 0x5000;
    show();
    check_has("  rip 0x0000000000005000, which the page tables do not map\n");
}
END_TEST

START_TEST(notes_are_counted_by_kind_and_those_of_others_are_no_error)
{
    static const struct elf_prstatus status;

    add_note(ELF_GDB_OWNER, NT_PRSTATUS, &status, sizeof(status));
    add_note("else", 77, "abc", 3);
    show();
    check_has("\nnotes     7\n"
              "  owner    type          count       bytes\n"
              "  CORE     NT_PRSTATUS       1         336\n"
              "  minivmm  machine           1         ");
    check_has("\n  minivmm  device            2          67\n"
              "  other    unknown           1           3\n");
}
END_TEST

START_TEST(control_characters_of_the_file_never_reach_the_terminal)
{
    replace_note(ELF_NOTE_MACHINE, "by \033[31m\n"
                                   "checkpoint 1\nmachine memory=16777216\n"
                                   "device \"serial,x=\\x1b[2J\"\n"
                                   "device ptlcall\n");
    show();
    check_has("by minivmm \\x1b[31m,");
    check_has("  serial,x=\\x1b[2J\n");
    ck_assert_ptr_null(strchr(text, '\033'));
}
END_TEST

START_TEST(four_levels_are_walked_down_to_the_offset_in_the_file)
{
    translate(0xffffffff80000123);
    ck_assert_str_eq(
        text, "gva      0xffffffff80000123 of vCPU 0, 4-level paging, cr3 0x100000\n"
              "level 4  entry at gpa 0x00100ff8: 0x0000000000101007  present, writable, user\n"
              "level 3  entry at gpa 0x00101ff0: 0x0000000000102003  present, writable\n"
              "level 2  entry at gpa 0x00102000: 0x0000000000103003  present, writable\n"
              "level 1  entry at gpa 0x00103000: 0x0000000000200001  present\n"
              "gpa      0x200123\n"
              "offset   0x7123\n");
}
END_TEST

START_TEST(the_offset_is_that_of_the_byte)
{
    static const char secret[] = "Where am I?";
    char found[sizeof(secret)];
    unsigned long long offset;
    int fd;

    ck_assert_int_eq(memory_write(&memory, gpa(CODE + 0x456), secret, sizeof(secret)), 0);
    translate(0xffffffff80000456);
    ck_assert_int_eq(sscanf(strstr(text, "\noffset "), " offset %llx", &offset), 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, found, sizeof(found), (off_t)offset), sizeof(found));
    close(fd);
    ck_assert_str_eq(found, secret);
}
END_TEST

START_TEST(a_large_page_and_one_without_execution_are_told_in_words)
{
    put(TABLES + 0x2000 + 8, CODE | PRESENT | LARGE | NX, 8);
    translate(0xffffffff80200777);
    check_has("level 2  entry at gpa 0x00102008: 0x8000000000200081  present, no-execute, large\n"
              "gpa      0x200777\n");
}
END_TEST

START_TEST(bit_7_of_a_pte_is_no_large_page)
{
    put(TABLES + 0x3000, CODE | PRESENT | LARGE, 8);
    translate(0xffffffff80000000);
    check_has("level 1  entry at gpa 0x00103000: 0x0000000000200081  present\n");
}
END_TEST

START_TEST(pae_paging_has_three_levels)
{
    set_protected_mode(X86_CR4_PAE);
    put(TABLES + 3 * 8, (TABLES + 0x1000) | PRESENT, 8);
    put(TABLES + 0x1000, (TABLES + 0x2000) | PRESENT | WRITABLE, 8);
    put(TABLES + 0x2000 + 2 * 8, CODE | PRESENT, 8);
    translate(0xc0002010);
    ck_assert_str_eq(text,
                     "gva      0xc0002010 of vCPU 0, PAE paging, cr3 0x100000\n"
                     "level 3  entry at gpa 0x00100018: 0x0000000000101001  present\n"
                     "level 2  entry at gpa 0x00101000: 0x0000000000102003  present, writable\n"
                     "level 1  entry at gpa 0x00102010: 0x0000000000200001  present\n"
                     "gpa      0x200010\n"
                     "offset   0x7010\n");
}
END_TEST

START_TEST(paging_of_32_bits_has_two_levels)
{
    set_protected_mode(0);
    put(TABLES + 4, (TABLES + 0x1000) | PRESENT | WRITABLE, 4);
    put(TABLES + 0x1000 + 2 * 4, CODE | PRESENT | USER, 4);
    translate(0x402010);
    ck_assert_str_eq(text,
                     "gva      0x402010 of vCPU 0, 32-bit paging, cr3 0x100000\n"
                     "level 2  entry at gpa 0x00100004: 0x0000000000101003  present, writable\n"
                     "level 1  entry at gpa 0x00101008: 0x0000000000200005  present, user\n"
                     "gpa      0x200010\n"
                     "offset   0x7010\n");
}
END_TEST

START_TEST(without_pse_bit_7_of_a_pde_is_no_large_page)
{
    set_protected_mode(0);
    put(TABLES, (TABLES + 0x1000) | PRESENT | LARGE, 4);
    put(TABLES + 0x1000, CODE | PRESENT, 4);
    translate(0x10);
    check_has("level 2  entry at gpa 0x00100000: 0x0000000000101081  present\n"
              "level 1  entry at gpa 0x00101000: 0x0000000000200001  present\n");
    put(TABLES, 0x7ffff000 | PRESENT | LARGE, 4);
    translate(0x10);
    check_has("level 2  entry at gpa 0x00100000: 0x000000007ffff081  present\n"
              "gpa      none: the next table is not in RAM\n");
}
END_TEST

START_TEST(without_paging_the_address_is_the_gpa)
{
    memset(&vcpu.sregs, 0, sizeof(vcpu.sregs));
    translate(CODE + 5);
    ck_assert_str_eq(text, "gva      0x200005 of vCPU 0, no paging, cr3 0x0\n"
                           "gpa      0x200005\n"
                           "offset   0x7005\n");
}
END_TEST

START_TEST(a_page_of_zeroes_is_not_in_the_file)
{
    put(TABLES + 0x3000, EMPTY | PRESENT, 8);
    translate(0xffffffff80000010);
    check_has("\ngpa      0x400010\noffset   not in the file: zero\n");
}
END_TEST

START_TEST(a_page_of_a_device_has_no_offset)
{
    put(TABLES + 0x3000, 0xfee00000 | PRESENT, 8);
    translate(0xffffffff80000020);
    check_has("\ngpa      0xfee00020\noffset   none: this is not RAM\n");
}
END_TEST

static const struct {
    uint64_t address, entry; /* of level 1, unless 0 */
    const char *end;
} unmapped[] = {
    {0xffffffff80001000, 0, "  not present\ngpa      none: the last entry is not present\n"},
    {0x8000000000000000, 0, "cr3 0x100000\ngpa      none: the mode has no such address\n"},
    {0xffffffff80400000, 0x7ffff000 | PRESENT, "gpa      none: the next table is not in RAM\n"},
    {0xffffffff80400000, CODE | PRESENT | LARGE | 0x2000,
     "  present, large\ngpa      none: the last entry has reserved bits set\n"},
};

START_TEST(what_is_not_mapped_is_shown_up_to_where_the_walk_ends)
{
    if (unmapped[_i].entry)
        put(TABLES + 0x2000 + 2 * 8, unmapped[_i].entry, 8);
    translate(unmapped[_i].address);
    check_has(unmapped[_i].end);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    char expected[ERROR_TEXT_MAX];

    snprintf(expected, sizeof(expected), "%s: ", path);
    ck_assert_int_eq(print(NULL), -ENOENT);
    ck_assert_mem_eq(error.text, expected, strlen(expected));
}
END_TEST

static const struct {
    enum elf_note_type type;
    const char *contents; /* NULL: the note is not there */
    const char *rest;     /* of the sentence, after the path */
} refusals[] = {
    {ELF_NOTE_MACHINE, NULL, ": it does not describe its machine"},
    {ELF_NOTE_VM, NULL, ": the state of the VM is missing"},
    {ELF_NOTE_VM, "abc", ": the note of the VM's state is cut off: 3 bytes"},
    {ELF_NOTE_VCPU, NULL, ": the state of vCPU 0 is missing"},
    {ELF_NOTE_VCPU, "abc", ": the note of a vCPU's state is cut off: 3 bytes"},
    {ELF_NOTE_DEVICE, "", ": the state of device serial does not begin with its name and version"},
    {ELF_NOTE_DEVICE, "device serial.0 version x\n",
     ": the state of device serial does not begin with its name and version"},
    {ELF_NOTE_DEVICE, "device serial version 1\n",
     ": the state of device serial does not begin with its name and version"},
    {ELF_NOTE_DEVICE, "device ptlcall.0 version 1\n",
     ": the state of device serial does not begin with its name and version"},
    {ELF_NOTE_MACHINE, "checkpoint 1\nmachine memory=16777216\ndevice serial\n",
     ": it has the state of a device that is not there"},
    {ELF_NOTE_MACHINE,
     "checkpoint 1\nmachine memory=16777216\ndevice serial\ndevice ptlcall\ndevice edu\n",
     ": the state of device edu is missing"},
    {ELF_NOTE_MACHINE,
     "checkpoint 1\nmachine memory=16777216 cpus=2\ndevice serial\ndevice ptlcall\n",
     ": the state of vCPU 1 is missing"},
    {ELF_NOTE_MACHINE, "checkpoint 1\nmachine memory=1M\ndevice serial\ndevice ptlcall\n",
     ": 16384 bytes of guest memory at 0x100000 are not within the machine's RAM; give it as much "
     "as it had"},
};

START_TEST(notes_that_are_missing_or_wrong_are_one_sentence)
{
    replace_note(refusals[_i].type, refusals[_i].contents);
    check_refused(refusals[_i].rest);
}
END_TEST

START_TEST(a_vcpu_in_the_place_of_another_is_refused)
{
    vcpu.id = 1;
    check_refused(": the states of vCPUs are not in their order");
}
END_TEST

START_TEST(a_vcpu_that_the_machine_has_not_is_refused)
{
    add_note(ELF_OWNER, ELF_NOTE_VCPU, &vcpu, kvm_vcpu_state_size(&vcpu));
    check_refused(": it has the state of a vCPU that is not there");
}
END_TEST

START_TEST(a_translation_needs_the_state_of_vcpu_0)
{
    const uint64_t address = 0;

    replace_note(ELF_NOTE_VCPU, NULL);
    write_core();
    ck_assert_int_eq(print(&address), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, ": the state of vCPU 0 is missing"));
}
END_TEST

START_TEST(what_cannot_be_written_out_is_an_error)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    write_core();
    ck_assert_int_eq(info_print(path, device_types, NULL, full, &error), -ENOSPC);
    ck_assert_ptr_nonnull(strstr(error.text, ": what is in it cannot be written out: "));
    close(full);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static TCase *summary_tcase(void)
{
    TCase *tcase = tcase_create("summary");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, it_tells_when_a_checkpoint_was_saved_and_by_which_version);
    tcase_add_test(tcase, it_tells_how_large_the_machine_is);
    tcase_add_test(tcase, a_size_that_is_no_whole_unit_has_a_decimal);
    tcase_add_test(tcase, interrupt_controllers_are_told_of_where_their_state_is_there);
    tcase_add_test(tcase, each_device_has_a_line_with_the_version_and_the_fields_of_its_state);
    tcase_add_test(tcase, ranges_of_memory_have_their_addresses_size_share_and_offset);
    tcase_add_test(tcase, memory_that_is_all_zero_has_no_ranges);
    tcase_add_test(tcase, only_so_many_ranges_are_shown_and_the_others_counted);
    tcase_add_test(tcase, a_vcpu_has_its_state_mode_and_registers_and_rip_is_found_in_the_file);
    tcase_add_test(tcase, every_vcpu_is_shown);
    tcase_add_test(tcase, rip_of_real_mode_is_relative_to_its_segment);
    tcase_add_test(tcase, rip_that_nothing_maps_is_told_so);
    tcase_add_test(tcase, notes_are_counted_by_kind_and_those_of_others_are_no_error);
    tcase_add_test(tcase, control_characters_of_the_file_never_reach_the_terminal);
    return tcase;
}

static TCase *translate_tcase(void)
{
    TCase *tcase = tcase_create("translate");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, four_levels_are_walked_down_to_the_offset_in_the_file);
    tcase_add_test(tcase, the_offset_is_that_of_the_byte);
    tcase_add_test(tcase, a_large_page_and_one_without_execution_are_told_in_words);
    tcase_add_test(tcase, bit_7_of_a_pte_is_no_large_page);
    tcase_add_test(tcase, pae_paging_has_three_levels);
    tcase_add_test(tcase, paging_of_32_bits_has_two_levels);
    tcase_add_test(tcase, without_pse_bit_7_of_a_pde_is_no_large_page);
    tcase_add_test(tcase, without_paging_the_address_is_the_gpa);
    tcase_add_test(tcase, a_page_of_zeroes_is_not_in_the_file);
    tcase_add_test(tcase, a_page_of_a_device_has_no_offset);
    tcase_add_loop_test(tcase, what_is_not_mapped_is_shown_up_to_where_the_walk_ends, 0,
                        COUNT(unmapped));
    return tcase;
}

static TCase *refusal_tcase(void)
{
    TCase *tcase = tcase_create("refusals");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_file_that_is_not_there_is_named);
    tcase_add_loop_test(tcase, notes_that_are_missing_or_wrong_are_one_sentence, 0,
                        COUNT(refusals));
    tcase_add_test(tcase, a_vcpu_in_the_place_of_another_is_refused);
    tcase_add_test(tcase, a_vcpu_that_the_machine_has_not_is_refused);
    tcase_add_test(tcase, a_translation_needs_the_state_of_vcpu_0);
    needs_test_add(tcase, NEED_FULL, what_cannot_be_written_out_is_an_error, 1);
    return tcase;
}

Suite *info_suite(void)
{
    Suite *suite = suite_create("info");

    suite_add_tcase(suite, summary_tcase());
    suite_add_tcase(suite, translate_tcase());
    suite_add_tcase(suite, refusal_tcase());
    return suite;
}
