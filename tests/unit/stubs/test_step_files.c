/*
 * `--stub step` without a machine: its options, its callbacks as far as they need none, and what it writes.
 */
#include "stubs/step/files.h"
#include "stubs/step/options.h"
#include "stubs/step/step.h"
#include "vmm/step/decode.h"

#include "tests/unit/needs.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *step_files_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Options */

START_TEST(without_options_nothing_is_written)
{
    struct step_options options;

    ck_assert_int_eq(step_options_parse(&options, NULL, NULL), 0);
    ck_assert_ptr_null(options.trace);
    ck_assert_ptr_null(options.bb);
    ck_assert(!options.disasm);
    ck_assert_uint_eq(options.interval, 100000);
    ck_assert_uint_eq(options.cache.size, 32768);
    ck_assert_uint_eq(options.cache.ways, 8);
    ck_assert_uint_eq(options.cache.line, 64);
    step_options_free(&options);
}
END_TEST

START_TEST(each_option_can_be_given)
{
    struct step_options options;
    const char *text = "trace=a.trace,disasm=on,bb=a.bb,interval=0x10,cache=48K:12:64";

    ck_assert_int_eq(step_options_parse(&options, text, NULL), 0);
    ck_assert_str_eq(options.trace, "a.trace");
    ck_assert_str_eq(options.bb, "a.bb");
    ck_assert(options.disasm);
    ck_assert_uint_eq(options.interval, 16);
    ck_assert_uint_eq(options.cache.size, 49152);
    ck_assert_uint_eq(options.cache.ways, 12);
    step_options_free(&options);
}
END_TEST

static const struct {
    const char *options, *sentence;
} refused[] = {
    {"interval=0", "stub step: interval=0 is not allowed; give a number from 0x1 to 0x10000000000"},
    {"interval=0x10000000001", "interval=0x10000000001 is not allowed"},
    {"interval=18446744073709551616", "is not allowed"},
    {"interval=-1", "is not allowed"},
    {"trace=", "stub step: trace= is not allowed; give the name of a file"},
    {"disasm=yes,trace=a", "stub step: disasm=yes is not allowed; give on or off"},
    {"disasm=on", "disasm=on is for the trace; give trace=FILE, too"},
    {"trace=a,bb=a", "trace and bb are the same file, a; give each its own"},
    {"speed=1",
     "stub step: there is no property 'speed'; it has trace, disasm, bb, interval, cache"},
    {"bb", "property 'bb' has no value; write bb=VALUE"},
    {"bb=a,bb=b", "property 'bb' is given twice"},
    {"cache=0:0:0", "a line of 0 bytes is not allowed; give a power of two from 8 to 4096"},
    {"cache=32K:0:64", "0 ways are not allowed; give a number from 1 to 64"},
    {"cache=32K:65:64", "65 ways are not allowed"},
    {"cache=0:8:64", "SIZE must be WAYS times LINE times a power of two, and at most 16M"},
    {"cache=32K:8:48", "a line of 48 bytes is not allowed"},
    {"cache=32K:8:4", "a line of 4 bytes is not allowed"},
    {"cache=32K:8:8192", "a line of 8192 bytes is not allowed"},
    {"cache=3K:1:64", "such as 4096"},
    {"cache=1000:1:64", "SIZE must be WAYS times LINE times a power of two"},
    {"cache=64:8:64", "SIZE must be WAYS times LINE times a power of two"},
    {"cache=32M:8:64", "at most 16M"},
    {"cache=0xffffffffffffffff:8:64", "SIZE must be"},
    {"cache=32K:8", "cache=32K:8 is not SIZE:WAYS:LINE; write three numbers, as in 32K:8:64"},
    {"cache=32K:8:64:1", "is not SIZE:WAYS:LINE"},
    {"cache=:::", "is not SIZE:WAYS:LINE"},
    {"cache=32K:eight:64", "is not SIZE:WAYS:LINE"},
    {"cache=00000000000000000000000000000032K:8:64", "is not SIZE:WAYS:LINE"},
};

START_TEST(an_option_that_is_not_allowed_is_refused_with_a_sentence)
{
    struct step_options options;
    struct error error = {0};

    ck_assert_int_eq(step_options_parse(&options, refused[_i].options, &error), -EINVAL);
    ck_assert_msg(strstr(error.text, refused[_i].sentence) != NULL, "%s: '%s'", refused[_i].options,
                  error.text);
    ck_assert_msg(strncmp(error.text, "stub step: ", 11) == 0, "'%s'", error.text);
}
END_TEST

/* ---- The stub, as far as it needs no machine */

START_TEST(the_stub_is_found_under_its_name)
{
    ck_assert_uint_eq(stub_type_step.abi, MINIVMM_ABI);
    ck_assert_str_eq(stub_type_step.name, "step");
}
END_TEST

START_TEST(wrong_options_refuse_the_machine)
{
    struct minivmm_error error = {0};
    void *state = NULL;

    ck_assert_int_eq(stub_type_step.attach(NULL, "cache=0:0:0", &state, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "a line of 0 bytes is not allowed"));
    ck_assert_ptr_null(state);
}
END_TEST

START_TEST(a_file_that_cannot_be_made_refuses_the_machine)
{
    struct minivmm_error error = {0};
    void *state = NULL;

    ck_assert_int_eq(stub_type_step.attach(NULL, "bb=/no/such/directory/x", &state, &error),
                     -ENOENT);
    ck_assert_str_eq(error.text, "stub step: /no/such/directory/x: No such file or directory; "
                                 "name a file that can be written");
}
END_TEST

static const char *command(void *state, const char *name, const char *value, uint64_t number)
{
    const struct minivmm_command given = {name, value, number};

    return stub_type_step.command(state, NULL, &given);
}

START_TEST(only_stats_has_no_usual_effect)
{
    void *state = NULL;

    ck_assert_int_eq(stub_type_step.attach(NULL, NULL, &state, NULL), 0);
    ck_assert_ptr_null(command(state, "-run", NULL, 0));
    ck_assert_ptr_null(command(state, "-stopinsns", "5", 5));
    ck_assert_ptr_null(command(state, "-fast-fwd-insns", "5", 5));
    ck_assert_ptr_null(command(state, "-snapshot-now", NULL, 0));
    ck_assert_ptr_null(command(state, "-logfile", "x", 0));
    ck_assert_ptr_null(command(state, "-kill", NULL, 0));
    ck_assert_str_eq(command(state, "-stats", NULL, 0), "refused: no name is given");
    stub_type_step.detach(state);
}
END_TEST

START_TEST(the_guests_limits_hold_for_its_steps)
{
    const struct minivmm_instruction instruction = {1, 0x1000, 64};
    void *state = NULL;

    ck_assert_int_eq(stub_type_step.attach(NULL, NULL, &state, NULL), 0);
    command(state, "-fast-fwd-insns", "2", 2);
    command(state, "-stopinsns", "0", 0);
    ck_assert_int_eq(stub_type_step.step(state, NULL, &instruction), MINIVMM_STEP);
    ck_assert_int_eq(stub_type_step.step(state, NULL, &instruction), MINIVMM_STEP);
    ck_assert_int_eq(stub_type_step.step(state, NULL, &instruction), MINIVMM_NATIVE);
    stub_type_step.detach(state);
}
END_TEST

/* ---- The trace */

static void check_line(const struct disasm *disasm, const uint8_t *bytes, unsigned count,
                       const char *wanted)
{
    const struct minivmm_instruction instruction = {7, 0x100000, 64};
    char line[STEP_TRACE_LINE + 1];
    const size_t length = step_trace_line(line, 1, &instruction, bytes, count, disasm);

    line[length] = 0;
    ck_assert_str_eq(line, wanted);
}

START_TEST(a_line_has_number_vcpu_address_and_bytes)
{
    check_line(NULL, (const uint8_t[]){0x0f, 0xa2}, 2, "7 1 0x100000 0fa2\n");
}
END_TEST

START_TEST(bytes_that_are_not_mapped_are_a_dash)
{
    check_line(NULL, NULL, 0, "7 1 0x100000 -\n");
}
END_TEST

START_TEST(with_the_library_a_line_has_the_instruction)
{
    struct disasm disasm = {0};

    if (disasm_open(&disasm) < 0)
        return;
    for (unsigned i = 0; i < 3; i++) /* one opened library serves for all */
        check_line(&disasm, (const uint8_t[]){0x0f, 0xa2}, 2, "7 1 0x100000 0fa2 cpuid\n");
    check_line(&disasm, (const uint8_t[]){0xe8, 0xfb, 0xff, 0xff, 0xff}, 5,
               "7 1 0x100000 e8fbffffff call 0x0000000000100000\n");
    check_line(&disasm, (const uint8_t[]){0x06}, 1, "7 1 0x100000 06 (bad)\n");
    check_line(&disasm, NULL, 0, "7 1 0x100000 - (bad)\n");
    disasm_close(&disasm);
}
END_TEST

START_TEST(the_longest_line_fits)
{
    const struct minivmm_instruction last = {UINT64_MAX, UINT64_MAX, 64};
    uint8_t bytes[INSTRUCTION_MAX];
    char line[STEP_TRACE_LINE];

    memset(bytes, 0xff, sizeof(bytes));
    ck_assert_uint_lt(step_trace_line(line, 1023, &last, bytes, INSTRUCTION_MAX, NULL),
                      sizeof(line));
    ck_assert_uint_eq(strcspn(line, "\n"), 20 + 1 + 4 + 1 + 18 + 1 + 30);
}
END_TEST

/* ---- Files */

START_TEST(a_file_has_what_was_written_when_it_is_closed)
{
    char path[] = "/tmp/step-XXXXXX", text[16] = "";
    struct step_file file;
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, "older", 5), 5);
    ck_assert_int_eq(step_file_open(&file, path, NULL), 0);
    output_write(&file.output, "one\n", 4);
    step_file_close(&file);
    ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 4);
    ck_assert_str_eq(text, "one\n");
    close(fd);
    unlink(path);
}
END_TEST

START_TEST(a_full_disk_is_told_once)
{
    struct error error = {0};
    struct step_file file;
    char line[1000] = {0};

    ck_assert_int_eq(step_file_open(&file, "/dev/full", NULL), 0);
    ck_assert(!step_file_has_failed(&file, &error));
    for (unsigned i = 0; i < 100; i++)
        output_write(&file.output, line, sizeof(line));
    ck_assert(step_file_has_failed(&file, &error));
    ck_assert_str_eq(error.text, "/dev/full: No space left on device: the rest is lost");
    ck_assert(!step_file_has_failed(&file, &error));
    step_file_close(&file);
    ck_assert(!step_file_has_failed(&file, &error));
}
END_TEST

START_TEST(what_is_lost_at_the_close_is_told_too)
{
    struct error error = {0};
    struct step_file file;

    ck_assert_int_eq(step_file_open(&file, "/dev/full", NULL), 0);
    output_write(&file.output, "one\n", 4);
    ck_assert(!step_file_has_failed(&file, &error));
    step_file_close(&file);
    ck_assert(step_file_has_failed(&file, &error));
}
END_TEST

START_TEST(a_file_that_nobody_wants_takes_everything_in_silence)
{
    struct error error = {0};
    struct step_file file;

    ck_assert_int_eq(step_file_open(&file, NULL, NULL), 0);
    output_write(&file.output, "one\n", 4);
    step_file_close(&file);
    ck_assert(!step_file_has_failed(&file, &error));
}
END_TEST

/* ---- Statistics */

START_TEST(the_statistics_are_one_line_of_json)
{
    const struct step_stats stats = {
        .instructions = 1000,
        .fast_forwarded = 20,
        .blocks = 7,
        .intervals = 2,
        .cache_hits = 875,
        .cache_misses = 125,
        .switches = 1,
        .markers = 3,
    };
    char text[STEP_STATS_TEXT];

    ck_assert_uint_eq(step_stats_format(&stats, text), strlen(text));
    ck_assert_str_eq(text,
                     "{\"instructions\":1000,\"fast_forwarded\":20,\"blocks\":7,\"intervals\":2,"
                     "\"cache_hits\":875,\"cache_misses\":125,\"miss_rate\":0.125000,"
                     "\"switches\":1,\"markers\":3}\n");
}
END_TEST

static const struct {
    uint64_t hits, misses;
    const char *rate;
} rates[] = {
    {0, 0, "0.000000"},       {1, 0, "0.000000"},      {0, 1, "1.000000"},
    {2, 1, "0.333333"},       {1, 2, "0.666667"},      {0, UINT64_MAX, "1.000000"},
    {9999999, 1, "0.000000"}, {999999, 1, "0.000001"},
};

START_TEST(the_miss_rate_is_rounded_to_six_digits)
{
    const struct step_stats stats = {.cache_hits = rates[_i].hits,
                                     .cache_misses = rates[_i].misses};
    char text[STEP_STATS_TEXT], wanted[32];

    step_stats_format(&stats, text);
    snprintf(wanted, sizeof(wanted), "\"miss_rate\":%s,", rates[_i].rate);
    ck_assert_msg(strstr(text, wanted) != NULL, "%s in %s", wanted, text);
}
END_TEST

START_TEST(the_greatest_numbers_fit)
{
    struct step_stats stats;
    char text[STEP_STATS_TEXT];

    memset(&stats, 0xff, sizeof(stats));
    ck_assert_uint_lt(step_stats_format(&stats, text), sizeof(text));
}
END_TEST

START_TEST(a_name_gets_one_ending)
{
    char name[STEP_STATS_NAME] = "";

    ck_assert_str_eq(step_stats_name(name, "roi"), "kept: written at -snapshot-now and at the end");
    ck_assert_str_eq(name, "roi");
    step_stats_name(name, "run2.stats");
    ck_assert_str_eq(name, "run2");
    step_stats_name(name, "run3.yml");
    ck_assert_str_eq(name, "run3.yml");
}
END_TEST

static const char *const bad_names[] = {
    "/etc/passwd", "../up", "a/b", "a\\b", ".hidden", ".stats", "..", "bell\a", "\xc3\xa4",
};

START_TEST(a_name_that_leads_elsewhere_is_refused_and_the_older_one_stays)
{
    char name[STEP_STATS_NAME] = "older";

    ck_assert_str_eq(step_stats_name(name, bad_names[_i]), "refused: the name is not allowed");
    ck_assert_str_eq(name, "older");
}
END_TEST

START_TEST(a_name_may_be_as_long_as_that_of_any_file)
{
    char name[STEP_STATS_NAME] = "", value[186];

    memset(value, 'a', sizeof(value));
    value[185] = 0;
    ck_assert_str_eq(step_stats_name(name, value), "refused: the name is not allowed");
    value[184] = 0;
    ck_assert_str_eq(step_stats_name(name, value), "kept: written at -snapshot-now and at the end");
    ck_assert_str_eq(name, value);
    ck_assert_str_eq(step_stats_name(name, ""), "refused: no name is given");
}
END_TEST

static void add_options(Suite *suite)
{
    TCase *tcase = tcase_create("options");

    tcase_add_test(tcase, without_options_nothing_is_written);
    tcase_add_test(tcase, each_option_can_be_given);
    tcase_add_loop_test(tcase, an_option_that_is_not_allowed_is_refused_with_a_sentence, 0,
                        COUNT(refused));
    tcase_add_test(tcase, the_stub_is_found_under_its_name);
    tcase_add_test(tcase, wrong_options_refuse_the_machine);
    tcase_add_test(tcase, a_file_that_cannot_be_made_refuses_the_machine);
    tcase_add_test(tcase, only_stats_has_no_usual_effect);
    tcase_add_test(tcase, the_guests_limits_hold_for_its_steps);
    suite_add_tcase(suite, tcase);
}

static void add_texts(Suite *suite)
{
    TCase *tcase = tcase_create("texts");

    tcase_add_test(tcase, a_line_has_number_vcpu_address_and_bytes);
    tcase_add_test(tcase, bytes_that_are_not_mapped_are_a_dash);
    tcase_add_test(tcase, with_the_library_a_line_has_the_instruction);
    tcase_add_test(tcase, the_longest_line_fits);
    tcase_add_test(tcase, a_file_has_what_was_written_when_it_is_closed);
    needs_test_add(tcase, NEED_FULL, a_full_disk_is_told_once, 1);
    needs_test_add(tcase, NEED_FULL, what_is_lost_at_the_close_is_told_too, 1);
    tcase_add_test(tcase, a_file_that_nobody_wants_takes_everything_in_silence);
    tcase_add_test(tcase, the_statistics_are_one_line_of_json);
    tcase_add_loop_test(tcase, the_miss_rate_is_rounded_to_six_digits, 0, COUNT(rates));
    tcase_add_test(tcase, the_greatest_numbers_fit);
    tcase_add_test(tcase, a_name_gets_one_ending);
    tcase_add_loop_test(tcase, a_name_that_leads_elsewhere_is_refused_and_the_older_one_stays, 0,
                        COUNT(bad_names));
    tcase_add_test(tcase, a_name_may_be_as_long_as_that_of_any_file);
    suite_add_tcase(suite, tcase);
}

Suite *step_files_suite(void)
{
    Suite *suite = suite_create("step_files");

    add_options(suite);
    add_texts(suite);
    return suite;
}
