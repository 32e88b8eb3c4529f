/* vmm/observe/crash_report.c: the crash report, over invented exits, registers and page tables. */
#include "vmm/observe/crash_report.h"

#include "tests/unit/fixture.h"
#include "vmm/core/exit.h"
#include "vmm/observe/disasm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

Suite *crash_report_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct fixture fixture;
static char *report; /* of the last write_report() */
static size_t report_size;

static void setup(void)
{
    fixture_setup(&fixture);
    report = NULL;
}

static void teardown(void)
{
    free(report);
    fixture_teardown(&fixture);
}

static void write_report(void)
{
    FILE *file = open_memstream(&report, &report_size);

    ck_assert_ptr_nonnull(file);
    crash_report_write(&fixture.machine, fixture.vcpu, file);
    fclose(file);
}

static void check_has(const char *part)
{
    ck_assert_msg(strstr(report, part) != NULL, "not there: %s\nbut: %s", part, report);
}

static void check_lacks(const char *part)
{
    ck_assert_msg(strstr(report, part) == NULL, "there: %s\nin: %s", part, report);
}

/* Does the report say that the instruction is (words)? Without the library it explains how to install it. */
static void check_instruction(const char *words)
{
    struct disasm disasm = {0};
    char line[128];

    if (disasm_open(&disasm) == -ENOENT)
        strcpy(line, "\n  (install libzydis to disassemble it)\n");
    else
        snprintf(line, sizeof(line), "\n  instruction: %s\n", words);
    disasm_close(&disasm);
    check_has(line);
}

static struct kvm_regs *registers(void)
{
    return &fixture.vcpu->run->s.regs.regs;
}

static struct kvm_sregs *special_registers(void)
{
    return &fixture.vcpu->run->s.regs.sregs;
}

static void put(uint64_t address, const void *bytes, size_t length)
{
    ck_assert_int_eq(memory_write(&fixture.machine.memory, gpa(address), bytes, length), 0);
}

static void put_entry(uint64_t address, uint64_t entry)
{
    put(address, &entry, sizeof(entry));
}

#define PRESENT 0x3ULL
#define LARGE   0x80ULL

/* 64-bit code: gva 4..6 MiB is at gpa 2 MiB, gva 6..8 MiB is unmapped, gva 8..10 MiB is no RAM. */
static void enter_long_mode(uint64_t rip)
{
    struct kvm_sregs *sregs = special_registers();

    put_entry(0x1000, 0x2000 | PRESENT);
    put_entry(0x2000, 0x3000 | PRESENT);
    put_entry(0x3010, 2 * MIB | PRESENT | LARGE);
    put_entry(0x3020, 64 * MIB | PRESENT | LARGE);
    sregs->cr0 = X86_CR0_PE | X86_CR0_PG;
    sregs->cr3 = 0x1000;
    sregs->cr4 = X86_CR4_PAE;
    sregs->efer = X86_EFER_LME | X86_EFER_LMA;
    sregs->cs.l = 1;
    registers()->rip = rip;
}

START_TEST(a_triple_fault_is_told_in_words)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    write_report();
    ck_assert_int_eq(strncmp(report, "vCPU 0: triple fault\n", 21), 0);
}
END_TEST

START_TEST(the_report_names_its_vcpu)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    fixture.vcpu->id = 3;
    write_report();
    ck_assert_int_eq(strncmp(report, "vCPU 3: ", 8), 0);
}
END_TEST

START_TEST(a_refused_entry_is_told_with_its_hardware_reason)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_FAIL_ENTRY;
    run->fail_entry.hardware_entry_failure_reason = 0x80000021;
    run->fail_entry.cpu = 5;
    write_report();
    check_has("vCPU 0: the processor refused to enter the guest\n"
              "  hardware entry failure reason 0x80000021 on host CPU 5\n");
}
END_TEST

START_TEST(an_unknown_hardware_exit_is_told_with_its_number)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_UNKNOWN;
    run->hw.hardware_exit_reason = 0x1234567890;
    write_report();
    check_has("vCPU 0: an exit that KVM does not know\n  hardware exit reason 0x1234567890\n");
}
END_TEST

START_TEST(an_exception_is_told_with_its_error_code)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_EXCEPTION;
    run->ex.exception = 14;
    run->ex.error_code = 0x10;
    write_report();
    check_has("vCPU 0: an exception\n  exception 14, error code 0x10\n");
}
END_TEST

START_TEST(a_system_event_is_told_with_its_number)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
    run->system_event.type = 77;
    write_report();
    check_has("vCPU 0: system event\n  system event 77\n");
}
END_TEST

START_TEST(a_reason_beyond_all_tables_is_told)
{
    fixture.vcpu->run->exit_reason = UINT32_MAX;
    write_report();
    check_has("vCPU 0: an exit that minivmm does not know\n");
}
END_TEST

static const struct {
    uint32_t suberror;
    const char *line;
} suberrors[] = {
    {0, "  suberror 0: an unknown suberror\n"},
    {KVM_INTERNAL_ERROR_EMULATION, "  suberror 1: KVM cannot emulate the instruction\n"},
    {KVM_INTERNAL_ERROR_SIMUL_EX, "  suberror 2: two exceptions at once\n"},
    {KVM_INTERNAL_ERROR_DELIVERY_EV, "  suberror 3: an exit while an event was being delivered\n"},
    {KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, "  suberror 4: an unexpected hardware exit\n"},
    {5, "  suberror 5: an unknown suberror\n"},
    {UINT32_MAX, "  suberror 4294967295: an unknown suberror\n"},
};

START_TEST(an_internal_error_is_told_with_its_suberror)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run->internal.suberror = suberrors[_i].suberror;
    write_report();
    check_has("vCPU 0: KVM internal error\n");
    check_has(suberrors[_i].line);
}
END_TEST

#define ALL_BYTES "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n"

static const struct emulation_case {
    uint32_t suberror, ndata;
    uint64_t flags;
    uint8_t insn_size;
    const char *bytes; /* NULL: none are shown */
} emulation_cases[] = {
    {KVM_INTERNAL_ERROR_EMULATION, 7, 1, 3, "01 02 03\n"},
    {KVM_INTERNAL_ERROR_EMULATION, 3, 1, 1, "01\n"},
    {KVM_INTERNAL_ERROR_EMULATION, 7, 1, 15, ALL_BYTES},
    {KVM_INTERNAL_ERROR_EMULATION, 7, 1, 16, ALL_BYTES},
    {KVM_INTERNAL_ERROR_EMULATION, 7, 1, 255, ALL_BYTES},
    {KVM_INTERNAL_ERROR_EMULATION, UINT32_MAX, UINT64_MAX, 255, ALL_BYTES},
    {KVM_INTERNAL_ERROR_EMULATION, 2, 1, 3, NULL},
    {KVM_INTERNAL_ERROR_EMULATION, 0, 1, 3, NULL},
    {KVM_INTERNAL_ERROR_EMULATION, 7, 0, 3, NULL},
    {KVM_INTERNAL_ERROR_EMULATION, 7, 2, 3, NULL},
    {KVM_INTERNAL_ERROR_DELIVERY_EV, 7, 1, 3, NULL},
};

START_TEST(the_bytes_that_kvm_fetched_are_shown_when_it_says_so)
{
    const struct emulation_case *c = &emulation_cases[_i];
    struct kvm_run *run = fixture.vcpu->run;
    char line[128];

    memset(&run->internal, 0xee, sizeof(run->internal));
    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run->emulation_failure.suberror = c->suberror;
    run->emulation_failure.ndata = c->ndata;
    run->emulation_failure.flags = c->flags;
    run->emulation_failure.insn_size = c->insn_size;
    for (uint8_t i = 0; i < sizeof(run->emulation_failure.insn_bytes); i++)
        run->emulation_failure.insn_bytes[i] = i + 1;
    write_report();
    if (!c->bytes) {
        check_lacks("bytes that KVM fetched");
        return;
    }
    snprintf(line, sizeof(line), "  bytes that KVM fetched: %s", c->bytes);
    check_has(line);
}
END_TEST

START_TEST(every_register_is_shown_under_its_name)
{
    static const char *const lines[] = {
        "  rip    0000000000000011  rflags 0000000000000012  rax    0000000000000001\n",
        "  rbx    0000000000000002  rcx    0000000000000003  rdx    0000000000000004\n",
        "  rsi    0000000000000005  rdi    0000000000000006  rsp    0000000000000007\n",
        "  rbp    0000000000000008  r8     0000000000000009  r9     000000000000000a\n",
        "  r10    000000000000000b  r11    000000000000000c  r12    000000000000000d\n",
        "  r13    000000000000000e  r14    000000000000000f  r15    fedcba9876543210\n",
    };

    *registers() = (struct kvm_regs){1,    2,   3,  4,  5,  6,  7,  8,
                                     9,    10,  11, 12, 13, 14, 15, 0xfedcba9876543210,
                                     0x11, 0x12};
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    write_report();
    for (int i = 0; i < COUNT(lines); i++)
        check_has(lines[i]);
}
END_TEST

START_TEST(control_registers_and_segments_are_shown)
{
    struct kvm_sregs *sregs = special_registers();

    sregs->cr2 = 0xdeadbeef000;
    sregs->cs = (struct kvm_segment){
        .base = 0xf0000, .limit = 0xffff, .selector = 0xf000, .type = 11, .dpl = 3, .db = 1};
    sregs->ss.present = 1;
    sregs->gdt.base = 0x90000;
    sregs->gdt.limit = 0x1f;
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    write_report();
    check_has(
        "  cr0 00000000  cr2 00000deadbeef000  cr3 0000000000000000  cr4 00000000  efer 0000\n");
    check_has("  cs  f000 base 00000000000f0000 limit 0000ffff type b dpl 3 32-bit not present\n");
    check_has("  ss  0000 base 0000000000000000 limit 00000000 type 0 dpl 0\n");
    check_has("  gdt base 0000000000090000 limit 001f   idt base 0000000000000000 limit 0000\n");
}
END_TEST

START_TEST(without_valid_registers_none_are_shown)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    fixture.vcpu->registers_valid = false;
    write_report();
    ck_assert_str_eq(report, "vCPU 0: triple fault\nlast exits:\n");
}
END_TEST

START_TEST(the_registers_of_a_reset_are_not_shown_after_a_triple_fault)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    registers()->rip = 0xfff0;
    special_registers()->cs.base = 0xffff0000;
    write_report();
    check_has("the registers are lost");
    check_lacks("cr0");
}
END_TEST

START_TEST(the_last_milestone_is_told_if_there_was_one)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
    write_report();
    check_lacks("milestone");
    free(report);
    fixture_device(&fixture, "post", NULL);
    fixture_out(&fixture, 0x80, 1, 0);
    write_report();
    check_has("\n  last milestone (port 0x80): 0x00\n");
}
END_TEST

START_TEST(rip_is_followed_through_the_page_tables)
{
    static const uint8_t code[] = {0x0f, 0x0b, 0xf4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xee};

    enter_long_mode(4 * MIB + 0x123);
    put(2 * MIB + 0x123, code, sizeof(code));
    write_report();
    check_has("  rip: gva 0x400123 -> gpa 0x200123 -> RAM + 0x200123\n"
              "    level 4 entry at 0x");
    check_has("  bytes: 0f 0b f4 01 02 03 04 05 06 07 08 09 0a 0b 0c\n");
    check_instruction("ud2");
}
END_TEST

START_TEST(bytes_end_where_the_mapping_ends)
{
    static const uint8_t code[] = {0x0f, 0x0b};

    enter_long_mode(6 * MIB - 2);
    put(4 * MIB - 2, code, sizeof(code));
    write_report();
    check_has("\n  bytes: 0f 0b\n");
    check_instruction("ud2");
}
END_TEST

START_TEST(an_instruction_that_is_cut_off_is_none)
{
    static const uint8_t code[] = {0x48, 0xb8};

    enter_long_mode(6 * MIB - 2);
    put(4 * MIB - 2, code, sizeof(code));
    write_report();
    check_has("\n  bytes: 48 b8\n");
    check_instruction("unknown");
}
END_TEST

static const uint64_t unmapped[] = {6 * MIB, 0, 0x8000000000000000, UINT64_MAX};

START_TEST(a_rip_that_nothing_maps_is_told)
{
    enter_long_mode(unmapped[_i]);
    write_report();
    check_has(": the guest's page tables map nothing there\n");
    check_lacks("bytes:");
    check_lacks("instruction");
}
END_TEST

START_TEST(a_rip_outside_ram_is_told)
{
    enter_long_mode(8 * MIB + 0x10);
    write_report();
    check_has("  rip: gva 0x800010 -> gpa 0x4000010, which is not RAM\n");
    check_lacks("bytes:");
}
END_TEST

START_TEST(page_tables_outside_ram_map_nothing)
{
    enter_long_mode(4 * MIB);
    special_registers()->cr3 = 1ULL << 40;
    write_report();
    check_has(": the guest's page tables map nothing there\n");
}
END_TEST

static const struct mode_case {
    bool is_32_bit;
    uint64_t base, rip;
    const char *place, *instruction;
} mode_cases[] = {
    {false, 0, 0x7c00, "  rip: gva 0x7c00 -> gpa 0x7c00 -> RAM + 0x7c00\n", "dec ax"},
    {false, 0x7000, 0xc00, "  rip: gva 0x7c00 -> gpa 0x7c00 -> RAM + 0x7c00\n", "dec ax"},
    {true, 0, 0x7c00, "  rip: gva 0x7c00 -> gpa 0x7c00 -> RAM + 0x7c00\n", "dec eax"},
    {true, 0xfffff000, 0x8c00, "  rip: gva 0x7c00 -> gpa 0x7c00 -> RAM + 0x7c00\n", "dec eax"},
};

START_TEST(outside_64_bit_mode_the_segment_counts)
{
    static const uint8_t code[] = {0x48, 0x31, 0xc0};
    const struct mode_case *c = &mode_cases[_i];

    put(0x7c00, code, sizeof(code));
    special_registers()->cs.base = c->base;
    special_registers()->cs.db = c->is_32_bit;
    registers()->rip = c->rip;
    write_report();
    check_has(c->place);
    check_instruction(c->instruction);
}
END_TEST

START_TEST(in_64_bit_mode_the_segment_base_counts_nothing)
{
    static const uint8_t code[] = {0x48, 0x31, 0xc0};

    enter_long_mode(4 * MIB);
    special_registers()->cs.base = 0x1000;
    put(2 * MIB, code, sizeof(code));
    write_report();
    check_has("  rip: gva 0x400000 -> gpa 0x200000 -> RAM + 0x200000\n");
    check_instruction("xor rax, rax");
}
END_TEST

START_TEST(the_last_exits_are_listed_in_order)
{
    char expected[4096] = "";

    fixture.vcpu->registers_valid = false;
    for (unsigned i = 1; i <= 20; i++) {
        fixture_out(&fixture, (uint16_t)(0x100 + i), 1, i);
        exit_remember(fixture.vcpu);
    }
    for (unsigned i = 20 - EXIT_HISTORY + 1; i <= 20; i++) {
        size_t used = strlen(expected);

        snprintf(expected + used, sizeof(expected) - used,
                 "  %8u  io             write 0x%x size 1 data 0x%x\n", i, 0x100 + i, i);
    }
    write_report();
    ck_assert_str_eq(strstr(report, "last exits:\n") + strlen("last exits:\n"), expected);
}
END_TEST

START_TEST(an_exit_is_listed_with_what_it_moved)
{
    struct kvm_run *run = fixture.vcpu->run;

    fixture_in(&fixture, 0x3f8, 2);
    exit_remember(fixture.vcpu);
    fixture_store(&fixture, 0x8fffff000, 8, 0x1122334455667788);
    exit_remember(fixture.vcpu);
    fixture_load(&fixture, 0xfee00000, 4);
    exit_remember(fixture.vcpu);
    run->exit_reason = KVM_EXIT_X86_WRMSR;
    run->msr.index = 0xc0000080;
    run->msr.data = 0x501;
    exit_remember(fixture.vcpu);
    run->exit_reason = KVM_EXIT_SHUTDOWN;
    exit_remember(fixture.vcpu);
    write_report();
    check_has("last exits:\n"
              "         1  io             read  0x3f8 size 2 data 0xffff\n"
              "         2  mmio           write 0x8fffff000 size 8 data 0x1122334455667788\n"
              "         3  mmio           read  0xfee00000 size 4 data 0xffffffff\n"
              "         4  wrmsr          write 0xc0000080 size 8 data 0x501\n"
              "         5  shutdown\n");
}
END_TEST

START_TEST(a_string_is_listed_with_how_many_more)
{
    struct exit_history *history = &fixture.vcpu->history;

    history->records[0] = (struct exit_record){.number = 1,
                                               .address = 0x3f8,
                                               .data = 'a',
                                               .reason = KVM_EXIT_IO,
                                               .count = 5,
                                               .size = 1,
                                               .write = true};
    history->total = 1;
    write_report();
    check_has("         1  io             write 0x3f8 size 1 data 0x61 and 4 more\n");
}
END_TEST

START_TEST(a_history_of_hostile_values_is_listed_as_it_is)
{
    struct exit_history *history = &fixture.vcpu->history;

    memset(history, 0xff, sizeof(*history));
    for (int i = 0; i < EXIT_HISTORY; i++)
        history->records[i].write = true;
    history->total = UINT64_MAX;
    write_report();
    check_has("  18446744073709551615  other          write 0xffffffffffffffff size 255 "
              "data 0xffffffffffffffff and 4294967294 more\n");
}
END_TEST

Suite *crash_report_suite(void)
{
    Suite *suite = suite_create("crash_report");
    TCase *tcase = tcase_create("report");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_triple_fault_is_told_in_words);
    tcase_add_test(tcase, the_report_names_its_vcpu);
    tcase_add_test(tcase, a_refused_entry_is_told_with_its_hardware_reason);
    tcase_add_test(tcase, an_unknown_hardware_exit_is_told_with_its_number);
    tcase_add_test(tcase, an_exception_is_told_with_its_error_code);
    tcase_add_test(tcase, a_system_event_is_told_with_its_number);
    tcase_add_test(tcase, a_reason_beyond_all_tables_is_told);
    tcase_add_loop_test(tcase, an_internal_error_is_told_with_its_suberror, 0, COUNT(suberrors));
    tcase_add_loop_test(tcase, the_bytes_that_kvm_fetched_are_shown_when_it_says_so, 0,
                        COUNT(emulation_cases));
    tcase_add_test(tcase, every_register_is_shown_under_its_name);
    tcase_add_test(tcase, control_registers_and_segments_are_shown);
    tcase_add_test(tcase, without_valid_registers_none_are_shown);
    tcase_add_test(tcase, the_registers_of_a_reset_are_not_shown_after_a_triple_fault);
    tcase_add_test(tcase, the_last_milestone_is_told_if_there_was_one);
    tcase_add_test(tcase, rip_is_followed_through_the_page_tables);
    tcase_add_test(tcase, bytes_end_where_the_mapping_ends);
    tcase_add_test(tcase, an_instruction_that_is_cut_off_is_none);
    tcase_add_loop_test(tcase, a_rip_that_nothing_maps_is_told, 0, COUNT(unmapped));
    tcase_add_test(tcase, a_rip_outside_ram_is_told);
    tcase_add_test(tcase, page_tables_outside_ram_map_nothing);
    tcase_add_loop_test(tcase, outside_64_bit_mode_the_segment_counts, 0, COUNT(mode_cases));
    tcase_add_test(tcase, in_64_bit_mode_the_segment_base_counts_nothing);
    tcase_add_test(tcase, the_last_exits_are_listed_in_order);
    tcase_add_test(tcase, an_exit_is_listed_with_what_it_moved);
    tcase_add_test(tcase, a_string_is_listed_with_how_many_more);
    tcase_add_test(tcase, a_history_of_hostile_values_is_listed_as_it_is);
    suite_add_tcase(suite, tcase);
    return suite;
}
