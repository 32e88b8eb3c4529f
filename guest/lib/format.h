/*
 * printf's formatting, to any function that takes bytes.
 *
 * Conversions: d i u x X c s p %, with the flags - and 0, a width, and l, ll or z.
 */
#ifndef GUEST_LIB_FORMAT_H
#define GUEST_LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

struct format_sink {
    void (*put)(struct format_sink *sink, char byte);
    size_t count; /* bytes written so far */
};

void format(struct format_sink *sink, const char *text, va_list arguments);

/* Returns the length of the whole text; (buffer) gets as much as fits, and a 0. */
int vsnprintf(char *buffer, size_t size, const char *text, va_list arguments);
int snprintf(char *buffer, size_t size, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

#endif
