/* vmm/html/html_reader.c: a page's data about a stream, as JSON. */
#include "vmm/html/html_classes.h"
#include "vmm/html/html_events.h"
#include "vmm/html/html_json.h"
#include "vmm/html/html_reader.h"
#include "vmm/html/html_timeline.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *html_reader_suite(void);

#define RECORDED "exits 1\nrecorded \"guest.bin\" by minivmm\n"

/* The stream of a test, in a file of its own, and what was read of it. */
static char path[64];
static FILE *stream;
static struct text json;
static struct error error;

static void setup(void)
{
    int fd;

    snprintf(path, sizeof(path), "/tmp/minivmm-page-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    stream = fdopen(fd, "w");
    ck_assert_ptr_nonnull(stream);
    json = (struct text){0};
    error.text[0] = '\0';
}

static void teardown(void)
{
    if (stream)
        fclose(stream);
    unlink(path);
    text_free(&json);
}

static int read_result(void)
{
    ck_assert_int_eq(fclose(stream), 0);
    stream = NULL;
    return html_read(path, &json, &error);
}

/* Read what was written to (stream); (json) ends in a 0 afterwards. */
static void read_page(void)
{
    ck_assert_msg(read_result() == 0, "%s", error.text);
    text_append(&json, "", 1);
}

static void read_text(const char *text)
{
    fputs(text, stream);
    read_page();
}

static void check_has(const char *part)
{
    ck_assert_msg(strstr(json.bytes, part), "%s is not in %.2000s", part, json.bytes);
}

static void check_has_not(const char *part)
{
    ck_assert_msg(!strstr(json.bytes, part), "%s is in %.2000s", part, json.bytes);
}

static unsigned count_of(const char *part)
{
    unsigned count = 0;

    for (const char *at = json.bytes; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* Classes. */

START_TEST(an_exit_is_classed_by_what_it_does_and_where)
{
    read_text("exits 1\nout 0x3f8 1 1\nin 0x3f8 1\nin 0x3fd 1\nout 1016 1 2\nhlt\nrdmsr 0x10\n");
    check_has("\"exits\":6,");
    check_has("{\"word\":\"out\",\"address\":\"0x3f8\",\"count\":2,");
    check_has("{\"word\":\"in\",\"address\":\"0x3f8\",\"count\":1,");
    check_has("{\"word\":\"in\",\"address\":\"0x3fd\",\"count\":1,");
    check_has("{\"word\":\"hlt\",\"count\":1,");
    check_has("{\"word\":\"rdmsr\",\"address\":\"0x10\",\"count\":1,");
    ck_assert_uint_eq(count_of("\"word\""), 5);
}
END_TEST

START_TEST(a_class_knows_its_handler_times)
{
    read_text(RECORDED "hlt ; 10 7\nhlt ; 10 9\nhlt ; 10 8\nhlt ; 10 -\n");
    check_has("\"count\":4,\"measured\":3,\"sum\":24,\"min\":7,\"median\":8,\"p99\":9,\"max\":9,"
              "\"buckets\":[7,1,8,1,9,1]");
}
END_TEST

START_TEST(addresses_without_end_share_a_class)
{
    fputs("exits 1\n", stream);
    for (unsigned i = 0; i < 5000; i++)
        fprintf(stream, "load 0x%x 4\nstore 0x%x 4 1\n", 0xe0000000 + 4 * i, 0xf0000000 + 4 * i);
    read_page();
    ck_assert_uint_eq(count_of("\"word\""), HTML_CLASSES + 2);
    check_has("{\"word\":\"load\",\"address\":\"elsewhere\",\"count\":4744,");
    check_has("{\"word\":\"store\",\"address\":\"elsewhere\",\"count\":4744,");
}
END_TEST

/* The timeline. */

START_TEST(a_slice_has_its_place_its_length_and_its_class)
{
    read_text(RECORDED "in 0x60 1 ; 100 30\nhlt ; 50 7\n");
    check_has("\"timed\":1,");
    check_has("\"end\":157,");
    check_has("{\"vcpu\":0,\"shared\":0,\"exits\":2,\"busy\":37,"
              "\"slices\":[100,30,1,0,20,7,1,1]}");
}
END_TEST

START_TEST(each_vcpu_has_a_track)
{
    read_text(RECORDED "hlt ; 100 5\n@3 hlt ; 10 5\nhlt ; 20 5\n");
    check_has("{\"vcpu\":0,\"shared\":0,\"exits\":2,\"busy\":10,\"slices\":[100,5,1,0,25,5,1,0]}");
    check_has("{\"vcpu\":3,\"shared\":0,\"exits\":1,\"busy\":5,\"slices\":[110,5,1,0]}");
}
END_TEST

START_TEST(vcpus_without_end_share_a_track)
{
    fputs("exits 1\n", stream);
    for (unsigned vcpu = 0; vcpu < 500; vcpu++)
        fprintf(stream, "@%u hlt\n", vcpu);
    read_page();
    ck_assert_uint_eq(count_of("\"shared\":0"), HTML_TRACKS);
    check_has("{\"vcpu\":64,\"shared\":1,\"exits\":436,");
}
END_TEST

START_TEST(without_times_an_exit_has_the_place_of_its_number)
{
    read_text("exits 1\nhlt\nhlt\n@1 hlt\n");
    check_has("\"timed\":0,");
    check_has("\"end\":3,");
    check_has("\"slices\":[0,1,1,0,0,1,1,0]");
    check_has("\"slices\":[2,1,1,0]");
}
END_TEST

START_TEST(time_may_go_back_between_vcpus)
{
    read_text(RECORDED "hlt ; 100 5\n@1 hlt ; -40 5\n");
    check_has("\"slices\":[100,5,1,0]");
    check_has("\"slices\":[60,5,1,0]");
}
END_TEST

START_TEST(times_beyond_all_measure_stay_whole_numbers_of_javascript)
{
    read_text(RECORDED "hlt ; 9223372036854775807 18446744073709551615\n"
                       "hlt ; 9223372036854775807 5\nhlt ; -9223372036854775807 5\n");
    check_has("\"end\":9007199254740991,");
    check_has("\"slices\":[9007199254740991,0,1,0,0,0,1,0,0,0,1,0]");
}
END_TEST

START_TEST(exits_with_and_without_times_are_told)
{
    read_text(RECORDED "hlt ; 10 5\nhlt\n");
    check_has("\"mixed\":1,");
}
END_TEST

static const char *take_number(const char *at, uint64_t *number)
{
    char *end;

    *number = strtoull(at, &end, 10);
    ck_assert_ptr_ne(end, at);
    return *end == ',' ? end + 1 : end;
}

/* What the slices of a track add up to. */
struct sums {
    uint64_t slices, exits, busy, longest, alone_first, alone_last;
};

static struct sums add_slices(void)
{
    const char *at = strstr(json.bytes, "\"slices\":[");
    struct sums sums = {0};
    bool first = true;

    ck_assert_ptr_nonnull(at);
    for (at += strlen("\"slices\":["); *at != ']';) {
        uint64_t gap, length, count, busy, shares = 1, ignored;

        at = take_number(take_number(take_number(at, &gap), &length), &count);
        busy = length;
        if (count > 1)
            at = take_number(take_number(at, &busy), &shares);
        for (uint64_t i = 0; i < (count > 1 ? 2 * shares : 1); i++)
            at = take_number(at, &ignored);
        first = first && count == 1;
        sums.alone_first += first;
        sums.alone_last = count == 1 ? sums.alone_last + 1 : 0;
        sums.slices++;
        sums.exits += count;
        sums.busy += busy;
        if (count > 1 && length > sums.longest)
            sums.longest = length;
    }
    return sums;
}

static void write_many(unsigned count)
{
    fputs(RECORDED, stream);
    for (unsigned i = 0; i < count; i++)
        fprintf(stream, "out 0x%x 1 0 ; %u %u\n", 0x60 + i % 7, 1000 + i % 500, 100 + i % 3);
    fprintf(stream, "done %u\n", count);
}

START_TEST(a_page_of_many_exits_stays_small)
{
    write_many(100000);
    read_page();
    ck_assert_uint_lt(json.used, 3000000);
}
END_TEST

START_TEST(slices_that_stand_for_several_exits_lose_none)
{
    struct sums sums;

    write_many(100000);
    read_page();
    sums = add_slices();
    ck_assert_uint_le(sums.slices, HTML_SLICES + HTML_EXACT);
    ck_assert_uint_eq(sums.exits, 100000);
    ck_assert_uint_eq(sums.busy, 33334 * 100 + 33333 * 101 + 33333 * 102);
}
END_TEST

START_TEST(no_slice_of_several_exits_is_longer_than_the_resolution)
{
    uint64_t resolution;

    write_many(100000);
    read_page();
    take_number(strstr(json.bytes, "\"resolution\":") + strlen("\"resolution\":"), &resolution);
    ck_assert_uint_gt(resolution, 0);
    ck_assert_uint_gt(add_slices().longest, 0);
    ck_assert_uint_le(add_slices().longest, resolution);
}
END_TEST

START_TEST(the_first_and_the_last_exits_stay_alone)
{
    write_many(100000);
    read_page();
    ck_assert_uint_ge(add_slices().alone_first, HTML_EXACT);
    ck_assert_uint_ge(add_slices().alone_last, HTML_EXACT);
}
END_TEST

START_TEST(a_page_of_few_exits_has_them_all_alone)
{
    write_many(60000);
    read_page();
    check_has("\"resolution\":0,");
    ck_assert_uint_eq(add_slices().slices, 60000);
}
END_TEST

/* Milestones. */

START_TEST(milestones_have_the_time_of_their_exit)
{
    read_text(RECORDED "hlt ; 100 5\n> marker 7\n@1 hlt ; 50 5\n> post 0x12\n> end guest 3\n");
    check_has("\"flag_count\":3,");
    check_has("{\"kind\":\"marker\",\"time\":100,\"exit\":1,\"vcpu\":0,\"text\":\"7\",\"cut\":0}");
    check_has("{\"kind\":\"post\",\"time\":150,\"exit\":2,\"vcpu\":1,\"text\":\"0x12\",\"cut\":0}");
    check_has("{\"kind\":\"end\",\"time\":150,\"exit\":2,\"vcpu\":1,\"text\":\"guest 3\",");
}
END_TEST

START_TEST(tests_and_input_are_milestones_too)
{
    read_text("exits 1\ntest the first\nhlt\ntest the other\ntyped \"ls\"\n");
    check_has("{\"kind\":\"test\",\"time\":0,\"exit\":0,\"vcpu\":0,\"text\":\"the first\",");
    check_has("{\"kind\":\"test\",\"time\":1,\"exit\":1,\"vcpu\":0,\"text\":\"the other\",");
    check_has(
        "{\"kind\":\"typed\",\"time\":0,\"exit\":1,\"vcpu\":0,\"text\":\"\\u0022ls\\u0022\",");
    check_has("\"tests\":2,");
}
END_TEST

START_TEST(of_many_milestones_the_first_and_the_last_are_kept)
{
    fputs("exits 1\nhlt\n", stream);
    for (unsigned i = 0; i < 5000; i++)
        fprintf(stream, "> marker %u\n", i);
    read_page();
    check_has("\"flag_count\":5000,");
    ck_assert_uint_eq(count_of("\"kind\""), HTML_FLAGS_FIRST + HTML_FLAGS_LAST);
    check_has("\"text\":\"999\"");
    check_has_not("\"text\":\"1000\"");
    check_has_not("\"text\":\"3999\"");
    check_has("\"text\":\"4000\"");
    check_has("\"text\":\"4999\"");
}
END_TEST

/* The end. */

START_TEST(the_last_events_have_their_inputs_and_effects)
{
    read_text(RECORDED "@2 store 0x8fffff000 4 1 ; 100 5\n< regs rax=5\n> rax 0x1\ntyped \"q\"\n");
    check_has("\"last\":[{\"number\":1,\"vcpu\":2,\"time\":100,\"handled\":5,"
              "\"line\":\"store 0x8fffff000 4 1\","
              "\"details\":\"\\u003c regs rax=5\\u000a\\u003e rax 0x1\"},"
              "{\"number\":0,\"vcpu\":0,\"time\":100,"
              "\"line\":\"typed \\u0022q\\u0022\",\"details\":\"\"}]");
}
END_TEST

START_TEST(only_the_last_events_are_shown)
{
    fputs("exits 1\n", stream);
    for (unsigned i = 1; i <= 100; i++)
        fprintf(stream, "out 0x80 1 %u\n", i);
    read_page();
    check_has("\"line\":\"out 0x80 1 100\"");
    check_has("\"line\":\"out 0x80 1 37\"");
    check_has_not("\"line\":\"out 0x80 1 36\"");
}
END_TEST

START_TEST(an_event_with_much_below_it_is_cut)
{
    fputs("exits 1\nhlt\n", stream);
    for (unsigned i = 0; i < 1000; i++)
        fputs("> console \"0123456789012345678901234567890123456789\"\n", stream);
    read_page();
    ck_assert_uint_lt(json.used, 2 * HTML_DETAILS_MAX + 2000);
    check_has("\\u00e2\\u0080\\u00a6\"}]"); /* an ellipsis */
}
END_TEST

START_TEST(the_crash_report_is_there_line_by_line)
{
    read_text(RECORDED "report \"vCPU 0\"\nreport \"  rip 0\"\n");
    check_has("\"report\":\"vCPU 0\\u000a  rip 0\\u000a\"");
}
END_TEST

START_TEST(the_end_is_told_with_its_status)
{
    read_text(RECORDED "hlt ; 1 1\n> end guest 3\nended guest\ndone 1\n");
    check_has("\"outcome\":\"guest 3\"");
    check_has("\"done\":1,\"announced\":1,");
    check_has("\"partial\":0,");
    ck_assert_uint_eq(count_of("\"kind\":\"end\""), 1);
}
END_TEST

START_TEST(an_end_from_outside_is_told)
{
    read_text(RECORDED "hlt ; 1 1\nended timeout\nwaits 4\ndone 1\n");
    check_has("\"outcome\":\"timeout\"");
    check_has("\"waits\":4,");
    check_has("\"kind\":\"end\"");
}
END_TEST

START_TEST(a_recording_without_end_is_partial)
{
    read_text(RECORDED "hlt ; 1 1\nout 0x3f8 1");
    check_has("\"partial\":1,");
    check_has("\"exits\":1,");
}
END_TEST

START_TEST(a_stream_by_hand_needs_no_end)
{
    read_text("exits 1\nhlt\n");
    check_has("\"is_recording\":0,\"partial\":0,");
}
END_TEST

START_TEST(the_header_is_told)
{
    read_text(RECORDED "machine memory=16M cpus=2\ndevice serial\ndevice edu,slot=3\n"
                       "start 1763769600123456789\n");
    check_has("\"recorded\":\"\\u0022guest.bin\\u0022 by minivmm\"");
    check_has("\"machine\":\"memory=16M cpus=2\"");
    check_has("\"devices\":[\"serial\",\"edu,slot=3\"]");
    check_has("\"start_ms\":1763769600123,");
}
END_TEST

/* Harm. */

START_TEST(no_text_of_a_stream_can_leave_its_script_element)
{
    read_text(RECORDED
              "machine </script><!--\ndevice </SCRIPT>\"\\\n"
              "outs 0x3f8 1 \"</script>\\\\\\\"\"\n> console \"<!-- ]]> &amp; \\xe2\\x80\\xa8\"\n"
              "> marker </script>\ntyped \"\xe2\x80\xa8</script>\"\n"
              "report \"</script>\\xe2\\x80\\xa9\\x00\"\n> end </script>\n");
    for (size_t i = 0; i < json.used - 1; i++) {
        const unsigned char byte = (unsigned char)json.bytes[i];

        ck_assert_msg(byte >= ' ' && byte <= '~' && !strchr("<>&", byte), "byte 0x%02x", byte);
    }
    check_has("\\u003c/script\\u003e\\u00e2\\u0080\\u00a9\\u0000");
}
END_TEST

static const struct {
    const char *stream, *sentence;
} refused[] = {
    {"", ": this is no exit stream: its first line is not `exits 1`; make one with --record"},
    {"\x7f"
     "ELF\n",
     "is no exit stream"},
    {"{\"traceEvents\":[]}\n", "is no exit stream"},
    {"exits 2\n", ":1: version 2 of the format; this minivmm reads version 1"},
    {"exits\n", ":1: the line ends where the version of the format should be"},
    {"exits 1\nhlt\njump 3\n", ":3: 'jump' is no exit and no event"},
    {"exits 1\nout 0x3f8 1\n", ":2: the line ends where a value should be"},
    {"exits 1\nhlt ; 1\n", ":2: "},
    {"exits 1\nstart yesterday\n", ":2: 'yesterday' stands where"},
};

START_TEST(what_is_no_stream_is_refused)
{
    fputs(refused[_i].stream, stream);
    ck_assert_int_eq(read_result(), -EINVAL);
    ck_assert_msg(strstr(error.text, path), "%s", error.text);
    ck_assert_msg(strstr(error.text, refused[_i].sentence), "%s", error.text);
}
END_TEST

START_TEST(a_stream_that_is_not_there_is_refused)
{
    ck_assert_int_eq(html_read("/nowhere/run.exits", &json, &error), -ENOENT);
    ck_assert_msg(strstr(error.text, "/nowhere/run.exits: "), "%s", error.text);
}
END_TEST

static TCase *make_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, setup, teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static void add_timeline(Suite *suite)
{
    TCase *tcase = make_case(suite, "timeline");

    tcase_add_test(tcase, a_slice_has_its_place_its_length_and_its_class);
    tcase_add_test(tcase, each_vcpu_has_a_track);
    tcase_add_test(tcase, vcpus_without_end_share_a_track);
    tcase_add_test(tcase, without_times_an_exit_has_the_place_of_its_number);
    tcase_add_test(tcase, time_may_go_back_between_vcpus);
    tcase_add_test(tcase, times_beyond_all_measure_stay_whole_numbers_of_javascript);
    tcase_add_test(tcase, exits_with_and_without_times_are_told);
    tcase_add_test(tcase, a_page_of_many_exits_stays_small);
    tcase_add_test(tcase, slices_that_stand_for_several_exits_lose_none);
    tcase_add_test(tcase, no_slice_of_several_exits_is_longer_than_the_resolution);
    tcase_add_test(tcase, the_first_and_the_last_exits_stay_alone);
    tcase_add_test(tcase, a_page_of_few_exits_has_them_all_alone);
}

static void add_words(Suite *suite)
{
    TCase *tcase = make_case(suite, "words");

    tcase_add_test(tcase, the_header_is_told);
    tcase_add_test(tcase, milestones_have_the_time_of_their_exit);
    tcase_add_test(tcase, tests_and_input_are_milestones_too);
    tcase_add_test(tcase, of_many_milestones_the_first_and_the_last_are_kept);
    tcase_add_test(tcase, the_last_events_have_their_inputs_and_effects);
    tcase_add_test(tcase, only_the_last_events_are_shown);
    tcase_add_test(tcase, an_event_with_much_below_it_is_cut);
    tcase_add_test(tcase, the_crash_report_is_there_line_by_line);
    tcase_add_test(tcase, the_end_is_told_with_its_status);
    tcase_add_test(tcase, an_end_from_outside_is_told);
    tcase_add_test(tcase, a_recording_without_end_is_partial);
    tcase_add_test(tcase, a_stream_by_hand_needs_no_end);
}

Suite *html_reader_suite(void)
{
    Suite *suite = suite_create("html_reader");
    TCase *tcase = make_case(suite, "classes");

    tcase_add_test(tcase, an_exit_is_classed_by_what_it_does_and_where);
    tcase_add_test(tcase, a_class_knows_its_handler_times);
    tcase_add_test(tcase, addresses_without_end_share_a_class);
    add_timeline(suite);
    add_words(suite);

    tcase = make_case(suite, "harm");
    tcase_add_test(tcase, no_text_of_a_stream_can_leave_its_script_element);
    tcase_add_loop_test(tcase, what_is_no_stream_is_refused, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, a_stream_that_is_not_there_is_refused);
    return suite;
}
