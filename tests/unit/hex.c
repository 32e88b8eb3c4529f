/* Images for tests, written as text. */
#include "tests/unit/hex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_number(struct hex_image *image, const char *word)
{
    const size_t digits = strlen(word);
    const size_t size = digits / 2;
    char *end;
    const unsigned long long value = strtoull(word, &end, 16);

    if (*end != '\0' || digits != 2 * size || (size != 1 && size != 2 && size != 4 && size != 8) ||
        image->size + size > HEX_IMAGE_MAX)
        return false;
    for (size_t i = 0; i < size; i++)
        image->bytes[image->size++] = (uint8_t)(value >> 8 * i);
    return true;
}

static bool take_offset(struct hex_image *image, const char *word)
{
    char *end;
    const unsigned long long offset = strtoull(word, &end, 16);

    if (*word == '\0' || *end != '\0' || offset < image->size || offset > HEX_IMAGE_MAX)
        return false;
    image->size = offset; /* the bytes are zero already */
    return true;
}

static bool take_line(struct hex_image *image, char *line)
{
    char *rest = line;
    bool good = true;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "expect ", 7) == 0) {
        snprintf(image->expect, sizeof(image->expect), "%s", line + 7);
        return true;
    }
    line[strcspn(line, "#")] = '\0';
    for (const char *word; good && (word = strtok_r(NULL, " \t", &rest));)
        good = *word == '@' ? take_offset(image, word + 1) : take_number(image, word);
    return good;
}

int hex_read(const char *path, struct hex_image *image)
{
    FILE *file = fopen(path, "re");
    char line[256];
    int number = 0;
    bool good = true;

    memset(image, 0, sizeof(*image));
    if (!file)
        return -errno;
    while (good && fgets(line, sizeof(line), file)) {
        number++;
        good = take_line(image, line);
    }
    fclose(file);
    return good ? 0 : number;
}
