#include "stubs/step/stats.h"

#include "vmm/io/outfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MILLION 1000000u

_Static_assert(STEP_STATS_NAME == OUTFILE_NAME_MAX + 1, "every name fits");

/* In millionths, rounded: a decimal point that depends on no locale can be put before them. */
static uint64_t miss_rate(const struct step_stats *stats)
{
    const double accesses = (double)stats->cache_hits + (double)stats->cache_misses;

    return accesses > 0 ? (uint64_t)((double)stats->cache_misses * MILLION / accesses + 0.5) : 0;
}

size_t step_stats_format(const struct step_stats *stats, char *text)
{
    const uint64_t rate = miss_rate(stats);
    const int length =
        snprintf(text, STEP_STATS_TEXT,
                 "{\"instructions\":%" PRIu64 ",\"fast_forwarded\":%" PRIu64 ",\"blocks\":%" PRIu64
                 ",\"intervals\":%" PRIu64 ",\"cache_hits\":%" PRIu64 ",\"cache_misses\":%" PRIu64
                 ",\"miss_rate\":%" PRIu64 ".%06" PRIu64 ",\"switches\":%" PRIu64
                 ",\"markers\":%" PRIu64 "}\n",
                 stats->instructions, stats->fast_forwarded, stats->blocks, stats->intervals,
                 stats->cache_hits, stats->cache_misses, rate / MILLION, rate % MILLION,
                 stats->switches, stats->markers);

    return (size_t)length;
}

const char *step_stats_name(char *name, const char *value)
{
    const size_t ending = strlen(STEP_STATS_ENDING);
    size_t length = value ? strlen(value) : 0;

    if (!length)
        return "refused: no name is given";
    if (!outfile_name_allowed(value, length))
        return "refused: the name is not allowed";
    if (length > ending && strcmp(value + length - ending, STEP_STATS_ENDING) == 0)
        length -= ending;
    memcpy(name, value, length);
    name[length] = 0;
    return "kept: written at -snapshot-now and at the end";
}
