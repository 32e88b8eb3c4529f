/* The words of a line of an exit stream: numbers, texts, bytes. */
#include "vmm/base/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static void skip_spaces(struct cursor *cursor)
{
    while (cursor->next < cursor->end && is_space(*cursor->next))
        cursor->next++;
}

bool cursor_skip(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);

    skip_spaces(cursor);
    if ((size_t)(cursor->end - cursor->next) < length || memcmp(cursor->next, word, length) != 0)
        return false;
    if (cursor->next + length < cursor->end && !is_space(cursor->next[length]))
        return false;
    cursor->next += length;
    return true;
}

bool cursor_at_end(const struct cursor *cursor)
{
    return cursor->next == cursor->end;
}

size_t cursor_word(struct cursor *cursor, const char **word)
{
    skip_spaces(cursor);
    *word = cursor->next;
    while (cursor->next < cursor->end && !is_space(*cursor->next))
        cursor->next++;
    return (size_t)(cursor->next - *word);
}

size_t cursor_plain(struct cursor *cursor)
{
    struct cursor look;
    const char *word;

    skip_spaces(cursor);
    look = *cursor;
    return look.next < look.end && *look.next == '"' ? 0 : cursor_word(&look, &word);
}

static int refuse_word(struct cursor *cursor, const char *what, struct error *error)
{
    const char *word;
    size_t length;

    length = cursor_word(cursor, &word);
    if (length == 0)
        return stream_refuse(cursor->stream, error, "the line ends where %s should be", what);
    return stream_refuse(cursor->stream, error, "'%.*s' stands where %s should be",
                         (int)(length < 80 ? length : 80), word, what);
}

static int digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return 16;
}

/* A number that begins here, up to what is no digit; false: none, or too large. */
static bool take_number(const char **next, const char *end, uint64_t *value)
{
    const bool hexadecimal = end - *next > 2 && (*next)[0] == '0' && ((*next)[1] | 0x20) == 'x';
    const unsigned base = hexadecimal ? 16 : 10;
    const char *start = *next + (hexadecimal ? 2 : 0);
    uint64_t number = 0;
    const char *at;

    for (at = start; at < end; at++) {
        unsigned digit = (unsigned)digit_of(*at);

        if (digit >= base)
            break;
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *value = number;
    *next = at;
    return at > start;
}

int cursor_number(struct cursor *cursor, const char *what, uint64_t *value, struct error *error)
{
    const char *next;

    skip_spaces(cursor);
    next = cursor->next;
    if (!take_number(&next, cursor->end, value) || (next < cursor->end && !is_space(*next)))
        return refuse_word(cursor, what, error);
    cursor->next = next;
    return 0;
}

int cursor_signed(struct cursor *cursor, const char *what, int64_t *value, struct error *error)
{
    uint64_t number;
    bool negative;
    int result;

    skip_spaces(cursor);
    negative = cursor->end - cursor->next > 1 && *cursor->next == '-' && !is_space(cursor->next[1]);
    if (negative)
        cursor->next++;
    result = cursor_number(cursor, what, &number, error);
    if (result < 0)
        return result;
    if (number > INT64_MAX)
        return stream_refuse(cursor->stream, error, "%" PRIu64 " is too large for %s", number,
                             what);
    *value = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

/* What follows a backslash: its length and the byte it stands for; 0: nothing that we know. */
static size_t unescape(const char *from, const char *end, char *byte)
{
    static const char letters[] = "nt\"\\", special[] = "\n\t\"\\";
    const char *found;

    if (from == end)
        return 0;
    if (*from == 'x' && end - from >= 3 && digit_of(from[1]) < 16 && digit_of(from[2]) < 16) {
        *byte = (char)(digit_of(from[1]) << 4 | digit_of(from[2]));
        return 3;
    }
    found = *from ? strchr(letters, *from) : NULL;
    if (!found)
        return 0;
    *byte = special[found - letters];
    return 1;
}

int cursor_text(struct cursor *cursor, const char *what, struct text *text, struct error *error)
{
    const char *at;

    text_clear(text);
    skip_spaces(cursor);
    if (cursor->next == cursor->end || *cursor->next != '"')
        return refuse_word(cursor, what, error);
    for (at = cursor->next + 1; at < cursor->end && *at != '"';) {
        const char *plain = at;
        char byte;
        size_t length;

        while (at < cursor->end && *at != '"' && *at != '\\')
            at++;
        text_put(text, plain, (size_t)(at - plain));
        if (at == cursor->end || *at == '"')
            break;
        length = unescape(at + 1, cursor->end, &byte);
        if (length == 0)
            return stream_refuse(cursor->stream, error,
                                 "a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN");
        text_put(text, &byte, 1);
        at += 1 + length;
    }
    if (at >= cursor->end)
        return stream_refuse(cursor->stream, error, "a text has no closing quote");
    cursor->next = at + 1;
    return text->failed ? error_set(error, -ENOMEM, "%s: out of memory", cursor->stream->path) : 0;
}

/*
 * The column of (length) bytes that people read, if it is there. A # in it was taken for a comment's:
 * then nothing comes behind it.
 */
static void skip_ascii(struct cursor *cursor, size_t length)
{
    const size_t left = (size_t)(cursor->end - cursor->next);

    if (left == 0 || *cursor->next != '|')
        return;
    if (left >= length + 2 && cursor->next[length + 1] == '|')
        cursor->next += length + 2;
    else
        cursor->next = cursor->end;
}

int cursor_bytes(struct cursor *cursor, const char *what, struct text *text, struct error *error)
{
    const char *word;
    size_t length;

    skip_spaces(cursor);
    if (cursor->next < cursor->end && *cursor->next == '"')
        return cursor_text(cursor, what, text, error);
    text_clear(text);
    length = cursor_word(cursor, &word);
    for (size_t i = 0; i + 1 < length; i += 2) {
        int high = digit_of(word[i]), low = digit_of(word[i + 1]);
        char byte = (char)(high << 4 | low);

        if (high > 15 || low > 15)
            break;
        text_put(text, &byte, 1);
    }
    if (length == 0 || text->used * 2 != length) {
        cursor->next = word;
        return refuse_word(cursor, what, error);
    }
    skip_spaces(cursor);
    skip_ascii(cursor, text->used);
    return text->failed ? error_set(error, -ENOMEM, "%s: out of memory", cursor->stream->path) : 0;
}

int cursor_finish(struct cursor *cursor, struct error *error)
{
    skip_spaces(cursor);
    return cursor_at_end(cursor) ? 0 : refuse_word(cursor, "the end of the line", error);
}
