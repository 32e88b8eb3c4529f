/* Replaying an exit stream: what came of an exit beside what the stream says, and how they differ. */
#include "vmm/replay/replay_parts.h"

#include <errno.h>
#include <string.h>

#define LINES_SHOWN 12 /* of each side */

/* Is what comes next a text or bytes? Then what it stands for. */
static bool take_text(struct cursor *cursor, struct text *text)
{
    return cursor_bytes(cursor, "", text, NULL) == 0;
}

/* Bytes, as digits or as a text. */
static bool bytes_agree(struct cursor *left, struct cursor *right)
{
    struct text texts[2] = {{0}, {0}};
    const bool agree =
        take_text(left, &texts[0]) && take_text(right, &texts[1]) &&
        texts[0].used == texts[1].used &&
        (texts[0].used == 0 || memcmp(texts[0].bytes, texts[1].bytes, texts[0].used) == 0);

    text_free(&texts[0]);
    text_free(&texts[1]);
    return agree;
}

/* One word of each: the same word, or the same number. */
static bool words_agree(struct cursor *left, struct cursor *right)
{
    struct cursor numbers[2] = {*left, *right};
    uint64_t values[2];
    const char *words[2];
    size_t lengths[2];

    if (cursor_number(&numbers[0], "", &values[0], NULL) == 0 &&
        cursor_number(&numbers[1], "", &values[1], NULL) == 0) {
        *left = numbers[0];
        *right = numbers[1];
        return values[0] == values[1];
    }
    if (cursor_plain(left) == 0 || cursor_plain(right) == 0)
        return bytes_agree(left, right);
    lengths[0] = cursor_word(left, &words[0]);
    lengths[1] = cursor_word(right, &words[1]);
    return lengths[0] == lengths[1] && memcmp(words[0], words[1], lengths[0]) == 0;
}

/* The columns that are for people do not count. */
static bool nothing_left(struct cursor *cursor)
{
    return cursor_plain(cursor) == 0 ? cursor_at_end(cursor) : *cursor->next == '|';
}

/* Which word of the effect (line), from 0, is bytes: those that look like a number are none. */
static unsigned bytes_column(struct cursor line)
{
    struct cursor value = line;

    if (cursor_skip(&line, "> memory"))
        return 3;
    if (cursor_skip(&value, "> data") && value.end - value.next > 2 && value.next[2] != 'x')
        return 2;
    return UINT32_MAX;
}

/* Does (line), of the stream, say what (effect) does? Nearly always they are written the same. */
static bool lines_agree(struct cursor line, struct cursor effect)
{
    const size_t length = (size_t)(line.end - line.next);
    const unsigned bytes = bytes_column(effect);

    if (length == (size_t)(effect.end - effect.next) && memcmp(line.next, effect.next, length) == 0)
        return true;
    for (unsigned column = 0;; column++) {
        const bool ends[2] = {nothing_left(&line), nothing_left(&effect)};

        if (ends[0] || ends[1])
            return ends[0] && ends[1];
        if (column == bytes ? !bytes_agree(&line, &effect) : !words_agree(&line, &effect))
            return false;
    }
}

/* The line of the tape's effects at (at), without its newline. */
static struct cursor effect_at(const struct replay *replay, size_t at)
{
    const struct text *effects = &replay->tape.effects;
    const char *start = effects->bytes + at;
    const char *newline = memchr(start, '\n', effects->used - at);

    return (struct cursor){&replay->lines, start,
                           newline ? newline : effects->bytes + effects->used};
}

/* A terminal is shown no control characters of a file. */
static void put_line(struct text *text, const char *mark, const char *start, const char *end)
{
    text_put_string(text, mark);
    for (const char *at = start; at < end; at++)
        text_put(text, (unsigned char)*at < ' ' || *at == 127 ? "?" : at, 1);
    text_put(text, "\n", 1);
}

/* Effects from (from) to (to). */
static void put_effects(struct replay *replay, const char *mark, size_t from, size_t to)
{
    for (unsigned i = 0; from < to && i < LINES_SHOWN; i++) {
        const struct cursor line = effect_at(replay, from);

        put_line(&replay->difference, mark, line.next, line.end);
        from += (size_t)(line.end - line.next) + 1;
    }
    if (from < to)
        text_put_string(&replay->difference, "  …\n");
}

/* The stream's effects from (line) on, NULL: there are none. */
static int put_stream(struct replay *replay, const struct cursor *line, struct error *error)
{
    struct cursor next;
    int result = 1;

    if (!line)
        return 0;
    next = *line;
    for (unsigned i = 0; result > 0 && i < LINES_SHOWN; i++) {
        put_line(&replay->difference, "- ", next.next, next.end);
        result = lines_next(&replay->lines, &next, error);
        if (result > 0 && *next.next != '>') {
            lines_hold(&replay->lines);
            return 0;
        }
    }
    if (result > 0)
        text_put_string(&replay->difference, "  …\n");
    return result < 0 ? result : 0;
}

static void put_place(struct replay *replay, unsigned long number)
{
    text_put_string(&replay->difference, replay->lines.path);
    text_put_string(&replay->difference, ":");
    text_put_decimal(&replay->difference, number);
}

/* An input that nobody asked for: the handler does something else than it did. */
static int describe_unasked(struct replay *replay, const char *head, const char *word)
{
    struct text *text = &replay->difference;

    put_place(replay, replay->line);
    text_put_string(text, ": nobody asked for all of the inputs; one is left: ");
    text_put_string(text, word);
    text_put_string(text, "\n");
    put_line(text, "  ", head, head + strlen(head));
    return -EDOM;
}

/*
 * The effects agree up to (at); there the stream has (line), NULL: no further effect. Tell people.
 */
static int describe(struct replay *replay, const char *head, size_t at, const struct cursor *line,
                    struct error *error)
{
    struct text *text = &replay->difference;
    int result;

    put_place(replay, line ? replay->lines.number : replay->line);
    text_put_string(text, ": the effects differ; - is the stream, + is what came\n");
    put_line(text, "  ", head, head + strlen(head));
    put_effects(replay, "  ", 0, at);
    result = put_stream(replay, line, error);
    put_effects(replay, "+ ", at, replay->tape.effects.used);
    return result < 0 ? result : -EDOM;
}

int replay_compare(struct replay *replay, const char *head, struct error *error)
{
    const struct text *effects = &replay->tape.effects;
    struct cursor line;
    size_t at = 0;
    int result;

    while ((result = lines_next(&replay->lines, &line, error)) > 0 && *line.next == '>') {
        struct cursor effect;

        if (at == effects->used)
            return describe(replay, head, at, &line, error);
        effect = effect_at(replay, at);
        if (!lines_agree(line, effect))
            return describe(replay, head, at, &line, error);
        at += (size_t)(effect.end - effect.next) + 1;
        replay->effects++;
    }
    if (result < 0)
        return result;
    if (result > 0)
        lines_hold(&replay->lines);
    else if (replay_is_broken_off(replay))
        return 0;
    if (at < effects->used)
        return describe(replay, head, at, NULL, error);
    if (tape_unasked(&replay->tape))
        return describe_unasked(replay, head, tape_unasked(&replay->tape));
    return result;
}
