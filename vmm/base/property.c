/* Device properties: each kind of value is one row of a table, each list is cut up in one place. */
#include "vmm/base/property.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PROPERTY_WORDS 256 /* bytes: room in a sentence for what is allowed */

/* The value of one digit in (base), or -1. */
static int number_digit(char character, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = memchr(digits, tolower((unsigned char)character), base);

    return found ? (int)(found - digits) : -1;
}

/* The power of two that (character) stands for, 0 if it is no suffix. */
static unsigned number_suffix(char character, const char *suffixes)
{
    static const char known[] = "KMG";
    int letter = toupper((unsigned char)character);

    if (!suffixes || !strchr(suffixes, letter) || !strchr(known, letter))
        return 0;
    return 10 * (unsigned)(strchr(known, letter) - known + 1);
}

int number_parse(const char *text, const char *suffixes, uint64_t *value)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned base = hexadecimal ? 16 : 10, shift = 0;
    const char *next = hexadecimal ? text + 2 : text;
    uint64_t number = 0;

    if (number_digit(*next, base) < 0)
        return -EINVAL;
    for (int digit; (digit = number_digit(*next, base)) >= 0; next++)
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return -EINVAL;
    if (*next) {
        shift = number_suffix(*next, suffixes);
        if (!shift || next[1])
            return -EINVAL;
    }
    if (number > UINT64_MAX >> shift)
        return -EINVAL;
    *value = number << shift;
    return 0;
}

static int number_set(const struct property *property, void *field, const char *value,
                      const char *suffixes)
{
    uint64_t number;

    if (number_parse(value, suffixes, &number) || number < property->min || number > property->max)
        return -EINVAL;
    *(uint64_t *)field = number;
    return 0;
}

static int integer_set(const struct property *property, void *field, const char *value)
{
    return number_set(property, field, value, NULL);
}

static int size_set(const struct property *property, void *field, const char *value)
{
    return number_set(property, field, value, "KMG");
}

static void size_allowed(const struct property *property, char *text, size_t size)
{
    snprintf(text, size, "a size from %" PRIu64 " to %" PRIu64 " bytes", property->min,
             property->max);
}

static void integer_allowed(const struct property *property, char *text, size_t size)
{
    snprintf(text, size, "a number from %#" PRIx64 " to %#" PRIx64, property->min, property->max);
}

static int bool_set(const struct property *property, void *field, const char *value)
{
    (void)property;
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return -EINVAL;
    *(bool *)field = strcmp(value, "on") == 0;
    return 0;
}

static void bool_allowed(const struct property *property, char *text, size_t size)
{
    (void)property;
    snprintf(text, size, "on or off");
}

static int string_set(const struct property *property, void *field, const char *value)
{
    (void)property;
    if (!*value)
        return -EINVAL;
    *(const char **)field = value;
    return 0;
}

static void string_allowed(const struct property *property, char *text, size_t size)
{
    (void)property;
    snprintf(text, size, "at least one character");
}

static void file_allowed(const struct property *property, char *text, size_t size)
{
    (void)property;
    snprintf(text, size, "the name of a file");
}

static int choice_set(const struct property *property, void *field, const char *value)
{
    for (uint64_t i = 0; property->choices[i]; i++)
        if (strcmp(property->choices[i], value) == 0) {
            *(uint64_t *)field = i;
            return 0;
        }
    return -EINVAL;
}

/* Append to the string in (text), which holds (size) bytes; what does not fit is cut off. */
static void words_append(char *text, size_t size, const char *before, const char *word)
{
    size_t used = strlen(text);

    snprintf(text + used, size - used, "%s%s", before, word);
}

static void choice_allowed(const struct property *property, char *text, size_t size)
{
    const char *const *choices = property->choices;

    text[0] = 0;
    for (size_t i = 0; choices[i]; i++)
        words_append(text, size, i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

static const struct {
    size_t size; /* bytes of the field */
    int (*set)(const struct property *property, void *field, const char *value);
    void (*allowed)(const struct property *property, char *text, size_t size);
} property_kinds[] = {
    [PROPERTY_INTEGER] = {sizeof(uint64_t), integer_set, integer_allowed},
    [PROPERTY_SIZE] = {sizeof(uint64_t), size_set, size_allowed},
    [PROPERTY_BOOL] = {sizeof(bool), bool_set, bool_allowed},
    [PROPERTY_STRING] = {sizeof(const char *), string_set, string_allowed},
    [PROPERTY_FILE] = {sizeof(const char *), string_set, file_allowed},
    [PROPERTY_CHOICE] = {sizeof(uint64_t), choice_set, choice_allowed},
};

static int property_set(const struct property *property, void *object, const char *value,
                        const char *owner, struct error *error)
{
    char allowed[PROPERTY_WORDS];

    if (property_kinds[property->kind].set(property, (char *)object + property->offset, value) == 0)
        return 0;
    property_kinds[property->kind].allowed(property, allowed, sizeof(allowed));
    return error_set(error, -EINVAL, "%s: %s=%s is not allowed; give %s", owner, property->name,
                     value, allowed);
}

static int property_preset(const struct property *table, void *object, const char *owner,
                           struct error *error)
{
    for (const struct property *property = table; property->name; property++) {
        memset((char *)object + property->offset, 0, property_kinds[property->kind].size);
        if (!property->preset)
            continue;

        int code = property_set(property, object, property->preset, owner, error);

        if (code)
            return code;
    }
    return 0;
}

static const struct property *property_find(const struct property *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static int property_unknown(const struct property *table, const char *name, const char *owner,
                            struct error *error)
{
    char names[PROPERTY_WORDS] = "";

    for (; table->name; table++)
        words_append(names, sizeof(names), names[0] ? ", " : "", table->name);
    return error_set(error, -EINVAL, "%s: there is no property '%s'; it has %s", owner, name,
                     names[0] ? names : "none");
}

/* Is (name) also before itself in (text)? That part is cut up: name 0 value 0 name 0 value 0. */
static bool property_repeated(const char *text, const char *name)
{
    bool is_name = true;

    for (; text < name; text += strlen(text) + 1, is_name = !is_name)
        if (is_name && strcmp(text, name) == 0)
            return true;
    return false;
}

int property_parse(const struct property *table, void *object, char *text, const char *owner,
                   struct error *error)
{
    int code = property_preset(table, object, owner, error);
    char *next = text && *text ? text : NULL;

    while (next && !code) {
        char *name = strsep(&next, ","), *value = name;
        bool has_value = strchr(name, '=') != NULL;

        strsep(&value, "=");

        const struct property *property = property_find(table, name);

        if (!*name && !has_value)
            return error_set(error, -EINVAL,
                             "%s: a property is missing at a comma; write NAME=VALUE,NAME=VALUE",
                             owner);
        if (!property)
            return property_unknown(table, name, owner, error);
        if (!has_value)
            return error_set(error, -EINVAL, "%s: property '%s' has no value; write %s=VALUE",
                             owner, name, name);
        if (property_repeated(text, name))
            return error_set(error, -EINVAL, "%s: property '%s' is given twice; give it once",
                             owner, name);
        code = property_set(property, object, value, owner, error);
    }
    return code;
}

void property_print(const struct property *table, int fd)
{
    char allowed[PROPERTY_WORDS];

    for (; table->name; table++) {
        property_kinds[table->kind].allowed(table, allowed, sizeof(allowed));
        dprintf(fd, "  %-10s %s\n", table->name, table->help);
        dprintf(fd, "  %-10s %s; default: %s\n", "", allowed,
                table->preset    ? table->preset
                : table->choices ? table->choices[0]
                                 : "none");
    }
}
