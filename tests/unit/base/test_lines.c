/* Reading a file line by line, and the words of a line. */
#include "vmm/base/lines.h"

#include "tests/unit/text_file.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *lines_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct text_file file;
static struct lines lines;
static struct cursor line;
static struct error error;
static struct text text;

static void setup(void)
{
    file.fd = -1;
    lines = (struct lines){.path = "FILE", .fd = -1, .number = 7};
    error.text[0] = '\0';
    text = (struct text){0};
}

static void teardown(void)
{
    lines_close(&lines);
    text_free(&text);
    if (file.fd >= 0)
        text_file_close(&file);
}

static void open_bytes(const void *bytes, size_t length)
{
    text_file_make(&file, bytes, length);
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

/* The sentence, after the name of its file. */
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
    text_append_string(&text, "what it held before");
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
    text_append_string(&written, "\"");
    text_append_escaped(&written, bytes, sizeof(bytes));
    text_append_string(&written, "\"");
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

Suite *lines_suite(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_checked_fixture(tcase, setup, teardown);
    add_line_tests(tcase);
    add_word_tests(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}
