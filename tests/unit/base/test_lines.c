/* Reading an exit stream: lines, words, and the events that they are. */
#include "vmm/base/lines.h"

#include "tests/unit/stream_file.h"
#include "vmm/base/outcome.h"
#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_parse.h"
#include "vmm/record/exit_print.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *lines_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct stream_file file;
static struct lines lines;
static struct cursor line;
static struct error error;
static struct text text;
static struct exit_event event;
static struct vcpu vcpu;

static void setup(void)
{
    file.fd = -1;
    lines = (struct lines){.path = "FILE", .fd = -1, .number = 7};
    error.text[0] = '\0';
    text = (struct text){0};
    event = (struct exit_event){0};
    vcpu = (struct vcpu){.run = calloc(1, EXIT_RUN_SIZE), .run_size = EXIT_RUN_SIZE};
    ck_assert_ptr_nonnull(vcpu.run);
}

static void teardown(void)
{
    lines_close(&lines);
    exit_event_free(&event);
    text_free(&text);
    free(vcpu.run);
    if (file.fd >= 0)
        stream_file_close(&file);
}

static void open_bytes(const void *bytes, size_t length)
{
    stream_file_make(&file, bytes, length);
    ck_assert_msg(lines_open(&lines, file.path, &error) == 0, "%s", error.text);
}

static void open_text(const char *content)
{
    open_bytes(content, strlen(content));
}

/* The next line is (wanted), the (number)th of the file. */
static void check_line(const char *wanted, unsigned long number)
{
    ck_assert_int_eq(lines_next(&lines, &line, &error), 1);
    ck_assert_msg((size_t)(line.end - line.next) == strlen(wanted) &&
                      memcmp(line.next, wanted, strlen(wanted)) == 0,
                  "'%.*s' instead of '%s'", (int)(line.end - line.next), line.next, wanted);
    ck_assert_uint_eq(lines.number, number);
}

static void check_end(void)
{
    ck_assert_int_eq(lines_next(&lines, &line, &error), 0);
    ck_assert_int_eq(lines_next(&lines, &line, &error), 0);
}

/* The sentence, behind the name of its file. */
static void check_sentence(const char *wanted)
{
    const char *colon = strstr(error.text, ":");

    ck_assert_msg(colon && strcmp(colon + 1, wanted) == 0, "'%s' instead of '%s'", error.text,
                  wanted);
}

START_TEST(lines_come_one_by_one_with_their_numbers)
{
    open_text("exits 1\nhlt\n> end guest 0\n");
    check_line("exits 1", 1);
    check_line("hlt", 2);
    check_line("> end guest 0", 3);
    check_end();
}
END_TEST

START_TEST(an_empty_file_has_no_line)
{
    open_text("");
    check_end();
}
END_TEST

START_TEST(empty_lines_and_comments_do_not_count_as_lines_but_in_the_numbers)
{
    open_text("\n# what this is\n   \t \nhlt\n\n  # and more\nintr\n");
    check_line("hlt", 4);
    check_line("intr", 7);
    check_end();
}
END_TEST

static const struct {
    const char *given, *wanted;
} comments[] = {
    {"hlt # halts", "hlt"},
    {"hlt# halts", "hlt"},
    {"  hlt  ", "hlt"},
    {"\thlt\t", "hlt"},
    {"hlt\r", "hlt"},
    {"hlt # halts\r", "hlt"},
    {"typed \"#\"", "typed \"#\""},
    {"typed \"#\" # \"", "typed \"#\""},
    {"typed \"\\\"#\" # x", "typed \"\\\"#\""},
    {"typed \"\\\\\" # x", "typed \"\\\\\""},
    {"typed \"\\\\\"# x", "typed \"\\\\\""},
    {"a \"b\" # \"c\"", "a \"b\""},
    {"a \"b\" \"#\" c # d", "a \"b\" \"#\" c"},
    {"a \\\" # is no quote outside of quotes", "a \\\" # is no quote outside of quotes"},
    {"typed \"# without an end", "typed \"# without an end"},
    {"typed \"\\", "typed \"\\"},
};

START_TEST(a_comment_begins_at_a_hash_outside_of_quotes)
{
    char content[128];

    snprintf(content, sizeof(content), "%s\n", comments[_i].given);
    open_text(content);
    check_line(comments[_i].wanted, 1);
    check_end();
}
END_TEST

START_TEST(lines_may_end_with_cr_and_lf)
{
    open_text("exits 1\r\n\r\nhlt\r\n");
    check_line("exits 1", 1);
    check_line("hlt", 3);
    check_end();
}
END_TEST

START_TEST(the_last_line_needs_no_newline)
{
    open_text("exits 1\nhlt");
    check_line("exits 1", 1);
    check_line("hlt", 2);
    check_end();
}
END_TEST

START_TEST(of_a_recording_a_last_line_without_newline_is_none)
{
    open_text("exits 1\nhlt");
    lines.whole = true;
    check_line("exits 1", 1);
    check_end();
}
END_TEST

START_TEST(of_a_recording_a_last_line_with_newline_is_one)
{
    open_text("exits 1\nhlt\n");
    lines.whole = true;
    check_line("exits 1", 1);
    check_line("hlt", 2);
    check_end();
}
END_TEST

START_TEST(a_line_can_be_held_and_comes_again_once)
{
    open_text("exits 1\nhlt\n");
    check_line("exits 1", 1);
    lines_hold(&lines);
    check_line("exits 1", 1);
    check_line("hlt", 2);
    lines_hold(&lines);
    check_line("hlt", 2);
    check_end();
}
END_TEST

START_TEST(a_line_may_hold_any_byte)
{
    static const char content[] = "a\0b \xff\x01\n";

    open_bytes(content, sizeof(content) - 1);
    ck_assert_int_eq(lines_next(&lines, &line, &error), 1);
    ck_assert_int_eq(line.end - line.next, 6);
    ck_assert_mem_eq(line.next, content, 6);
}
END_TEST

/* A line of (length) bytes as the second of three, the last of which may lack its newline. */
static void open_long_line(size_t length, bool last)
{
    char *content = malloc(length + 16);
    size_t used = 0;

    ck_assert_ptr_nonnull(content);
    memcpy(content, "hlt\n", 4);
    used = 4;
    memset(content + used, 'x', length);
    used += length;
    if (!last) {
        memcpy(content + used, "\nintr\n", 6);
        used += 6;
    }
    open_bytes(content, used);
    free(content);
    check_line("hlt", 1);
}

START_TEST(a_line_may_have_65535_bytes)
{
    open_long_line(LINES_LENGTH_MAX, false);
    ck_assert_int_eq(lines_next(&lines, &line, &error), 1);
    ck_assert_int_eq(line.end - line.next, LINES_LENGTH_MAX);
    check_line("intr", 3);
    check_end();
}
END_TEST

START_TEST(the_last_line_may_have_65535_bytes_without_a_newline)
{
    open_long_line(LINES_LENGTH_MAX, true);
    ck_assert_int_eq(lines_next(&lines, &line, &error), 1);
    ck_assert_int_eq(line.end - line.next, LINES_LENGTH_MAX);
    check_end();
}
END_TEST

START_TEST(a_longer_line_is_refused)
{
    open_long_line(LINES_LENGTH_MAX + 1 + (_i & 2 ? 1000000 : 0), _i & 1);
    ck_assert_int_eq(lines_next(&lines, &line, &error), -EINVAL);
    check_sentence("2: the line is longer than 65535 bytes");
}
END_TEST

/* More than is read at a time, in lines of many lengths. */
START_TEST(lines_are_whole_wherever_a_read_ends)
{
    static char content[700000];
    size_t used = 0;
    unsigned long count = 0;

    while (used < sizeof(content) - 1000) {
        const size_t length = 1 + count * 7 % 600;

        memset(content + used, 'a' + (int)(count % 26), length);
        used += length;
        content[used++] = '\n';
        count++;
    }
    open_bytes(content, used);
    for (unsigned long i = 0; i < count; i++) {
        const size_t length = 1 + i * 7 % 600;

        ck_assert_int_eq(lines_next(&lines, &line, &error), 1);
        ck_assert_uint_eq((size_t)(line.end - line.next), length);
        ck_assert_int_eq(line.next[0], 'a' + (int)(i % 26));
        ck_assert_int_eq(line.end[-1], 'a' + (int)(i % 26));
        ck_assert_uint_eq(lines.number, i + 1);
    }
    check_end();
}
END_TEST

START_TEST(a_file_that_is_absent_is_told_with_its_name)
{
    ck_assert_int_eq(lines_open(&lines, "/nonexistent/run.exits", &error), -ENOENT);
    ck_assert_str_eq(error.text, "/nonexistent/run.exits: No such file or directory; "
                                 "name an exit stream that can be read");
}
END_TEST

START_TEST(a_folder_is_told_with_its_name)
{
    ck_assert_int_eq(lines_open(&lines, "/", &error), 0);
    ck_assert_int_eq(lines_next(&lines, &line, &error), -EISDIR);
    ck_assert_str_eq(error.text, "/: Is a directory; name an exit stream that can be read");
}
END_TEST

/* The line (given), which outlives the test, in place of one of a file. */
static void take_line(const char *given)
{
    line = (struct cursor){&lines, given, given + strlen(given)};
}

START_TEST(a_word_is_skipped_only_as_a_whole)
{
    take_line("  out outs");
    ck_assert(!cursor_skip(&line, "ou"));
    ck_assert(!cursor_skip(&line, "outs"));
    ck_assert(cursor_skip(&line, "out"));
    ck_assert(!cursor_skip(&line, "out"));
    ck_assert(cursor_skip(&line, "outs"));
    ck_assert(cursor_at_end(&line));
    ck_assert(!cursor_skip(&line, "outs"));
}
END_TEST

START_TEST(words_are_separated_by_spaces)
{
    static const char *const wanted[] = {"a", "bc", "d=e,f", "\"g"};
    const char *word;

    take_line("a  bc\td=e,f \"g h\"");
    for (size_t i = 0; i < COUNT(wanted); i++) {
        ck_assert_uint_eq(cursor_word(&line, &word), strlen(wanted[i]));
        ck_assert_mem_eq(word, wanted[i], strlen(wanted[i]));
    }
    ck_assert_uint_eq(cursor_word(&line, &word), 2);
    ck_assert_uint_eq(cursor_word(&line, &word), 0);
}
END_TEST

START_TEST(the_length_of_the_next_word_passes_nothing)
{
    take_line(" serial.1 \"x\"");
    ck_assert_uint_eq(cursor_plain(&line), 8);
    ck_assert_uint_eq(cursor_plain(&line), 8);
    ck_assert(cursor_skip(&line, "serial.1"));
}
END_TEST

START_TEST(a_text_in_quotes_is_no_plain_word)
{
    take_line(" \"x y\"");
    ck_assert_uint_eq(cursor_plain(&line), 0);
    ck_assert(!cursor_at_end(&line));
    take_line("");
    ck_assert_uint_eq(cursor_plain(&line), 0);
    ck_assert(cursor_at_end(&line));
}
END_TEST

START_TEST(what_is_left_of_a_line_is_told)
{
    take_line("hlt 5");
    ck_assert(cursor_skip(&line, "hlt"));
    ck_assert_int_eq(cursor_finish(&line, &error), -EINVAL);
    check_sentence("7: '5' stands where the end of the line should be");
}
END_TEST

START_TEST(spaces_at_the_end_of_a_line_are_nothing)
{
    take_line("hlt  \t");
    ck_assert(cursor_skip(&line, "hlt"));
    ck_assert_int_eq(cursor_finish(&line, &error), 0);
}
END_TEST

static const struct {
    const char *given;
    uint64_t value;
} numbers[] = {
    {"0", 0},
    {"5", 5},
    {" 5 ", 5},
    {"0x5", 5},
    {"0X5", 5},
    {"0xaF", 0xaf},
    {"010", 10},
    {"00000000000000000000000005", 5},
    {"0x00000000000000000000000005", 5},
    {"18446744073709551615", UINT64_MAX},
    {"0xffffffffffffffff", UINT64_MAX},
};

START_TEST(a_number_is_decimal_or_hexadecimal)
{
    uint64_t value = 77;

    take_line(numbers[_i].given);
    ck_assert_msg(cursor_number(&line, "a number", &value, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(value, numbers[_i].value);
    ck_assert_int_eq(cursor_finish(&line, &error), 0);
}
END_TEST

static const char *const no_numbers[] = {
    "x",
    "0x",
    "0xg",
    "5x",
    "-5",
    "+5",
    "5,",
    "1e3",
    "a",
    "\"5\"",
    "0x ",
    "0x5x",
    "5\"\"",
    "5-",
    "18446744073709551616",
    "0b1",
    "0xx5",
    "0x-5",
    ";",
    "0x10000000000000000",
    ".5",
    "99999999999999999999999999999999999999999999",
};

START_TEST(what_is_no_number_is_told_with_what_should_be_there)
{
    const char *given = no_numbers[_i];
    char wanted[128];
    uint64_t value;

    take_line(given);
    ck_assert_int_eq(cursor_number(&line, "a port", &value, &error), -EINVAL);
    snprintf(wanted, sizeof(wanted), "7: '%.*s' stands where a port should be",
             (int)strcspn(given, " "), given);
    check_sentence(wanted);
}
END_TEST

START_TEST(a_number_that_is_missing_is_told_with_what_should_be_there)
{
    uint64_t value;

    take_line("  ");
    ck_assert_int_eq(cursor_number(&line, "a port", &value, &error), -EINVAL);
    check_sentence("7: the line ends where a port should be");
}
END_TEST

START_TEST(a_long_word_is_cut_off_in_a_sentence)
{
    char given[2000] = "", wanted[200];
    uint64_t value;

    memset(given, 'y', sizeof(given) - 1);
    take_line(given);
    ck_assert_int_eq(cursor_number(&line, "a port", &value, &error), -EINVAL);
    snprintf(wanted, sizeof(wanted), "7: '%.80s' stands where a port should be", given);
    check_sentence(wanted);
}
END_TEST

static const struct {
    const char *given;
    int64_t value;
} signed_numbers[] = {
    {"0", 0},
    {"-0", 0},
    {"5", 5},
    {"-5", -5},
    {"9223372036854775807", INT64_MAX},
    {"-9223372036854775807", -INT64_MAX},
};

START_TEST(a_time_may_be_negative)
{
    int64_t value = 77;

    take_line(signed_numbers[_i].given);
    ck_assert_msg(cursor_signed(&line, "nanoseconds", &value, &error) == 0, "%s", error.text);
    ck_assert_int_eq(value, signed_numbers[_i].value);
}
END_TEST

static const char *const no_signed_numbers[] = {
    "", "-", "--5", "- 5", "+5", "-x", "5-", "9223372036854775808", "x-5", "-9999999999999999999"};

START_TEST(what_is_no_time_is_refused)
{
    int64_t value;

    take_line(no_signed_numbers[_i]);
    ck_assert_int_eq(cursor_signed(&line, "nanoseconds", &value, &error), -EINVAL);
}
END_TEST

static const struct {
    const char *given, *wanted;
    size_t length;
} texts[] = {
    {"\"\"", "", 0},
    {"\"a\"", "a", 1},
    {" \"a b\" ", "a b", 3},
    {"\"#\"", "#", 1},
    {"\"\\n\\t\\\\\\\"\"", "\n\t\\\"", 4},
    {"\"\\x00\\x41\\xfF\"", "\0A\xff", 3},
    {"\"\\x414\"", "A4", 2},
    {"\"say \\\"hi\\\"\\n\"", "say \"hi\"\n", 9},
    {"\"\t\x01\xc3\xa9\"", "\t\x01\xc3\xa9", 4},
};

START_TEST(a_text_stands_in_quotes)
{
    text_put_string(&text, "what it held before");
    take_line(texts[_i].given);
    ck_assert_msg(cursor_text(&line, "a text", &text, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(text.used, texts[_i].length);
    ck_assert(text.used == 0 || memcmp(text.bytes, texts[_i].wanted, text.used) == 0);
    ck_assert_int_eq(cursor_finish(&line, &error), 0);
}
END_TEST

static const struct {
    const char *given, *sentence;
} bad_texts[] = {
    {"", "7: the line ends where a text should be"},
    {"a", "7: 'a' stands where a text should be"},
    {"5", "7: '5' stands where a text should be"},
    {"\"", "7: a text has no closing quote"},
    {"\"a", "7: a text has no closing quote"},
    {"\"a\\\"", "7: a text has no closing quote"},
    {"\"a\\n", "7: a text has no closing quote"},
    {"\"\\", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
    {"\"\\a\"", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
    {"\"\\x\"", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
    {"\"\\x4\"", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
    {"\"\\x4g\"", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
    {"\"\\X41\"", "7: a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN"},
};

START_TEST(a_text_that_is_wrong_is_told)
{
    take_line(bad_texts[_i].given);
    ck_assert_int_eq(cursor_text(&line, "a text", &text, &error), -EINVAL);
    check_sentence(bad_texts[_i].sentence);
}
END_TEST

START_TEST(every_byte_comes_back_from_its_escape)
{
    uint8_t bytes[256];
    struct text written = {0};

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    text_put_string(&written, "\"");
    text_put_escaped(&written, bytes, sizeof(bytes));
    text_put_string(&written, "\"");
    line = (struct cursor){&lines, written.bytes, written.bytes + written.used};
    ck_assert_msg(cursor_text(&line, "a text", &text, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(text.used, sizeof(bytes));
    ck_assert_mem_eq(text.bytes, bytes, sizeof(bytes));
    text_free(&written);
}
END_TEST

static const struct {
    const char *given, *wanted;
    size_t length;
} all_bytes[] = {
    {"00", "\0", 1},          {"4869", "Hi", 2},   {"4aF0", "\x4a\xf0", 2}, {"4869 |Hi|", "Hi", 2},
    {"4869 |# \"|", "Hi", 2}, {"4869 |", "Hi", 2}, {"\"Hi\"", "Hi", 2},     {"\"\"", "", 0},
};

START_TEST(bytes_are_digits_or_a_text)
{
    take_line(all_bytes[_i].given);
    ck_assert_msg(cursor_bytes(&line, "bytes", &text, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(text.used, all_bytes[_i].length);
    ck_assert(text.used == 0 || memcmp(text.bytes, all_bytes[_i].wanted, text.used) == 0);
    ck_assert_int_eq(cursor_finish(&line, &error), 0);
}
END_TEST

static const struct {
    const char *given, *sentence;
} bad_bytes[] = {
    {"", "7: the line ends where bytes should be"},
    {"4", "7: '4' stands where bytes should be"},
    {"486", "7: '486' stands where bytes should be"},
    {"0x48", "7: '0x48' stands where bytes should be"},
    {"48g9", "7: '48g9' stands where bytes should be"},
    {"48|H|", "7: '48|H|' stands where bytes should be"},
    {"|H|", "7: '|H|' stands where bytes should be"},
};

START_TEST(bytes_that_are_wrong_are_told)
{
    take_line(bad_bytes[_i].given);
    ck_assert_int_eq(cursor_bytes(&line, "bytes", &text, &error), -EINVAL);
    check_sentence(bad_bytes[_i].sentence);
}
END_TEST

/* Parse (given), put the exit into the run page, say that it was handled, and write its line. */
static void round_trip(const char *given)
{
    take_line(given);
    ck_assert_msg(exit_parse_event(&line, &event, &error) == 0, "%s: %s", given, error.text);
    ck_assert_int_eq(event.kind, EVENT_EXIT);
    vcpu.id = event.vcpu;
    vcpu.io_done = event.count;
    exit_event_put_run(&event, &vcpu);
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
    {"@ hlt", "7: the number of the vCPU stands right behind @"},
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

/* Numbers of KVM's that have 32 bits: what does not fit is no other event. */
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

static void add_line_tests(TCase *tcase)
{
    tcase_add_test(tcase, lines_come_one_by_one_with_their_numbers);
    tcase_add_test(tcase, an_empty_file_has_no_line);
    tcase_add_test(tcase, empty_lines_and_comments_do_not_count_as_lines_but_in_the_numbers);
    tcase_add_loop_test(tcase, a_comment_begins_at_a_hash_outside_of_quotes, 0, COUNT(comments));
    tcase_add_test(tcase, lines_may_end_with_cr_and_lf);
    tcase_add_test(tcase, the_last_line_needs_no_newline);
    tcase_add_test(tcase, of_a_recording_a_last_line_without_newline_is_none);
    tcase_add_test(tcase, of_a_recording_a_last_line_with_newline_is_one);
    tcase_add_test(tcase, a_line_can_be_held_and_comes_again_once);
    tcase_add_test(tcase, a_line_may_hold_any_byte);
    tcase_add_test(tcase, a_line_may_have_65535_bytes);
    tcase_add_test(tcase, the_last_line_may_have_65535_bytes_without_a_newline);
    tcase_add_loop_test(tcase, a_longer_line_is_refused, 0, 4);
    tcase_add_test(tcase, lines_are_whole_wherever_a_read_ends);
    tcase_add_test(tcase, a_file_that_is_absent_is_told_with_its_name);
    tcase_add_test(tcase, a_folder_is_told_with_its_name);
}

static void add_word_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_word_is_skipped_only_as_a_whole);
    tcase_add_test(tcase, words_are_separated_by_spaces);
    tcase_add_test(tcase, the_length_of_the_next_word_passes_nothing);
    tcase_add_test(tcase, a_text_in_quotes_is_no_plain_word);
    tcase_add_test(tcase, what_is_left_of_a_line_is_told);
    tcase_add_test(tcase, spaces_at_the_end_of_a_line_are_nothing);
    tcase_add_loop_test(tcase, a_number_is_decimal_or_hexadecimal, 0, COUNT(numbers));
    tcase_add_loop_test(tcase, what_is_no_number_is_told_with_what_should_be_there, 0,
                        COUNT(no_numbers));
    tcase_add_test(tcase, a_number_that_is_missing_is_told_with_what_should_be_there);
    tcase_add_test(tcase, a_long_word_is_cut_off_in_a_sentence);
    tcase_add_loop_test(tcase, a_time_may_be_negative, 0, COUNT(signed_numbers));
    tcase_add_loop_test(tcase, what_is_no_time_is_refused, 0, COUNT(no_signed_numbers));
    tcase_add_loop_test(tcase, a_text_stands_in_quotes, 0, COUNT(texts));
    tcase_add_loop_test(tcase, a_text_that_is_wrong_is_told, 0, COUNT(bad_texts));
    tcase_add_test(tcase, every_byte_comes_back_from_its_escape);
    tcase_add_loop_test(tcase, bytes_are_digits_or_a_text, 0, COUNT(all_bytes));
    tcase_add_loop_test(tcase, bytes_that_are_wrong_are_told, 0, COUNT(bad_bytes));
}

static void add_event_tests(TCase *tcase)
{
    tcase_add_test(tcase, what_is_written_as_a_recording_writes_it_comes_back_the_same);
    tcase_add_test(tcase, other_ways_of_writing_an_exit_mean_the_same);
    tcase_add_test(tcase, a_string_may_have_4096_bytes);
    tcase_add_test(tcase, an_event_that_is_wrong_is_told);
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
}

Suite *lines_suite(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_checked_fixture(tcase, setup, teardown);
    add_line_tests(tcase);
    add_word_tests(tcase);
    add_event_tests(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}
