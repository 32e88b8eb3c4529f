#include "vmm/replay/compare.h"

#include <errno.h>
#include <string.h>

#define LINES_SHOWN 12 /* of each side */

/* Parse a quoted string or hex digits; false if neither is next. */
static bool take_text(struct cursor *cursor, struct text *text)
{
    return cursor_bytes(cursor, "", text, NULL) == 0;
}

/* Compare bytes, each side written as hex digits or as a quoted string. */
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

/* Compare one word of each side: as numbers if both are, else as bytes or as words. */
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

/* At the end, or at a column of printable characters, which is not compared. */
static bool nothing_left(struct cursor *cursor)
{
    return cursor_plain(cursor) == 0 ? cursor_at_end(cursor) : *cursor->next == '|';
}

/* Returns which word of the effect (line), from 0, is bytes in hex digits; they may look like a number. */
static unsigned bytes_column(struct cursor line)
{
    struct cursor value = line;

    if (cursor_skip(&line, "> memory"))
        return 3;
    if (cursor_skip(&value, "> data") && value.end - value.next > 2 && value.next[2] != 'x')
        return 2;
    return UINT32_MAX;
}

/* True if (line) of the stream means the same as (effect). Nearly always they are written the same. */
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

/* The effect at byte (at), without its newline. */
static struct cursor effect_at(const struct comparison *comparison, size_t at)
{
    const struct text *effects = comparison->effects;
    const char *start = effects->bytes + at;
    const char *newline = memchr(start, '\n', effects->used - at);

    return (struct cursor){comparison->lines, start,
                           newline ? newline : effects->bytes + effects->used};
}

/* A file must not send control characters to a terminal. */
static void put_line(struct text *text, const char *mark, const char *start, const char *end)
{
    text_append_string(text, mark);
    for (const char *at = start; at < end; at++)
        text_append(text, (unsigned char)*at < ' ' || *at == 127 ? "?" : at, 1);
    text_append(text, "\n", 1);
}

/* Put the effects from byte (from) to byte (to). */
static void put_effects(struct comparison *comparison, const char *mark, size_t from, size_t to)
{
    for (unsigned i = 0; from < to && i < LINES_SHOWN; i++) {
        const struct cursor line = effect_at(comparison, from);

        put_line(comparison->difference, mark, line.next, line.end);
        from += (size_t)(line.end - line.next) + 1;
    }
    if (from < to)
        text_append_string(comparison->difference, "  …\n");
}

/* Put the effects of the stream from (line) on; NULL: there are none. */
static int put_stream(struct comparison *comparison, const struct cursor *line, struct error *error)
{
    struct cursor next;
    int result = 1;

    if (!line)
        return 0;
    next = *line;
    for (unsigned i = 0; result > 0 && i < LINES_SHOWN; i++) {
        put_line(comparison->difference, "- ", next.next, next.end);
        result = lines_next(comparison->lines, &next, error);
        if (result > 0 && *next.next != '>') {
            lines_hold(comparison->lines);
            return 0;
        }
    }
    if (result > 0)
        text_append_string(comparison->difference, "  …\n");
    return result < 0 ? result : 0;
}

static void put_head(struct comparison *comparison)
{
    const char *head = comparison->head;

    put_line(comparison->difference, "  ", head, head + strlen(head));
}

static void put_place(struct comparison *comparison, unsigned long number)
{
    text_append_string(comparison->difference, comparison->lines->path);
    text_append_string(comparison->difference, ":");
    text_append_decimal(comparison->difference, number);
}

/* The handler used fewer inputs than it did: it behaves differently, even if the effects agree. */
static int describe_unused(struct comparison *comparison)
{
    struct text *text = comparison->difference;

    put_place(comparison, comparison->line);
    text_append_string(text, ": nobody asked for all of the inputs; one is left: ");
    text_append_string(text, comparison->unused);
    text_append_string(text, "\n");
    put_head(comparison);
    return -EDOM;
}

/*
 * Describe the difference: the effects agree up to byte (at), where the stream has (line), or no further
 * effect if that is NULL.
 */
static int describe(struct comparison *comparison, size_t at, const struct cursor *line,
                    struct error *error)
{
    struct text *text = comparison->difference;
    int result;

    put_place(comparison, line ? comparison->lines->number : comparison->line);
    text_append_string(text, ": the effects differ; - is the stream, + is what came\n");
    put_head(comparison);
    put_effects(comparison, "  ", 0, at);
    result = put_stream(comparison, line, error);
    put_effects(comparison, "+ ", at, comparison->effects->used);
    return result < 0 ? result : -EDOM;
}

int compare_effects(struct comparison *comparison, struct error *error)
{
    const struct text *effects = comparison->effects;
    struct cursor line;
    size_t at = 0;
    int result;

    while ((result = lines_next(comparison->lines, &line, error)) > 0 && *line.next == '>') {
        struct cursor effect;

        if (at == effects->used)
            return describe(comparison, at, &line, error);
        effect = effect_at(comparison, at);
        if (!lines_agree(line, effect))
            return describe(comparison, at, &line, error);
        at += (size_t)(effect.end - effect.next) + 1;
        comparison->agreed++;
    }
    if (result < 0)
        return result;
    if (result > 0)
        lines_hold(comparison->lines);
    else if (comparison->may_break_off)
        return 0;
    if (at < effects->used)
        return describe(comparison, at, NULL, error);
    if (comparison->unused)
        return describe_unused(comparison);
    return result;
}
