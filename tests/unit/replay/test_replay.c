/*
 * Replaying exit streams: the use of inputs, the comparison of effects, and the messages.
 *
 * The streams are written by hand; that recordings replay is in test_recorder.c.
 */
#include "devices/types.h"
#include "vmm/replay/replay.h"

#include "tests/unit/replay_file.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *replay_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct replay_result result;

/* A stream with the devices (devices) that agrees. */
static void check_agrees(const char *text)
{
    replay_text(text, &result);
    ck_assert_msg(result.result == 1, "%d %s", result.result, result.sentence);
}

static void check_refused(const char *text, const char *sentence)
{
    replay_text(text, &result);
    ck_assert_msg(result.result == -EINVAL, "%d %s", result.result, result.sentence);
    ck_assert_str_eq(result.sentence, sentence);
}

/* It differs, first in that line. */
static void check_differs(const char *text, unsigned line)
{
    char wanted[64];

    replay_text(text, &result);
    snprintf(wanted, sizeof(wanted), "%u: the effects differ; - is the stream, + is what came\n",
             line);
    ck_assert_msg(result.result == -EDOM, "%d %s", result.result, result.sentence);
    ck_assert_msg(strncmp(result.sentence, wanted, strlen(wanted)) == 0, "%s", result.sentence);
}

/* All effects are as they should be, but an input is left. */
static void check_unasked(const char *text, const char *sentence)
{
    replay_text(text, &result);
    ck_assert_msg(result.result == -EDOM, "%d %s", result.result, result.sentence);
    ck_assert_str_eq(result.sentence, sentence);
}

/* ---- the machine ---- */

static const char *const agreeing[] = {
    "exits 1",
    "exits 1\n",
    "# a comment\n\nexits 0x1 # of version 1\n",
    "exits 1\nmachine memory=2M cpus=3 irqchip=on\n",
    "exits 1\nmachine memory=0x200000\n",
    "exits 1\nmachine\n",
    "exits 1\nstart 1690000000000000000\n",
    "exits 1\ndevice serial\ndevice serial,port=0x2f8\n",
    "exits 1\ndevice \"serial,port=0x2f8\"\n",
    "exits 1\nhlt\n> end guest 0\n",
    "exits 1\r\nhlt\r\n> end guest 0\r\n",
    "exits 1\ntest a\n",
    "exits 1\nintr ; -5 10\n",
    "exits 1\nended timeout\nreport \"rip\"\nwaits 3\n",
    "exits 1\nintr\ndone 1\n",
};

START_TEST(a_stream_that_is_right_agrees)
{
    check_agrees(agreeing[_i]);
    ck_assert_uint_eq(result.tests, 1);
}
END_TEST

static const struct {
    const char *text, *sentence;
} refused[] = {
    {"", " this is no exit stream: its first line is not `exits 1`"},
    {"# nothing\n", " this is no exit stream: its first line is not `exits 1`"},
    {"hlt\n", " this is no exit stream: its first line is not `exits 1`"},
    {"exits", "1: the line ends where a version should be"},
    {"exits one\n", "1: 'one' stands where a version should be"},
    {"exits 1 2\n", "1: '2' stands where the end of the line should be"},
    {"\nexits 2\n", "2: version 2 of the format; this minivmm reads version 1"},
    {"exits 1\nstart\n", "2: the line ends where nanoseconds since 1970 should be"},
    {"exits 1\nstart 1 2\n", "2: '2' stands where the end of the line should be"},
    {"exits 1\nintr\ndevice serial\n", "3: 'device' is no exit and no event"},
    {"exits 1\n@1 hlt\n", "2: there is no vCPU 1"},
    {"exits 1\nmachine cpus=2\n@2 hlt\n", "3: there is no vCPU 2"},
    {"exits 1\nintr\n< memory 0x1000 0g\n", "3: '0g' stands where what the memory holds should be"},
    {"exits 1\nintr\n< memory 0x1000000 00\n",
     "3: 0x1000000 and 1 bytes are not all in the guest's memory"},
    {"exits 1\nintr\n< memory 0xffffff 0000\n",
     "3: 0xffffff and 2 bytes are not all in the guest's memory"},
    {"exits 1\nintr\n< changed 0 0xffffffffffffffff 00\n",
     "3: 0xffffffffffffffff and 1 bytes are not all in the guest's memory"},
    {"exits 1\nintr\n< changed 1 0 00\n< changed 0 0 00\n",
     "4: changes of memory are not in their order"},
    {"exits 1\nintr\n< changed 4294967296 0 00\n", "3: changes of memory are not in their order"},
    {"exits 1\nintr\n< regs rax\n", "3: 'rax' is no register and its value"},
    {"exits 1\nintr\n< regs eax=1\n", "3: 'eax=1' is no register and its value"},
    {"exits 1\nintr\n< regs rax=\n", "3: the line ends where a register's value should be"},
    {"exits 1\nintr\n< regs rax=0x10000000000000000\n",
     "3: '0x10000000000000000' stands where a register's value should be"},
    {"exits 1\nintr\n< clock\n", "3: the line ends where a number should be"},
    {"exits 1\nintr\n< clock 1 2\n", "3: '2' stands where the end of the line should be"},
    {"exits 1\nintr\n< result 1 28\n", "3: results are of the console, a log, a file or the end"},
    {"exits 1\nintr\n< result console\n", "3: the line ends where which operation should be"},
    {"exits 1\nintr\n< result log 1\n", "3: the line ends where an error number should be"},
    {"exits 1\nintr\n< result file 1 0\n", "3: an error number is from 1 to 4095"},
    {"exits 1\nintr\n< result end 1 4096\n", "3: an error number is from 1 to 4095"},
    {"exits 1\nintr\n< result log 2 5\n< result log 2 5\n", "4: results are not in their order"},
    {"exits 1\nintr\n< typed serial.0 \"x\"\n", "3: no device 'serial.0' has a console"},
    {"exits 1\nintr\n< typed \"x\"\n", "3: the line ends where a text in quotes should be"},
    {"exits 1\ntyped serial.0 \"x\"\nintr\n", "2: there is no console of serial.0"},
    {"exits 1\ntyped \"x\"\n< clock 1\n", "3: only exits and timers have inputs"},
    {"exits 1\nintr\n< weather fine\n", "3: 'weather' is no input"},
    {"exits 1\nintr\n<\n", "3: '' is no input"},
    {"exits 1\n< clock 1\n", "2: an input without its exit: inputs stand before effects"},
    {"exits 1\nhlt\n> end guest 0\n< clock 1\n",
     "4: an input without its exit: inputs stand before effects"},
    {"exits 1\n> unclaimed\n", "2: an effect without its exit"},
    {"exits 1\nintr\ntest a\n", "3: exits stand before the first test"},
    {"exits 1\ntest\nintr\n", "2: a test has no name"},
    {"exits 1\ntest # a\n", "2: a test has no name"},
    {"exits 1\nmachine\nmachine\n", "3: the machine is given twice"},
    {"exits 1\nintr\n< regs cs.l=2\n", "3: cs.l is 0 or 1"},
    {"exits 1\nintr\n< regs cpl=4\n", "3: cpl is 0 to 3"},
    {"exits 1\ndone 1\n", "2: the end of 1 exits, but there are 0"},
    {"exits 1\nintr\ndone 0\n", "3: the end of 0 exits, but there are 1"},
    {"exits 1\ndone 0\ndone 0\n", "3: there is text after the end"},
    {"exits 1\ndone 0\nintr\n", "3: there is text after the end"},
};

START_TEST(a_stream_that_is_wrong_is_refused_with_its_line)
{
    check_refused(refused[_i].text, refused[_i].sentence);
}
END_TEST

START_TEST(more_than_the_consoles_room_cannot_be_typed)
{
    char text[400] = "exits 1\ntyped \"", keys[258];

    memset(keys, 'k', 257);
    keys[257] = '\0';
    strcat(strcat(text, keys), "\"\n");
    check_refused(text, "2: there is no room for so much input at the console ");
}
END_TEST

START_TEST(a_device_that_cannot_be_made_is_told_with_its_line)
{
    replay_text("exits 1\ndevice serial\ndevice serial\n", &result);
    ck_assert_int_eq(result.result, -EINVAL);
    ck_assert_str_eq(result.sentence, "3: serial: port range 0x3f8..0x3ff overlaps serial at "
                                      "0x3f8..0x3ff; move one of them");
}
END_TEST

/* ---- the state that an exit finds ---- */

#define LOG_5                                                                                      \
    "> log \"ptlcall 1 vcpu=0 via=port op=LOG text=\\\"hello\\\" result=5\\n\"\n> rax 0x5\n"
#define LOG_AGAIN                                                                                  \
    "> log \"ptlcall 2 vcpu=0 via=port op=LOG text=\\\"hello\\\" result=5\\n\"\n> rax 0x5\n"

START_TEST(a_vcpu_runs_64_bit_code_with_paging_off)
{
    check_agrees("exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
                 "< regs rax=5 rdi=0x200000 rsi=5\n< memory 0x200000 \"hello\"\n" LOG_5);
}
END_TEST

/* In 64-bit mode the value of RAX would be that of 64 bits. */
START_TEST(regs_may_change_the_mode)
{
    check_agrees(
        "exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
        "< regs rax=77 efer=0 cs.l=0\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=77 result=-22 reason=\\\"no such op\\\"\\n\"\n"
        "> rax 0xffffffea\n");
}
END_TEST

START_TEST(registers_stay_until_a_line_changes_them)
{
    check_agrees("exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
                 "< regs rax=5 rdi=0x200000 rsi=5\n< memory 0x200000 \"hello\"\n" LOG_5
                 "out 0xe0 1 0\n" LOG_AGAIN);
}
END_TEST

/* The guest would have done something between. */
START_TEST(a_rax_that_the_handler_changed_is_again_what_the_lines_say)
{
    check_agrees(
        "exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=VERSION result=1\\n\"\n> rax 0x1\n"
        "out 0xe0 1 0\n"
        "> log \"ptlcall 2 vcpu=0 via=port op=VERSION result=1\\n\"\n> rax 0x1\n"
        "out 0xe0 1 0\n< regs rax=77\n"
        "> log \"ptlcall 3 vcpu=0 via=port op=77 result=-22 reason=\\\"no such op\\\"\\n\"\n"
        "> rax 0xffffffffffffffea\nout 0xe0 1 0\n"
        "> log \"ptlcall 4 vcpu=0 via=port op=77 result=-22 reason=\\\"no such op\\\"\\n\"\n"
        "> rax 0xffffffffffffffea\n");
}
END_TEST

START_TEST(registers_may_be_given_in_several_lines)
{
    check_agrees("exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
                 "< regs rax=1\n< regs rdi=0x200000\n< memory 0x200000 \"hello\"\n"
                 "< regs rsi=5\n< regs rax=5\n" LOG_5);
}
END_TEST

START_TEST(registers_are_those_of_the_exits_vcpu)
{
    check_agrees(
        "exits 1\nmachine cpus=2\ndevice ptlcall\n"
        "@1 out 0xe0 1 0\n< regs rax=77\n"
        "> log \"ptlcall 1 vcpu=1 via=port op=77 result=-22 reason=\\\"no such op\\\"\\n\"\n"
        "> rax 0xffffffffffffffea\n"
        "out 0xe0 1 0\n"
        "> log \"ptlcall 2 vcpu=0 via=port op=VERSION result=1\\n\"\n> rax 0x1\n");
}
END_TEST

START_TEST(memory_stays_as_it_was_left)
{
    check_agrees("exits 1\ndevice ptlcall\nintr\n< memory 0x200000 \"hello\"\n"
                 "out 0xe0 1 0\n< regs rax=5 rdi=0x200000 rsi=5\n" LOG_5);
}
END_TEST

START_TEST(memory_is_zero_at_first)
{
    check_agrees(
        "exits 1\ndevice ptlcall\nout 0xe0 1 0\n< regs rax=5 rdi=0x200000 rsi=2\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=LOG text=\\\"\\\\x00\\\\x00\\\" result=5\\n\"\n"
        "> rax 0x5\n");
}
END_TEST

/* The first descriptor's string is read second: with one descriptor, reads are list and string. */
#define ENQUEUE                                                                                    \
    "exits 1\ndevice ptlcall\nout 0xe0 1 0\n< regs rax=2 rdi=0x200000 rsi=1\n"                     \
    "< memory 0x200000 00102000000000000400000000000000\n< memory 0x201000 \"-run\"\n"

START_TEST(memory_that_changes_after_a_read_is_seen_by_the_next_one)
{
    check_agrees(ENQUEUE
                 "< changed 1 0x201000 \"-foo\"\n"
                 "> log \"ptlcall 1 vcpu=0 via=port op=ENQUEUE commands=1 result=2\\n\"\n"
                 "> log \"ptlcall 1 command=-foo effect=\\\"ignored: unknown option\\\"\\n\"\n"
                 "> rax 0x2\n");
}
END_TEST

START_TEST(memory_that_would_change_after_all_reads_differs)
{
    check_unasked(ENQUEUE "< changed 2 0x201000 \"-foo\"\n"
                          "> log \"ptlcall 1 vcpu=0 via=port op=ENQUEUE commands=1 result=2\\n\"\n"
                          "> log \"ptlcall 1 command=-run effect=\\\"simulation on\\\"\\n\"\n"
                          "> rax 0x2\n",
                  "3: nobody asked for all of the inputs; one is left: changed\n  out 0xe0 1 0\n");
}
END_TEST

START_TEST(a_clock_reads_as_the_line_says)
{
    check_agrees("exits 1\ndevice cmos\nout 0x70 1 0\nin 0x71 1\n< wall 7000000000\n> data 7\n");
}
END_TEST

START_TEST(without_a_line_a_clock_reads_as_the_last_time)
{
    check_agrees("exits 1\ndevice cmos\nout 0x70 1 0\nin 0x71 1\n> data 0\n"
                 "in 0x71 1\n< wall 7000000000\n> data 7\nin 0x71 1\n> data 7\n");
}
END_TEST

START_TEST(each_reading_of_a_clock_takes_a_line)
{
    check_agrees("exits 1\ndevice cmos\nout 0x70 1 0\nins 0x71 1 4\n"
                 "< wall 7000000000\n< wall 8000000000\n< wall 9000000000\n> data 07080909\n");
}
END_TEST

START_TEST(a_reading_that_nobody_takes_differs)
{
    check_unasked("exits 1\ndevice cmos\nout 0x70 1 0\nin 0x71 1\n"
                  "< wall 7000000000\n< wall 8000000000\n> data 7\nin 0x71 1\n> data 7\n",
                  "4: nobody asked for all of the inputs; one is left: wall\n  in 0x71 1\n");
}
END_TEST

START_TEST(an_operation_fails_where_a_line_says_so)
{
    check_agrees("exits 1\ndevice debugcon\nout 0xe9 1 0x41\n< result console 1 28\n"
                 "> console \"A\"\n> end output\n");
}
END_TEST

START_TEST(an_operation_that_there_is_not_cannot_fail)
{
    check_unasked("exits 1\ndevice debugcon\nout 0xe9 1 0x41\n< result console 2 28\n"
                  "> console \"A\"\n",
                  "3: nobody asked for all of the inputs; one is left: result\n"
                  "  out 0xe9 1 0x41\n");
    check_unasked("exits 1\ndevice debugcon\nout 0xe9 1 0x41\n< result log 1 28\n"
                  "> console \"A\"\n",
                  "3: nobody asked for all of the inputs; one is left: result\n"
                  "  out 0xe9 1 0x41\n");
}
END_TEST

START_TEST(what_is_typed_can_be_read)
{
    check_agrees("exits 1\ndevice serial\ntyped \"ab\"\nins 0x3f8 1 3\n> data \"ab\\x00\"\n");
}
END_TEST

START_TEST(what_came_from_a_devices_file_can_be_read)
{
    check_agrees("exits 1\ndevice serial\ndevice serial,port=0x2f8,in=/nonexistent/in\n"
                 "in 0x2f8 1\n< typed serial.1 \"a\"\n> data 0x61\n"
                 "typed serial.1 \"b\"\nin 0x2f8 1\n> data 0x62\nin 0x3f8 1\n> data 0\n");
}
END_TEST

/* ---- tests ---- */

START_TEST(a_test_has_a_machine_of_its_own)
{
    check_agrees(
        "exits 1\ndevice serial\ndevice ptlcall\n"
        "test one\nout 0x3ff 1 0x77\nin 0x3ff 1\n> data 0x77\n"
        "out 0xe0 1 0\n< regs rax=5 rdi=0x200000 rsi=5\n< memory 0x200000 \"hello\"\n" LOG_5
        "test two\nin 0x3ff 1\n> data 0\n"
        "out 0xe0 1 0\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=VERSION result=1\\n\"\n> rax 0x1\n"
        "intr\ntest three\nout 0xe0 1 0\n< regs rax=5 rdi=0x200000 rsi=1\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=LOG text=\\\"\\\\x00\\\" result=5\\n\"\n"
        "> rax 0x5\n");
    ck_assert_uint_eq(result.tests, 3);
    ck_assert_str_eq(result.name, "three");
    ck_assert_uint_eq(result.exits, 7);
    ck_assert_uint_eq(result.effects, 8);
}
END_TEST

START_TEST(a_test_may_add_to_the_machine)
{
    check_agrees("exits 1\ndevice serial\n"
                 "test one\ndevice serial,port=0x2f8\nin 0x2fd 1\n> data 0x60\n"
                 "test two\nin 0x2fd 1\n> unclaimed\n> data 0xff\nin 0x3fd 1\n> data 0x60\n");
}
END_TEST

START_TEST(a_test_may_say_what_its_machine_is)
{
    check_agrees("exits 1\ndevice fw_cfg\n"
                 "test one\nmachine memory=4M cpus=2\nout 0x510 2 3\nins 0x511 1 8\n"
                 "> data 0000400000000000\n@1 intr\n"
                 "test two\nout 0x510 2 3\nins 0x511 1 8\n> data 0000000100000000\n");
}
END_TEST

START_TEST(a_test_may_have_no_exit)
{
    check_agrees("exits 1\ntest one\ntest two\n");
    ck_assert_uint_eq(result.tests, 2);
    ck_assert_str_eq(result.name, "two");
}
END_TEST

START_TEST(a_name_is_the_rest_of_the_line)
{
    check_agrees("exits 1\ntest   a byte, sent: is \"shown\"  # once\nintr\n");
    ck_assert_str_eq(result.name, "a byte, sent: is \"shown\"");
}
END_TEST

START_TEST(a_long_name_is_cut_off)
{
    char text[400] = "exits 1\ntest ";

    memset(text + strlen(text), 'n', 300);
    check_agrees(text);
    ck_assert_uint_eq(strlen(result.name), REPLAY_NAME_MAX - 1);
}
END_TEST

/* Every test of a stream is run, also after one that differs. */
START_TEST(a_test_that_differs_does_not_end_the_others)
{
    struct text_file file;
    struct replay replay;
    struct error error = {""};

    text_file_make_string(&file, "exits 1\n"
                                 "test one\nhlt\n> end guest 1\nintr\n> unclaimed\n"
                                 "test two\nhlt\n> end guest 0\n"
                                 "test three\nhlt\n");
    ck_assert_int_eq(replay_open(&replay, file.path, device_types, &error), 0);
    ck_assert_int_eq(replay_next(&replay, &error), -EDOM);
    ck_assert_str_eq(replay.name, "one");
    ck_assert_int_eq(replay_next(&replay, &error), 1);
    ck_assert_str_eq(replay.name, "two");
    ck_assert_int_eq(replay_next(&replay, &error), -EDOM);
    ck_assert_str_eq(replay.name, "three");
    ck_assert_int_eq(replay_next(&replay, &error), 0);
    replay_close(&replay);
    text_file_close(&file);
}
END_TEST

static const char *const no_tests[] = {
    "exits 1\ntest one\nintr\ntests two\nhlt\n> end guest 5\n",
    "exits 1\ntest one\nintr\ntest2 two\nhlt\n> end guest 5\n",
    "exits 1\nintr\ntesting\nhlt\n> end guest 5\n",
};

START_TEST(a_word_that_only_begins_as_test_is_no_test_and_refused)
{
    replay_text(no_tests[_i], &result);
    ck_assert_msg(result.result == -EINVAL, "%d %s", result.result, result.sentence);
}
END_TEST

/* ---- effects ---- */

static const char *const equal[] = {
    "in 0x3fd 1\n> data 0x60\n",
    "in 0x3fd 1\n> data 96\n",
    "in 0x3fd 1\n  >   data   0x0060   # empty\n",
    "in 0x3fd 1\n> data 0X60\r\n",
    "ins 0x3fd 1 2\n> data 6060\n",
    "ins 0x3fd 1 2\n> data \"``\"\n",
    "ins 0x3fd 1 2\n> data \"\\x60\\x60\"\n",
    "ins 0x3fd 1 2\n> data 6060 |``|\n",
    "out 0x3f8 1 65\n> console \"A\"\n",
    "out 0x3f8 1 65\n> console \"\\x41\"\n",
    "out 0x3f8 1 65\n> console 41\n",
    "hlt\n> end guest 0x0\n",
    "in 0x300 1\n> unclaimed\n> data 255\n",
    "store 0xe0000080 8 0x200000\nstore 0xe0000088 8 0x40000\nstore 0xe0000090 8 2\n"
    "store 0xe0000098 8 1\n< memory 0x200000 4142\n"
    "store 0xe0000080 8 0x40000\nstore 0xe0000088 8 0x201000\n"
    "store 0xe0000098 8 3\n> memory 0x201000 4142\n",
    "store 0xe0000080 8 0x200000\nstore 0xe0000088 8 0x40000\nstore 0xe0000090 8 2\n"
    "store 0xe0000098 8 1\n< memory 0x200000 4142\n"
    "store 0xe0000080 8 0x40000\nstore 0xe0000088 8 0x201000\n"
    "store 0xe0000098 8 3\n> memory 2101248 \"AB\"\n",
};

#define MACHINE                                                                                    \
    "exits 1\ndevice serial,irq=4\ndevice pci-host\ndevice edu\ndevice ptlcall\n"                  \
    "out 0xcf8 4 0x80000804\nout 0xcfc 2 6\nout 0x3fc 1 8\n"
#define MACHINE_LINES 8

static const char *with_machine(const char *events)
{
    static char text[4096];

    snprintf(text, sizeof(text), MACHINE "%s", events);
    return text;
}

START_TEST(effects_are_compared_by_what_they_mean)
{
    check_agrees(with_machine(equal[_i]));
}
END_TEST

static const struct {
    const char *events;
    unsigned line; /* of them, from 1 */
} unequal[] = {
    {"in 0x3fd 1\n> data 0x61\n", 2},
    {"in 0x3fd 1\n> data\n", 2},
    {"in 0x3fd 1\n> data 0x60 0\n", 2},
    {"in 0x3fd 1\n> date 0x60\n", 2},
    {"in 0x3fd 1\n> data \"`\"\n", 2},
    {"in 0x3fd 1\n", 1},
    {"in 0x3fd 1\nintr\n", 1},
    {"in 0x3fd 1\n> data 0x60\n> data 0x60\n", 3},
    {"in 0x3fd 1\n> irq 4 1\n> data 0x60\n", 2},
    {"ins 0x3fd 1 2\n> data 60\n", 2},
    {"ins 0x3fd 1 2\n> data \"```\"\n", 2},
    {"in 0x300 1\n> data 255\n> unclaimed\n", 2},
    {"in 0x300 1\n> data 255\n", 2},
    {"in 0x300 1\n> unclaimed\n", 1},
    {"out 0x3f8 1 0x41\n> console \"B\"\n", 2},
    {"out 0x3f8 1 0x41\n> console serial.0 \"A\"\n", 2},
    {"out 0x3f8 1 0x41\n> log \"A\"\n", 2},
    {"outs 0x3f8 1 \"AB\"\n> console \"A\"\n> console \"B\"\n", 2},
    {"intr\n> unclaimed\n", 2},
    {"hlt\n> end guest 1\n", 2},
    {"hlt\n> end guest\n", 2},
    {"hlt\n> end reset 0\n", 2},
    {"typed \"x\"\n> irq 4 1\n", 2},
    {"out 0x3f9 1 1\ntyped \"x\"\n", 2},
    {"out 0x3f9 1 1\ntyped \"x\"\n> irq 4 0\n", 3},
    {"ended timeout\n> end timeout\n", 2},
    {"out 0xe0 1 0\n< regs rax=0\n> log \"ptlcall 1 vcpu=0 via=port op=VERSION result=1\\n\"\n"
     "> rax 0x2\n",
     4},
};

START_TEST(an_effect_that_is_another_or_missing_or_too_many_differs)
{
    check_differs(with_machine(unequal[_i].events), MACHINE_LINES + unequal[_i].line);
}
END_TEST

/* Bytes are no numbers: how many there are counts, also if all are digits from 0 to 9. */
static const char *const wrong_bytes[] = {"> memory 0x201000 0041\n", "> memory 0x201000 000041\n",
                                          "> memory 0x201000 41\n"};

#define DMA_OF_2                                                                                   \
    "store 0xe0000080 8 0x200000\nstore 0xe0000088 8 0x40000\nstore 0xe0000090 8 2\n"              \
    "store 0xe0000098 8 1\n< memory 0x200000 0041\n"                                               \
    "store 0xe0000080 8 0x40000\nstore 0xe0000088 8 0x201000\nstore 0xe0000098 8 3\n"

START_TEST(bytes_with_zeros_before_them_are_other_bytes)
{
    char events[1024];

    snprintf(events, sizeof(events), DMA_OF_2 "%s", wrong_bytes[_i]);
    if (_i == 0)
        check_agrees(with_machine(events));
    else
        check_differs(with_machine(events), MACHINE_LINES + 9);
}
END_TEST

START_TEST(a_difference_shows_both_sides)
{
    replay_text(with_machine("out 0x3f9 1 1\ntyped \"x\"\n> irq 4 1\n"
                             "in 0x3f8 1 ; 5 6\n> irq 4 0\n> data 0x79\n> unclaimed\nintr\n"),
                &result);
    ck_assert_int_eq(result.result, -EDOM);
    ck_assert_str_eq(result.sentence, "14: the effects differ; - is the stream, + is what came\n"
                                      "  in 0x3f8 1 ; 5 6\n"
                                      "  > irq 4 0\n"
                                      "- > data 0x79\n"
                                      "- > unclaimed\n"
                                      "+ > data 0x78\n");
}
END_TEST

START_TEST(a_difference_shows_what_is_missing)
{
    replay_text(with_machine("in 0x300 1\n> unclaimed\nintr\n"), &result);
    ck_assert_str_eq(result.sentence, "9: the effects differ; - is the stream, + is what came\n"
                                      "  in 0x300 1\n"
                                      "  > unclaimed\n"
                                      "+ > data 0xff\n");
}
END_TEST

START_TEST(of_a_long_difference_not_all_is_shown)
{
    static char text[100000];

    strcpy(text, "exits 1\ndevice debugcon\nouts 0xe9 1 \"");
    for (unsigned i = 0; i < 500; i++)
        strcat(text, "a\\n");
    strcat(text, "\"\n");
    for (unsigned i = 0; i < 500; i++)
        strcat(text, "> console \"b\\n\"\n");
    check_differs(text, 4);
    ck_assert_ptr_nonnull(strstr(result.sentence, "- > console \"b\\n\"\n"));
    ck_assert_ptr_nonnull(strstr(result.sentence, "+ > console \"a\\n\"\n"));
    ck_assert_uint_lt(strlen(result.sentence), 2000);
}
END_TEST

/* ---- recordings ---- */

START_TEST(a_recording_without_its_end_broke_off)
{
    check_agrees("exits 1\nrecorded \"x\"\nhlt\n> end guest 0\n");
    ck_assert(result.broken_off);
    ck_assert_uint_eq(result.exits, 1);
}
END_TEST

START_TEST(a_recording_with_its_end_did_not)
{
    check_agrees("exits 1\nrecorded \"x\"\nintr\ndone 1\n");
    ck_assert(!result.broken_off);
}
END_TEST

START_TEST(a_stream_written_by_hand_needs_no_end)
{
    check_agrees("exits 1\nintr\n");
    ck_assert(!result.broken_off);
}
END_TEST

static const struct {
    const char *text;
    unsigned exits;
} broken_off[] = {
    {"intr\nhlt", 0},
    {"intr\n", 0},
    {"intr\nhlt\n", 1},
    {"intr\nhlt\n> end gue", 1},
    {"intr\nin 0x300 1\n> unclaimed\n", 2},
    {"intr\nin 0x300 1\n> unclaimed\n> data", 2},
    {"intr\nin 0x300 1\n< clock 1\n", 1},
};

START_TEST(the_last_exit_of_what_broke_off_may_lack_its_end)
{
    char text[256];

    snprintf(text, sizeof(text), "exits 1\nrecorded \"x\"\n%s", broken_off[_i].text);
    check_agrees(text);
    ck_assert(result.broken_off);
    ck_assert_uint_eq(result.exits, broken_off[_i].exits);
}
END_TEST

START_TEST(the_last_exit_of_a_stream_written_by_hand_may_not)
{
    check_differs("exits 1\nintr\nin 0x300 1\n> unclaimed\n", 3);
}
END_TEST

START_TEST(what_broke_off_may_not_differ_in_what_there_is)
{
    check_differs("exits 1\nrecorded \"x\"\nin 0x300 1\n> data 0xff\n", 4);
}
END_TEST

/* ---- files ---- */

START_TEST(files_of_devices_are_not_opened)
{
    check_agrees("exits 1\ndevice serial,in=/nonexistent/in,out=/nonexistent/out\n"
                 "device ptlcall,log=/nonexistent/log\n"
                 "outs 0x3f8 1 \"hi\\n\"\n> console serial.0 \"hi\\n\"\n"
                 "out 0xe0 1 0\n> log \"ptlcall 1 vcpu=0 via=port op=VERSION result=1\\n\"\n"
                 "> rax 1\n");
}
END_TEST

START_TEST(files_of_devices_are_not_made)
{
    char out[64], text[512];

    snprintf(out, sizeof(out), "/tmp/minivmm-replay-%d", (int)getpid());
    snprintf(text, sizeof(text),
             "exits 1\ndevice serial,out=%s\ndevice ptlcall,log=%s\n"
             "out 0x3f8 1 0x0a\n> console serial.0 \"\\n\"\n",
             out, out);
    check_agrees(text);
    ck_assert_int_ne(access(out, F_OK), 0);
}
END_TEST

/* The folder of a replay is /. */
START_TEST(files_of_the_guest_are_not_made)
{
    check_agrees(
        "exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
        "< regs rax=4 rdi=0x200000 rsi=5 rdx=0x201000 r10=7\n"
        "< memory 0x200000 \"hello\"\n< memory 0x201000 \"minivmm\"\n"
        "> log \"ptlcall 1 vcpu=0 via=port op=CORE_DUMP name=\\\"minivmm\\\" size=5 signal=0\"\n"
        "> file \"minivmm-core\" 5 0xa430d84680aabd0b\n"
        "> log \" result=4\\n\"\n> rax 4\n");
    ck_assert_int_ne(access("minivmm-core", F_OK), 0);
    ck_assert_int_ne(access("/minivmm-core", F_OK), 0);
}
END_TEST

START_TEST(a_file_that_could_not_be_written_cannot_in_a_replay_either)
{
    check_agrees("exits 1\ndevice ptlcall\nout 0xe0 1 0\n"
                 "< regs rax=4 rdi=0x200000 rsi=5 rdx=0x201000 r10=3\n"
                 "< memory 0x201000 \"run\"\n< result file 1 13\n"
                 "> log \"ptlcall 1 vcpu=0 via=port op=CORE_DUMP name=\\\"run\\\" size=5 signal=0 "
                 "result=-5 reason=\\\"the file could not be made\\\"\\n\"\n"
                 "> rax 0xfffffffffffffffb\n");
}
END_TEST

static void add_state_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_vcpu_runs_64_bit_code_with_paging_off);
    tcase_add_test(tcase, regs_may_change_the_mode);
    tcase_add_test(tcase, registers_stay_until_a_line_changes_them);
    tcase_add_test(tcase, a_rax_that_the_handler_changed_is_again_what_the_lines_say);
    tcase_add_test(tcase, registers_may_be_given_in_several_lines);
    tcase_add_test(tcase, registers_are_those_of_the_exits_vcpu);
    tcase_add_test(tcase, memory_stays_as_it_was_left);
    tcase_add_test(tcase, memory_is_zero_at_first);
    tcase_add_test(tcase, memory_that_changes_after_a_read_is_seen_by_the_next_one);
    tcase_add_test(tcase, memory_that_would_change_after_all_reads_differs);
    tcase_add_test(tcase, a_clock_reads_as_the_line_says);
    tcase_add_test(tcase, without_a_line_a_clock_reads_as_the_last_time);
    tcase_add_test(tcase, each_reading_of_a_clock_takes_a_line);
    tcase_add_test(tcase, a_reading_that_nobody_takes_differs);
    tcase_add_test(tcase, an_operation_fails_where_a_line_says_so);
    tcase_add_test(tcase, an_operation_that_there_is_not_cannot_fail);
    tcase_add_test(tcase, what_is_typed_can_be_read);
    tcase_add_test(tcase, what_came_from_a_devices_file_can_be_read);
}

static void add_test_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_test_has_a_machine_of_its_own);
    tcase_add_test(tcase, a_test_may_add_to_the_machine);
    tcase_add_test(tcase, a_test_may_say_what_its_machine_is);
    tcase_add_test(tcase, a_test_may_have_no_exit);
    tcase_add_test(tcase, a_name_is_the_rest_of_the_line);
    tcase_add_test(tcase, a_long_name_is_cut_off);
    tcase_add_test(tcase, a_test_that_differs_does_not_end_the_others);
    tcase_add_loop_test(tcase, a_word_that_only_begins_as_test_is_no_test_and_refused, 0,
                        COUNT(no_tests));
}

static void add_effect_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, effects_are_compared_by_what_they_mean, 0, COUNT(equal));
    tcase_add_loop_test(tcase, an_effect_that_is_another_or_missing_or_too_many_differs, 0,
                        COUNT(unequal));
    tcase_add_loop_test(tcase, bytes_with_zeros_before_them_are_other_bytes, 0, COUNT(wrong_bytes));
    tcase_add_test(tcase, a_difference_shows_both_sides);
    tcase_add_test(tcase, a_difference_shows_what_is_missing);
    tcase_add_test(tcase, of_a_long_difference_not_all_is_shown);
    tcase_add_test(tcase, a_recording_without_its_end_broke_off);
    tcase_add_test(tcase, a_recording_with_its_end_did_not);
    tcase_add_test(tcase, a_stream_written_by_hand_needs_no_end);
    tcase_add_loop_test(tcase, the_last_exit_of_what_broke_off_may_lack_its_end, 0,
                        COUNT(broken_off));
    tcase_add_test(tcase, the_last_exit_of_a_stream_written_by_hand_may_not);
    tcase_add_test(tcase, what_broke_off_may_not_differ_in_what_there_is);
    tcase_add_test(tcase, files_of_devices_are_not_opened);
    tcase_add_test(tcase, files_of_devices_are_not_made);
    tcase_add_test(tcase, files_of_the_guest_are_not_made);
    tcase_add_test(tcase, a_file_that_could_not_be_written_cannot_in_a_replay_either);
}

Suite *replay_suite(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");

    tcase_add_loop_test(tcase, a_stream_that_is_right_agrees, 0, COUNT(agreeing));
    tcase_add_loop_test(tcase, a_stream_that_is_wrong_is_refused_with_its_line, 0, COUNT(refused));
    tcase_add_test(tcase, more_than_the_consoles_room_cannot_be_typed);
    tcase_add_test(tcase, a_device_that_cannot_be_made_is_told_with_its_line);
    add_state_tests(tcase);
    add_test_tests(tcase);
    add_effect_tests(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}
