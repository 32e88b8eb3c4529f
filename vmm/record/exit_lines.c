#include "vmm/record/exit_lines.h"

#include "vmm/base/outcome.h"
#include "vmm/io/output.h"

#include <string.h>

#define TEXT_BYTES 1024 /* of a text in one line */

const char *const exit_number_names[JOURNAL_NUMBERS] = {
    [JOURNAL_CLOCK] = "clock",
    [JOURNAL_WALL] = "wall",
    [JOURNAL_TSC] = "tsc",
};

const char *const exit_operation_names[JOURNAL_OPERATIONS] = {
    [JOURNAL_CONSOLE] = "console",
    [JOURNAL_LOG] = "log",
    [JOURNAL_FILE] = "file",
    [JOURNAL_END] = "end",
};

void exit_lines_init(struct exit_lines *lines, const struct journal_ops *ops)
{
    memset(lines, 0, sizeof(*lines));
    lines->journal.ops = ops;
    pthread_mutex_init(&lines->lock, NULL);
}

void exit_lines_finish(struct exit_lines *lines)
{
    text_free(&lines->effects);
    pthread_mutex_destroy(&lines->lock);
}

/* The lock is held. */
static void start(struct exit_lines *lines)
{
    lines->journal.open = true;
    lines->shown = NULL;
    text_clear(&lines->effects);
}

void exit_lines_begin(struct exit_lines *lines)
{
    pthread_mutex_lock(&lines->lock);
    start(lines);
}

bool exit_lines_try_begin(struct exit_lines *lines)
{
    if (pthread_mutex_trylock(&lines->lock) != 0)
        return false;
    start(lines);
    return true;
}

void exit_lines_end(struct exit_lines *lines)
{
    lines->journal.open = false;
    pthread_mutex_unlock(&lines->lock);
}

/* The effects, where a line can be appended: it does not continue the last text. */
static struct text *new_line(struct journal *journal)
{
    struct exit_lines *lines = (struct exit_lines *)journal;

    lines->shown = NULL;
    return &lines->effects;
}

static void put_number(struct text *text, uint64_t number, bool hex)
{
    text_append(text, " ", 1);
    if (hex)
        text_append_hex(text, number);
    else
        text_append_decimal(text, number);
}

void exit_lines_record_effect(struct journal *journal, const char *word, const uint64_t *numbers,
                              unsigned count, bool hex)
{
    struct text *effects = new_line(journal);

    text_append(effects, "> ", 2);
    text_append_string(effects, word);
    for (unsigned i = 0; i < count; i++)
        put_number(effects, numbers[i], hex);
    text_append(effects, "\n", 1);
}

void exit_lines_print_memory(struct text *text, uint64_t address, const void *bytes, size_t length)
{
    put_number(text, address, true);
    text_append(text, " ", 1);
    text_append_bytes(text, bytes, length);
    text_append(text, " ", 1);
    text_append_ascii(text, bytes, length);
    text_append(text, "\n", 1);
}

void exit_lines_record_write(struct journal *journal, gpa_t address, const void *bytes,
                             uint64_t length)
{
    struct text *effects = new_line(journal);

    for (uint64_t done = 0, piece; done < length; done += piece) {
        piece = length - done < EXIT_LINE_MEMORY ? length - done : EXIT_LINE_MEMORY;
        text_append_string(effects, "> memory");
        exit_lines_print_memory(effects, address.value + done, (const uint8_t *)bytes + done,
                                piece);
    }
}

/* Open the last line again if it is an incomplete text of (output), or begin a line. */
static void continue_text(struct exit_lines *lines, const struct output *output)
{
    struct text *effects = &lines->effects;

    if (lines->shown == output && lines->shown_bytes > 0) {
        effects->used -= 2; /* the quote and the newline */
        return;
    }
    text_append(effects, "> ", 2);
    text_append_string(effects, exit_operation_names[output->operation]);
    if (output->name) {
        text_append(effects, " ", 1);
        text_append_string(effects, output->name);
    }
    text_append(effects, " \"", 2);
    lines->shown = output;
    lines->shown_bytes = 0;
}

void exit_lines_record_text(struct journal *journal, const struct output *output, const void *bytes,
                            size_t length)
{
    struct exit_lines *lines = (struct exit_lines *)journal;
    const char *next = bytes;

    while (length) {
        size_t piece;
        const char *newline;

        continue_text(lines, output);
        piece = TEXT_BYTES - lines->shown_bytes;
        if (piece > length)
            piece = length;
        newline = memchr(next, '\n', piece);
        if (newline)
            piece = (size_t)(newline - next) + 1;
        text_append_escaped(&lines->effects, next, piece);
        text_append(&lines->effects, "\"\n", 2);
        lines->shown_bytes += (unsigned)piece;
        if (newline || lines->shown_bytes == TEXT_BYTES)
            lines->shown_bytes = 0;
        next += piece;
        length -= piece;
    }
}

void exit_lines_record_file(struct journal *journal, const char *name, uint64_t size, uint64_t hash)
{
    struct text *effects = new_line(journal);

    text_append_string(effects, "> file \"");
    text_append_escaped(effects, name, strlen(name));
    text_append(effects, "\"", 1);
    put_number(effects, size, false);
    put_number(effects, hash, true);
    text_append(effects, "\n", 1);
}

void exit_lines_record_end(struct journal *journal, unsigned outcome, int status)
{
    struct text *effects = new_line(journal);

    text_append_string(effects, "> end ");
    text_append_string(effects, outcome_table[outcome].name);
    if (outcome == OUTCOME_GUEST)
        put_number(effects, (uint64_t)status, false);
    text_append(effects, "\n", 1);
}
