/* printf's formatting. */
#include "guest/lib/format.h"

#include "guest/lib/string.h"

#include <stdbool.h>
#include <stdint.h>

#define DIGITS_MAX 24 /* more digits than 2^64 has in decimal, with a sign or 0x */

struct conversion {
    bool left, zero;
    unsigned width;
    unsigned longs; /* 2: a long long */
};

static void put(struct format_sink *sink, char byte)
{
    sink->put(sink, byte);
    sink->count++;
}

static void put_times(struct format_sink *sink, char byte, size_t times)
{
    for (; times > 0; times--)
        put(sink, byte);
}

static void put_padded(struct format_sink *sink, const struct conversion *conversion,
                       const char *bytes, size_t length)
{
    size_t padding = conversion->width > length ? conversion->width - length : 0;

    if (!conversion->left)
        put_times(sink, ' ', padding);
    for (size_t i = 0; i < length; i++)
        put(sink, bytes[i]);
    if (conversion->left)
        put_times(sink, ' ', padding);
}

/* Divide (*value) by (base), in steps that 32-bit code can compute without a library. */
static unsigned digit_take(uint64_t *value, unsigned base)
{
    uint64_t quotient = 0;
    uint32_t remainder = 0;

    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t part = remainder << 16 | (uint32_t)(*value >> shift & 0xffff);
        quotient = quotient << 16 | part / base;
        remainder = part % base;
    }
    *value = quotient;
    return remainder;
}

static void put_number(struct format_sink *sink, const struct conversion *conversion,
                       uint64_t value, unsigned base, const char *prefix)
{
    char digits[DIGITS_MAX];
    size_t start = sizeof(digits), prefix_length = strlen(prefix);

    do {
        digits[--start] = "0123456789abcdef"[digit_take(&value, base)];
    } while (value != 0);

    size_t length = sizeof(digits) - start;
    if (conversion->zero && !conversion->left && prefix_length + length < conversion->width) {
        for (size_t i = 0; i < prefix_length; i++)
            put(sink, prefix[i]);
        put_times(sink, '0', conversion->width - prefix_length - length);
        prefix_length = 0;
    }
    for (size_t i = prefix_length; i > 0; i--)
        digits[--start] = prefix[i - 1];

    struct conversion plain = *conversion;
    if (conversion->zero)
        plain.width = 0;
    put_padded(sink, &plain, digits + start, sizeof(digits) - start);
}

static uint64_t take_unsigned(const struct conversion *conversion, va_list *arguments)
{
    if (conversion->longs >= 2)
        return va_arg(*arguments, unsigned long long);
    if (conversion->longs == 1)
        return va_arg(*arguments, unsigned long);
    return va_arg(*arguments, unsigned int);
}

static int64_t take_signed(const struct conversion *conversion, va_list *arguments)
{
    if (conversion->longs >= 2)
        return va_arg(*arguments, long long);
    if (conversion->longs == 1)
        return va_arg(*arguments, long);
    return va_arg(*arguments, int);
}

/* Parse the flags, width and length at the start of (text). */
static const char *conversion_read(const char *text, struct conversion *conversion)
{
    *conversion = (struct conversion){0};
    for (; *text == '-' || *text == '0'; text++) {
        if (*text == '-')
            conversion->left = true;
        else
            conversion->zero = true;
    }
    for (; *text >= '0' && *text <= '9'; text++)
        conversion->width = conversion->width * 10 + (unsigned)(*text - '0');
    for (; *text == 'l' || *text == 'z'; text++)
        conversion->longs++;
    return text;
}

static void convert(struct format_sink *sink, const struct conversion *conversion, char kind,
                    va_list *arguments)
{
    char byte;
    const char *text;
    int64_t number;

    switch (kind) {
    case 'd':
    case 'i':
        number = take_signed(conversion, arguments);
        put_number(sink, conversion, number < 0 ? -(uint64_t)number : (uint64_t)number, 10,
                   number < 0 ? "-" : "");
        break;
    case 'u':
        put_number(sink, conversion, take_unsigned(conversion, arguments), 10, "");
        break;
    case 'x':
    case 'X':
        put_number(sink, conversion, take_unsigned(conversion, arguments), 16, "");
        break;
    case 'p':
        put_number(sink, conversion, (uintptr_t)va_arg(*arguments, void *), 16, "0x");
        break;
    case 's':
        text = va_arg(*arguments, const char *);
        text = text != NULL ? text : "(null)";
        put_padded(sink, conversion, text, strlen(text));
        break;
    case 'c':
        byte = (char)va_arg(*arguments, int);
        put_padded(sink, conversion, &byte, 1);
        break;
    default:
        put(sink, kind);
    }
}

void format(struct format_sink *sink, const char *text, va_list arguments)
{
    va_list rest;

    va_copy(rest, arguments);
    for (; *text != '\0'; text++) {
        struct conversion conversion;
        if (*text != '%') {
            put(sink, *text);
            continue;
        }
        text = conversion_read(text + 1, &conversion);
        if (*text == '\0')
            break;
        convert(sink, &conversion, *text, &rest);
    }
    va_end(rest);
}

struct buffer_sink {
    struct format_sink sink;
    char *buffer;
    size_t size;
};

static void buffer_put(struct format_sink *sink, char byte)
{
    struct buffer_sink *buffer = (struct buffer_sink *)sink;

    if (sink->count + 1 < buffer->size)
        buffer->buffer[sink->count] = byte;
}

int vsnprintf(char *buffer, size_t size, const char *text, va_list arguments)
{
    struct buffer_sink sink = {.sink.put = buffer_put, .buffer = buffer, .size = size};

    format(&sink.sink, text, arguments);
    if (size > 0)
        buffer[sink.sink.count < size ? sink.sink.count : size - 1] = '\0';
    return (int)sink.sink.count;
}

int snprintf(char *buffer, size_t size, const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    int length = vsnprintf(buffer, size, text, arguments);
    va_end(arguments);
    return length;
}
