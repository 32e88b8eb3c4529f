/*
 * What `--stub step` has counted, as the file that a guest asks for with `-stats NAME`.
 */
#ifndef STUBS_STEP_STATS_H
#define STUBS_STEP_STATS_H

#include <stddef.h>
#include <stdint.h>

#define STEP_STATS_TEXT   512       /* bytes: room for the line, with a 0 */
#define STEP_STATS_NAME   (200 + 1) /* bytes: OUTFILE_NAME_MAX and a 0 */
#define STEP_STATS_ENDING ".stats"

struct step_stats {
    uint64_t instructions;   /* given to the models */
    uint64_t fast_forwarded; /* stepped, but not given to them */
    uint64_t blocks;         /* basic blocks that are different from each other */
    uint64_t intervals;      /* vectors of them */
    uint64_t cache_hits, cache_misses;
    uint64_t switches; /* to simulation */
    uint64_t markers;  /* in simulation or not */
};

/*
 * All of them as a line of JSON in (text), which has STEP_STATS_TEXT bytes; gives its length. The miss rate is
 * that of misses among all accesses, 0 if there was none.
 */
size_t step_stats_format(const struct step_stats *stats, char *text);

/*
 * What the guest's (value), which may be NULL, is as a name: in (name), which has STEP_STATS_NAME bytes,
 * without the ending that the file gets. What the log says of it: "kept: ..." or "refused: ...", when (name) stays
 * as it was.
 */
const char *step_stats_name(char *name, const char *value);

#endif
