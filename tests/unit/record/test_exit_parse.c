/* Parsing events of an exit stream, putting exits into the run page, and printing them again. */
#include "vmm/record/exit_parse.h"

#include "vmm/base/outcome.h"
#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_print.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *exit_parse_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct lines lines = {.path = "FILE", .fd = -1, .number = 7};
static struct cursor line;
static struct error error;
static struct text text;
static struct exit_event event;
static struct vcpu vcpu;

static void setup(void)
{
    error.text[0] = '\0';
    text = (struct text){0};
    event = (struct exit_event){0};
    vcpu = (struct vcpu){.run = calloc(1, EXIT_RUN_SIZE), .run_size = EXIT_RUN_SIZE};
    ck_assert_ptr_nonnull(vcpu.run);
}

static void teardown(void)
{
    exit_event_free(&event);
    text_free(&text);
    free(vcpu.run);
}

/* The sentence after the name of its file. */
static void check_sentence(const char *wanted)
{
    const char *colon = strstr(error.text, ":");

    ck_assert_msg(colon && strcmp(colon + 1, wanted) == 0, "'%s' instead of '%s'", error.text,
                  wanted);
}

/* The line (given), which outlives the test, in place of a line of a file. */
static void take_line(const char *given)
{
    line = (struct cursor){&lines, given, given + strlen(given)};
}

/* Parse (given), put the exit into the run page, mark it handled, and write its line. */
static void round_trip(const char *given)
{
    take_line(given);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == 0, "%s: %s", given, error.text);
    ck_assert_int_eq(event.kind, EVENT_EXIT);
    vcpu.id = event.vcpu;
    vcpu.io_done = event.count;
    exit_event_fill_run(&event, &vcpu);
    text_clear(&text);
    exit_print_line(&vcpu, &text);
}

static void check_round_trip(const char *given, const char *wanted)
{
    round_trip(given);
    ck_assert_msg(text.used == strlen(wanted) && memcmp(text.bytes, wanted, text.used) == 0,
                  "'%s' became '%.*s' instead of '%s'", given, (int)text.used, text.bytes, wanted);
}

static const char *const canonical[] = {
    "out 0x0 1 0x0",
    "out 0x3f8 1 0x41",
    "out 0xcf8 4 0x80000000",
    "out 0x80 2 0xffff",
    "out 0xffff 1 0xff",
    "in 0x3fd 1",
    "in 0xcfc 2",
    "in 0xcfc 4",
    "outs 0x3f8 1 \"Hi\\n\\x00\\\"#\"",
    "outs 0x3f8 2 00ff1234",
    "outs 0x3f8 4 0011223344556677",
    "ins 0x511 1 4096",
    "ins 0x511 2 2",
    "ins 0x511 4 1024",
    "store 0x8fffff000 4 0x1",
    "store 0x0 1 0xff",
    "store 0xfffffffffffffff8 8 0xffffffffffffffff",
    "store 0xfebf1000 3 0xabcdef",
    "store 0xfebf1000 5 0x123456789a",
    "load 0xfebf1000 1",
    "load 0xfebf1000 7",
    "load 0xffffffffffffffff 8",
    "rdmsr 0x10",
    "rdmsr 0xffffffff",
    "wrmsr 0xc0000080 0xffffffffffffffff",
    "hlt",
    "shutdown",
    "intr",
    "irq-window",
    "debug",
    "exception",
    "fail-entry",
    "internal-error",
    "unknown-hardware",
    "system-event 0",
    "system-event 2",
    "system-event 4294967295",
    "other 99",
    "other 4294967295",
    "@1 hlt",
    "@15 out 0x3f8 1 0x41",
    "@4294967294 in 0x3f8 1",
};

START_TEST(what_is_written_as_a_recording_writes_it_comes_back_the_same)
{
    for (size_t i = 0; i < COUNT(canonical); i++)
        check_round_trip(canonical[i], canonical[i]);
}
END_TEST

static const struct {
    const char *given, *wanted;
} other_forms[] = {
    {"out 1016 0x1 65", "out 0x3f8 1 0x41"},
    {"  out   0x3f8\t1  0x41", "out 0x3f8 1 0x41"},
    {"outs 0x3f8 1 4869", "outs 0x3f8 1 \"Hi\""},
    {"outs 0x3f8 1 4869 |Hi|", "outs 0x3f8 1 \"Hi\""},
    {"outs 0x3f8 2 \"Hi\"", "out 0x3f8 2 0x6948"},
    {"outs 0x3f8 1 \"H\"", "out 0x3f8 1 0x48"},
    {"ins 0x3f8 1 1", "in 0x3f8 1"},
    {"ins 0x3f8 2 0x10", "ins 0x3f8 2 16"},
    {"@0 hlt", "hlt"},
    {"@0x2 hlt", "@2 hlt"},
    {"hlt ; 500 20", "hlt"},
    {"hlt ; -500 -", "hlt"},
    {"out 0x3f8 1 0x41 ; 1 2", "out 0x3f8 1 0x41"},
    {"outs 0x3f8 1 \"a ; b\" ; 1 2", "outs 0x3f8 1 \"a ; b\""},
    {"outs 0x3f8 4 00112233 ; 1 2", "out 0x3f8 4 0x33221100"},
    {"rdmsr 16", "rdmsr 0x10"},
};

START_TEST(other_ways_of_writing_an_exit_mean_the_same)
{
    for (size_t i = 0; i < COUNT(other_forms); i++)
        check_round_trip(other_forms[i].given, other_forms[i].wanted);
}
END_TEST

START_TEST(a_string_may_have_4096_bytes)
{
    char given[3 * EXIT_IO_MAX];
    const int start = sprintf(given, "outs 0x3f8 4 ");

    memset(given + start, 'a', 2 * EXIT_IO_MAX);
    given[start + 2 * EXIT_IO_MAX] = '\0';
    check_round_trip(given, given);
    ck_assert_uint_eq(vcpu.run->io.count, EXIT_IO_MAX / 4);
}
END_TEST

static const struct {
    const char *given, *sentence;
} bad_events[] = {
    {"halt", "7: 'halt' is no exit and no event"},
    {"hltx", "7: 'hltx' is no exit and no event"},
    {"HLT", "7: 'HLT' is no exit and no event"},
    {"@1", "7: '' is no exit of a vCPU"},
    {"@ hlt", "7: the number of the vCPU must follow @ directly"},
    {"@x hlt", "7: 'x' stands where the number of a vCPU should be"},
    {"@1hlt", "7: '1hlt' stands where the number of a vCPU should be"},
    {"hlt 1", "7: '1' stands where the end of the line should be"},
    {"out", "7: the line ends where an address should be"},
    {"out 0x3f8", "7: the line ends where a size in bytes should be"},
    {"out 0x3f8 1", "7: the line ends where a value should be"},
    {"out 0x3f8 1 0x41 x", "7: 'x' stands where the end of the line should be"},
    {"out 0x3f8 0 0x41", "7: a port access has 1, 2 or 4 bytes, not 0"},
    {"out 0x3f8 3 0x41", "7: a port access has 1, 2 or 4 bytes, not 3"},
    {"in 0x3f8 8", "7: a port access has 1, 2 or 4 bytes, not 8"},
    {"out 0x10000 1 0x41", "7: 0x10000 is no port; the last is 0xffff"},
    {"out 0x3f8 1 0x100", "7: 0x100 has more than 1 bytes"},
    {"out 0x3f8 4 0x100000000", "7: 0x100000000 has more than 4 bytes"},
    {"store 0x1000 0 0", "7: an access has 1 to 8 bytes, not 0"},
    {"store 0x1000 9 0", "7: an access has 1 to 8 bytes, not 9"},
    {"store 0x1000 7 0x100000000000000", "7: 0x100000000000000 has more than 7 bytes"},
    {"load 0x1000 9", "7: an access has 1 to 8 bytes, not 9"},
    {"outs 0x3f8 1 \"\"", "7: a string I/O has 1 to 4096 bytes in whole elements, not 0"},
    {"outs 0x3f8 2 \"abc\"", "7: a string I/O has 1 to 4096 bytes in whole elements, not 3"},
    {"ins 0x3f8 1 0", "7: a string I/O has 1 to 4096 bytes in whole elements, not 0"},
    {"ins 0x3f8 1 4097", "7: a string I/O has 1 to 4096 bytes in whole elements, not 4097"},
    {"ins 0x3f8 4 1025", "7: a string I/O has 1 to 4096 bytes in whole elements, not 4100"},
    {"rdmsr", "7: the line ends where the number of an MSR should be"},
    {"wrmsr 0x10", "7: the line ends where a value should be"},
    {"system-event", "7: the line ends where the type of a system event should be"},
    {"other", "7: the line ends where KVM's exit reason should be"},
    {"other 4294967296", "7: 0x100000000 has more than 32 bits; give KVM's exit reason"},
    {"other 2", "7: exit reason 2 has a word of its own: io"},
    {"other 5", "7: exit reason 5 has a word of its own: hlt"},
    {"typed", "7: the line ends where a text in quotes should be"},
    {"typed abc", "7: the line ends where a text in quotes should be"},
    {"typed serial.000000000000000000000000000000 \"x\"", "7: no device has a name that long"},
    {"typed \"x\" \"y\"", "7: '\"y\"' stands where the end of the line should be"},
    {"ended", "7: this is no way to end"},
    {"ended well", "7: this is no way to end"},
    {"ended none", "7: this is no way to end"},
    {"ended usage", "7: this is no way to end"},
    {"ended differs", "7: this is no way to end"},
    {"report x", "7: 'x' stands where a text in quotes should be"},
    {"done", "7: the line ends where a number should be"},
    {"done 1 2", "7: '2' stands where the end of the line should be"},
    {"hlt ;", "7: the line ends where nanoseconds should be"},
    {"hlt ; 5", "7: the line ends where nanoseconds should be"},
    {"hlt ; x 5", "7: 'x' stands where nanoseconds should be"},
    {"hlt ; 5 -5", "7: '-5' stands where nanoseconds should be"},
    {"hlt ; 5 5 5", "7: '5' stands where the end of the line should be"},
    {"done 1 ; 5 5", "7: ';' stands where the end of the line should be"},
    {"< regs rax=1", "7: an input without its exit: inputs stand before effects"},
    {"> rax 1", "7: an effect without its exit"},
};

START_TEST(an_event_that_is_wrong_is_told)
{
    take_line(bad_events[_i].given);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == -EINVAL, "%s", bad_events[_i].given);
    check_sentence(bad_events[_i].sentence);
}
END_TEST

/* KVM's numbers have 32 bits: a larger number is refused, not cut to another event. */
static const char *const too_large[] = {
    "system-event 4294967296",
    "rdmsr 0x100000000",
    "wrmsr 0x100000000 0",
};

START_TEST(a_number_that_does_not_fit_is_refused_and_not_cut_off)
{
    take_line(too_large[_i]);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == -EINVAL, "%s is taken", too_large[_i]);
}
END_TEST

/* Only exits are a vCPU's. */
static const char *const of_no_vcpu[] = {"@0 typed \"x\"", "@1 ended timeout", "@0 done 1"};

START_TEST(what_is_no_exit_has_no_vcpu)
{
    take_line(of_no_vcpu[_i]);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == -EINVAL, "%s is taken",
                  of_no_vcpu[_i]);
}
END_TEST

START_TEST(a_sentence_shows_no_control_characters)
{
    take_line("\x1b[31m\x07 \x7f");
    ck_assert_int_eq(exit_parse_event(&line, &event, &error), -EINVAL);
    check_sentence("7: '?[31m?' is no exit and no event");
}
END_TEST

static void parse(const char *given)
{
    take_line(given);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == 0, "%s", error.text);
}

static void check_event_text(const char *wanted)
{
    ck_assert_uint_eq(event.text.used, strlen(wanted));
    ck_assert(event.text.used == 0 || memcmp(event.text.bytes, wanted, event.text.used) == 0);
}

START_TEST(times_of_an_exit_are_kept)
{
    parse("hlt ; -12 345");
    ck_assert(event.timed);
    ck_assert(event.measured);
    ck_assert_int_eq(event.delta, -12);
    ck_assert_uint_eq(event.handle_ns, 345);
}
END_TEST

START_TEST(a_handler_may_not_have_been_measured)
{
    parse("hlt ; 12 -");
    ck_assert(event.timed);
    ck_assert(!event.measured);
    ck_assert_int_eq(event.delta, 12);
}
END_TEST

START_TEST(an_exit_without_times_has_none)
{
    parse("hlt ; 12 13");
    parse("hlt");
    ck_assert(!event.timed);
    ck_assert(!event.measured);
}
END_TEST

START_TEST(typed_text_is_the_machines_consoles_or_a_devices)
{
    parse("typed \"ls\\n\"");
    ck_assert_int_eq(event.kind, EVENT_TYPED);
    ck_assert_str_eq(event.name, "");
    check_event_text("ls\n");
    parse("typed serial.1 \"x\"");
    ck_assert_str_eq(event.name, "serial.1");
    check_event_text("x");
    parse("typed \"\"");
    ck_assert_str_eq(event.name, "");
    check_event_text("");
}
END_TEST

START_TEST(a_run_can_be_ended_in_all_ways_that_a_run_ends)
{
    static const enum outcome outcomes[] = {
        OUTCOME_GUEST,       OUTCOME_SETUP, OUTCOME_TRIPLE_FAULT, OUTCOME_CRASH,    OUTCOME_TIMEOUT,
        OUTCOME_INTERRUPTED, OUTCOME_RESET, OUTCOME_OUTPUT,       OUTCOME_INTERNAL,
    };

    for (size_t i = 0; i < COUNT(outcomes); i++) {
        char given[64];

        snprintf(given, sizeof(given), "ended %s", outcome_table[outcomes[i]].name);
        parse(given);
        ck_assert_int_eq(event.kind, EVENT_ENDED);
        ck_assert_uint_eq(event.value, outcomes[i]);
    }
}
END_TEST

START_TEST(the_end_of_a_recording_is_parsed)
{
    parse("report \"rip 0x100000\"");
    ck_assert_int_eq(event.kind, EVENT_REPORT);
    check_event_text("rip 0x100000");
    parse("waits 3");
    ck_assert_int_eq(event.kind, EVENT_WAITS);
    ck_assert_uint_eq(event.value, 3);
    parse("done 12345678901");
    ck_assert_int_eq(event.kind, EVENT_DONE);
    ck_assert_uint_eq(event.value, 12345678901);
}
END_TEST

START_TEST(an_event_forgets_the_one_before_it)
{
    parse("@3 outs 0x3f8 1 \"abc\" ; 1 2");
    parse("load 0x1000 4");
    ck_assert_uint_eq(event.vcpu, 0);
    ck_assert(!event.write);
    ck_assert(!event.string);
    ck_assert_uint_eq(event.count, 1);
    check_event_text("");
}
END_TEST

START_TEST(the_bytes_of_a_string_are_in_the_run_page)
{
    const uint8_t *data;

    round_trip("outs 0x3f8 2 01020304");
    data = (const uint8_t *)vcpu.run + vcpu.run->io.data_offset;
    ck_assert_int_eq(vcpu.run->exit_reason, KVM_EXIT_IO);
    ck_assert_int_eq(vcpu.run->io.direction, KVM_EXIT_IO_OUT);
    ck_assert_uint_eq(vcpu.run->io.size, 2);
    ck_assert_uint_eq(vcpu.run->io.count, 2);
    ck_assert_uint_eq(vcpu.run->io.port, 0x3f8);
    ck_assert_mem_eq(data, "\1\2\3\4", 4);
}
END_TEST

/* What an exit gave to the guest, once the run page holds it. */
static void check_data(const char *wanted)
{
    text_clear(&text);
    exit_print_data(&vcpu, &text);
    ck_assert_msg(text.used == strlen(wanted) &&
                      (text.used == 0 || memcmp(text.bytes, wanted, text.used) == 0),
                  "'%.*s' instead of '%s'", (int)text.used, text.bytes, wanted);
}

static void set_data(const void *bytes, size_t length)
{
    memcpy((uint8_t *)vcpu.run + vcpu.run->io.data_offset, bytes, length);
}

START_TEST(what_a_port_gave_is_a_number_of_its_size)
{
    round_trip("in 0x3f8 2");
    set_data("\x34\x12\xff\xff", 4);
    check_data("> data 0x1234\n");
}
END_TEST

START_TEST(what_a_string_gave_is_a_text_if_its_elements_are_bytes)
{
    round_trip("ins 0x3f8 1 3");
    set_data("a\"\n?", 4);
    check_data("> data \"a\\\"\\n\"\n");
    round_trip("ins 0x3f8 2 2");
    set_data("abcd?", 5);
    check_data("> data 61626364\n");
}
END_TEST

START_TEST(of_a_string_that_the_end_cut_off_only_what_was_done_counts)
{
    round_trip("ins 0x3f8 1 5");
    set_data("abcde", 5);
    vcpu.io_done = 2;
    check_data("> data \"ab\"\n");
    text_clear(&text);
    exit_print_line(&vcpu, &text);
    ck_assert_uint_eq(text.used, strlen("ins 0x3f8 1 2"));
    ck_assert_mem_eq(text.bytes, "ins 0x3f8 1 2", text.used);
}
END_TEST

START_TEST(what_a_load_gave_is_a_number_of_its_size)
{
    round_trip("load 0x1000 3");
    memcpy(vcpu.run->mmio.data, "\1\2\3\4\5\6\7\x08", 8);
    check_data("> data 0x30201\n");
    round_trip("load 0x1000 8");
    memcpy(vcpu.run->mmio.data, "\1\2\3\4\5\6\7\x08", 8);
    check_data("> data 0x807060504030201\n");
}
END_TEST

START_TEST(what_an_msr_gave_is_its_value_or_a_fault)
{
    round_trip("rdmsr 0x10");
    vcpu.run->msr.data = 0x123;
    check_data("> data 0x123\n");
    vcpu.run->msr.error = 1;
    check_data("> fault\n");
    round_trip("wrmsr 0x10 5");
    check_data("");
    vcpu.run->msr.error = 1;
    check_data("> fault\n");
}
END_TEST

static const char *const without_data[] = {
    "out 0x3f8 1 1", "outs 0x3f8 1 \"ab\"", "store 0x1000 4 1", "hlt", "system-event 1", "other 99",
};

START_TEST(other_exits_give_the_guest_nothing)
{
    round_trip(without_data[_i]);
    check_data("");
}
END_TEST

Suite *exit_parse_suite(void)
{
    Suite *suite = suite_create("exit_parse");
    TCase *tcase = tcase_create("exit_parse");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_written_as_a_recording_writes_it_comes_back_the_same);
    tcase_add_test(tcase, other_ways_of_writing_an_exit_mean_the_same);
    tcase_add_test(tcase, a_string_may_have_4096_bytes);
    tcase_add_loop_test(tcase, an_event_that_is_wrong_is_told, 0, COUNT(bad_events));
    tcase_add_loop_test(tcase, a_number_that_does_not_fit_is_refused_and_not_cut_off, 0,
                        COUNT(too_large));
    tcase_add_loop_test(tcase, what_is_no_exit_has_no_vcpu, 0, COUNT(of_no_vcpu));
    tcase_add_test(tcase, a_sentence_shows_no_control_characters);
    tcase_add_test(tcase, times_of_an_exit_are_kept);
    tcase_add_test(tcase, a_handler_may_not_have_been_measured);
    tcase_add_test(tcase, an_exit_without_times_has_none);
    tcase_add_test(tcase, typed_text_is_the_machines_consoles_or_a_devices);
    tcase_add_test(tcase, a_run_can_be_ended_in_all_ways_that_a_run_ends);
    tcase_add_test(tcase, the_end_of_a_recording_is_parsed);
    tcase_add_test(tcase, an_event_forgets_the_one_before_it);
    tcase_add_test(tcase, the_bytes_of_a_string_are_in_the_run_page);
    tcase_add_test(tcase, what_a_port_gave_is_a_number_of_its_size);
    tcase_add_test(tcase, what_a_string_gave_is_a_text_if_its_elements_are_bytes);
    tcase_add_test(tcase, of_a_string_that_the_end_cut_off_only_what_was_done_counts);
    tcase_add_test(tcase, what_a_load_gave_is_a_number_of_its_size);
    tcase_add_test(tcase, what_an_msr_gave_is_its_value_or_a_fault);
    tcase_add_loop_test(tcase, other_exits_give_the_guest_nothing, 0, COUNT(without_data));
    suite_add_tcase(suite, tcase);
    return suite;
}
