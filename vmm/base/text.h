/*
 * Text that grows: lines of an exit stream are put together here, piece by piece.
 *
 * Numbers, quoted strings and bytes have one written form each, which docs/exits.md specifies. Where
 * memory runs out, (failed) is set and the text stays as it was.
 */
#ifndef VMM_BASE_TEXT_H
#define VMM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_ESCAPE_MAX 4 /* bytes that stand for one byte: \xNN */

struct text {
    char *bytes; /* (used) bytes, no 0 behind them */
    size_t used, room;
    bool failed;
};

void text_free(struct text *text);

/* Empty again, with its room kept. */
void text_clear(struct text *text);

void text_put(struct text *text, const void *bytes, size_t length);
void text_put_string(struct text *text, const char *string);

/* 0x41 */
void text_put_hex(struct text *text, uint64_t value);

/* 65 */
void text_put_decimal(struct text *text, uint64_t value);

/* The bytes between quotes, each as text_escape() gives it, without the quotes. */
void text_put_escaped(struct text *text, const void *bytes, size_t length);

/* Two digits a byte, no 0x: 48690a */
void text_put_bytes(struct text *text, const void *bytes, size_t length);

/* The same bytes for people: |Hi.| */
void text_put_ascii(struct text *text, const void *bytes, size_t length);

/*
 * Write what stands for (byte) in a quoted string at (to), which has TEXT_ESCAPE_MAX bytes, and give
 * its length: the byte itself, \n \t \" \\ or \xNN.
 */
size_t text_escape(char *to, char byte);

#endif
