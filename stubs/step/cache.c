#include "stubs/step/cache.h"

#include "vmm/base/property.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_BYTES (UINT64_C(16) << 20)
#define WAYS_MAX       64
#define LINE_MIN       8 /* a shorter line could make line number + 1 wrap */
#define LINE_MAX       4096
#define FIELD_MAX      24 /* bytes of a number as text */

static bool is_power_of_two(uint64_t number)
{
    return number && (number & (number - 1)) == 0;
}

/* Parse the number up to the next colon, or the last one; *text moves past it. */
static int parse_number(const char **text, bool last, uint64_t *number)
{
    const size_t length = strcspn(*text, ":");
    char field[FIELD_MAX];

    if (length >= sizeof(field) || ((*text)[length] == 0) != last)
        return -EINVAL;
    memcpy(field, *text, length);
    field[length] = 0;
    *text += length + !last;
    return number_parse(field, "KM", number);
}

int step_cache_parse(struct step_cache_shape *shape, const char *text, const char *owner,
                     struct error *error)
{
    const char *rest = text;
    uint64_t size, ways, line;

    if (parse_number(&rest, false, &size) < 0 || parse_number(&rest, false, &ways) < 0 ||
        parse_number(&rest, true, &line) < 0)
        return error_set(error, -EINVAL,
                         "%s: cache=%s is not SIZE:WAYS:LINE; write three numbers, as in 32K:8:64",
                         owner, text);
    if (line < LINE_MIN || line > LINE_MAX || !is_power_of_two(line))
        return error_set(error, -EINVAL,
                         "%s: cache=%s: a line of %" PRIu64
                         " bytes is not allowed; give a power of two from %u to %u",
                         owner, text, line, LINE_MIN, LINE_MAX);
    if (ways < 1 || ways > WAYS_MAX)
        return error_set(error, -EINVAL,
                         "%s: cache=%s: %" PRIu64
                         " ways are not allowed; give a number from 1 to %u",
                         owner, text, ways, WAYS_MAX);
    if (size > SIZE_MAX_BYTES || size % (ways * line) || !is_power_of_two(size / (ways * line)))
        return error_set(error, -EINVAL,
                         "%s: cache=%s: SIZE must be WAYS times LINE times a power of two, "
                         "and at most 16M; such as %" PRIu64,
                         owner, text, ways * line * 64);
    *shape =
        (struct step_cache_shape){.size = size, .ways = (unsigned)ways, .line = (unsigned)line};
    return 0;
}

int step_cache_init(struct step_cache *cache, const struct step_cache_shape *shape)
{
    *cache = (struct step_cache){
        .sets = shape->size / shape->line / shape->ways,
        .ways = shape->ways,
        .shift = (unsigned)__builtin_ctz(shape->line),
    };
    cache->lines = calloc(cache->sets * cache->ways, sizeof(cache->lines[0]));
    return cache->lines ? 0 : -ENOMEM;
}

void step_cache_free(struct step_cache *cache)
{
    free(cache->lines);
    *cache = (struct step_cache){0};
}

bool step_cache_access(struct step_cache *cache, uint64_t address)
{
    const uint64_t number = address >> cache->shift;
    uint64_t *set = &cache->lines[(number & (cache->sets - 1)) * cache->ways];
    unsigned way = 0;
    bool hit;

    while (way < cache->ways - 1 && set[way] != number + 1)
        way++;
    hit = set[way] == number + 1;
    memmove(&set[1], &set[0], way * sizeof(set[0]));
    set[0] = number + 1;
    cache->hits += hit;
    cache->misses += !hit;
    return hit;
}
