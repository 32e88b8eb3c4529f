/* vmm/base/histogram.c: exact values, approximate values, and very large values. */
#include "vmm/base/histogram.h"

#include <check.h>
#include <string.h>

Suite *histogram_suite(void);

static struct histogram histogram, other;

static void setup(void)
{
    memset(&histogram, 0, sizeof(histogram));
    memset(&other, 0, sizeof(other));
}

static void add_times(uint64_t value, unsigned times)
{
    while (times--)
        histogram_add(&histogram, value);
}

static void check_all_are(uint64_t value)
{
    ck_assert_uint_eq(histogram.min, value);
    ck_assert_uint_eq(histogram.max, value);
    for (unsigned percent = 0; percent <= 100; percent++)
        ck_assert_uint_eq(histogram_percentile(&histogram, percent), value);
}

/* The precision that histogram.h promises. */
static void check_near(uint64_t told, uint64_t value)
{
    const uint64_t error = told < value ? value - told : told - value;

    ck_assert_msg(error <= value / 32, "%lu is told as %lu", (unsigned long)value,
                  (unsigned long)told);
}

START_TEST(an_empty_one_has_nothing_but_zeros)
{
    check_all_are(0);
    ck_assert_uint_eq(histogram.count, 0);
    ck_assert_uint_eq(histogram.sum, 0);
    ck_assert_double_eq(histogram_mean(&histogram), 0);
}
END_TEST

START_TEST(one_value_is_all_of_them)
{
    histogram_add(&histogram, 1234567);
    check_all_are(1234567);
    ck_assert_uint_eq(histogram.count, 1);
    ck_assert_uint_eq(histogram.sum, 1234567);
    ck_assert_double_eq(histogram_mean(&histogram), 1234567);
}
END_TEST

START_TEST(a_zero_is_a_value)
{
    histogram_add(&histogram, 0);
    histogram_add(&histogram, 7);
    ck_assert_uint_eq(histogram.min, 0);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 0);
}
END_TEST

START_TEST(values_below_32_are_exact)
{
    for (uint64_t value = 0; value < 32; value++)
        histogram_add(&histogram, value);
    for (unsigned percent = 1; percent <= 100; percent++)
        ck_assert_uint_eq(histogram_percentile(&histogram, percent), (32 * percent + 99) / 100 - 1);
}
END_TEST

/* Between the smallest and a great one, so that neither limit helps. */
START_TEST(every_value_is_told_within_a_32nd)
{
    for (uint64_t value = 1; value < 1ull << 39; value += value / 57 + 1) {
        setup();
        add_times(0, 1);
        add_times(value, 2);
        add_times(UINT64_MAX, 1);
        check_near(histogram_percentile(&histogram, 50), value);
        check_near(histogram_percentile(&histogram, 75), value);
    }
}
END_TEST

START_TEST(at_the_edges_of_octaves_too)
{
    for (unsigned bit = 0; bit < 39; bit++) {
        for (uint64_t value = (1ull << bit) - 1; value <= (1ull << bit) + 1; value++) {
            setup();
            add_times(0, 1);
            add_times(value, 2);
            add_times(UINT64_MAX, 1);
            check_near(histogram_percentile(&histogram, 50), value);
        }
    }
}
END_TEST

/* 1, 2, 3 ... in an order of their own. */
START_TEST(percentiles_of_even_steps_are_those_steps)
{
    const uint64_t count = 100003; /* a prime: the steps come to each value once */

    for (uint64_t i = 0; i < count; i++)
        histogram_add(&histogram, i * 7919 % count + 1);
    for (unsigned percent = 1; percent < 100; percent++)
        check_near(histogram_percentile(&histogram, percent), count * percent / 100);
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), count);
    ck_assert_uint_eq(histogram.sum, count * (count + 1) / 2);
}
END_TEST

START_TEST(one_slow_value_in_a_hundred_is_not_the_p99)
{
    add_times(20, 99);
    add_times(1000000, 1);
    ck_assert_uint_eq(histogram_percentile(&histogram, 99), 20);
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), 1000000);
}
END_TEST

START_TEST(two_slow_values_in_a_hundred_are)
{
    add_times(20, 98);
    add_times(1000000, 2);
    ck_assert_uint_eq(histogram_percentile(&histogram, 98), 20);
    check_near(histogram_percentile(&histogram, 99), 1000000);
}
END_TEST

START_TEST(the_median_of_two_is_the_lesser)
{
    histogram_add(&histogram, 1000);
    histogram_add(&histogram, 3);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 3);
}
END_TEST

/* In the bucket from 992 to 1023, whose middle is 1008. */
START_TEST(no_percentile_lies_outside_min_and_max)
{
    add_times(1020, 2);
    add_times(1023, 1);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 1020);
    setup();
    add_times(993, 1);
    add_times(994, 2);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 994);
}
END_TEST

START_TEST(the_first_and_the_last_value_are_exact)
{
    add_times(1000, 1);
    add_times(1023, 20);
    ck_assert_uint_eq(histogram_percentile(&histogram, 1), 1000);
    setup();
    add_times(40000, 20);
    add_times(40123, 1);
    ck_assert_uint_eq(histogram_percentile(&histogram, 99), 40123);
}
END_TEST

START_TEST(percentiles_rise_with_the_percentage)
{
    uint64_t random = 1;

    for (unsigned i = 0; i < 5000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        histogram_add(&histogram, random >> (random % 64));
    }
    for (unsigned percent = 1; percent <= 100; percent++)
        ck_assert_uint_ge(histogram_percentile(&histogram, percent),
                          histogram_percentile(&histogram, percent - 1));
}
END_TEST

START_TEST(merging_equals_counting_together)
{
    static struct histogram together;

    memset(&together, 0, sizeof(together));
    for (uint64_t value = 5; value < 1ull << 50; value += value / 3 + 1) {
        histogram_add(value % 2 ? &histogram : &other, value);
        histogram_add(&together, value);
    }
    histogram_merge(&histogram, &other);
    ck_assert_mem_eq(&histogram, &together, sizeof(together));
}
END_TEST

START_TEST(merging_an_empty_one_changes_nothing)
{
    add_times(77, 3);
    histogram_merge(&histogram, &other);
    check_all_are(77);
    ck_assert_uint_eq(histogram.count, 3);
}
END_TEST

START_TEST(merging_into_an_empty_one_is_a_copy)
{
    histogram_add(&other, 77);
    histogram_merge(&histogram, &other);
    ck_assert_mem_eq(&histogram, &other, sizeof(other));
}
END_TEST

START_TEST(the_greatest_values_share_the_last_bucket)
{
    histogram_add(&histogram, 1ull << HISTOGRAM_OCTAVES);
    histogram_add(&histogram, 1ull << 63);
    histogram_add(&histogram, UINT64_MAX);
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 3);
    ck_assert_uint_eq(histogram.min, 1ull << HISTOGRAM_OCTAVES);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), UINT64_MAX);
}
END_TEST

START_TEST(the_last_bucket_begins_where_values_still_fit)
{
    histogram_add(&histogram, (1ull << HISTOGRAM_OCTAVES) - 1);
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 1);
    histogram_add(&histogram, 31ull << (HISTOGRAM_OCTAVES - 5));
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 2);
    histogram_add(&histogram, (31ull << (HISTOGRAM_OCTAVES - 5)) - 1);
    ck_assert_uint_eq(histogram.buckets[HISTOGRAM_BUCKETS - 2], 1);
}
END_TEST

START_TEST(a_sum_stays_at_its_limit)
{
    add_times(UINT64_MAX, 3);
    check_all_are(UINT64_MAX);
    ck_assert_uint_eq(histogram.sum, UINT64_MAX);
    ck_assert_uint_eq(histogram.count, 3);
}
END_TEST

START_TEST(a_merged_sum_stays_at_its_limit)
{
    add_times(UINT64_MAX, 1);
    histogram_add(&other, UINT64_MAX);
    histogram_merge(&histogram, &other);
    check_all_are(UINT64_MAX);
    ck_assert_uint_eq(histogram.sum, UINT64_MAX);
}
END_TEST

/* As after some centuries: no product of count and percentage may wrap. */
START_TEST(counts_may_be_as_great_as_values)
{
    histogram_add(&histogram, 3);
    histogram_add(&histogram, 20);
    histogram.buckets[3] = UINT64_MAX / 100 * 98;
    histogram.buckets[20] = UINT64_MAX - histogram.buckets[3];
    histogram.count = UINT64_MAX;
    ck_assert_uint_eq(histogram_percentile(&histogram, 97), 3);
    ck_assert_uint_eq(histogram_percentile(&histogram, 50), 3);
    ck_assert_uint_eq(histogram_percentile(&histogram, 99), 20);
}
END_TEST

Suite *histogram_suite(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tcase = tcase_create("histogram");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, an_empty_one_has_nothing_but_zeros);
    tcase_add_test(tcase, one_value_is_all_of_them);
    tcase_add_test(tcase, a_zero_is_a_value);
    tcase_add_test(tcase, values_below_32_are_exact);
    tcase_add_test(tcase, every_value_is_told_within_a_32nd);
    tcase_add_test(tcase, at_the_edges_of_octaves_too);
    tcase_add_test(tcase, percentiles_of_even_steps_are_those_steps);
    tcase_add_test(tcase, one_slow_value_in_a_hundred_is_not_the_p99);
    tcase_add_test(tcase, two_slow_values_in_a_hundred_are);
    tcase_add_test(tcase, the_median_of_two_is_the_lesser);
    tcase_add_test(tcase, no_percentile_lies_outside_min_and_max);
    tcase_add_test(tcase, the_first_and_the_last_value_are_exact);
    tcase_add_test(tcase, percentiles_rise_with_the_percentage);
    tcase_add_test(tcase, merging_equals_counting_together);
    tcase_add_test(tcase, merging_an_empty_one_changes_nothing);
    tcase_add_test(tcase, merging_into_an_empty_one_is_a_copy);
    tcase_add_test(tcase, the_greatest_values_share_the_last_bucket);
    tcase_add_test(tcase, the_last_bucket_begins_where_values_still_fit);
    tcase_add_test(tcase, a_sum_stays_at_its_limit);
    tcase_add_test(tcase, a_merged_sum_stays_at_its_limit);
    tcase_add_test(tcase, counts_may_be_as_great_as_values);
    suite_add_tcase(suite, tcase);
    return suite;
}
