/* The tape: opening, closing, and effects. Inputs are in tape_inputs.c. */
#include "vmm/record/exit_lines.h"

#include "vmm/base/outcome.h"
#include "vmm/io/console.h"
#include "vmm/io/output.h"
#include "vmm/record/recorder_lines.h"

#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 1024 /* of a text that is shown */
#define HEX_BYTES  32   /* of memory */

void tape_init(struct tape *tape)
{
    memset(tape, 0, sizeof(*tape));
    pthread_mutex_init(&tape->lock, NULL);
}

void tape_destroy(struct tape *tape)
{
    text_free(&tape->head);
    text_free(&tape->inputs);
    text_free(&tape->effects);
    text_free(&tape->given.bytes);
    free(tape->given.changes);
    for (unsigned i = 0; i < TAPE_NUMBERS; i++)
        free(tape->given.numbers[i].values);
    for (unsigned i = 0; i < TAPE_OPERATIONS; i++) {
        free(tape->given.failed[i].values);
        free(tape->given.errors[i].values);
    }
    pthread_mutex_destroy(&tape->lock);
}

/* The lock is held. */
static void begin(struct tape *tape, struct vcpu *vcpu)
{
    tape->open = true;
    tape->vcpu = vcpu;
    tape->reads = 0;
    memset(tape->operations, 0, sizeof(tape->operations));
    tape->shown = NULL;
    text_clear(&tape->head);
    text_clear(&tape->inputs);
    text_clear(&tape->effects);
    if (tape->recording) {
        tape->recording->head_written = false;
        tape->recording->touch_count = 0;
    }
}

void tape_open(struct tape *tape, struct vcpu *vcpu, uint64_t exited)
{
    pthread_mutex_lock(&tape->lock);
    begin(tape, vcpu);
    tape->exited = exited;
}

bool tape_try_open(struct tape *tape)
{
    if (pthread_mutex_trylock(&tape->lock) != 0)
        return false;
    begin(tape, NULL);
    return true;
}

void tape_close(struct tape *tape)
{
    if (tape->recording)
        tape_emit(tape);
    tape->open = false;
    pthread_mutex_unlock(&tape->lock);
}

static void put_number(struct text *text, uint64_t number, bool hex)
{
    text_put(text, " ", 1);
    if (hex)
        text_put_hex(text, number);
    else
        text_put_decimal(text, number);
}

void tape_tell(struct tape *tape, const char *word, const uint64_t *numbers, unsigned count,
               bool hex)
{
    if (!tape_is_open(tape))
        return;
    tape->shown = NULL;
    text_put(&tape->effects, "> ", 2);
    text_put_string(&tape->effects, word);
    for (unsigned i = 0; i < count; i++)
        put_number(&tape->effects, numbers[i], hex);
    text_put(&tape->effects, "\n", 1);
}

void tape_written(struct tape *tape, gpa_t address, const void *bytes, uint64_t length)
{
    struct text *text;

    if (!tape_is_open(tape))
        return;
    text = &tape->effects;
    tape->shown = NULL;
    tape_touch(tape, address, bytes, length);
    for (uint64_t done = 0, piece; done < length; done += piece) {
        const uint8_t *from = (const uint8_t *)bytes + done;

        piece = length - done < HEX_BYTES ? length - done : HEX_BYTES;
        text_put_string(text, "> memory ");
        text_put_hex(text, address.value + done);
        text_put(text, " ", 1);
        text_put_bytes(text, from, piece);
        text_put(text, " ", 1);
        text_put_ascii(text, from, piece);
        text_put(text, "\n", 1);
    }
}

/* The line of (output) that is not full, open at its end. */
static void continue_line(struct tape *tape, const struct output *output)
{
    if (tape->shown == output && tape->shown_bytes > 0) {
        tape->effects.used -= 2; /* the quote and the newline */
        return;
    }
    text_put(&tape->effects, "> ", 2);
    text_put_string(&tape->effects, tape_operation_names[output->operation]);
    if (output->name) {
        text_put(&tape->effects, " ", 1);
        text_put_string(&tape->effects, output->name);
    }
    text_put(&tape->effects, " \"", 2);
    tape->shown = output;
    tape->shown_bytes = 0;
}

void tape_show(struct tape *tape, const struct output *output, const void *bytes, size_t length)
{
    const char *next = bytes;

    if (!tape_is_open(tape))
        return;
    while (length) {
        size_t piece;
        const char *newline;

        continue_line(tape, output);
        piece = LINE_BYTES - tape->shown_bytes;
        if (piece > length)
            piece = length;
        newline = memchr(next, '\n', piece);
        if (newline)
            piece = (size_t)(newline - next) + 1;
        text_put_escaped(&tape->effects, next, piece);
        text_put(&tape->effects, "\"\n", 2);
        tape->shown_bytes += (unsigned)piece;
        if (newline || tape->shown_bytes == LINE_BYTES)
            tape->shown_bytes = 0;
        next += piece;
        length -= piece;
    }
}

void tape_tell_file(struct tape *tape, const char *name, uint64_t size, uint64_t hash)
{
    struct text *text;

    if (!tape_is_open(tape))
        return;
    text = &tape->effects;
    tape->shown = NULL;
    text_put_string(text, "> file \"");
    text_put_escaped(text, name, strlen(name));
    text_put(text, "\"", 1);
    put_number(text, size, false);
    put_number(text, hash, true);
    text_put(text, "\n", 1);
}

void tape_tell_end(struct tape *tape, unsigned outcome, int status)
{
    if (!tape_is_open(tape))
        return;
    tape->shown = NULL;
    text_put_string(&tape->effects, "> end ");
    text_put_string(&tape->effects, outcome_table[outcome].name);
    if (outcome == OUTCOME_GUEST)
        put_number(&tape->effects, (uint64_t)status, false);
    text_put(&tape->effects, "\n", 1);
}

void tape_add_console(struct tape *tape, struct console *console)
{
    if (!tape)
        return;
    console->next = tape->consoles;
    tape->consoles = console;
}

void tape_remove_console(struct tape *tape, struct console *console)
{
    struct console **at = tape ? &tape->consoles : NULL;

    while (at && *at && *at != console)
        at = &(*at)->next;
    if (at && *at)
        *at = console->next;
}
