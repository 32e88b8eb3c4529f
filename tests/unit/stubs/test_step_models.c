/*
 * `--stub step` without a machine: what it simulates of a run, and its models.
 */
#include "stubs/step/blocks.h"
#include "stubs/step/cache.h"
#include "stubs/step/files.h"
#include "stubs/step/limits.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *step_models_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- What is simulated */

/* The fates of the next (count) instructions, a letter each. */
static const char *fates(struct step_limits *limits, unsigned count)
{
    static char text[32];

    for (unsigned i = 0; i < count; i++)
        text[i] = "fst"[step_limits_next(limits)];
    text[count] = 0;
    return text;
}

START_TEST(without_limits_everything_is_simulated)
{
    struct step_limits limits = STEP_NO_LIMITS;

    ck_assert_str_eq(fates(&limits, 8), "ssssssss");
}
END_TEST

START_TEST(what_is_skipped_does_not_count_as_simulated)
{
    struct step_limits limits = STEP_NO_LIMITS;

    limits.skip = 2;
    limits.stop = 3;
    ck_assert_str_eq(fates(&limits, 7), "ffssstt");
    ck_assert_uint_eq(limits.skipped, 2);
    ck_assert_uint_eq(limits.simulated, 3);
}
END_TEST

START_TEST(each_switch_counts_anew)
{
    struct step_limits limits = STEP_NO_LIMITS;

    limits.skip = limits.stop = 1;
    ck_assert_str_eq(fates(&limits, 3), "fst");
    step_limits_begin(&limits);
    ck_assert_str_eq(fates(&limits, 3), "fst");
}
END_TEST

START_TEST(stop_0_ends_at_once_and_inf_never)
{
    struct step_limits limits = STEP_NO_LIMITS;

    limits.stop = 0;
    ck_assert_str_eq(fates(&limits, 2), "tt");
    limits.stop = STEP_INF;
    limits.simulated = STEP_INF - 1;
    ck_assert_str_eq(fates(&limits, 1), "s");
}
END_TEST

START_TEST(skip_0_skips_nothing_and_inf_everything)
{
    struct step_limits limits = STEP_NO_LIMITS;

    limits.skip = 0;
    limits.stop = 1;
    ck_assert_str_eq(fates(&limits, 2), "st");
    step_limits_begin(&limits);
    limits.skip = STEP_INF;
    ck_assert_str_eq(fates(&limits, 4), "ffff");
}
END_TEST

START_TEST(a_limit_holds_also_for_a_simulation_that_is_on)
{
    struct step_limits limits = STEP_NO_LIMITS;

    ck_assert_str_eq(fates(&limits, 3), "sss");
    limits.stop = 2;
    ck_assert_str_eq(fates(&limits, 1), "t");
    limits.stop = 4;
    limits.skip = 2;
    ck_assert_str_eq(fates(&limits, 2), "st");
}
END_TEST

/* ---- The cache */

/* The accesses to (addresses), ended by ~0: h for a hit, m for a miss. */
static void check_cache(const char *shape_text, const uint64_t *addresses, const char *wanted)
{
    struct step_cache_shape shape;
    struct step_cache cache;
    char results[64];
    unsigned count = 0, hits = 0;

    ck_assert_int_eq(step_cache_parse(&shape, shape_text, "a stub", NULL), 0);
    ck_assert_int_eq(step_cache_init(&cache, &shape), 0);
    for (; addresses[count] != UINT64_MAX; count++) {
        const bool hit = step_cache_access(&cache, addresses[count]);

        results[count] = hit ? 'h' : 'm';
        hits += hit;
    }
    results[count] = 0;
    ck_assert_str_eq(results, wanted);
    ck_assert_uint_eq(cache.hits, hits);
    ck_assert_uint_eq(cache.misses, count - hits);
    step_cache_free(&cache);
}

#define CHECK_CACHE(shape, wanted, ...)                                                            \
    check_cache(shape, (const uint64_t[]){__VA_ARGS__, UINT64_MAX}, wanted)

START_TEST(a_line_is_there_after_its_first_access)
{
    CHECK_CACHE("1K:2:64", "mhhhm", 0x1000, 0x1000, 0x1001, 0x103f, 0x1040);
}
END_TEST

START_TEST(as_many_lines_of_a_set_stay_as_it_has_ways)
{
    /* 4 sets of 64 bytes: 0x100 apart is the same set. */
    CHECK_CACHE("256:1:64", "mmmm", 0x0, 0x100, 0x0, 0x100);
    CHECK_CACHE("512:2:64", "mmhh", 0x0, 0x100, 0x0, 0x100);
    CHECK_CACHE("512:2:64", "mmmmmm", 0x0, 0x100, 0x200, 0x0, 0x100, 0x200);
    CHECK_CACHE("1K:4:64", "mmmhhh", 0x0, 0x100, 0x200, 0x0, 0x100, 0x200);
}
END_TEST

START_TEST(the_least_recently_used_line_makes_room)
{
    /* The third line takes the place of the second, because the first was used again. */
    CHECK_CACHE("512:2:64", "mmhmhm", 0x0, 0x100, 0x0, 0x200, 0x0, 0x100);
    /* Of four ways, used in the order 0 3 2 1, the next two misses take those of 0 and 3. */
    CHECK_CACHE("1K:4:64", "mmmmhhhhmmhhmm", 0x0, 0x100, 0x200, 0x300, 0x0, 0x300, 0x200, 0x100,
                0x400, 0x500, 0x100, 0x200, 0x0, 0x300);
}
END_TEST

START_TEST(sets_do_not_disturb_each_other)
{
    CHECK_CACHE("256:1:64", "mmmmmhhh", 0x0, 0x40, 0x80, 0xc0, 0x100, 0x40, 0x80, 0xc0);
}
END_TEST

START_TEST(a_cache_may_have_one_set_or_one_line)
{
    CHECK_CACHE("192:3:64", "mmmhmhm", 0x0, 0x40, 0x80, 0x0, 0xc0, 0x0, 0x40);
    CHECK_CACHE("8:1:8", "mhmm", 0x0, 0x7, 0x8, 0x0);
}
END_TEST

START_TEST(the_ends_of_the_address_space_are_addresses)
{
    CHECK_CACHE("8:1:8", "mhmh", 0x0, 0x0, 0xfffffffffffffff8, 0xfffffffffffffffe);
}
END_TEST

/* ---- Basic blocks */

static const struct instruction plain = {.length = 1}, jump = {.length = 2, .ends_block = true},
                                none;

static struct step_blocks blocks;
static struct step_file vectors;
static int vectors_fd;

static void begin_blocks(uint64_t interval, uint32_t limit)
{
    vectors_fd = memfd_create("vectors", MFD_CLOEXEC);
    output_init(&vectors.output, vectors_fd, OUTPUT_FULL, NULL);
    ck_assert_int_eq(step_blocks_init(&blocks, interval, limit), 0);
}

static void run_on(unsigned vcpu, uint64_t address, const struct instruction *code)
{
    if (step_blocks_execute(&blocks, vcpu, address, code))
        step_blocks_write(&blocks, &vectors.output);
}

static void run(uint64_t address, const struct instruction *code)
{
    run_on(0, address, code);
}

/* The last interval is over, and all of them are (wanted). */
static void check_vectors(const char *wanted)
{
    char text[512];
    ssize_t length;

    step_blocks_write(&blocks, &vectors.output);
    output_drain(&vectors.output);
    length = pread(vectors_fd, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = 0;
    ck_assert_str_eq(text, wanted);
    close(vectors_fd);
    step_blocks_free(&blocks);
}

START_TEST(instructions_behind_each_other_are_one_block)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &plain);
    run(0x11, &plain);
    run(0x12, &jump);
    check_vectors("T:1:3\n");
}
END_TEST

START_TEST(a_loop_is_the_same_block_each_time)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &plain); /* falls into the loop */
    for (unsigned i = 0; i < 10; i++) {
        run(0x11, &plain);
        run(0x12, &jump);
    }
    run(0x14, &plain);
    /* The first time round, the loop is a part of the block that falls into it. */
    check_vectors("T:1:3 :2:18 :3:1\n");
}
END_TEST

START_TEST(a_block_ends_at_a_branch_that_is_not_taken)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &jump);
    run(0x12, &plain);
    check_vectors("T:1:1 :2:1\n");
}
END_TEST

START_TEST(a_block_ends_where_an_interrupt_leads_away_and_begins_where_it_comes_back)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &plain);
    run(0x800, &plain);
    run(0x801, &jump);
    run(0x11, &plain);
    run(0x12, &plain);
    check_vectors("T:1:1 :2:2 :3:2\n");
}
END_TEST

START_TEST(nothing_follows_what_is_no_instruction)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &plain);
    run(0x11, &none);
    run(0x12, &plain);
    check_vectors("T:1:2 :2:1\n");
}
END_TEST

START_TEST(an_interval_is_a_line_and_the_last_may_be_shorter)
{
    begin_blocks(3, STEP_BLOCKS_MAX);
    for (unsigned i = 0; i < 7; i++)
        run(0x10 + i, &plain);
    ck_assert_uint_eq(blocks.intervals, 2);
    check_vectors("T:1:3\nT:1:3\nT:1:1\n");
    ck_assert_uint_eq(blocks.intervals, 3);
}
END_TEST

START_TEST(a_block_keeps_its_id_and_a_line_has_those_of_its_interval)
{
    begin_blocks(4, STEP_BLOCKS_MAX);
    run(0x10, &jump);
    run(0x20, &jump);
    run(0x30, &jump);
    run(0x20, &jump);
    run(0x30, &jump);
    run(0x40, &jump);
    run(0x20, &plain);
    run(0x21, &plain);
    check_vectors("T:1:1 :2:2 :3:1\nT:3:1 :4:1 :2:2\n");
}
END_TEST

START_TEST(an_empty_interval_is_no_line)
{
    begin_blocks(2, STEP_BLOCKS_MAX);
    run(0x10, &plain);
    run(0x11, &plain);
    check_vectors("T:1:2\n");
    ck_assert_uint_eq(blocks.intervals, 1);
}
END_TEST

START_TEST(each_vcpu_is_in_a_block_of_its_own)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run_on(0, 0x10, &plain);
    run_on(1, 0x80, &plain);
    run_on(0, 0x11, &plain);
    run_on(1, 0x81, &jump);
    run_on(0, 0x12, &jump);
    check_vectors("T:1:3 :2:2\n");
}
END_TEST

START_TEST(behind_a_cut_a_block_begins)
{
    begin_blocks(100, STEP_BLOCKS_MAX);
    run(0x10, &plain);
    step_blocks_cut(&blocks);
    run(0x11, &plain);
    check_vectors("T:1:1 :2:1\n");
}
END_TEST

static const uint64_t strides[] = {2, 0x10, 0x1357, 1 << 20, UINT64_C(1) << 40};

START_TEST(blocks_are_found_again_however_many_there_are)
{
    begin_blocks(UINT64_MAX, STEP_BLOCKS_MAX);
    for (unsigned round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 5000; i++)
            run(i * strides[_i], &jump);
    ck_assert_uint_eq(blocks.used, 5000);
    for (uint32_t i = 0; i < blocks.used; i++)
        ck_assert_uint_eq(blocks.blocks[i].count, 2);
    close(vectors_fd);
    step_blocks_free(&blocks);
}
END_TEST

START_TEST(the_last_of_too_many_blocks_stands_for_the_others)
{
    begin_blocks(100, 4);
    for (unsigned i = 1; i <= 3; i++)
        run(i * 0x10, &jump);
    ck_assert(!blocks.full);
    for (unsigned i = 4; i <= 6; i++)
        run(i * 0x10, &jump);
    ck_assert(blocks.full);
    run(0x20, &jump);
    run(0x40, &jump);
    ck_assert_uint_eq(blocks.used, 4);
    check_vectors("T:1:1 :2:2 :3:1 :4:4\n");
}
END_TEST

START_TEST(a_table_grows_up_to_its_limit_and_no_further)
{
    begin_blocks(UINT64_MAX, 4096);
    for (uint64_t i = 0; i < 10000; i++)
        run(i << 4, &jump);
    ck_assert_uint_eq(blocks.used, 4096);
    ck_assert_uint_eq(blocks.room, 4096);
    ck_assert_uint_eq(blocks.blocks[4095].count, 10000 - 4095);
    close(vectors_fd);
    step_blocks_free(&blocks);
}
END_TEST

static void add_models(Suite *suite)
{
    TCase *tcase = tcase_create("models");

    tcase_add_test(tcase, without_limits_everything_is_simulated);
    tcase_add_test(tcase, what_is_skipped_does_not_count_as_simulated);
    tcase_add_test(tcase, each_switch_counts_anew);
    tcase_add_test(tcase, stop_0_ends_at_once_and_inf_never);
    tcase_add_test(tcase, skip_0_skips_nothing_and_inf_everything);
    tcase_add_test(tcase, a_limit_holds_also_for_a_simulation_that_is_on);
    tcase_add_test(tcase, a_line_is_there_after_its_first_access);
    tcase_add_test(tcase, as_many_lines_of_a_set_stay_as_it_has_ways);
    tcase_add_test(tcase, the_least_recently_used_line_makes_room);
    tcase_add_test(tcase, sets_do_not_disturb_each_other);
    tcase_add_test(tcase, a_cache_may_have_one_set_or_one_line);
    tcase_add_test(tcase, the_ends_of_the_address_space_are_addresses);
    suite_add_tcase(suite, tcase);
}

static void add_blocks(Suite *suite)
{
    TCase *tcase = tcase_create("blocks");

    tcase_add_test(tcase, instructions_behind_each_other_are_one_block);
    tcase_add_test(tcase, a_loop_is_the_same_block_each_time);
    tcase_add_test(tcase, a_block_ends_at_a_branch_that_is_not_taken);
    tcase_add_test(tcase,
                   a_block_ends_where_an_interrupt_leads_away_and_begins_where_it_comes_back);
    tcase_add_test(tcase, nothing_follows_what_is_no_instruction);
    tcase_add_test(tcase, an_interval_is_a_line_and_the_last_may_be_shorter);
    tcase_add_test(tcase, a_block_keeps_its_id_and_a_line_has_those_of_its_interval);
    tcase_add_test(tcase, an_empty_interval_is_no_line);
    tcase_add_test(tcase, each_vcpu_is_in_a_block_of_its_own);
    tcase_add_test(tcase, behind_a_cut_a_block_begins);
    tcase_add_loop_test(tcase, blocks_are_found_again_however_many_there_are, 0, COUNT(strides));
    tcase_add_test(tcase, the_last_of_too_many_blocks_stands_for_the_others);
    tcase_add_test(tcase, a_table_grows_up_to_its_limit_and_no_further);
    suite_add_tcase(suite, tcase);
}

Suite *step_models_suite(void)
{
    Suite *suite = suite_create("step_models");

    add_models(suite);
    add_blocks(suite);
    return suite;
}
