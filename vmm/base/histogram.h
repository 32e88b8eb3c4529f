/*
 * How often which value came up: times in nanoseconds, for --stats.
 *
 * Log-linear: values below 32 have a bucket each; above, every octave (from 2^n to 2^(n+1)) has 16
 * of one width. Least value, greatest value and sum are exact. A percentile is the middle of its bucket: at most
 * 1/32, that is 3.2 %, from the true value.
 *
 * A histogram of zeros is empty. There are no locks: one thread fills it, and it is merged or read afterwards.
 */
#ifndef VMM_BASE_HISTOGRAM_H
#define VMM_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 4  /* 2^4 buckets an octave */
#define HISTOGRAM_OCTAVES  40 /* from 2^40 ns, 18 minutes, on all values share the last bucket */
#define HISTOGRAM_BUCKETS  ((HISTOGRAM_OCTAVES - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t sum;      /* stays at 2^64 - 1 if it would be greater */
    uint64_t min, max; /* 0 while nothing was counted */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Count (value) once. Takes the same few instructions for any value. */
void histogram_add(struct histogram *histogram, uint64_t value);

/* Add all values of (more) to (sum). */
void histogram_merge(struct histogram *sum, const struct histogram *more);

/*
 * The least value that (percent), 0 to 100, of the values do not exceed: 50 is the median. If that
 * is the first or the last of all values it is min or max, exactly, and never outside these; in the
 * last bucket it is max. 0 if nothing was counted.
 */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

/* 0 if nothing was counted. */
double histogram_mean(const struct histogram *histogram);

#endif
