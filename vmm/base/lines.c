#include "vmm/base/lines.h"

#include "vmm/base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)

int lines_open(struct lines *lines, const char *path, struct error *error)
{
    *lines = (struct lines){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (lines->fd < 0)
        return error_set(error, -errno, "%s: %s; name an exit stream that can be read", path,
                         strerror(errno));
    lines->buffer = malloc(BUFFER_SIZE);
    if (!lines->buffer) {
        lines_close(lines);
        return error_set(error, -ENOMEM, "%s: out of memory", path);
    }
    return 0;
}

void lines_close(struct lines *lines)
{
    descriptor_close(&lines->fd);
    free(lines->buffer);
    lines->buffer = NULL;
}

int lines_refuse(const struct lines *lines, struct error *error, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++) /* a file must not send control characters to a terminal */
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    if (lines->number == 0)
        return error_set(error, -EINVAL, "%.200s: %.280s", lines->path, text);
    return error_set(error, -EINVAL, "%.200s:%lu: %.280s", lines->path, lines->number, text);
}

/* Move the unread bytes to the front of the buffer and append more from the file. */
static int fill(struct lines *lines, struct error *error)
{
    size_t left = lines->filled - lines->next;
    ssize_t count;

    memmove(lines->buffer, lines->buffer + lines->next, left);
    lines->next = 0;
    lines->filled = left;
    do
        count = read(lines->fd, lines->buffer + left, BUFFER_SIZE - left);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_set(error, -errno, "%s: %s; name an exit stream that can be read", lines->path,
                         strerror(errno));
    lines->filled += (size_t)count;
    lines->ended = count == 0;
    return 0;
}

/* Set lines->line to the next line, comments and spaces included. Returns as lines_next(). */
static int read_line(struct lines *lines, struct error *error)
{
    for (;;) {
        char *start = lines->buffer + lines->next;
        size_t left = lines->filled - lines->next;
        char *newline = memchr(start, '\n', left);

        if (!newline && left <= LINES_LENGTH_MAX && !lines->ended) {
            int result = fill(lines, error);

            if (result < 0)
                return result;
            continue;
        }
        if (!newline && (left == 0 || (lines->whole && left <= LINES_LENGTH_MAX)))
            return 0;
        lines->number++;
        lines->line = start;
        lines->line_end = newline ? newline : start + left;
        if (lines->line_end - start > LINES_LENGTH_MAX) {
            lines->next = lines->filled;
            lines->ended = true;
            return lines_refuse(lines, error, "the line is longer than %d bytes", LINES_LENGTH_MAX);
        }
        lines->next += (size_t)(lines->line_end - start) + (newline ? 1 : 0);
        return 1;
    }
}

/* Returns the start of the comment, or (end) if the line has no comment. */
static const char *find_comment(const char *start, const char *end)
{
    const char *hash = memchr(start, '#', (size_t)(end - start));
    bool quoted = false;

    if (!hash)
        return end;
    for (const char *at = start; at < end; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && quoted)
            at++;
        else if (*at == '#' && !quoted)
            return at;
    }
    return end;
}

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

int lines_next(struct lines *lines, struct cursor *line, struct error *error)
{
    const char *start, *end;

    do {
        int result = lines->held ? 1 : read_line(lines, error);

        lines->held = false;
        if (result <= 0)
            return result;
        start = lines->line;
        end = find_comment(start, lines->line_end);
        while (start < end && is_space(*start))
            start++;
        while (end > start && is_space(end[-1]))
            end--;
    } while (start == end);
    *line = (struct cursor){.lines = lines, .next = start, .end = end};
    return 1;
}

void lines_hold(struct lines *lines)
{
    lines->held = true;
}

/* ---- the words of a line ---- */

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
        return lines_refuse(cursor->lines, error, "the line ends where %s should be", what);
    return lines_refuse(cursor->lines, error, "'%.*s' stands where %s should be",
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

/* Parse the digits at (*next) and pass them. False: there is no digit, or the number needs more than 64 bits. */
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
        return lines_refuse(cursor->lines, error, "%" PRIu64 " is too large for %s", number, what);
    *value = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

/* Parse the escape after a backslash. Returns its length, and 0 if it is not a known escape. */
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
        text_append(text, plain, (size_t)(at - plain));
        if (at == cursor->end || *at == '"')
            break;
        length = unescape(at + 1, cursor->end, &byte);
        if (length == 0)
            return lines_refuse(cursor->lines, error,
                                "a \\ stands for nothing; write \\n, \\t, \\\", \\\\ or \\xNN");
        text_append(text, &byte, 1);
        at += 1 + length;
    }
    if (at >= cursor->end)
        return lines_refuse(cursor->lines, error, "a text has no closing quote");
    cursor->next = at + 1;
    return text->failed ? error_set(error, -ENOMEM, "%s: out of memory", cursor->lines->path) : 0;
}

/*
 * Skip the printable column |…| of (length) bytes, if there is one. It may contain a '#', which
 * find_comment() took for the start of a comment; the column is then the rest of the line.
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
        text_append(text, &byte, 1);
    }
    if (length == 0 || text->used * 2 != length) {
        cursor->next = word;
        return refuse_word(cursor, what, error);
    }
    skip_spaces(cursor);
    skip_ascii(cursor, text->used);
    return text->failed ? error_set(error, -ENOMEM, "%s: out of memory", cursor->lines->path) : 0;
}

int cursor_finish(struct cursor *cursor, struct error *error)
{
    skip_spaces(cursor);
    return cursor_at_end(cursor) ? 0 : refuse_word(cursor, "the end of the line", error);
}
