/*
 * The counts of --stats, shared by the counter (stats.c) and the writers (stats_table.c,
 * stats_json.c).
 */
#ifndef VMM_OBSERVE_STATS_TABLE_H
#define VMM_OBSERVE_STATS_TABLE_H

#include "vmm/base/histogram.h"
#include "vmm/core/exit_reason.h"
#include "vmm/io/bus.h"

#include <stdint.h>
#include <stdio.h>

#define STATS_PLACES 1024 /* a power of two; a quarter of them stays free */

struct machine;

/* The times of some exits, in nanoseconds; both histograms have one value for each exit. */
struct tally {
    struct histogram run;    /* in KVM_RUN before the exit */
    struct histogram handle; /* in the monitor */
};

/* One port or address, in both directions. */
struct place {
    uint64_t address;
    enum bus_space space;
    uint64_t reads, writes; /* elements: a string I/O is one exit with many */
    struct tally *tally;    /* NULL: the place is free */
};

/* A tally takes 9 KB and few are used: each is allocated at its first exit. */
struct stats_table {
    struct tally *reasons[EXIT_REASONS]; /* NULL: no such exit */
    struct place places[STATS_PLACES];
    unsigned place_count;
    struct place others; /* addresses without a place of their own */

    /* Not allocated, so that exits are counted even without memory. */
    struct tally other_reasons, other_places;
};

/* The sums to be written. */
struct stats_report {
    struct machine *machine;
    const struct stats_table
        *stats;              /* of all vCPUs; the (place_count) places in use come first, sorted */
    const struct tally *all; /* all exits */
    uint64_t unclaimed;      /* accesses that no device decoded */
};

static inline uint64_t tally_exits(const struct tally *tally)
{
    return tally->handle.count;
}

/*
 * The name of the place's decoder; "unclaimed": there is no decoder. Static text without a
 * quotation mark.
 */
const char *stats_device_at(struct machine *machine, const struct place *place);

/* Write (stats) as tables. Write errors stay in (file). */
void stats_write_table(const struct stats_report *report, FILE *file);

#endif
