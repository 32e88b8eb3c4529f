#include "vmm/base/histogram.h"

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

/* The value's leading bit chooses the octave, the HISTOGRAM_SUB_BITS below it the bucket. */
static unsigned bucket_of(uint64_t value)
{
    unsigned shift;
    uint64_t bucket;

    if (value < SUB_BUCKETS)
        return (unsigned)value;
    shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    bucket = shift * SUB_BUCKETS + (value >> shift);
    return bucket < HISTOGRAM_BUCKETS ? (unsigned)bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_middle(unsigned bucket)
{
    unsigned shift = bucket / SUB_BUCKETS ? bucket / SUB_BUCKETS - 1 : 0;
    uint64_t first = (uint64_t)(bucket - shift * SUB_BUCKETS) << shift;

    return first + ((1ull << shift) >> 1);
}

static uint64_t add_up_to_limit(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (histogram->count == 0 || value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->count++;
    histogram->sum = add_up_to_limit(histogram->sum, value);
    histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *sum, const struct histogram *more)
{
    if (more->count == 0)
        return;
    if (sum->count == 0 || more->min < sum->min)
        sum->min = more->min;
    if (more->max > sum->max)
        sum->max = more->max;
    sum->count += more->count;
    sum->sum = add_up_to_limit(sum->sum, more->sum);
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
        sum->buckets[bucket] += more->buckets[bucket];
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    /* How many lie above it, rounded down: a product of all of them and (percent) may not fit. */
    const unsigned above = percent < 100 ? 100 - percent : 0;
    const uint64_t count = histogram->count;
    const uint64_t rank = count - (count / 100 * above + count % 100 * above / 100);
    uint64_t seen = 0;
    unsigned bucket = 0;
    uint64_t middle;

    if (rank <= 1)
        return histogram->min;
    while (bucket < HISTOGRAM_BUCKETS - 1 && (seen += histogram->buckets[bucket]) < rank)
        bucket++;
    if (rank == count || bucket == HISTOGRAM_BUCKETS - 1)
        return histogram->max;
    middle = bucket_middle(bucket);
    if (middle < histogram->min)
        return histogram->min;
    return middle < histogram->max ? middle : histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum / (double)histogram->count : 0.0;
}
