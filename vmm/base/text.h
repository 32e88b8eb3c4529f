/*
 * Text that grows: lines of exit streams and of JSON are built here piece by piece.
 *
 * Numbers, quoted strings and bytes have one written form each, which docs/exits.md specifies. When
 * memory runs out, (failed) is set and the text does not change; callers check it once, at the end.
 */
#ifndef VMM_BASE_TEXT_H
#define VMM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_ESCAPE_MAX 4 /* bytes that one byte may become: \xNN */

/* Zeroed: an empty text. */
struct text {
    char *bytes; /* (used) bytes; not terminated by a 0 */
    size_t used, room;
    bool failed;
};

void text_free(struct text *text);

/* Make the text empty and keep its memory. */
void text_clear(struct text *text);

void text_append(struct text *text, const void *bytes, size_t length);
void text_append_string(struct text *text, const char *string);

/* 0x41 */
void text_append_hex(struct text *text, uint64_t value);

/* 65 */
void text_append_decimal(struct text *text, uint64_t value);

/* Each byte as text_escape() writes it; the quotes are the caller's. */
void text_append_escaped(struct text *text, const void *bytes, size_t length);

/* Two digits for each byte, without 0x: 48690a */
void text_append_bytes(struct text *text, const void *bytes, size_t length);

/* A column of printable characters: |Hi.| */
void text_append_ascii(struct text *text, const void *bytes, size_t length);

/*
 * Write (byte) as it stands in a quoted string to (to), which has room for TEXT_ESCAPE_MAX bytes: the
 * byte itself, \n \t \" \\ or \xNN. Returns the number of bytes written.
 */
size_t text_escape(char *to, char byte);

#endif
