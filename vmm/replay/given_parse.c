#include "vmm/replay/given_parse.h"

#include "vmm/core/machine.h"
#include "vmm/io/console.h"

#include <errno.h>
#include <string.h>

#define ERRNO_MAX 4095

static int find_register(const char *name, size_t length)
{
    for (int reg = 0; reg < VCPU_REGISTERS; reg++)
        if (strlen(vcpu_register_names[reg]) == length &&
            memcmp(vcpu_register_names[reg], name, length) == 0)
            return reg;
    return -1;
}

/* NAME=VALUE… */
static int take_registers(struct given *given, struct cursor *line, unsigned id,
                          struct error *error)
{
    const char *word;
    size_t length;

    while ((length = cursor_word(line, &word)) > 0) {
        const char *equals = memchr(word, '=', length);
        const size_t name_length = equals ? (size_t)(equals - word) : length;
        struct cursor number = {line->lines, word + name_length + 1, word + length};
        const int reg = find_register(word, name_length);
        uint64_t value;
        int result;

        if (reg < 0 || !equals)
            return lines_refuse(line->lines, error, "'%.*s' is no register and its value",
                                (int)(length < 80 ? length : 80), word);
        result = cursor_number(&number, "a register's value", &value, error);
        if (result < 0)
            return result;
        if (reg == VCPU_CS_L && value > 1)
            return lines_refuse(line->lines, error, "cs.l is 0 or 1");
        if (reg == VCPU_CPL && value > 3)
            return lines_refuse(line->lines, error, "cpl is 0 to 3");
        given_set_register(given, id, (enum vcpu_register)reg, value);
    }
    return 0;
}

/* ADDRESS BYTES: parse the bytes into given->word. Returns their place in guest memory, or NULL. */
static void *take_bytes(struct given *given, struct cursor *line, gpa_t *address,
                        struct error *error)
{
    void *host;

    if (cursor_number(line, "an address", &address->value, error) < 0 ||
        cursor_bytes(line, "what the memory holds", &given->word, error) < 0)
        return NULL;
    host = memory_at(&given->machine->memory, *address, given->word.used);
    if (!host)
        lines_refuse(line->lines, error, "0x%llx and %zu bytes are not all in the guest's memory",
                     (unsigned long long)address->value, given->word.used);
    return host;
}

static int take_memory(struct given *given, struct cursor *line, unsigned id, struct error *error)
{
    gpa_t address;
    void *host = take_bytes(given, line, &address, error);

    (void)id;
    if (!host)
        return -EINVAL;
    if (given->word.used)
        memcpy(host, given->word.bytes, given->word.used);
    return 0;
}

static int out_of_memory(const struct cursor *line, struct error *error)
{
    return error_set(error, -ENOMEM, "%s: out of memory", line->lines->path);
}

/* READS ADDRESS BYTES */
static int take_change(struct given *given, struct cursor *line, unsigned id, struct error *error)
{
    uint64_t after;
    gpa_t address;
    int result = cursor_number(line, "a number of reads", &after, error);

    (void)id;
    if (result < 0)
        return result;
    if (!take_bytes(given, line, &address, error))
        return -EINVAL;
    result = given_add_change(given, after, address, &given->word);
    if (result == -EINVAL)
        return lines_refuse(line->lines, error, "changes of memory are not in their order");
    return result < 0 ? out_of_memory(line, error) : 0;
}

static int take_number(struct given *given, struct cursor *line, enum journal_number number,
                       struct error *error)
{
    uint64_t value;
    int result = cursor_number(line, "a number", &value, error);

    if (result == 0 && given_add_number(given, number, value) < 0)
        return out_of_memory(line, error);
    return result;
}

static int find_operation(struct cursor *line)
{
    for (int operation = 0; operation < JOURNAL_OPERATIONS; operation++)
        if (cursor_skip(line, exit_operation_names[operation]))
            return operation;
    return -1;
}

/* KIND OPERATION ERRNO */
static int take_result(struct given *given, struct cursor *line, unsigned id, struct error *error)
{
    const int kind = find_operation(line);
    uint64_t number, code;
    int result;

    (void)id;
    if (kind < 0)
        return lines_refuse(line->lines, error,
                            "results are of the console, a log, a file or the end");
    result = cursor_number(line, "which operation", &number, error);
    if (result == 0)
        result = cursor_number(line, "an error number", &code, error);
    if (result < 0)
        return result;
    if (code < 1 || code > ERRNO_MAX)
        return lines_refuse(line->lines, error, "an error number is from 1 to %d", ERRNO_MAX);
    result = given_add_result(given, (enum journal_operation)kind, number, code);
    if (result == -EINVAL)
        return lines_refuse(line->lines, error, "results are not in their order");
    return result < 0 ? out_of_memory(line, error) : 0;
}

/* CONSOLE TEXT */
static int take_typed(struct given *given, struct cursor *line, unsigned id, struct error *error)
{
    const char *name;
    const size_t length = cursor_word(line, &name);
    int result = cursor_text(line, "a text in quotes", &given->word, error);
    struct console *console;

    (void)id;
    if (result < 0)
        return result;
    console = given_console(given, name, length);
    if (!console)
        return lines_refuse(line->lines, error, "no device '%.*s' has a console",
                            (int)(length < 80 ? length : 80), name);
    console_supply(console, given->word.bytes, given->word.used);
    return 0;
}

static const struct {
    const char *word;
    int (*take)(struct given *given, struct cursor *line, unsigned id, struct error *error);
} kinds[] = {
    {"regs", take_registers}, {"memory", take_memory}, {"changed", take_change},
    {"result", take_result},  {"typed", take_typed},
};

int given_parse_input(struct given *given, struct cursor *line, unsigned id, struct error *error)
{
    int result = -ENOENT;

    for (size_t i = 0; result == -ENOENT && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (cursor_skip(line, kinds[i].word))
            result = kinds[i].take(given, line, id, error);
    for (int number = 0; result == -ENOENT && number < JOURNAL_NUMBERS; number++)
        if (cursor_skip(line, exit_number_names[number]))
            result = take_number(given, line, (enum journal_number)number, error);
    if (result == -ENOENT) {
        const char *word;
        const size_t length = cursor_word(line, &word);

        return lines_refuse(line->lines, error, "'%.*s' is no input",
                            (int)(length < 80 ? length : 80), word);
    }
    return result < 0 ? result : cursor_finish(line, error);
}
