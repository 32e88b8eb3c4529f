/*
 * Images for tests, written as text: tests/fuzz/images/NAME.hex.
 *
 * A word of 2, 4, 8 or 16 hexadecimal digits is a little-endian number of 1, 2, 4 or 8 bytes, `@OFFSET`
 * continues at that (hexadecimal) offset, with zeros before it, and `#` begins a comment. One line
 * `expect TEXT` is the expected result of loading it.
 */
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include <stddef.h>
#include <stdint.h>

#define HEX_IMAGE_MAX 4096

struct hex_image {
    uint8_t bytes[HEX_IMAGE_MAX];
    size_t size;
    char expect[256];
};

/* 0, or the number of the line that is wrong, or -errno: the file cannot be read. */
int hex_read(const char *path, struct hex_image *image);

#endif
