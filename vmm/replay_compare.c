/* Replaying an exit stream: what came of an exit beside what the stream says, and how they differ. */
#include "vmm/replay.h"

#include <errno.h>
#include <string.h>

#define LINES_SHOWN 12 /* of each side */

/* Is what comes next a text or bytes? Then what it stands for. */
static bool take_text(struct cursor *cursor, struct text *text)
{
    return cursor_bytes(cursor, "", text, NULL) == 0;
}

/* One word of each: the same word, the same number, or the same bytes. */
static bool words_agree(struct cursor *left, struct cursor *right)
{
    struct cursor numbers[2] = {*left, *right};
    uint64_t values[2];
    struct text texts[2] = {{0}, {0}};
    const char *words[2];
    size_t lengths[2];
    bool agree;

    if (cursor_number(&numbers[0], "", &values[0], NULL) == 0 &&
        cursor_number(&numbers[1], "", &values[1], NULL) == 0) {
        *left = numbers[0];
        *right = numbers[1];
        return values[0] == values[1];
    }
    numbers[0] = *left;
    numbers[1] = *right;
    lengths[0] = cursor_plain(left) ? cursor_word(left, &words[0]) : 0;
    lengths[1] = cursor_plain(right) ? cursor_word(right, &words[1]) : 0;
    if (lengths[0] && lengths[0] == lengths[1] && memcmp(words[0], words[1], lengths[0]) == 0)
        return true;
    *left = numbers[0];
    *right = numbers[1];
    agree = take_text(left, &texts[0]) && take_text(right, &texts[1]) &&
            texts[0].used == texts[1].used &&
            (texts[0].used == 0 || memcmp(texts[0].bytes, texts[1].bytes, texts[0].used) == 0);
    text_free(&texts[0]);
    text_free(&texts[1]);
    return agree;
}

/* The columns that are for people do not count. */
static bool nothing_left(struct cursor *cursor)
{
    return cursor_plain(cursor) == 0 ? cursor_at_end(cursor) : *cursor->next == '|';
}

/* Do the two lines say the same? Nearly always they are written the same. */
static bool lines_agree(struct cursor left, struct cursor right)
{
    const size_t length = (size_t)(left.end - left.next);

    if (length == (size_t)(right.end - right.next) && memcmp(left.next, right.next, length) == 0)
        return true;
    for (;;) {
        const bool ends[2] = {nothing_left(&left), nothing_left(&right)};

        if (ends[0] || ends[1])
            return ends[0] && ends[1];
        if (!words_agree(&left, &right))
            return false;
    }
}

/* The line of the tape's effects at (at), without its newline. */
static struct cursor effect_at(const struct replay *replay, size_t at)
{
    const struct text *effects = &replay->tape.effects;
    const char *start = effects->bytes + at;
    const char *newline = memchr(start, '\n', effects->used - at);

    return (struct cursor){&replay->stream, start,
                           newline ? newline : effects->bytes + effects->used};
}

static void put_line(struct text *text, const char *mark, const char *start, const char *end)
{
    text_put_string(text, mark);
    text_put(text, start, (size_t)(end - start));
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
        result = stream_next(&replay->stream, &next, error);
        if (result > 0 && *next.next != '>') {
            stream_hold(&replay->stream);
            return 0;
        }
    }
    return result < 0 ? result : 0;
}

/*
 * The effects agree up to (at); there the stream has (line), NULL: no further effect. Tell people.
 */
static int describe(struct replay *replay, const char *head, size_t at, const struct cursor *line,
                    struct error *error)
{
    struct text *text = &replay->difference;
    int result;

    text_put_string(text, replay->stream.path);
    text_put_string(text, ":");
    text_put_decimal(text, line ? replay->stream.number : replay->line);
    text_put_string(text, ": the effects differ; - is the stream, + is what came\n  ");
    text_put_string(text, head);
    text_put_string(text, "\n");
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

    while ((result = stream_next(&replay->stream, &line, error)) > 0 && *line.next == '>') {
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
        stream_hold(&replay->stream);
    else if (replay_is_broken_off(replay))
        return 0;
    if (at < effects->used)
        return describe(replay, head, at, NULL, error);
    return result;
}
