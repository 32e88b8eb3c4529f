/* Reading an exit stream: lines, and the words of a line. */
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

int stream_open(struct stream *stream, const char *path, struct error *error)
{
    *stream = (struct stream){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (stream->fd < 0)
        return error_set(error, -errno, "%s: %s; name an exit stream that can be read", path,
                         strerror(errno));
    stream->buffer = malloc(BUFFER_SIZE);
    if (!stream->buffer) {
        stream_close(stream);
        return error_set(error, -ENOMEM, "%s: out of memory", path);
    }
    return 0;
}

void stream_close(struct stream *stream)
{
    descriptor_close(&stream->fd);
    free(stream->buffer);
    stream->buffer = NULL;
}

int stream_refuse(const struct stream *stream, struct error *error, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++) /* a terminal is shown no control characters of a file */
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    if (stream->number == 0)
        return error_set(error, -EINVAL, "%.200s: %.280s", stream->path, text);
    return error_set(error, -EINVAL, "%.200s:%lu: %.280s", stream->path, stream->number, text);
}

/* Move what is left to the front, and read on behind it. */
static int fill(struct stream *stream, struct error *error)
{
    size_t left = stream->filled - stream->next;
    ssize_t count;

    memmove(stream->buffer, stream->buffer + stream->next, left);
    stream->next = 0;
    stream->filled = left;
    do
        count = read(stream->fd, stream->buffer + left, BUFFER_SIZE - left);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_set(error, -errno, "%s: %s; name an exit stream that can be read",
                         stream->path, strerror(errno));
    stream->filled += (size_t)count;
    stream->ended = count == 0;
    return 0;
}

/* The next line as it is in the file, into stream->line. As stream_next(). */
static int read_line(struct stream *stream, struct error *error)
{
    for (;;) {
        char *start = stream->buffer + stream->next;
        size_t left = stream->filled - stream->next;
        char *newline = memchr(start, '\n', left);

        if (!newline && left <= STREAM_LINE_MAX && !stream->ended) {
            int result = fill(stream, error);

            if (result < 0)
                return result;
            continue;
        }
        if (!newline && (left == 0 || (stream->whole && left <= STREAM_LINE_MAX)))
            return 0;
        stream->number++;
        stream->line = start;
        stream->line_end = newline ? newline : start + left;
        if (stream->line_end - start > STREAM_LINE_MAX) {
            stream->next = stream->filled;
            stream->ended = true;
            return stream_refuse(stream, error, "the line is longer than %d bytes",
                                 STREAM_LINE_MAX);
        }
        stream->next += (size_t)(stream->line_end - start) + (newline ? 1 : 0);
        return 1;
    }
}

/* Where a comment begins, or (end). */
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

int stream_next(struct stream *stream, struct cursor *line, struct error *error)
{
    const char *start, *end;

    do {
        int result = stream->held ? 1 : read_line(stream, error);

        stream->held = false;
        if (result <= 0)
            return result;
        start = stream->line;
        end = find_comment(start, stream->line_end);
        while (start < end && is_space(*start))
            start++;
        while (end > start && is_space(end[-1]))
            end--;
    } while (start == end);
    *line = (struct cursor){.stream = stream, .next = start, .end = end};
    return 1;
}

void stream_hold(struct stream *stream)
{
    stream->held = true;
}
