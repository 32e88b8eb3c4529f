/* vmm/observe/trace.c: the lines that an exit and a milestone become, and a file that is JSON at its end. */
#include "vmm/observe/trace.h"

#include "tests/unit/fixture.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"
#include "vmm/core/machine_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

Suite *trace_suite(void);

#define SLICE "\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":"

static struct fixture fixture;
static struct trace *trace;
static int file; /* a memfd */
static char text[65536];

/* What is in the file by now. */
static const char *read_file(void)
{
    ssize_t length = pread(file, text, sizeof(text) - 1, 0);

    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return text;
}

/* Wait until the file has the names, and find the clock at time 0 among them. */
static uint64_t read_origin(void)
{
    static const char key[] = "\"clock_ns\":\"";
    const char *found;

    ck_assert(comes_true(read_file()[0] != '\0'));
    found = strstr(text, key);
    ck_assert_ptr_nonnull(found);
    return strtoull(found + sizeof(key) - 1, NULL, 10);
}

static uint64_t origin;

static void setup(void)
{
    fixture_setup(&fixture);
    file = memfd_create("trace", MFD_CLOEXEC);
    trace = trace_create(&fixture.machine, file);
    ck_assert_ptr_nonnull(trace);
    origin = read_origin();
}

static void teardown(void)
{
    trace_destroy(trace);
    close(file);
    fixture_teardown(&fixture);
}

static const char *finish(void)
{
    ck_assert_int_eq(trace_destroy(trace), 0);
    trace = NULL;
    return read_file();
}

/* As vcpu_loop.c does after exit_handle(): 250 ns in KVM_RUN from (ns) on, then 30 ns in the handler. */
static void remember_at(uint64_t ns)
{
    exit_remember(fixture.vcpu);
    trace_exit(trace, fixture.vcpu, origin + ns, origin + ns + 250, origin + ns + 280);
}

static void check_has(const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "not there: %s\nbut: %s", part, text);
}

static unsigned occurrences(const char *part)
{
    unsigned found = 0;

    for (const char *next = text; (next = strstr(next, part)); next++)
        found++;
    return found;
}

START_TEST(a_trace_of_nothing_has_the_names)
{
    char expected[512];

    snprintf(expected, sizeof(expected),
             "[\n"
             "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"ts\":0.000,"
             "\"args\":{\"name\":\"minivmm --cpus 1\",\"clock_ns\":\"%" PRIu64 "\"}},\n"
             "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,\"ts\":0.000,"
             "\"args\":{\"name\":\"vCPU 0\"}}\n"
             "]\n",
             origin);
    ck_assert_str_eq(finish(), expected);
}
END_TEST

START_TEST(an_exit_is_a_slice_of_the_guest_and_one_of_its_device)
{
    fixture_device(&fixture, "serial", NULL);
    fixture_out(&fixture, 0x3f8, 1, 0x41);
    remember_at(1234567);
    finish();
    check_has(",\n{\"name\":\"guest\"," SLICE "1234.567,\"dur\":0.250},\n"
              "{\"name\":\"serial\"," SLICE "1234.817,\"dur\":0.030,"
              "\"args\":{\"reason\":\"io\",\"port\":\"0x3f8\",\"size\":1,\"access\":\"write\","
              "\"data\":\"0x41\"}}\n]\n");
}
END_TEST

START_TEST(a_read_has_the_value_that_the_guest_got)
{
    fixture_in(&fixture, 0x1234, 2);
    remember_at(0);
    finish();
    check_has("{\"name\":\"io\"," SLICE "0.250,\"dur\":0.030,\"args\":{\"reason\":\"io\","
              "\"port\":\"0x1234\",\"size\":2,\"access\":\"read\",\"data\":\"0xffff\"}}");
}
END_TEST

START_TEST(memory_has_an_address_and_its_device)
{
    fixture_device(&fixture, "ptlcall", NULL);
    fixture_store(&fixture, 0x8fffff000, 8, 0x8877665544332211);
    remember_at(0);
    finish();
    check_has("{\"name\":\"ptlcall trigger\"," SLICE "0.250,\"dur\":0.030,"
              "\"args\":{\"reason\":\"mmio\",\"address\":\"0x8fffff000\",\"size\":8,"
              "\"access\":\"write\",\"data\":\"0x8877665544332211\"}}");
}
END_TEST

START_TEST(bytes_beside_the_access_are_no_data)
{
    fixture_store(&fixture, 0xd0000000, 2, 0x4433221100);
    remember_at(0);
    finish();
    check_has("\"address\":\"0xd0000000\",\"size\":2,\"access\":\"write\",\"data\":\"0x1100\"");
}
END_TEST

START_TEST(a_string_has_a_count)
{
    fixture_out(&fixture, 0x80, 1, 0x61);
    fixture.vcpu->run->io.count = 300;
    remember_at(0);
    finish();
    check_has("\"access\":\"write\",\"data\":\"0x61\",\"count\":300}}");
}
END_TEST

START_TEST(a_model_specific_register_has_its_number)
{
    struct kvm_run *run = fixture.vcpu->run;

    run->exit_reason = KVM_EXIT_X86_WRMSR;
    run->msr.index = 0xc0000080;
    run->msr.data = 0x500;
    exit_handle(&fixture.machine, fixture.vcpu);
    remember_at(0);
    finish();
    check_has("{\"name\":\"wrmsr\"," SLICE "0.250,\"dur\":0.030,\"args\":{\"reason\":\"wrmsr\","
              "\"msr\":\"0xc0000080\",\"size\":8,\"access\":\"write\",\"data\":\"0x500\"}}");
}
END_TEST

START_TEST(other_exits_have_only_a_reason)
{
    fixture.vcpu->run->exit_reason = KVM_EXIT_HLT;
    exit_handle(&fixture.machine, fixture.vcpu);
    remember_at(0);
    finish();
    check_has("{\"name\":\"hlt\"," SLICE "0.250,\"dur\":0.030,\"args\":{\"reason\":\"hlt\"}}");
}
END_TEST

START_TEST(names_are_escaped)
{
    const struct bus_region region = {
        .first = 0x500,
        .last = 0x500,
        .device = fixture_device(&fixture, "serial", NULL),
        .widest = 1,
        .name = "a \"b\" \\ c\n\x01 µ",
    };
    struct error error;

    ck_assert_int_eq(bus_add(&fixture.machine.bus[BUS_PIO], &region, &error), 0);
    fixture_in(&fixture, 0x500, 1);
    remember_at(0);
    finish();
    check_has("{\"name\":\"a \\\"b\\\" \\\\ c\\u000a\\u0001 µ\",");
}
END_TEST

START_TEST(a_milestone_is_an_instant)
{
    trace_milestone(trace, "post", 0x2a, origin + 5001);
    trace_milestone(trace, "marker", UINT64_MAX, origin + 6002);
    finish();
    check_has(",\n{\"name\":\"post 42 (0x2a)\",\"ph\":\"i\",\"pid\":1,\"tid\":1,\"ts\":5.001,"
              "\"s\":\"p\",\"args\":{\"decimal\":\"42\",\"hex\":\"0x2a\"}}");
    check_has(",\n{\"name\":\"marker 18446744073709551615 (0xffffffffffffffff)\",\"ph\":\"i\","
              "\"pid\":1,\"tid\":1,\"ts\":6.002,\"s\":\"p\","
              "\"args\":{\"decimal\":\"18446744073709551615\",\"hex\":\"0xffffffffffffffff\"}}");
}
END_TEST

START_TEST(times_are_never_negative)
{
    exit_remember(fixture.vcpu);
    trace_exit(trace, fixture.vcpu, origin - 500, origin - 600, origin + 1);
    finish();
    check_has("{\"name\":\"guest\"," SLICE "0.000,\"dur\":0.000}");
    ck_assert_uint_eq(occurrences(":-"), 0);
}
END_TEST

/* An exit that vcpu.c counted. */
static void count_at(unsigned reason, uint64_t ns)
{
    fixture.vcpu->run->exit_reason = reason;
    fixture.vcpu->exits[reason]++;
    remember_at(ns);
}

START_TEST(counters_are_sampled_each_millisecond)
{
    for (unsigned i = 0; i < 30; i++)
        count_at(KVM_EXIT_INTR, i * 100000);
    finish();
    check_has("{\"name\":\"exits intr\",\"ph\":\"C\",\"pid\":1,\"tid\":1,\"ts\":0.280,"
              "\"args\":{\"total\":1}}");
    check_has("\"ts\":1000.280,\"args\":{\"total\":11}}");
    check_has("\"ts\":2000.280,\"args\":{\"total\":21}}");
    ck_assert_uint_eq(occurrences("\"ph\":\"C\""), 3 + 1); /* and one at the end */
}
END_TEST

START_TEST(the_last_sample_has_all_exits)
{
    count_at(KVM_EXIT_INTR, 0);
    count_at(KVM_EXIT_INTR, 1000);
    count_at(KVM_EXIT_IRQ_WINDOW_OPEN, 2000);
    finish();
    check_has("{\"name\":\"exits irq-window\",\"ph\":\"C\",\"pid\":1,\"tid\":1,\"ts\":2.280,"
              "\"args\":{\"total\":1}},\n"
              "{\"name\":\"exits intr\",\"ph\":\"C\",\"pid\":1,\"tid\":1,\"ts\":2.280,"
              "\"args\":{\"total\":2}}\n]\n");
}
END_TEST

START_TEST(counters_that_stand_still_are_not_written_again)
{
    count_at(KVM_EXIT_INTR, 0);
    remember_at(5000000);
    finish();
    ck_assert_uint_eq(occurrences("\"ph\":\"C\""), 1);
}
END_TEST

START_TEST(each_vcpu_has_a_track)
{
    const struct machine_config config = {.memory_size = 16 * MIB,
                                          .vcpu_count = 3,
                                          .console_fd = -1,
                                          .out_dir = "/",
                                          .message_fd = -1};
    struct machine machine;
    struct error error;
    struct trace *three;

    ck_assert_int_eq(machine_init(&machine, &config, &error), 0);
    ck_assert_int_eq(ftruncate(file, 0), 0);
    lseek(file, 0, SEEK_SET);
    three = trace_create(&machine, file);
    trace_exit(three, &machine.vcpus[2], 1, 2, 3);
    ck_assert_int_eq(trace_destroy(three), 0);
    read_file();
    check_has("\"tid\":3,\"ts\":0.000,\"args\":{\"name\":\"vCPU 2\"}}");
    check_has("{\"name\":\"guest\",\"ph\":\"X\",\"pid\":1,\"tid\":3,");
    machine_finish(&machine);
}
END_TEST

/* Of a monitor that was killed: only the bracket is missing. */
START_TEST(a_trace_that_breaks_off_ends_behind_an_event)
{
    fixture_out(&fixture, 0x80, 1, 0);
    remember_at(0);
    ck_assert(comes_true(strstr(read_file(), "guest") != NULL));
    ck_assert_str_eq(text + strlen(text) - 3, "\"}}");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_eq(trace_destroy(trace_create(&fixture.machine, full)), -ENOSPC);
    close(full);
}
END_TEST

START_TEST(no_trace_is_finished)
{
    ck_assert_int_eq(trace_destroy(NULL), 0);
}
END_TEST

Suite *trace_suite(void)
{
    Suite *suite = suite_create("trace");
    TCase *exits = tcase_create("exits");
    TCase *file_case = tcase_create("file");

    tcase_add_checked_fixture(exits, setup, teardown);
    tcase_add_test(exits, an_exit_is_a_slice_of_the_guest_and_one_of_its_device);
    tcase_add_test(exits, a_read_has_the_value_that_the_guest_got);
    tcase_add_test(exits, memory_has_an_address_and_its_device);
    tcase_add_test(exits, bytes_beside_the_access_are_no_data);
    tcase_add_test(exits, a_string_has_a_count);
    tcase_add_test(exits, a_model_specific_register_has_its_number);
    tcase_add_test(exits, other_exits_have_only_a_reason);
    tcase_add_test(exits, names_are_escaped);
    tcase_add_test(exits, a_milestone_is_an_instant);
    tcase_add_test(exits, times_are_never_negative);
    tcase_add_test(exits, counters_are_sampled_each_millisecond);
    tcase_add_test(exits, the_last_sample_has_all_exits);
    tcase_add_test(exits, counters_that_stand_still_are_not_written_again);
    suite_add_tcase(suite, exits);

    tcase_add_checked_fixture(file_case, setup, teardown);
    tcase_add_test(file_case, a_trace_of_nothing_has_the_names);
    tcase_add_test(file_case, each_vcpu_has_a_track);
    tcase_add_test(file_case, a_trace_that_breaks_off_ends_behind_an_event);
    needs_test_add(file_case, NEED_FULL, a_full_disk_is_told, 1);
    tcase_add_test(file_case, no_trace_is_finished);
    suite_add_tcase(suite, file_case);
    return suite;
}
