#include "vmm/base/text.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256 /* bytes of the first allocation */

static const char digits[] = "0123456789abcdef";

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

void text_clear(struct text *text)
{
    text->used = 0;
    text->failed = false;
}

/* Returns the place for (length) more bytes, or NULL if memory runs out. */
static char *reserve(struct text *text, size_t length)
{
    size_t room = text->room ? text->room : FIRST_ROOM;
    char *bytes;

    if (text->bytes && length <= text->room - text->used)
        return text->bytes + text->used;
    while (room - text->used < length)
        room *= 2;
    bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = true;
        return NULL;
    }
    text->bytes = bytes;
    text->room = room;
    return bytes + text->used;
}

void text_append(struct text *text, const void *bytes, size_t length)
{
    char *to = reserve(text, length);

    if (!to || length == 0)
        return;
    memcpy(to, bytes, length);
    text->used += length;
}

void text_append_string(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_append_hex(struct text *text, uint64_t value)
{
    char number[18];
    size_t at = sizeof(number);

    do
        number[--at] = digits[value & 0xf];
    while (value >>= 4);
    number[--at] = 'x';
    number[--at] = '0';
    text_append(text, number + at, sizeof(number) - at);
}

void text_append_decimal(struct text *text, uint64_t value)
{
    char number[20];
    size_t at = sizeof(number);

    do
        number[--at] = digits[value % 10];
    while (value /= 10);
    text_append(text, number + at, sizeof(number) - at);
}

size_t text_escape(char *to, char byte)
{
    static const char special[] = "\n\t\"\\", letters[] = "nt\"\\";
    const char *found = NULL;

    if (byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\') {
        to[0] = byte;
        return 1;
    }
    if (byte)
        found = strchr(special, byte);
    to[0] = '\\';
    if (found) {
        to[1] = letters[found - special];
        return 2;
    }
    to[1] = 'x';
    to[2] = digits[(unsigned char)byte >> 4];
    to[3] = digits[(unsigned char)byte & 0xf];
    return TEXT_ESCAPE_MAX;
}

void text_append_escaped(struct text *text, const void *bytes, size_t length)
{
    const char *from = bytes;
    char *to = reserve(text, length * TEXT_ESCAPE_MAX);

    if (!to)
        return;
    for (size_t i = 0; i < length; i++)
        to += text_escape(to, from[i]);
    text->used = (size_t)(to - text->bytes);
}

void text_append_bytes(struct text *text, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    char *to = reserve(text, 2 * length);

    if (!to)
        return;
    for (size_t i = 0; i < length; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 0xf];
    }
    text->used += 2 * length;
}

void text_append_ascii(struct text *text, const void *bytes, size_t length)
{
    const char *from = bytes;
    char *to = reserve(text, length + 2);

    if (!to)
        return;
    *to++ = '|';
    for (size_t i = 0; i < length; i++)
        *to++ = from[i] >= ' ' && from[i] <= '~' ? from[i] : '.';
    *to++ = '|';
    text->used += length + 2;
}
