/*
 * Memory and string functions.
 *
 * Copies are single string instructions: compilers turn loops of this form into calls of the same
 * functions.
 */
#include "guest/lib/string.h"

#include <stdint.h>

void *memcpy(void *to, const void *from, size_t length)
{
    void *end = to;
    __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(length) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    uint8_t *last = (uint8_t *)to + length - 1;
    const uint8_t *last_from = (const uint8_t *)from + length - 1;

    if ((uintptr_t)to <= (uintptr_t)from)
        return memcpy(to, from, length);
    __asm__ volatile("std; rep movsb; cld"
                     : "+D"(last), "+S"(last_from), "+c"(length)
                     :
                     : "memory");
    return to;
}

void *memset(void *to, int byte, size_t length)
{
    void *end = to;
    __asm__ volatile("rep stosb" : "+D"(end), "+c"(length) : "a"(byte) : "memory");
    return to;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left, *b = right;

    for (; length > 0; length--, a++, b++) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    return strncmp(left, right, SIZE_MAX);
}

int strncmp(const char *left, const char *right, size_t length)
{
    for (; length > 0; length--, left++, right++) {
        if (*left != *right)
            return (uint8_t)*left - (uint8_t)*right;
        if (*left == '\0')
            break;
    }
    return 0;
}
