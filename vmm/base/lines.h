/*
 * Reading an exit stream: docs/exits.md specifies the format.
 *
 * A stream is untrusted input, read piece by piece: whatever is wrong is one sentence with file and
 * line. Writing its lines is the tape's and the recorder's.
 */
#ifndef VMM_BASE_LINES_H
#define VMM_BASE_LINES_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_VERSION  1
#define STREAM_LINE_MAX 65535 /* bytes, without the newline */

struct stream {
    const char *path; /* the caller's, for sentences */
    int fd;
    char *buffer;
    size_t next, filled;  /* what of it is to be read */
    unsigned long number; /* of the line read last, from 1 */
    bool ended, held;     /* at the end of the file; the line read last is to be given again */
    bool whole;           /* a last line without newline is none: for recordings that broke off */
    const char *line, *line_end;
};

/* What is still to be parsed of a line. */
struct cursor {
    const struct stream *stream;
    const char *next, *end;
};

int stream_open(struct stream *stream, const char *path, struct error *error);
void stream_close(struct stream *stream);

/*
 * The next line that counts, without the spaces at its ends and comments; it stays valid until the
 * next call. 1: there is one, 0: the file ends, or a negative errno.
 */
int stream_next(struct stream *stream, struct cursor *line, struct error *error);

/* Let stream_next() give the same line once more. */
void stream_hold(struct stream *stream);

/* -EINVAL, with the sentence "FILE:LINE: …". */
int stream_refuse(const struct stream *stream, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does the line go on with (word)? Then that is passed. */
bool cursor_skip(struct cursor *cursor, const char *word);

/* Is nothing left? */
bool cursor_at_end(const struct cursor *cursor);

/* The next word, up to a space: its length, 0 at the end. */
size_t cursor_word(struct cursor *cursor, const char **word);

/* The length of the word that comes next; 0 at the end, or if it is a text in quotes. */
size_t cursor_plain(struct cursor *cursor);

/* -EINVAL with a sentence that says what is wanted there, where something else stands. */
int cursor_number(struct cursor *cursor, const char *what, uint64_t *value, struct error *error);
int cursor_signed(struct cursor *cursor, const char *what, int64_t *value, struct error *error);

/* A quoted string, or bytes, into (text), which is emptied first. */
int cursor_text(struct cursor *cursor, const char *what, struct text *text, struct error *error);
int cursor_bytes(struct cursor *cursor, const char *what, struct text *text, struct error *error);

/* Nothing may be left. */
int cursor_finish(struct cursor *cursor, struct error *error);

#endif
