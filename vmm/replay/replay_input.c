/* Replaying an exit stream: the inputs of an exit, put where the devices will find them. */
#include "vmm/replay/replay_parts.h"

#include "vmm/core/vcpu.h"
#include "vmm/io/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ERRNO_MAX 4095

void replay_clear_inputs(struct replay *replay)
{
    struct tape_given *given = &replay->tape.given;

    for (unsigned i = 0; i < TAPE_NUMBERS; i++)
        given->numbers[i].count = given->numbers[i].next = 0;
    for (unsigned i = 0; i < TAPE_OPERATIONS; i++)
        given->failed[i].count = given->failed[i].next = given->errors[i].count = 0;
    given->change_count = given->change_next = 0;
    text_clear(&given->bytes);
}

static int find_register(const char *name, size_t length)
{
    for (int reg = 0; reg < VCPU_REGISTERS; reg++)
        if (strlen(vcpu_register_names[reg]) == length &&
            memcmp(vcpu_register_names[reg], name, length) == 0)
            return reg;
    return -1;
}

/* NAME=VALUE… */
static int take_registers(struct replay *replay, struct cursor *line, unsigned id,
                          struct error *error)
{
    struct vcpu *vcpu = &replay->machine.vcpus[id];
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
        vcpu_put_register(vcpu, (enum vcpu_register)reg, value);
        if (reg == VCPU_RAX)
            replay->rax[id] = value;
    }
    return 0;
}

/* ADDRESS BYTES, into replay->word: where in the machine's memory they go, or NULL. */
static void *take_bytes(struct replay *replay, struct cursor *line, gpa_t *address,
                        struct error *error)
{
    void *host;

    if (cursor_number(line, "an address", &address->value, error) < 0 ||
        cursor_bytes(line, "what the memory holds", &replay->word, error) < 0)
        return NULL;
    host = memory_at(&replay->machine.memory, *address, replay->word.used);
    if (!host)
        lines_refuse(line->lines, error, "0x%llx and %zu bytes are not all in the guest's memory",
                     (unsigned long long)address->value, replay->word.used);
    return host;
}

static int take_memory(struct replay *replay, struct cursor *line, unsigned id, struct error *error)
{
    gpa_t address;
    void *host = take_bytes(replay, line, &address, error);

    (void)id;
    if (!host)
        return -EINVAL;
    if (replay->word.used)
        memcpy(host, replay->word.bytes, replay->word.used);
    return 0;
}

static int out_of_memory(const struct cursor *line, struct error *error)
{
    return error_set(error, -ENOMEM, "%s: out of memory", line->lines->path);
}

/* Room for twice as many changes. */
static int grow_changes(struct tape_given *given)
{
    size_t room = given->change_room ? 2 * given->change_room : 16;
    struct tape_change *changes = reallocarray(given->changes, room, sizeof(*changes));

    if (!changes)
        return -ENOMEM;
    given->changes = changes;
    given->change_room = room;
    return 0;
}

/* READS ADDRESS BYTES */
static int take_change(struct replay *replay, struct cursor *line, unsigned id, struct error *error)
{
    struct tape_given *given = &replay->tape.given;
    uint64_t after;
    gpa_t address;
    int result = cursor_number(line, "a number of reads", &after, error);

    (void)id;
    if (result < 0)
        return result;
    if (!take_bytes(replay, line, &address, error))
        return -EINVAL;
    if (after > UINT32_MAX ||
        (given->change_count > 0 && after < given->changes[given->change_count - 1].after))
        return lines_refuse(line->lines, error, "changes of memory are not in their order");
    if (given->change_count == given->change_room && grow_changes(given) < 0)
        return out_of_memory(line, error);
    given->changes[given->change_count++] = (struct tape_change){
        .after = (unsigned)after,
        .address = address,
        .offset = given->bytes.used,
        .length = replay->word.used,
    };
    text_put(&given->bytes, replay->word.bytes, replay->word.used);
    return given->bytes.failed ? out_of_memory(line, error) : 0;
}

static int take_number(struct replay *replay, struct cursor *line, enum tape_number number,
                       struct error *error)
{
    uint64_t value;
    int result = cursor_number(line, "a number", &value, error);

    if (result == 0 && tape_list_add(&replay->tape.given.numbers[number], value) < 0)
        return out_of_memory(line, error);
    return result;
}

static int find_operation(struct cursor *line)
{
    for (int operation = 0; operation < TAPE_OPERATIONS; operation++)
        if (cursor_skip(line, tape_operation_names[operation]))
            return operation;
    return -1;
}

/* KIND OPERATION ERRNO */
static int take_result(struct replay *replay, struct cursor *line, unsigned id, struct error *error)
{
    struct tape_given *given = &replay->tape.given;
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
    if (given->failed[kind].count > 0 &&
        given->failed[kind].values[given->failed[kind].count - 1] >= number)
        return lines_refuse(line->lines, error, "results are not in their order");
    if (tape_list_add(&given->failed[kind], number) < 0 ||
        tape_list_add(&given->errors[kind], code) < 0)
        return out_of_memory(line, error);
    return 0;
}

/* CONSOLE TEXT */
static int take_typed(struct replay *replay, struct cursor *line, unsigned id, struct error *error)
{
    const char *name;
    const size_t length = cursor_word(line, &name);
    int result = cursor_text(line, "a text in quotes", &replay->word, error);
    struct console *console = replay->tape.consoles;

    (void)id;
    if (result < 0)
        return result;
    while (console && (!console->name || strlen(console->name) != length ||
                       memcmp(console->name, name, length) != 0))
        console = console->next;
    if (!console)
        return lines_refuse(line->lines, error, "no device '%.*s' has a console",
                            (int)(length < 80 ? length : 80), name);
    console_give(console, replay->word.bytes, replay->word.used);
    return 0;
}

static const struct {
    const char *word;
    int (*take)(struct replay *replay, struct cursor *line, unsigned id, struct error *error);
} kinds[] = {
    {"regs", take_registers}, {"memory", take_memory}, {"changed", take_change},
    {"result", take_result},  {"typed", take_typed},
};

int replay_take_input(struct replay *replay, struct cursor *line, unsigned id, struct error *error)
{
    int result = -ENOENT;

    for (size_t i = 0; result == -ENOENT && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (cursor_skip(line, kinds[i].word))
            result = kinds[i].take(replay, line, id, error);
    for (int number = 0; result == -ENOENT && number < TAPE_NUMBERS; number++)
        if (cursor_skip(line, tape_number_names[number]))
            result = take_number(replay, line, (enum tape_number)number, error);
    if (result == -ENOENT) {
        const char *word;
        const size_t length = cursor_word(line, &word);

        return lines_refuse(line->lines, error, "'%.*s' is no input",
                            (int)(length < 80 ? length : 80), word);
    }
    return result < 0 ? result : cursor_finish(line, error);
}
