/*
 * Reading a text file line by line, and the words of a line. docs/exits.md specifies the syntax.
 *
 * The file is untrusted. Every error is one sentence that names the file and the line. A line has at
 * most LINES_LENGTH_MAX bytes, so memory does not depend on the file.
 */
#ifndef VMM_BASE_LINES_H
#define VMM_BASE_LINES_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_LENGTH_MAX 65535 /* bytes of a line, without its newline */

struct lines {
    const char *path; /* for error sentences; owned by the caller */
    int fd;
    char *buffer;
    size_t next, filled;  /* the unread bytes of (buffer) */
    unsigned long number; /* of the last line that was read, from 1 */
    bool ended;           /* the end of the file was reached */
    bool held;            /* lines_next() returns the last line again */
    bool whole;           /* ignore a last line without a newline: the writer was interrupted */
    const char *line, *line_end;
};

/* The part of a line that has not been parsed. */
struct cursor {
    const struct lines *lines; /* for error sentences */
    const char *next, *end;
};

/* Open (path). Close after success only. Returns a negative errno with its sentence. */
int lines_open(struct lines *lines, const char *path, struct error *error);
void lines_close(struct lines *lines);

/*
 * Set (line) to the next line that is not empty, without comments and without spaces at its ends. It
 * is valid until the next call. Returns 1, 0 at the end of the file, or a negative errno.
 */
int lines_next(struct lines *lines, struct cursor *line, struct error *error);

/* Push the last line back: the next lines_next() returns it again. */
void lines_hold(struct lines *lines);

/* Returns -EINVAL with the sentence "FILE:LINE: …". */
int lines_refuse(const struct lines *lines, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* If the next word is (word), pass it and return true. */
bool cursor_skip(struct cursor *cursor, const char *word);

bool cursor_at_end(const struct cursor *cursor);

/* Pass the next word, which ends at a space. Returns its length, 0 at the end of the line. */
size_t cursor_word(struct cursor *cursor, const char **word);

/* Returns the length of the next word without passing it; 0 at the end and for a quoted string. */
size_t cursor_plain(struct cursor *cursor);

/*
 * Parse one value. If something else is there, these return -EINVAL with a sentence that calls the
 * expected value (what). cursor_text() parses a quoted string, cursor_bytes() hex digits or a quoted
 * string; both replace the content of (text), and return -ENOMEM if it cannot grow.
 */
int cursor_number(struct cursor *cursor, const char *what, uint64_t *value, struct error *error);
int cursor_signed(struct cursor *cursor, const char *what, int64_t *value, struct error *error);
int cursor_text(struct cursor *cursor, const char *what, struct text *text, struct error *error);
int cursor_bytes(struct cursor *cursor, const char *what, struct text *text, struct error *error);

/* Returns -EINVAL if anything but spaces is left of the line. */
int cursor_finish(struct cursor *cursor, struct error *error);

#endif
