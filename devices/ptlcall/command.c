#include "devices/ptlcall/command.h"

#include "vmm/io/outfile.h"

#include <errno.h>
#include <string.h>

static const struct ptlcall_command_info command_table[] = {
    {"-run", PTLCALL_RUN, PTLCALL_VALUE_NONE, 0, "simulation on"},
    {"-stop", PTLCALL_STOP, PTLCALL_VALUE_NONE, 0, "simulation off"},
    {"-native", PTLCALL_STOP, PTLCALL_VALUE_NONE, 0, "simulation off"},
    {"-kill", PTLCALL_KILL, PTLCALL_VALUE_NONE, 0, "guest ends"},
    {"-kill-after-run", PTLCALL_KILL_AFTER_RUN, PTLCALL_VALUE_NONE, 0, "guest ends at next stop"},
    {"-snapshot-now", PTLCALL_SNAPSHOT, PTLCALL_VALUE_FILE, 0, "counters"},
    {"-stopinsns", PTLCALL_LIMIT, PTLCALL_VALUE_NUMBER, PTLCALL_LIMIT_INSNS, "kept"},
    {"-stopcycle", PTLCALL_LIMIT, PTLCALL_VALUE_NUMBER, PTLCALL_LIMIT_CYCLE, "kept"},
    {"-fast-fwd-insns", PTLCALL_LIMIT, PTLCALL_VALUE_NUMBER, PTLCALL_LIMIT_FAST_FORWARD, "kept"},
    {"-corefreq", PTLCALL_LIMIT, PTLCALL_VALUE_NUMBER, PTLCALL_LIMIT_FREQUENCY, "kept"},
    {"-machine", PTLCALL_NOTED, PTLCALL_VALUE_WORD, 0, "accepted"},
    {"-execute-after-kill", PTLCALL_NOTED, PTLCALL_VALUE_OPTIONAL, 0,
     "refused: guests run no host commands"},
    {"-logfile", PTLCALL_NOTED, PTLCALL_VALUE_OPTIONAL, 0, "refused: guests name no host files"},
    {"-stats", PTLCALL_NOTED, PTLCALL_VALUE_OPTIONAL, 0, "refused: guests name no host files"},
};

static const struct ptlcall_command_info unknown_command = {"", PTLCALL_NOTED,
                                                            PTLCALL_VALUE_OPTIONAL, 0,
                                                            "ignored: unknown option"};

#define COMMANDS (sizeof(command_table) / sizeof(command_table[0]))

struct word {
    struct ptlcall_span span; /* without the quotes; text NULL: the end of the list */
    bool quoted;
};

static int refuse(const char **reason, int code, const char *text)
{
    *reason = text;
    return code;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < ' ' && !is_space(byte)) || byte == 0x7f;
}

/* Remove spaces and comments from the front of (rest). */
static void skip_space(struct ptlcall_span *rest)
{
    bool comment = false;

    while (rest->length > 0) {
        if (*rest->text == '#')
            comment = true;
        else if (*rest->text == '\n')
            comment = false;
        else if (!comment && !is_space(*rest->text))
            break;
        rest->text++;
        rest->length--;
    }
}

static struct ptlcall_span take(struct ptlcall_span *rest, size_t length)
{
    struct ptlcall_span taken = {rest->text, length};

    rest->text += length;
    rest->length -= length;
    return taken;
}

static int next_quoted(struct ptlcall_span *rest, struct word *word, const char **reason)
{
    size_t length = 0;

    take(rest, 1);
    while (length < rest->length && rest->text[length] != '"' && rest->text[length] != '\n')
        length++;
    if (length == rest->length || rest->text[length] == '\n')
        return refuse(reason, -EINVAL, "a quote is not closed on its line");
    word->span = take(rest, length);
    word->quoted = true;
    take(rest, 1);
    if (rest->length > 0 && !is_space(*rest->text) && *rest->text != '#')
        return refuse(reason, -EINVAL, "text follows a closing quote without a space");
    return 0;
}

static int next_word(struct ptlcall_span *rest, struct word *word, const char **reason)
{
    size_t length = 0;

    *word = (struct word){0};
    skip_space(rest);
    if (rest->length == 0)
        return 0;
    if (*rest->text == '"')
        return next_quoted(rest, word, reason);
    while (length < rest->length && !is_space(rest->text[length]) && rest->text[length] != '#') {
        if (rest->text[length] == '"')
            return refuse(reason, -EINVAL, "a quote begins inside a word");
        length++;
    }
    word->span = take(rest, length);
    return 0;
}

static const struct ptlcall_command_info *find(const struct ptlcall_span *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strlen(command_table[i].name) == name->length &&
            memcmp(command_table[i].name, name->text, name->length) == 0)
            return &command_table[i];
    return &unknown_command;
}

static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F')
        return (unsigned)(digit - 'A') + 10;
    return 16;
}

/* k, m, g, t in either case are powers of 1000, as in MARSSx86; 1 for anything else. */
static uint64_t suffix_factor(char suffix)
{
    static const char suffixes[] = "kmgt";
    uint64_t factor = 1000;

    for (const char *at = suffixes; *at; at++, factor *= 1000)
        if ((suffix | 0x20) == *at)
            return factor;
    return 1;
}

static bool number_read(struct ptlcall_span text, uint64_t *number)
{
    unsigned base = 10;
    uint64_t factor, value = 0;

    if (text.length == 3 && memcmp(text.text, "inf", 3) == 0) {
        *number = PTLCALL_NUMBER_INF;
        return true;
    }
    factor = text.length > 0 ? suffix_factor(text.text[text.length - 1]) : 1;
    if (factor > 1)
        text.length--;
    if (text.length > 2 && text.text[0] == '0' && (text.text[1] | 0x20) == 'x') {
        base = 16;
        take(&text, 2);
    }
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = digit_value(text.text[i]);

        if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    return !__builtin_mul_overflow(value, factor, number);
}

static int check_value(struct ptlcall_command *command, const char **reason)
{
    const enum ptlcall_value wanted = command->info->value;
    const struct ptlcall_span *value = &command->value;

    if (!value->text) {
        if (wanted == PTLCALL_VALUE_WORD || wanted == PTLCALL_VALUE_NUMBER)
            return refuse(reason, -EINVAL, "an option lacks its value");
        return 0;
    }
    if (wanted == PTLCALL_VALUE_NUMBER && !number_read(*value, &command->number))
        return refuse(reason, -EINVAL, "a value is not a number");
    if (wanted == PTLCALL_VALUE_FILE && !outfile_name_allowed(value->text, value->length))
        return refuse(reason, -EINVAL, "a file name is not allowed");
    return 0;
}

/* Parse the value of (command), if it takes one: the next word, unless that is an option. */
static int parse_value(struct ptlcall_span *rest, struct ptlcall_command *command,
                       const char **reason)
{
    struct ptlcall_span after = *rest;
    struct word word;
    int result;

    if (command->info->value == PTLCALL_VALUE_NONE)
        return 0;
    result = next_word(&after, &word, reason);
    if (result < 0)
        return result;
    if (word.span.text && (word.quoted || *word.span.text != '-')) {
        command->value = word.span;
        *rest = after;
    }
    return check_value(command, reason);
}

int ptlcall_command_parse(const char *text, size_t length, struct ptlcall_command *commands,
                          unsigned *count, const char **reason)
{
    struct ptlcall_span rest = {text, length};
    struct word word;
    int result;

    *count = 0;
    for (size_t i = 0; i < length; i++)
        if (is_control(text[i]))
            return refuse(reason, -EINVAL, "a control character in a command list");
    while ((result = next_word(&rest, &word, reason)) == 0 && word.span.text) {
        struct ptlcall_command *command = &commands[*count];

        if (word.quoted || *word.span.text != '-')
            return refuse(reason, -EINVAL, "a word is neither an option nor a value");
        if (*count == PTLCALL_LIST_MAX)
            return refuse(reason, -E2BIG, "too many commands");
        *command = (struct ptlcall_command){.info = find(&word.span), .name = word.span};
        result = parse_value(&rest, command, reason);
        if (result < 0)
            return result;
        (*count)++;
    }
    return result;
}
