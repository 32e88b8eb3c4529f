/*
 * The journal of a recorder: every input and every effect of an exit, as its line in the recording.
 *
 * The machine has one device, a probe at port 0x200, which does in each access what the test sets.
 */
#include "vmm/io/journal.h"

#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"
#include "tests/unit/recording.h"
#include "vmm/core/machine_device.h"
#include "vmm/io/console.h"
#include "vmm/io/outfile.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *journal_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define PORT  0x200
#define GIVEN 0x5a /* what the probe reads as */
#define AT    0x10000u
#define OUT   "out 0x200 1 0x0"
#define IN    "in 0x200 1"

struct probe {
    struct device device;
    void (*act)(const struct device_access *access); /* the test's */
};

static uint64_t probe_read(struct device *device, const struct device_access *access)
{
    const struct probe *probe = (struct probe *)device;

    if (probe->act)
        probe->act(access);
    return GIVEN;
}

static void probe_write(struct device *device, const struct device_access *access, uint64_t value)
{
    (void)value;
    probe_read(device, access);
}

static int probe_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = PORT,
        .size = 4,
        .widest = 4,
        .name = "probe",
    };

    return device_claim(device, &claim, error);
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

static struct recording recording;
static struct machine *machine;
static struct probe *probe;

static void begin(const char *header)
{
    struct device *device;

    recording_begin(&recording, header);
    machine = &recording.machine;
    ck_assert_int_eq(device_create(machine, &probe_type, NULL, NULL), 0);
    device = machine->devices;
    while (device->next)
        device = device->next;
    probe = (struct probe *)device;
}

static void setup(void)
{
    begin(NULL);
}

static void setup_two(void)
{
    begin("machine cpus=2\n");
}

static void teardown(void)
{
    recording_end(&recording);
}

/* The exit (line), in which the probe does (act). */
static void have(const char *line, void (*act)(const struct device_access *access))
{
    probe->act = act;
    recording_exit(&recording, line);
}

static void put(uint64_t address, const char *bytes)
{
    recording_put(&recording, address, bytes, strlen(bytes));
}

static void read_at(uint64_t address, size_t length)
{
    static char bytes[2 * MIB];

    ck_assert_uint_le(length, sizeof(bytes));
    memory_read(&machine->memory, gpa(address), bytes, length);
}

static void write_at(uint64_t address, const char *bytes)
{
    memory_write(&machine->memory, gpa(address), bytes, strlen(bytes));
}

/* ---- memory ---- */

static void read_5(const struct device_access *access)
{
    (void)access;
    read_at(AT, 5);
}

static void read_5_twice(const struct device_access *access)
{
    read_5(access);
    read_5(access);
}

START_TEST(memory_that_was_read_is_an_input)
{
    put(AT, "hello");
    have(OUT, read_5);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

START_TEST(memory_that_a_replay_knows_is_not_told_again)
{
    put(AT, "hello");
    have(OUT, read_5);
    have(OUT, read_5);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n" OUT "\n");
}
END_TEST

START_TEST(memory_read_twice_in_an_exit_is_told_once)
{
    put(AT, "hello");
    have(OUT, read_5_twice);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

START_TEST(memory_that_has_changed_since_is_told_again)
{
    put(AT, "hello");
    have(OUT, read_5);
    put(AT, "jello");
    have(OUT, read_5);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n" OUT
                                    "\n< memory 0x10000 6a656c6c6f |jello|\n");
}
END_TEST

START_TEST(zeros_are_known_from_the_start)
{
    have(OUT, read_5);
    recording_check(&recording, OUT "\n");
}
END_TEST

START_TEST(zeros_are_told_where_there_was_something_else)
{
    put(AT, "hello");
    have(OUT, read_5);
    recording_put(&recording, AT, "\0\0\0\0\0", 5);
    have(OUT, read_5);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n" OUT
                                    "\n< memory 0x10000 0000000000 |.....|\n");
}
END_TEST

static void read_100(const struct device_access *access)
{
    (void)access;
    read_at(AT, 100);
}

START_TEST(long_reads_are_lines_of_32_bytes)
{
    put(AT, "0123456789abcdefghijklmnopqrstuvwxyz");
    have(OUT, read_100);
    recording_check(&recording,
                    OUT "\n< memory 0x10000 "
                        "303132333435363738396162636465666768696a6b6c6d6e6f70717273747576"
                        " |0123456789abcdefghijklmnopqrstuv|\n"
                        "< memory 0x10020 "
                        "7778797a00000000000000000000000000000000000000000000000000000000"
                        " |wxyz............................|\n");
}
END_TEST

START_TEST(of_long_reads_only_lines_with_news_are_told)
{
    put(AT + 99, "x");
    have(OUT, read_100);
    recording_check(&recording, OUT "\n< memory 0x10060 00000078 |...x|\n");
}
END_TEST

static void read_over_pages(const struct device_access *access)
{
    (void)access;
    read_at(AT + PAGE_SIZE - 2, PAGE_SIZE + 4);
}

START_TEST(a_read_may_go_over_several_pages)
{
    put(AT + PAGE_SIZE - 2, "abc");
    put(AT + 2 * PAGE_SIZE, "xy");
    have(OUT, read_over_pages);
    have(OUT, read_over_pages);
    recording_check(&recording,
                    OUT "\n< memory 0x10ffe 6162 |ab|\n"
                        "< memory 0x11000 "
                        "6300000000000000000000000000000000000000000000000000000000000000"
                        " |c...............................|\n"
                        "< memory 0x12000 7879 |xy|\n" OUT "\n");
}
END_TEST

static void read_nothing(const struct device_access *access)
{
    (void)access;
    read_at(AT, 0);
    read_at(15 * MIB, 2 * MIB);
    read_at(UINT64_MAX, 1);
}

START_TEST(what_cannot_be_read_is_no_input)
{
    put(AT, "hello");
    put(16 * MIB - 5, "hello");
    have(OUT, read_nothing);
    recording_check(&recording, OUT "\n");
}
END_TEST

static void read_while_it_changes(const struct device_access *access)
{
    read_5(access);
    put(AT + 1, "a");
    read_5(access);
    read_5(access);
    put(AT, "c");
    read_5(access);
}

START_TEST(memory_that_changes_during_an_exit_is_told_with_the_reads_before)
{
    put(AT, "hello");
    have(OUT, read_while_it_changes);
    recording_check(&recording, OUT "\n< memory 0x10000 68656c6c6f |hello|\n"
                                    "< changed 1 0x10000 68616c6c6f |hallo|\n"
                                    "< changed 3 0x10000 63616c6c6f |callo|\n");
}
END_TEST

static void read_parts(const struct device_access *access)
{
    (void)access;
    read_at(AT, 2);
    read_at(AT + 2, 2);
    put(AT + 1, "x");
    read_at(AT + 1, 4);
}

START_TEST(a_part_that_was_read_before_makes_it_a_change)
{
    put(AT, "hello");
    have(OUT, read_parts);
    recording_check(&recording, OUT "\n< memory 0x10000 6865 |he|\n"
                                    "< memory 0x10002 6c6c |ll|\n"
                                    "< changed 2 0x10001 786c6c6f |xllo|\n");
}
END_TEST

static void read_up_to_another_read(const struct device_access *access)
{
    (void)access;
    read_at(AT + 3, 2);
    put(AT + 3, "L");
    read_at(AT, 4);
}

START_TEST(a_byte_that_two_reads_share_makes_it_a_change)
{
    put(AT, "hello");
    have(OUT, read_up_to_another_read);
    recording_check(&recording, OUT "\n< memory 0x10003 6c6f |lo|\n"
                                    "< changed 1 0x10000 68656c4c |helL|\n");
}
END_TEST

static void read_40_places(const struct device_access *access)
{
    (void)access;
    for (unsigned i = 0; i < 40; i++)
        read_at(AT + 0x100 * i, 1);
}

/* Lines of the recording that have (with) in them. */
static size_t count_lines(const char *with)
{
    size_t count = 0, length;

    for (const char *line = recording.text; *line; line += length + 1) {
        length = strcspn(line, "\n");
        count += memmem(line, length, with, strlen(with)) != NULL;
    }
    return count;
}

/* The list of places that were read is bounded: beyond it any difference is recorded as a change. */
START_TEST(reads_of_many_places_may_be_told_as_changes)
{
    for (unsigned i = 0; i < 40; i++)
        put(AT + 0x100 * i, "x");
    have(OUT, read_40_places);
    recording_finish(&recording);
    ck_assert_uint_eq(count_lines(" 78 |x|"), 40);
    ck_assert_ptr_nonnull(strstr(recording.text, "\n< memory 0x11f00 78 |x|\n"));
    ck_assert_ptr_nonnull(strstr(recording.text, "\n< changed 39 0x12700 78 |x|\n"));
}
END_TEST

static void write_hello(const struct device_access *access)
{
    (void)access;
    write_at(AT, "hello");
}

START_TEST(memory_that_was_written_is_an_effect)
{
    have(OUT, write_hello);
    recording_check(&recording, OUT "\n> memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

START_TEST(memory_is_told_as_written_each_time)
{
    have(OUT, write_hello);
    have(OUT, write_hello);
    recording_check(&recording, OUT "\n> memory 0x10000 68656c6c6f |hello|\n" OUT
                                    "\n> memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

START_TEST(what_was_written_is_no_news_when_it_is_read)
{
    have(OUT, write_hello);
    have(OUT, read_5);
    recording_check(&recording, OUT "\n> memory 0x10000 68656c6c6f |hello|\n" OUT "\n");
}
END_TEST

static void write_long(const struct device_access *access)
{
    (void)access;
    write_at(AT, "0123456789abcdefghijklmnopqrstuvwxyz");
}

START_TEST(long_writes_are_lines_of_32_bytes)
{
    have(OUT, write_long);
    recording_check(&recording,
                    OUT "\n> memory 0x10000 "
                        "303132333435363738396162636465666768696a6b6c6d6e6f70717273747576"
                        " |0123456789abcdefghijklmnopqrstuv|\n"
                        "> memory 0x10020 7778797a |wxyz|\n");
}
END_TEST

static void write_then_read(const struct device_access *access)
{
    write_hello(access);
    put(AT + 4, "!");
    read_5(access);
}

START_TEST(what_was_written_and_then_changed_is_told_as_a_change)
{
    have(OUT, write_then_read);
    recording_check(&recording, OUT "\n< changed 0 0x10000 68656c6c21 |hell!|\n"
                                    "> memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

static void write_nothing(const struct device_access *access)
{
    (void)access;
    write_at(AT, "");
    write_at(16 * MIB - 1, "no room");
}

START_TEST(what_cannot_be_written_is_no_effect)
{
    have(OUT, write_nothing);
    recording_check(&recording, OUT "\n");
}
END_TEST

#define LOTS (512 * KIB)

static void read_lots(const struct device_access *access)
{
    (void)access;
    read_at(AT, LOTS / 2);
    read_at(AT + LOTS / 2, LOTS / 2);
}

static void put_lots(void)
{
    static char bytes[LOTS];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + i % 23);
    recording_put(&recording, AT, bytes, sizeof(bytes));
}

/* Inputs of many megabytes do not wait for the end of the exit, so its time is not known. */
START_TEST(an_exit_that_reads_a_lot_is_recorded_as_a_whole)
{
    put_lots();
    have(OUT, read_lots);
    recording_finish(&recording);
    ck_assert_uint_eq(count_lines(OUT " ; "), 1);
    ck_assert_uint_eq(count_lines("< memory "), LOTS / 32);
    ck_assert_ptr_nonnull(strstr(recording.text, " -\n< memory 0x10000 "));
    ck_assert_ptr_nonnull(strstr(recording.text, "\n< memory 0x8ffe0 "));
}
END_TEST

START_TEST(an_exit_that_reads_a_lot_may_give_a_value)
{
    const char *data;

    put_lots();
    have(IN, read_lots);
    recording_finish(&recording);
    data = strstr(recording.text, "\n> data ");
    ck_assert_ptr_nonnull(data);
    ck_assert_msg(strncmp(data, "\n> data 0x5a\n", 13) == 0, "%.40s", data);
}
END_TEST

/* ---- registers ---- */

static void look_at_rdi(const struct device_access *access)
{
    vcpu_register(access->vcpu, VCPU_RDI);
}

static void look_at_some(const struct device_access *access)
{
    vcpu_register(access->vcpu, VCPU_CS_L);
    vcpu_register(access->vcpu, VCPU_RDI);
    vcpu_register(access->vcpu, VCPU_RAX);
    vcpu_register(access->vcpu, VCPU_RDI);
}

static void set_register(unsigned id, enum vcpu_register reg, uint64_t value)
{
    vcpu_set_register(&machine->vcpus[id], reg, value);
}

START_TEST(registers_that_were_looked_at_are_an_input)
{
    set_register(0, VCPU_RDI, 0x1234);
    set_register(0, VCPU_RAX, UINT64_MAX);
    set_register(0, VCPU_RSI, 1);
    have(OUT, look_at_some);
    recording_check(&recording, OUT "\n< regs rax=0xffffffffffffffff rdi=0x1234 cs.l=0x1\n");
}
END_TEST

START_TEST(a_register_that_is_as_before_is_not_told_again)
{
    set_register(0, VCPU_RDI, 0x1234);
    have(OUT, look_at_rdi);
    have(OUT, look_at_rdi);
    have(OUT, look_at_some);
    recording_check(&recording,
                    OUT "\n< regs rdi=0x1234\n" OUT "\n" OUT "\n< regs rax=0x0 cs.l=0x1\n");
}
END_TEST

START_TEST(a_register_that_has_changed_is_told_again)
{
    have(OUT, look_at_rdi);
    set_register(0, VCPU_RDI, 5);
    have(OUT, look_at_rdi);
    set_register(0, VCPU_RDI, 0);
    have(OUT, look_at_rdi);
    recording_check(&recording,
                    OUT "\n< regs rdi=0x0\n" OUT "\n< regs rdi=0x5\n" OUT "\n< regs rdi=0x0\n");
}
END_TEST

START_TEST(a_register_that_nobody_looks_at_is_no_input)
{
    set_register(0, VCPU_RDI, 0x1234);
    have(OUT, NULL);
    recording_check(&recording, OUT "\n");
}
END_TEST

START_TEST(each_vcpu_has_registers_of_its_own)
{
    set_register(0, VCPU_RDI, 5);
    set_register(1, VCPU_RDI, 5);
    have(OUT, look_at_rdi);
    have("@1 " OUT, look_at_rdi);
    have(OUT, look_at_rdi);
    set_register(1, VCPU_RDI, 6);
    have("@1 " OUT, look_at_rdi);
    recording_check(&recording, OUT "\n< regs rdi=0x5\n@1 " OUT "\n< regs rdi=0x5\n" OUT "\n@1 " OUT
                                    "\n< regs rdi=0x6\n");
}
END_TEST

/* Every register has a value of its own, so that none stands for another. */
static void look_at_all(const struct device_access *access)
{
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++)
        vcpu_register(access->vcpu, (enum vcpu_register)reg);
}

START_TEST(every_register_is_told_by_its_name)
{
    for (unsigned reg = 0; reg < VCPU_CS_L; reg++)
        set_register(0, (enum vcpu_register)reg, reg + 0x10);
    have(OUT, look_at_all);
    recording_check(&recording,
                    OUT "\n< regs rax=0x10 rbx=0x11 rcx=0x12 rdx=0x13 rsi=0x14 rdi=0x15 rsp=0x16 "
                        "rbp=0x17 r8=0x18 r9=0x19 r10=0x1a r11=0x1b r12=0x1c r13=0x1d r14=0x1e "
                        "r15=0x1f rip=0x20 rflags=0x21 cr0=0x22 cr3=0x23 cr4=0x24 efer=0x25 "
                        "cs.l=0x1 cpl=0x0\n");
}
END_TEST

START_TEST(registers_are_where_kvm_has_them)
{
    struct vcpu *vcpu = &machine->vcpus[0];

    vcpu->run->s.regs.regs.rbp = 1;
    vcpu->run->s.regs.regs.rip = 2;
    vcpu->run->s.regs.sregs.cr3 = 3;
    vcpu->run->s.regs.sregs.cs.l = 0;
    ck_assert_uint_eq(vcpu_register(vcpu, VCPU_RBP), 1);
    ck_assert_uint_eq(vcpu_register(vcpu, VCPU_RIP), 2);
    ck_assert_uint_eq(vcpu_register(vcpu, VCPU_CR3), 3);
    ck_assert_uint_eq(vcpu_register(vcpu, VCPU_CS_L), 0);
}
END_TEST

static void change_rax(const struct device_access *access)
{
    vcpu_set_rax(access->vcpu, 7);
}

START_TEST(a_changed_rax_is_an_effect)
{
    have(OUT, change_rax);
    recording_check(&recording, OUT "\n> rax 0x7\n");
}
END_TEST

static void change_and_look(const struct device_access *access)
{
    vcpu_register(access->vcpu, VCPU_RAX);
    vcpu_set_rax(access->vcpu, 7);
    vcpu_register(access->vcpu, VCPU_RAX);
}

START_TEST(a_rax_that_the_handler_changed_is_no_input)
{
    set_register(0, VCPU_RAX, 5);
    have(OUT, change_and_look);
    recording_check(&recording, OUT "\n< regs rax=0x5\n> rax 0x7\n");
}
END_TEST

/* ---- numbers and results ---- */

static uint64_t numbers[4];

static void read_clocks(const struct device_access *access)
{
    (void)access;
    numbers[0] = machine_clock(machine);
    numbers[1] = machine_wall_clock(machine);
    numbers[2] = machine_tsc(machine);
    numbers[3] = machine_clock(machine);
}

START_TEST(each_reading_of_a_clock_is_an_input)
{
    char wanted[256];

    have(OUT, read_clocks);
    ck_assert_uint_ge(numbers[3], numbers[0]);
    snprintf(wanted, sizeof(wanted),
             OUT "\n< clock %" PRIu64 "\n< wall %" PRIu64 "\n< tsc %" PRIu64 "\n< clock %" PRIu64
                 "\n",
             numbers[0], numbers[1], numbers[2], numbers[3]);
    recording_check(&recording, wanted);
}
END_TEST

START_TEST(a_date_that_stands_still_is_no_input)
{
    machine->config.wall_clock = 77;
    have(OUT, read_clocks);
    recording_finish(&recording);
    ck_assert_uint_eq(numbers[1], 77);
    ck_assert_ptr_null(strstr(recording.text, "< wall"));
}
END_TEST

static int results[3];

static void show_and_flush(const struct device_access *access)
{
    (void)access;
    results[0] = console_write(&machine->console, 'a');
    results[1] = console_flush(&machine->console);
    results[2] = console_flush(&machine->console);
}

START_TEST(operations_that_succeed_are_no_input)
{
    have(OUT, show_and_flush);
    recording_check(&recording, OUT "\n> console \"a\"\n");
}
END_TEST

START_TEST(an_operation_that_fails_is_told_with_its_number_within_the_exit)
{
    machine->console.output.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    have(OUT, show_and_flush);
    close(machine->console.output.fd);
    ck_assert_int_eq(results[0], 0);
    ck_assert_int_eq(results[1], -ENOSPC);
    recording_check(&recording,
                    OUT "\n< result console 2 28\n< result console 3 28\n> console \"a\"\n");
}
END_TEST

/* ---- what is shown ---- */

static const char *shown;

static void show(const struct device_access *access)
{
    (void)access;
    for (const char *next = shown; *next; next++)
        console_write(&machine->console, (uint8_t)*next);
}

static const struct {
    const char *shown, *wanted;
} shows[] = {
    {"", ""},
    {"a", "> console \"a\"\n"},
    {"abc", "> console \"abc\"\n"},
    {"a\n", "> console \"a\\n\"\n"},
    {"a\nb", "> console \"a\\n\"\n> console \"b\"\n"},
    {"\n\n", "> console \"\\n\"\n> console \"\\n\"\n"},
    {"say \"hi\"\t\\#\x01\x7f\xff", "> console \"say \\\"hi\\\"\\t\\\\#\\x01\\x7f\\xff\"\n"},
};

START_TEST(what_is_shown_is_lines_that_end_at_newlines)
{
    char wanted[1024];

    shown = shows[_i].shown;
    have(OUT, show);
    snprintf(wanted, sizeof(wanted), OUT "\n%s", shows[_i].wanted);
    recording_check(&recording, wanted);
}
END_TEST

static void show_at_once(const struct device_access *access)
{
    (void)access;
    output_write(&machine->console.output, shown, strlen(shown));
}

START_TEST(it_does_not_matter_how_many_bytes_are_shown_at_a_time)
{
    char wanted[1024];

    shown = shows[_i].shown;
    have(OUT, show_at_once);
    snprintf(wanted, sizeof(wanted), OUT "\n%s", shows[_i].wanted);
    recording_check(&recording, wanted);
}
END_TEST

#define LINE 1024 /* bytes of one */

static const struct {
    unsigned bytes, newline; /* how many are shown; which of them is a newline, 0: none */
    unsigned lines[3];       /* bytes of each */
} long_shows[] = {
    {LINE - 1, 0, {LINE - 1}},          {LINE, 0, {LINE}},
    {LINE + 1, 0, {LINE, 1}},           {2 * LINE, 0, {LINE, LINE}},
    {2 * LINE + 5, 0, {LINE, LINE, 5}}, {LINE, LINE, {LINE}},
    {LINE + 1, LINE, {LINE, 1}},        {LINE + 1, LINE + 1, {LINE, 1}},
    {LINE + 5, 3, {3, LINE, 2}},
};

/* The lines as they should be, of (bytes). */
static void put_wanted(struct text *wanted, const char *bytes, const unsigned *lengths)
{
    text_append_string(wanted, OUT "\n");
    for (unsigned i = 0; i < 3 && lengths[i]; bytes += lengths[i++]) {
        text_append_string(wanted, "> console \"");
        text_append_escaped(wanted, bytes, lengths[i]);
        text_append_string(wanted, "\"\n");
    }
    text_append(wanted, "", 1);
}

static void check_long_show(int number, void (*act)(const struct device_access *access))
{
    char bytes[3 * LINE] = "";
    struct text wanted = {0};

    memset(bytes, 'x', long_shows[number].bytes);
    if (long_shows[number].newline)
        bytes[long_shows[number].newline - 1] = '\n';
    put_wanted(&wanted, bytes, long_shows[number].lines);
    shown = bytes;
    have(OUT, act);
    recording_check(&recording, wanted.bytes);
    text_free(&wanted);
}

START_TEST(what_is_shown_is_lines_of_at_most_1024_bytes)
{
    check_long_show(_i, show);
}
END_TEST

START_TEST(what_is_shown_at_once_is_the_same_lines)
{
    check_long_show(_i, show_at_once);
}
END_TEST

START_TEST(each_exit_begins_a_line_of_its_own)
{
    shown = "a";
    have(OUT, show);
    have(OUT, show);
    recording_check(&recording, OUT "\n> console \"a\"\n" OUT "\n> console \"a\"\n");
}
END_TEST

static void show_and_tell(const struct device_access *access)
{
    show(access);
    machine_pass_milestone(machine, MILESTONE_MARKER, 1);
    show(access);
    write_at(AT, "x");
    show(access);
    show(access);
}

START_TEST(effects_are_in_the_order_in_which_they_happened)
{
    shown = "a";
    have(OUT, show_and_tell);
    recording_check(&recording, OUT "\n> console \"a\"\n> marker 1\n> console \"a\"\n"
                                    "> memory 0x10000 78 |x|\n> console \"aa\"\n");
}
END_TEST

static struct output other;

static void show_on_two(const struct device_access *access)
{
    show(access);
    output_write(&other, "b", 1);
    output_write(&other, "c", 1);
    show(access);
}

START_TEST(outputs_do_not_mix_in_a_line)
{
    shown = "a";
    output_init(&other, -1, OUTPUT_FULL, NULL);
    output_set_journal(&other, recording.journal, JOURNAL_LOG, "ptlcall.1");
    have(OUT, show_on_two);
    recording_check(&recording, OUT "\n> console \"a\"\n> log ptlcall.1 \"bc\"\n> console \"a\"\n");
}
END_TEST

/* ---- other effects ---- */

static struct irq_line lines[2];

static void pulse(const struct device_access *access)
{
    (void)access;
    irq_set(&lines[0], true);
    irq_set(&lines[0], true);
    irq_set(&lines[0], false);
    irq_set(&lines[0], false);
}

static void connect_lines(unsigned first, unsigned second)
{
    ck_assert_int_eq(irq_connect(&machine->irqs, &lines[0], first, false, NULL), 0);
    ck_assert_int_eq(irq_connect(&machine->irqs, &lines[1], second, false, NULL), 0);
}

START_TEST(edges_of_interrupt_lines_are_effects)
{
    connect_lines(4, 3);
    have(OUT, pulse);
    recording_check(&recording, OUT "\n> irq 4 1\n> irq 4 0\n");
}
END_TEST

static void raise_both(const struct device_access *access)
{
    (void)access;
    irq_set(&lines[0], true);
    irq_set(&lines[1], true);
    irq_set(&lines[0], false);
    irq_set(&lines[1], false);
}

START_TEST(of_a_line_that_two_share_only_its_own_edges_are_told)
{
    connect_lines(11, 11);
    have(OUT, raise_both);
    recording_check(&recording, OUT "\n> irq 11 1\n> irq 11 0\n");
}
END_TEST

static void send_message(const struct device_access *access)
{
    (void)access;
    irq_send_message(&machine->irqs, 0xfee00000, 0x31);
}

START_TEST(a_message_that_interrupts_is_an_effect)
{
    have(OUT, send_message);
    recording_check(&recording, OUT "\n> msi 0xfee00000 0x31\n");
}
END_TEST

static const char *file_name;

static void write_file(const struct device_access *access)
{
    struct outfile outfile;

    (void)access;
    ck_assert_int_eq(machine_begin_file(machine, &outfile, file_name, ".x"), 0);
    ck_assert_int_eq(outfile_write(&outfile, "hel", 3), 0);
    ck_assert_int_eq(outfile_write(&outfile, "lo", 2), 0);
    ck_assert_int_eq(outfile_commit(&outfile), 0);
}

/* The hash of "hello" as Fowler, Noll and Vo publish it. */
START_TEST(a_file_is_an_effect_with_its_size_and_hash)
{
    file_name = "run \"1\"";
    have(OUT, write_file);
    recording_check(&recording, OUT "\n> file \"run \\\"1\\\".x\" 5 0xa430d84680aabd0b\n");
}
END_TEST

static void discard_file(const struct device_access *access)
{
    struct outfile outfile;

    (void)access;
    ck_assert_int_eq(machine_begin_file(machine, &outfile, "run", ".x"), 0);
    ck_assert_int_eq(outfile_write(&outfile, "hello", 5), 0);
    outfile_discard(&outfile);
}

START_TEST(a_file_that_was_not_completed_is_no_effect)
{
    have(OUT, discard_file);
    recording_check(&recording, OUT "\n");
}
END_TEST

static void fail_at_file(const struct device_access *access)
{
    struct outfile outfile;

    write_file(access);
    machine->out_dir_fd = -1;
    ck_assert_int_lt(machine_begin_file(machine, &outfile, "run", ".x"), 0);
}

START_TEST(a_file_that_cannot_be_made_is_a_result)
{
    const int out_dir = machine->out_dir_fd;

    file_name = "run";
    have(OUT, fail_at_file);
    machine->out_dir_fd = out_dir;
    recording_check(&recording,
                    OUT "\n< result file 5 20\n> file \"run.x\" 5 0xa430d84680aabd0b\n");
}
END_TEST

static void pass_milestones(const struct device_access *access)
{
    (void)access;
    machine_pass_milestone(machine, MILESTONE_MARKER, 1234567890123);
    machine_pass_milestone(machine, MILESTONE_POST, 0x55);
}

START_TEST(milestones_are_effects)
{
    have(OUT, pass_milestones);
    recording_check(&recording, OUT "\n> marker 1234567890123\n> post 0x55\n");
}
END_TEST

START_TEST(what_nobody_decodes_is_an_effect)
{
    have("out 0x300 1 0x1", NULL);
    have("load 0x40000000 4", NULL);
    recording_check(&recording, "out 0x300 1 0x1\n> unclaimed\n"
                                "load 0x40000000 4\n> unclaimed\n> data 0xffffffff\n");
}
END_TEST

START_TEST(an_msr_that_faults_is_an_effect)
{
    have("rdmsr 0x10", NULL);
    have("wrmsr 0x10 0x5", NULL);
    recording_check(&recording, "rdmsr 0x10\n> fault\nwrmsr 0x10 0x5\n> fault\n");
}
END_TEST

static enum outcome outcome;
static int status;

static void end_machine(const struct device_access *access)
{
    (void)access;
    machine_end(machine, outcome, status);
}

START_TEST(the_guests_end_is_an_effect_with_its_status)
{
    outcome = OUTCOME_GUEST;
    status = 42;
    have(OUT, end_machine);
    recording_check(&recording, OUT "\n> end guest 42\n");
}
END_TEST

START_TEST(another_end_is_an_effect_by_its_name)
{
    outcome = OUTCOME_OUTPUT;
    have(OUT, end_machine);
    recording_check(&recording, OUT "\n> end output\n");
}
END_TEST

START_TEST(an_end_from_outside_is_no_effect_of_an_exit)
{
    machine_stop(machine, OUTCOME_TIMEOUT);
    have(OUT, NULL);
    recording_finish(&recording);
    ck_assert_ptr_null(strstr(recording.text, "> end"));
    ck_assert_ptr_nonnull(strstr(recording.text, "\nended timeout\n"));
}
END_TEST

START_TEST(what_an_exit_gave_comes_behind_its_other_effects)
{
    shown = "a";
    have(IN, show);
    recording_check(&recording, IN "\n> console \"a\"\n> data 0x5a\n");
}
END_TEST

START_TEST(a_string_that_the_end_cut_off_has_as_many_elements_as_were_done)
{
    outcome = OUTCOME_GUEST;
    status = 0;
    have("outs 0x200 1 \"abc\"", end_machine);
    recording_check(&recording, "out 0x200 1 0x61\n> end guest 0\n");
}
END_TEST

/* ---- what comes from outside ---- */

START_TEST(what_is_typed_is_an_event_of_its_own)
{
    ck_assert_uint_eq(recording_type(&recording, "ls\n"), 3);
    have(OUT, NULL);
    recording_check(&recording, "typed \"ls\\n\"\n" OUT "\n");
}
END_TEST

START_TEST(of_what_is_typed_only_what_found_room_is_told)
{
    char keys[CONSOLE_INPUT + 11], wanted[2 * sizeof(keys)];

    memset(keys, 'k', sizeof(keys) - 1);
    keys[sizeof(keys) - 1] = '\0';
    ck_assert_uint_eq(recording_type(&recording, keys), CONSOLE_INPUT);
    ck_assert_uint_eq(recording_type(&recording, keys), 0);
    snprintf(wanted, sizeof(wanted), "typed \"%.*s\"\n", CONSOLE_INPUT, keys);
    recording_check(&recording, wanted);
}
END_TEST

static void hear(void *opaque)
{
    irq_set(opaque, true);
}

START_TEST(what_is_typed_may_interrupt)
{
    connect_lines(4, 3);
    console_listen(&machine->console, hear, &lines[0]);
    recording_type(&recording, "a");
    recording_type(&recording, "b");
    recording_check(&recording, "typed \"a\"\n> irq 4 1\ntyped \"b\"\n");
}
END_TEST

static void type_meanwhile(const struct device_access *access)
{
    (void)access;
    ck_assert_uint_eq(recording_type(&recording, "a"), 0);
}

START_TEST(while_an_exit_is_handled_nothing_can_be_typed)
{
    have(OUT, type_meanwhile);
    ck_assert_uint_eq(recording_type(&recording, "a"), 1);
    recording_check(&recording, OUT "\ntyped \"a\"\n");
}
END_TEST

static struct console of_device;

static void take_typed(const struct device_access *access)
{
    (void)access;
    while (console_read(&of_device) >= 0)
        ;
}

START_TEST(what_came_from_a_file_is_an_input)
{
    struct text_file file;
    struct error error = {""};

    text_file_make_string(&file, "yes\n");
    ck_assert_msg(console_open(&of_device, file.path, NULL, NULL, "probe", &error) == 0, "%s",
                  error.text);
    console_set_journal(&of_device, recording.journal, "probe.0");
    have(OUT, take_typed);
    have(OUT, take_typed);
    console_close(&of_device);
    text_file_close(&file);
    recording_check(&recording, OUT "\n< typed probe.0 \"yes\\n\"\n" OUT "\n");
}
END_TEST

static void show_on_console(const struct device_access *access)
{
    (void)access;
    console_write(&of_device, 'a');
}

START_TEST(what_a_devices_console_shows_is_told_with_its_name)
{
    console_init(&of_device, -1, OUTPUT_FULL, NULL);
    console_set_journal(&of_device, recording.journal, "probe.0");
    have(OUT, show_on_console);
    console_type(&of_device, (const uint8_t *)"x", 1);
    console_finish(&of_device);
    recording_check(&recording, OUT "\n> console probe.0 \"a\"\ntyped probe.0 \"x\"\n");
}
END_TEST

/* ---- times ---- */

/* The times of the exit (number), from 1. */
static void get_times(unsigned number, int64_t *delta, uint64_t *handle)
{
    const char *at = recording.text;

    for (unsigned i = 0; at && i < number; i++)
        at = strstr(at + 1, "\nintr ; ");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "\nintr ; %" SCNd64 " %" SCNu64, delta, handle), 2);
}

static void have_at(uint64_t exited, uint64_t handled)
{
    struct vcpu *vcpu = &machine->vcpus[0];

    vcpu->run->exit_reason = KVM_EXIT_INTR;
    journal_begin_exit(recording.journal, vcpu, exited);
    journal_end_exit(recording.journal, handled);
}

START_TEST(an_exit_is_told_with_the_time_since_the_one_before_and_that_of_its_handler)
{
    int64_t delta;
    uint64_t handle;

    have_at(1000000, 1000040);
    have_at(1000500, 1000507);
    have_at(1000450, 1000451);
    recording_finish(&recording);
    get_times(2, &delta, &handle);
    ck_assert_int_eq(delta, 500);
    ck_assert_uint_eq(handle, 7);
    get_times(3, &delta, &handle);
    ck_assert_int_eq(delta, -50);
    ck_assert_uint_eq(handle, 1);
}
END_TEST

/* ---- open and closed ---- */

static void do_all(const struct device_access *access)
{
    shown = "shown";
    file_name = "all";
    outcome = OUTCOME_GUEST;
    read_5(access);
    write_hello(access);
    look_at_some(access);
    change_rax(access);
    read_clocks(access);
    show(access);
    pulse(access);
    send_message(access);
    write_file(access);
    pass_milestones(access);
    end_machine(access);
}

START_TEST(outside_of_an_event_nothing_is_recorded)
{
    const struct device_access access = {.vcpu = &machine->vcpus[0]};

    connect_lines(4, 3);
    put(AT, "jello");
    do_all(&access);
    recording_check(&recording, "");
}
END_TEST

START_TEST(what_changed_outside_of_an_event_is_news_later)
{
    const struct device_access access = {.vcpu = &machine->vcpus[0]};

    have(OUT, read_5);
    write_hello(&access);
    have(OUT, read_5);
    recording_check(&recording, OUT "\n" OUT "\n< memory 0x10000 68656c6c6f |hello|\n");
}
END_TEST

START_TEST(an_event_from_outside_can_begin_only_while_no_exit_is_under_way)
{
    journal_begin_exit(recording.journal, &machine->vcpus[0], 0);
    ck_assert(!journal_begin_typed(recording.journal));
    journal_end_exit(recording.journal, 0);
    ck_assert(journal_begin_typed(recording.journal));
    journal_end_typed(recording.journal, NULL, "", 0);
}
END_TEST

/* ---- no journal ---- */

START_TEST(a_machine_without_a_journal_does_all_the_same)
{
    struct fixture fixture;
    struct device_access access;

    fixture_setup(&fixture);
    machine = &fixture.machine;
    access = (struct device_access){.vcpu = fixture.vcpu};
    irq_connect(&machine->irqs, &lines[0], 4, false, NULL);
    status = 3;
    do_all(&access);
    ck_assert_int_eq(machine_outcome(machine), OUTCOME_GUEST);
    ck_assert_int_eq(machine_status(machine), 3);
    ck_assert_str_eq(fixture_console(&fixture), "shown");
    ck_assert_str_eq(fixture_out_file(&fixture, "all.x"), "hello");
    ck_assert_uint_eq(vcpu_register(fixture.vcpu, VCPU_RAX), 7);
    ck_assert_uint_eq(console_type(&machine->console, (const uint8_t *)"x", 1), 1);
    ck_assert_uint_gt(numbers[0], 0);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(every_function_takes_no_journal)
{
    ck_assert(!journal_is_open(NULL));
    ck_assert(!journal_replays(NULL));
    journal_supply_memory(NULL);
    journal_record_read(NULL, gpa(0), "x", 1);
    ck_assert_uint_eq(journal_supply_number(NULL, JOURNAL_TSC, 5), 5);
    ck_assert_int_eq(journal_supply_result(NULL, JOURNAL_FILE, -EIO), -EIO);
    journal_record_register(NULL, VCPU_RAX, 1);
    journal_record_input(NULL, "serial.0", "x", 1);
    journal_record_write(NULL, gpa(0), "x", 1);
    journal_record_effect(NULL, "unclaimed", NULL, 0, false);
    journal_record_text(NULL, NULL, "x", 1);
    journal_record_file(NULL, "x", 1, 1);
    journal_record_end(NULL, OUTCOME_GUEST, 0);
    journal_add_console(NULL, NULL);
    journal_remove_console(NULL, NULL);
}
END_TEST

static void add_memory_tests(TCase *tcase)
{
    tcase_add_test(tcase, memory_that_was_read_is_an_input);
    tcase_add_test(tcase, memory_that_a_replay_knows_is_not_told_again);
    tcase_add_test(tcase, memory_read_twice_in_an_exit_is_told_once);
    tcase_add_test(tcase, memory_that_has_changed_since_is_told_again);
    tcase_add_test(tcase, zeros_are_known_from_the_start);
    tcase_add_test(tcase, zeros_are_told_where_there_was_something_else);
    tcase_add_test(tcase, long_reads_are_lines_of_32_bytes);
    tcase_add_test(tcase, of_long_reads_only_lines_with_news_are_told);
    tcase_add_test(tcase, a_read_may_go_over_several_pages);
    tcase_add_test(tcase, what_cannot_be_read_is_no_input);
    tcase_add_test(tcase, memory_that_changes_during_an_exit_is_told_with_the_reads_before);
    tcase_add_test(tcase, a_part_that_was_read_before_makes_it_a_change);
    tcase_add_test(tcase, a_byte_that_two_reads_share_makes_it_a_change);
    tcase_add_test(tcase, reads_of_many_places_may_be_told_as_changes);
    tcase_add_test(tcase, memory_that_was_written_is_an_effect);
    tcase_add_test(tcase, memory_is_told_as_written_each_time);
    tcase_add_test(tcase, what_was_written_is_no_news_when_it_is_read);
    tcase_add_test(tcase, long_writes_are_lines_of_32_bytes);
    tcase_add_test(tcase, what_was_written_and_then_changed_is_told_as_a_change);
    tcase_add_test(tcase, what_cannot_be_written_is_no_effect);
    tcase_add_test(tcase, an_exit_that_reads_a_lot_is_recorded_as_a_whole);
    tcase_add_test(tcase, an_exit_that_reads_a_lot_may_give_a_value);
}

static void add_input_tests(TCase *tcase)
{
    tcase_add_test(tcase, registers_that_were_looked_at_are_an_input);
    tcase_add_test(tcase, a_register_that_is_as_before_is_not_told_again);
    tcase_add_test(tcase, a_register_that_has_changed_is_told_again);
    tcase_add_test(tcase, a_register_that_nobody_looks_at_is_no_input);
    tcase_add_test(tcase, every_register_is_told_by_its_name);
    tcase_add_test(tcase, registers_are_where_kvm_has_them);
    tcase_add_test(tcase, a_changed_rax_is_an_effect);
    tcase_add_test(tcase, a_rax_that_the_handler_changed_is_no_input);
    tcase_add_test(tcase, each_reading_of_a_clock_is_an_input);
    tcase_add_test(tcase, a_date_that_stands_still_is_no_input);
    tcase_add_test(tcase, operations_that_succeed_are_no_input);
    needs_test_add(tcase, NEED_FULL,
                   an_operation_that_fails_is_told_with_its_number_within_the_exit, 1);
    tcase_add_test(tcase, what_is_typed_is_an_event_of_its_own);
    tcase_add_test(tcase, of_what_is_typed_only_what_found_room_is_told);
    tcase_add_test(tcase, what_is_typed_may_interrupt);
    tcase_add_test(tcase, while_an_exit_is_handled_nothing_can_be_typed);
    tcase_add_test(tcase, what_came_from_a_file_is_an_input);
}

static void add_effect_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, what_is_shown_is_lines_that_end_at_newlines, 0, COUNT(shows));
    tcase_add_loop_test(tcase, it_does_not_matter_how_many_bytes_are_shown_at_a_time, 0,
                        COUNT(shows));
    tcase_add_loop_test(tcase, what_is_shown_is_lines_of_at_most_1024_bytes, 0, COUNT(long_shows));
    tcase_add_loop_test(tcase, what_is_shown_at_once_is_the_same_lines, 0, COUNT(long_shows));
    tcase_add_test(tcase, each_exit_begins_a_line_of_its_own);
    tcase_add_test(tcase, effects_are_in_the_order_in_which_they_happened);
    tcase_add_test(tcase, outputs_do_not_mix_in_a_line);
    tcase_add_test(tcase, what_a_devices_console_shows_is_told_with_its_name);
    tcase_add_test(tcase, edges_of_interrupt_lines_are_effects);
    tcase_add_test(tcase, of_a_line_that_two_share_only_its_own_edges_are_told);
    tcase_add_test(tcase, a_message_that_interrupts_is_an_effect);
    tcase_add_test(tcase, a_file_is_an_effect_with_its_size_and_hash);
    tcase_add_test(tcase, a_file_that_was_not_completed_is_no_effect);
    tcase_add_test(tcase, a_file_that_cannot_be_made_is_a_result);
    tcase_add_test(tcase, milestones_are_effects);
    tcase_add_test(tcase, what_nobody_decodes_is_an_effect);
    tcase_add_test(tcase, an_msr_that_faults_is_an_effect);
    tcase_add_test(tcase, the_guests_end_is_an_effect_with_its_status);
    tcase_add_test(tcase, another_end_is_an_effect_by_its_name);
    tcase_add_test(tcase, an_end_from_outside_is_no_effect_of_an_exit);
    tcase_add_test(tcase, what_an_exit_gave_comes_behind_its_other_effects);
    tcase_add_test(tcase, a_string_that_the_end_cut_off_has_as_many_elements_as_were_done);
    tcase_add_test(tcase,
                   an_exit_is_told_with_the_time_since_the_one_before_and_that_of_its_handler);
    tcase_add_test(tcase, outside_of_an_event_nothing_is_recorded);
    tcase_add_test(tcase, what_changed_outside_of_an_event_is_news_later);
    tcase_add_test(tcase, an_event_from_outside_can_begin_only_while_no_exit_is_under_way);
}

Suite *journal_suite(void)
{
    Suite *suite = suite_create("journal");
    TCase *one = tcase_create("recorded"), *two = tcase_create("two vCPUs");
    TCase *none = tcase_create("no journal");

    tcase_add_checked_fixture(one, setup, teardown);
    add_memory_tests(one);
    add_input_tests(one);
    add_effect_tests(one);
    tcase_add_checked_fixture(two, setup_two, teardown);
    tcase_add_test(two, each_vcpu_has_registers_of_its_own);
    tcase_add_test(none, a_machine_without_a_journal_does_all_the_same);
    tcase_add_test(none, every_function_takes_no_journal);
    suite_add_tcase(suite, one);
    suite_add_tcase(suite, two);
    suite_add_tcase(suite, none);
    return suite;
}
