/* The command list of ENQUEUE: what is parsed, into what, and what is refused. */
#include "devices/ptlcall/command.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *ptlcall_command_suite(void);

#define SHOWN_MAX 8192

/* A parsed list as text: `name`, `name=value` or `name=value(number)`, each followed by a ';'. */
static void show(const struct ptlcall_command *commands, unsigned count, char *shown)
{
    size_t used = 0;

    shown[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        const struct ptlcall_command *command = &commands[i];

        used += (size_t)snprintf(shown + used, SHOWN_MAX - used, "%.*s", (int)command->name.length,
                                 command->name.text);
        if (command->value.text)
            used += (size_t)snprintf(shown + used, SHOWN_MAX - used, "=%.*s",
                                     (int)command->value.length, command->value.text);
        if (command->info->value == PTLCALL_VALUE_NUMBER)
            used +=
                (size_t)snprintf(shown + used, SHOWN_MAX - used, "(%" PRIu64 ")", command->number);
        used += (size_t)snprintf(shown + used, SHOWN_MAX - used, ";");
    }
}

/*
 * Parse a copy of exactly (length) bytes, so that a sanitizer sees a read after them. (shown) may
 * be NULL.
 */
static int parse(const char *text, size_t length, char *shown, const char **reason)
{
    struct ptlcall_command *commands = calloc(PTLCALL_LIST_MAX, sizeof(*commands));
    char *copy = malloc(length ? length : 1);
    unsigned count;
    int result;

    memcpy(copy, text, length);
    result = ptlcall_command_parse(copy, length, commands, &count, reason);
    if (shown)
        show(commands, result == 0 ? count : 0, shown);
    free(copy);
    free(commands);
    return result;
}

static const struct {
    const char *text, *shown;
} good[] = {
    {"", ""},
    {" \t\n ", ""},
    {"# only a comment", ""},
    {"-run", "-run;"},
    {"  -run\t-stop\n-kill  ", "-run;-stop;-kill;"},
    {"-run # -kill\n-stop", "-run;-stop;"},
    {"-run#-kill", "-run;"},
    {"-snapshot-now", "-snapshot-now;"},
    {"-snapshot-now roi -run", "-snapshot-now=roi;-run;"},
    {"-snapshot-now -run", "-snapshot-now;-run;"},
    {"-snapshot-now \"-run\"", "-snapshot-now=-run;"},
    {"-snapshot-now \"a b #c\" # d", "-snapshot-now=a b #c;"},
    {"-snapshot-now \"a\"#b", "-snapshot-now=a;"},
    {"-snapshot-now\nroi", "-snapshot-now=roi;"},
    {"-machine shared_l2 -run", "-machine=shared_l2;-run;"},
    {"-machine \"\"", "-machine=;"},
    {"-native -kill-after-run", "-native;-kill-after-run;"},
    {"-execute-after-kill \"rm -rf /\" -logfile /etc/x -stats", "-execute-after-kill=rm -rf /;"
                                                                "-logfile=/etc/x;-stats;"},
    {"-never-heard-of it -nor-of -this", "-never-heard-of=it;-nor-of;-this;"},
    {"-", "-;"},
    {"-RUN", "-RUN;"}, /* unknown: names have one spelling */
    {"-stopinsns 10", "-stopinsns=10(10);"},
    {"-stopcycle 0x1F", "-stopcycle=0x1F(31);"},
    {"-fast-fwd-insns 2k", "-fast-fwd-insns=2k(2000);"},
    {"-corefreq 3G", "-corefreq=3G(3000000000);"},
    {"-stopinsns 5M", "-stopinsns=5M(5000000);"},
    {"-stopinsns 1t", "-stopinsns=1t(1000000000000);"},
    {"-stopinsns 0x10k", "-stopinsns=0x10k(16000);"},
    {"-stopinsns \"7\"", "-stopinsns=7(7);"},
    {"-stopinsns 007", "-stopinsns=007(7);"},
    {"-stopinsns inf", "-stopinsns=inf(18446744073709551615);"},
    {"-stopinsns 18446744073709551615", "-stopinsns=18446744073709551615(18446744073709551615);"},
    {"-machine \xc3\xa4", "-machine=\xc3\xa4;"},
};

START_TEST(a_list_is_parsed_into_commands_with_values)
{
    char shown[SHOWN_MAX];
    const char *reason = NULL;

    ck_assert_int_eq(parse(good[_i].text, strlen(good[_i].text), shown, &reason), 0);
    ck_assert_str_eq(shown, good[_i].shown);
    ck_assert_ptr_null(reason);
}
END_TEST

static const struct {
    const char *text, *reason;
} bad[] = {
    {"run", "a word is neither an option nor a value"},
    {"-run 1", "a word is neither an option nor a value"},
    {"\"-run\"", "a word is neither an option nor a value"},
    {"-snapshot-now a b", "a word is neither an option nor a value"},
    {"-run \"open", "a quote is not closed on its line"},
    {"-machine \"a\nb\"", "a quote is not closed on its line"},
    {"\"", "a quote is not closed on its line"},
    {"-machine \"a\"b", "text follows a closing quote without a space"},
    {"-machine a\"b\"", "a quote begins inside a word"},
    {"-machine", "an option lacks its value"},
    {"-machine -run", "an option lacks its value"},
    {"-stopinsns", "an option lacks its value"},
    {"-stopinsns -5", "an option lacks its value"},
    {"-stopinsns five", "a value is not a number"},
    {"-stopinsns \"\"", "a value is not a number"},
    {"-stopinsns k", "a value is not a number"},
    {"-stopinsns 0x", "a value is not a number"},
    {"-stopinsns 0xk", "a value is not a number"},
    {"-stopinsns 1kk", "a value is not a number"},
    {"-stopinsns 1.5", "a value is not a number"},
    {"-stopinsns 1a", "a value is not a number"},
    {"-stopinsns infinite", "a value is not a number"},
    {"-stopinsns 18446744073709551616", "a value is not a number"},
    {"-stopinsns 18446744073709551615k", "a value is not a number"},
    {"-stopinsns 0x10000000000000000", "a value is not a number"},
    {"-snapshot-now ../roi", "a file name is not allowed"},
    {"-snapshot-now a/b", "a file name is not allowed"},
    {"-snapshot-now .roi", "a file name is not allowed"},
    {"-snapshot-now \"\"", "a file name is not allowed"},
    {"-snapshot-now \xc3\xa4", "a file name is not allowed"},
    {"-run\r", "a control character in a command list"},
    {"-run # \x1b[2J", "a control character in a command list"},
    {"-machine \"\x7f\"", "a control character in a command list"},
};

START_TEST(a_malformed_list_is_refused_with_its_reason)
{
    const char *reason = NULL;

    ck_assert_int_eq(parse(bad[_i].text, strlen(bad[_i].text), NULL, &reason), -EINVAL);
    ck_assert_str_eq(reason, bad[_i].reason);
}
END_TEST

START_TEST(a_zero_byte_is_refused_wherever_it_stands)
{
    static const char text[] = "-run";
    const char *reason;
    char list[sizeof(text)];

    for (size_t at = 0; at < sizeof(list); at++) {
        memset(list, ' ', sizeof(list));
        list[at] = '\0';
        ck_assert_int_eq(parse(list, sizeof(list), NULL, &reason), -EINVAL);
    }
    ck_assert_int_eq(parse(text, sizeof(text), NULL, &reason), -EINVAL);
}
END_TEST

START_TEST(as_many_commands_as_fit_are_taken_and_no_more)
{
    char text[(PTLCALL_LIST_MAX + 1) * 3];
    const char *reason;

    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(&text[i], "-x ", 3);
    ck_assert_int_eq(parse(text, sizeof(text) - 3, NULL, &reason), 0);
    ck_assert_int_eq(parse(text, sizeof(text), NULL, &reason), -E2BIG);
    ck_assert_str_eq(reason, "too many commands");
}
END_TEST

START_TEST(every_beginning_of_a_list_parses_or_is_refused)
{
    static const char text[] = "-run -snapshot-now \"a b\" #c\n-stopinsns 0x1k -x \"y\" -machine z";
    const char *reason;

    for (size_t length = 0; length < sizeof(text); length++) {
        int result = parse(text, length, NULL, &reason);

        ck_assert_msg(result == 0 || result == -EINVAL, "length %zu: %d", length, result);
    }
}
END_TEST

Suite *ptlcall_command_suite(void)
{
    Suite *suite = suite_create("ptlcall_command");
    TCase *list = tcase_create("list");

    tcase_add_loop_test(list, a_list_is_parsed_into_commands_with_values, 0,
                        sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(list, a_malformed_list_is_refused_with_its_reason, 0,
                        sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(list, a_zero_byte_is_refused_wherever_it_stands);
    tcase_add_test(list, as_many_commands_as_fit_are_taken_and_no_more);
    tcase_add_test(list, every_beginning_of_a_list_parses_or_is_refused);
    suite_add_tcase(suite, list);
    return suite;
}
