/* vmm/observe/stats.c: the counts of an exit, and the output of the sums. */
#include "devices/types.h"
#include "vmm/core/machine_run.h"
#include "vmm/observe/stats.h"

#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/vcpu.h"

#include "tests/unit/needs.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

Suite *stats_suite(void);

/* There under ASan only, whose allocator gives up where memory has run out. */
extern void __asan_init(void) __attribute__((weak));

#define VCPUS      2
#define PLACES_MAX 768 /* ports and addresses that are counted separately */

static struct machine machine;
static struct stats *stats;
static struct error error;
static int written; /* a memfd */
static char text[1 << 20];

static void setup(void)
{
    const struct machine_config config = {
        .memory_size = MIB,
        .vcpu_count = VCPUS,
        .console_fd = -1,
        .out_dir = "/",
        .message_fd = -1,
    };

    ck_assert_msg(machine_init(&machine, &config, &error) == 0, "%s", error.text);
    stats = stats_create(&machine);
    ck_assert_ptr_nonnull(stats);
    written = memfd_create("stats", MFD_CLOEXEC);
    ck_assert_int_ge(written, 0);
}

static void teardown(void)
{
    stats_destroy(stats);
    machine_finish(&machine);
    close(written);
}

static void add_device(const char *type)
{
    ck_assert_msg(device_create(&machine, device_type_find(device_types, type), NULL, &error) == 0,
                  "%s", error.text);
}

/* 100 ns in the guest and 10 ns in the handler for each exit. */
static void count(unsigned id, const struct kvm_run *run)
{
    stats_count(stats, id, run, 100, 10);
}

static void count_reason(unsigned id, uint32_t reason)
{
    const struct kvm_run run = {.exit_reason = reason};

    count(id, &run);
}

static void count_port(unsigned id, uint16_t port, bool out, uint32_t elements)
{
    const struct kvm_run run = {
        .exit_reason = KVM_EXIT_IO,
        .io = {.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN,
               .size = 1,
               .port = port,
               .count = elements},
    };

    count(id, &run);
}

static void count_memory(unsigned id, uint64_t address, bool write)
{
    const struct kvm_run run = {
        .exit_reason = KVM_EXIT_MMIO,
        .mmio = {.phys_addr = address, .len = 8, .is_write = write},
    };

    count(id, &run);
}

static const char *write_stats(bool json)
{
    ssize_t length;

    ck_assert_int_eq(ftruncate(written, 0), 0);
    lseek(written, 0, SEEK_SET);
    ck_assert_int_eq(stats_write(stats, json, written), 0);
    length = pread(written, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(length, 0);
    ck_assert_int_lt(length, (ssize_t)sizeof(text) - 1);
    text[length] = '\0';
    return text;
}

static void check_has(const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "not there: %s\nbut: %.3000s", part, text);
}

static unsigned occurrences(const char *part)
{
    unsigned found = 0;

    for (const char *next = text; (next = strstr(next, part)); next++)
        found++;
    return found;
}

/* A value of JSON, as far as it is used here: objects, arrays, plain strings, whole numbers. */
static const char *skip_value(const char *next);

static const char *skip_space(const char *next)
{
    while (*next == ' ' || *next == '\n')
        next++;
    return next;
}

static const char *skip_string(const char *next)
{
    if (*next++ != '"')
        return NULL;
    while (*next != '"')
        if (*next == '\\' || !isprint((unsigned char)*next++))
            return NULL;
    return next + 1;
}

/* What lies between the brackets, which (close) ends; the members of an object have names. */
static const char *skip_members(const char *next, char close, bool named)
{
    next = skip_space(next + 1);
    if (*next == close)
        return next + 1;
    for (;;) {
        if (named) {
            next = skip_string(skip_space(next));
            if (!next || *next++ != ':')
                return NULL;
        }
        next = skip_value(next);
        if (!next)
            return NULL;
        next = skip_space(next);
        if (*next == close)
            return next + 1;
        if (*next++ != ',')
            return NULL;
    }
}

/* What follows the value at (next), or NULL: that is no value. */
static const char *skip_value(const char *next)
{
    next = skip_space(next);
    if (*next == '{')
        return skip_members(next, '}', true);
    if (*next == '[')
        return skip_members(next, ']', false);
    if (*next == '"')
        return skip_string(next);
    if (!isdigit((unsigned char)*next))
        return NULL;
    return next + strspn(next, "0123456789");
}

static void check_json(void)
{
    const char *end = skip_value(text);

    ck_assert_msg(end && *skip_space(end) == '\0', "no JSON: %s", text);
}

/* The JSON of no exits, and of the exits that count() counted. */
#define NO_TIMES "{\"sum\":0,\"min\":0,\"median\":0,\"p99\":0,\"max\":0}"
#define NO_EXITS "\"exits\":0,\n  \"run_ns\":" NO_TIMES ",\n  \"handle_ns\":" NO_TIMES
#define EXITS(n)                                                                                   \
    "\"exits\":" #n ",\n"                                                                          \
    "  \"run_ns\":{\"sum\":" #n "00,\"min\":100,\"median\":100,\"p99\":100,\"max\":100},\n"        \
    "  \"handle_ns\":{\"sum\":" #n "0,\"min\":10,\"median\":10,\"p99\":10,\"max\":10}"
#define ONE_EXIT    EXITS(1)
#define TWO_EXITS   EXITS(2)
#define THREE_EXITS EXITS(3)
#define SIX_EXITS   EXITS(6)

#define NO_FURTHER "\"further\":{\"reads\":0,\"writes\":0," NO_EXITS "}}\n"

START_TEST(nothing_counted_is_an_empty_object)
{
    ck_assert_str_eq(write_stats(true), "{\"schema\":2,\"unclaimed\":0," NO_EXITS ",\n"
                                        "\"reasons\":[],\n"
                                        "\"addresses\":[],\n" NO_FURTHER);
}
END_TEST

#define GROUPS                                                                                     \
    "                                                    us in handler                       us "  \
    "in guest\n"
#define TIMES   "   mean    min median    p99    max"
#define COLUMNS "    exits share" TIMES " " TIMES "\n"
/* The times of exits that count() counted, here in microseconds. */
#define COUNTED "   0.01   0.01   0.01   0.01   0.01    0.10   0.10   0.10   0.10   0.10\n"

START_TEST(nothing_counted_is_an_empty_table)
{
    ck_assert_str_eq(write_stats(false), "exits 0, accesses that no device decoded 0\n\n" GROUPS
                                         "reason                            " COLUMNS);
}
END_TEST

/* Two vCPUs, a device each way, a string, an unclaimed address, and an HLT. */
static void count_a_little_of_everything(void)
{
    add_device("serial");
    add_device("ptlcall");
    count_port(0, 0x3f8, true, 1);
    count_port(1, 0x3f8, true, 5);
    count_port(0, 0x3f8, false, 1);
    count_memory(1, 0x8fffff000, true);
    count_memory(0, 0xfee00000, false);
    count_reason(1, KVM_EXIT_HLT);
    atomic_store(&machine.vcpus[0].unclaimed, 3);
    atomic_store(&machine.vcpus[1].unclaimed, 4);
}

START_TEST(the_json_adds_up_all_vcpus)
{
    count_a_little_of_everything();
    ck_assert_str_eq(write_stats(true),
                     "{\"schema\":2,\"unclaimed\":7," SIX_EXITS ",\n"
                     "\"reasons\":[\n"
                     " {\"reason\":\"io\"," THREE_EXITS "},\n"
                     " {\"reason\":\"hlt\"," ONE_EXIT "},\n"
                     " {\"reason\":\"mmio\"," TWO_EXITS "}],\n"
                     "\"addresses\":[\n"
                     " {\"space\":\"port\",\"address\":1016,\"device\":\"serial\","
                     "\"reads\":1,\"writes\":6," THREE_EXITS "},\n"
                     " {\"space\":\"memory\",\"address\":4276092928,\"device\":\"unclaimed\","
                     "\"reads\":1,\"writes\":0," ONE_EXIT "},\n"
                     " {\"space\":\"memory\",\"address\":38654701568,"
                     "\"device\":\"ptlcall trigger\","
                     "\"reads\":0,\"writes\":1," ONE_EXIT "}],\n" NO_FURTHER);
}
END_TEST

START_TEST(the_table_adds_up_all_vcpus)
{
    count_a_little_of_everything();
    ck_assert_str_eq(write_stats(false),
                     "exits 6, accesses that no device decoded 7\n\n" GROUPS
                     "reason                            " COLUMNS
                     "io                                        3 50.0%" COUNTED
                     "hlt                                       1 16.7%" COUNTED
                     "mmio                                      2 33.3%" COUNTED
                     "all                                       6  100%" COUNTED
                     "\nport        device                " COLUMNS
                     "0x3f8       serial              rw        3 50.0%" COUNTED
                     "\nmemory      device                " COLUMNS
                     "0xfee00000  unclaimed           r         1 16.7%" COUNTED
                     "0x8fffff000 ptlcall trigger     w         1 16.7%" COUNTED);
}
END_TEST

START_TEST(each_reason_has_its_own_times)
{
    const struct kvm_run halt = {.exit_reason = KVM_EXIT_HLT};
    const struct kvm_run window = {.exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN};

    stats_count(stats, 0, &halt, 7, 20);
    stats_count(stats, 1, &halt, 3, 25);
    stats_count(stats, 1, &halt, 5, 15);
    stats_count(stats, 0, &window, 30, 31);
    write_stats(true);
    check_has("\"reason\":\"hlt\",\"exits\":3,\n"
              "  \"run_ns\":{\"sum\":15,\"min\":3,\"median\":5,\"p99\":7,\"max\":7},\n"
              "  \"handle_ns\":{\"sum\":60,\"min\":15,\"median\":20,\"p99\":25,\"max\":25}}");
    check_has("\"reason\":\"irq-window\",\"exits\":1,\n"
              "  \"run_ns\":{\"sum\":30,\"min\":30,\"median\":30,\"p99\":30,\"max\":30},\n");
}
END_TEST

START_TEST(the_json_tells_min_median_p99_and_max_apart)
{
    static const struct {
        uint64_t ns;
        unsigned times;
    } counted[] = {{5, 1}, {10, 50}, {20, 48}, {30, 1}};
    const struct kvm_run halt = {.exit_reason = KVM_EXIT_HLT};

    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
        for (unsigned n = 0; n < counted[i].times; n++)
            stats_count(stats, n % VCPUS, &halt, counted[i].ns, 0);
    write_stats(true);
    check_has("\"run_ns\":{\"sum\":1495,\"min\":5,\"median\":10,\"p99\":20,\"max\":30},");
}
END_TEST

START_TEST(each_address_has_its_own_times)
{
    const struct kvm_run first = {.exit_reason = KVM_EXIT_MMIO, .mmio = {.phys_addr = 8}};
    const struct kvm_run second = {.exit_reason = KVM_EXIT_MMIO, .mmio = {.phys_addr = 16}};

    stats_count(stats, 0, &first, 7, 20);
    stats_count(stats, 1, &first, 3, 25);
    stats_count(stats, 1, &second, 5, 15);
    write_stats(true);
    check_has("\"address\":8,\"device\":\"unclaimed\",\"reads\":2,\"writes\":0,\"exits\":2,\n"
              "  \"run_ns\":{\"sum\":10,\"min\":3,\"median\":3,\"p99\":7,\"max\":7},\n"
              "  \"handle_ns\":{\"sum\":45,\"min\":20,\"median\":20,\"p99\":25,\"max\":25}}");
    check_has("\"address\":16,\"device\":\"unclaimed\",\"reads\":1,\"writes\":0,\"exits\":1,\n"
              "  \"run_ns\":{\"sum\":5,\"min\":5,\"median\":5,\"p99\":5,\"max\":5},\n");
}
END_TEST

/* Mean, min, median, p99 and max of 98 short times, one long one and one of nearly an hour. */
START_TEST(the_table_has_seconds_where_microseconds_grow_long)
{
    const struct kvm_run halt = {.exit_reason = KVM_EXIT_HLT};

    for (unsigned i = 0; i < 98; i++)
        stats_count(stats, 0, &halt, 1000000, 250);
    stats_count(stats, 0, &halt, 5000000000, 1234567);
    stats_count(stats, 0, &halt, 3333333333333, 77777000);
    write_stats(false);
    check_has("100  100% 790.36   0.25   0.25 1212.4  77777   33.4s 1000.0 1000.0   5.0s  3333s\n");
}
END_TEST

START_TEST(times_of_centuries_do_no_harm)
{
    const struct kvm_run run = {.exit_reason = KVM_EXIT_MMIO, .mmio = {.phys_addr = UINT64_MAX}};

    for (unsigned id = 0; id < VCPUS; id++)
        for (unsigned i = 0; i < 3; i++)
            stats_count(stats, id, &run, UINT64_MAX, UINT64_MAX);
    write_stats(false);
    check_has(" 3074457346s 18446744074s 18446744074s 18446744074s 18446744074s\n");
    write_stats(true);
    check_json();
    check_has("\"reason\":\"mmio\",\"exits\":6,\n"
              "  \"run_ns\":{\"sum\":18446744073709551615,\"min\":18446744073709551615,"
              "\"median\":18446744073709551615,\"p99\":18446744073709551615,"
              "\"max\":18446744073709551615},\n");
}
END_TEST

START_TEST(the_table_tells_the_direction)
{
    count_port(0, 1, true, 1);
    count_port(0, 2, false, 1);
    count_port(0, 3, true, 1);
    count_port(0, 3, false, 1);
    count_port(0, 4, true, 0);
    write_stats(false);
    check_has("\n0x1         unclaimed           w         1 20.0%");
    check_has("\n0x2         unclaimed           r         1 20.0%");
    check_has("\n0x3         unclaimed           rw        2 40.0%");
    check_has("\n0x4         unclaimed                     1 20.0%");
}
END_TEST

START_TEST(a_string_is_one_exit_with_many_elements)
{
    count_port(0, 0x3f8, true, 4096);
    count_port(0, 0x3f8, false, 7);
    write_stats(true);
    check_has("{\"schema\":2,\"unclaimed\":0,\"exits\":2,");
    check_has("\"reads\":7,\"writes\":4096," EXITS(2) "}");
}
END_TEST

START_TEST(a_port_and_an_address_of_one_number_are_two_places)
{
    count_port(0, 0x80, true, 1);
    count_memory(0, 0x80, false);
    write_stats(true);
    check_json();
    check_has("{\"space\":\"port\",\"address\":128,\"device\":\"unclaimed\",\"reads\":0,");
    check_has("{\"space\":\"memory\",\"address\":128,\"device\":\"unclaimed\",\"reads\":1,");
}
END_TEST

/* Multiples of this are neighbours in vmm/observe/stats.c's table, as (2 * it * the multiplier) is 2^32. */
#define NEIGHBOUR 0x4c9bb99e80000000ull

/* Memory 0 lies 441 after port 0: the table is full from there to here when port 0 comes. */
START_TEST(even_where_the_search_for_one_meets_the_other)
{
    count_memory(0, 0, false);
    for (uint64_t i = 1024 - 441; i < 1024; i++)
        count_memory(0, i * NEIGHBOUR, false);
    count_port(0, 0, true, 1);
    write_stats(true);
    check_json();
    check_has(
        "{\"space\":\"port\",\"address\":0,\"device\":\"unclaimed\",\"reads\":0,\"writes\":1,");
    check_has(
        "{\"space\":\"memory\",\"address\":0,\"device\":\"unclaimed\",\"reads\":1,\"writes\":0,");
}
END_TEST

START_TEST(every_address_of_a_device_has_its_name)
{
    add_device("serial");
    count_port(0, 0x3f7, true, 1);
    count_port(0, 0x3ff, true, 1);
    count_port(0, 0x400, true, 1);
    write_stats(true);
    check_has("\"address\":1015,\"device\":\"unclaimed\"");
    check_has("\"address\":1023,\"device\":\"serial\"");
    check_has("\"address\":1024,\"device\":\"unclaimed\"");
}
END_TEST

START_TEST(addresses_are_sorted_with_ports_first)
{
    static const char *const order[] = {"\"address\":1,", "\"address\":2,", "\"address\":65535,",
                                        "\"address\":0,", "\"address\":18446744073709551615,"};
    const char *last = text;

    count_memory(0, UINT64_MAX, true);
    count_port(1, 0xffff, true, 1);
    count_memory(1, 0, true);
    count_port(0, 2, true, 1);
    count_port(0, 1, true, 1);
    write_stats(true);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *found = strstr(text, order[i]);

        ck_assert_msg(found && found > last, "%s is not in its place: %s", order[i], text);
        last = found;
    }
}
END_TEST

START_TEST(reasons_that_are_unknown_are_counted_as_one)
{
    count_reason(0, 40);
    count_reason(0, 47);
    count_reason(0, 48);
    count_reason(1, UINT32_MAX);
    write_stats(true);
    check_has("\"reasons\":[\n {\"reason\":\"other\"," EXITS(4) "}],");
    check_has("\"addresses\":[],");
}
END_TEST

START_TEST(times_do_not_wrap_at_32_bits)
{
    const struct kvm_run run = {.exit_reason = KVM_EXIT_HLT};

    stats_count(stats, 0, &run, 5000000000, 6000000000);
    stats_count(stats, 0, &run, 5000000000, 6000000000);
    write_stats(true);
    check_has("\"run_ns\":{\"sum\":10000000000,\"min\":5000000000,");
    check_has("\"handle_ns\":{\"sum\":12000000000,\"min\":6000000000,");
}
END_TEST

START_TEST(what_is_written_can_be_written_again)
{
    static char before[4096];

    count_a_little_of_everything();
    strcpy(before, write_stats(true));
    ck_assert_str_eq(write_stats(true), before);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(stats_write(stats, true, full), -ENOSPC);
    close(full);
}
END_TEST

START_TEST(the_descriptor_stays_open)
{
    write_stats(false);
    ck_assert_int_ge(fcntl(written, F_GETFD), 0);
}
END_TEST

/* All the numbers after (name) from (start) on. */
static uint64_t sum_of(const char *start, const char *name)
{
    uint64_t sum = 0;

    for (const char *next = start; (next = strstr(next, name));) {
        next += strlen(name);
        sum += strtoull(next, NULL, 10);
    }
    return sum;
}

START_TEST(addresses_beyond_the_room_are_counted_as_further)
{
    for (unsigned i = 0; i < PLACES_MAX + 32; i++)
        count_memory(0, 0x10000000 + 0x1000 * (uint64_t)i, i % 2);
    count_memory(0, 0x10000000, true); /* has its place already */
    write_stats(true);
    check_json();
    ck_assert_uint_eq(occurrences("\"space\":"), PLACES_MAX);
    check_has("\"further\":{\"reads\":16,\"writes\":16," EXITS(32) "}");
    check_has("\"address\":268435456,\"device\":\"unclaimed\",\"reads\":1,\"writes\":1,");
}
END_TEST

START_TEST(vcpus_with_full_tables_lose_no_exit_in_the_sum)
{
    const unsigned each = 1000;
    const char *addresses;

    for (unsigned i = 0; i < each; i++) {
        count_memory(0, 0x10000000 + 8 * (uint64_t)i, true);
        count_port(1, (uint16_t)(7 * i), false, 3);
    }
    write_stats(true);
    check_json();
    addresses = strstr(text, "\"addresses\"");
    ck_assert_uint_eq(occurrences("\"space\":"), PLACES_MAX);
    ck_assert_uint_eq(sum_of(addresses, "\"exits\":"), 2 * each);
    ck_assert_uint_eq(sum_of(addresses, "\"reads\":"), 3 * each);
    ck_assert_uint_eq(sum_of(addresses, "\"writes\":"), each);
    ck_assert_uint_eq(sum_of(addresses, "\"run_ns\":{\"sum\":"), 200 * each);
}
END_TEST

/* What cannot be allocated is counted as further, and under the reason "other". */
START_TEST(no_exit_is_lost_where_memory_has_run_out)
{
    const unsigned places = 400;
    struct rlimit before;

    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){.rlim_max = before.rlim_max}), 0);
    for (unsigned i = 0; i < places; i++)
        count_memory(0, 8 * (uint64_t)i, true);
    count_reason(0, KVM_EXIT_HLT);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    write_stats(true);
    check_json();
    ck_assert_uint_eq(sum_of(strstr(text, "\"reasons\""), "\"exits\":"), 2 * places + 1);
    ck_assert_uint_eq(sum_of(text, "\"writes\":"), places);
}
END_TEST

START_TEST(the_table_has_a_line_for_further_addresses)
{
    for (unsigned i = 0; i < PLACES_MAX + 5; i++)
        count_port(0, (uint16_t)i, true, 2);
    write_stats(false);
    check_has("\n\nfurther addresses               w         5  0.6%" COUNTED);
}
END_TEST

Suite *stats_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *tcase = tcase_create("stats");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nothing_counted_is_an_empty_object);
    tcase_add_test(tcase, nothing_counted_is_an_empty_table);
    tcase_add_test(tcase, the_json_adds_up_all_vcpus);
    tcase_add_test(tcase, the_table_adds_up_all_vcpus);
    tcase_add_test(tcase, each_reason_has_its_own_times);
    tcase_add_test(tcase, the_json_tells_min_median_p99_and_max_apart);
    tcase_add_test(tcase, each_address_has_its_own_times);
    tcase_add_test(tcase, the_table_has_seconds_where_microseconds_grow_long);
    tcase_add_test(tcase, times_of_centuries_do_no_harm);
    tcase_add_test(tcase, the_table_tells_the_direction);
    tcase_add_test(tcase, a_string_is_one_exit_with_many_elements);
    tcase_add_test(tcase, a_port_and_an_address_of_one_number_are_two_places);
    tcase_add_test(tcase, even_where_the_search_for_one_meets_the_other);
    tcase_add_test(tcase, every_address_of_a_device_has_its_name);
    tcase_add_test(tcase, addresses_are_sorted_with_ports_first);
    tcase_add_test(tcase, reasons_that_are_unknown_are_counted_as_one);
    tcase_add_test(tcase, times_do_not_wrap_at_32_bits);
    tcase_add_test(tcase, what_is_written_can_be_written_again);
    needs_test_add(tcase, NEED_FULL, a_full_disk_is_told, 1);
    tcase_add_test(tcase, the_descriptor_stays_open);
    tcase_add_test(tcase, addresses_beyond_the_room_are_counted_as_further);
    tcase_add_test(tcase, vcpus_with_full_tables_lose_no_exit_in_the_sum);
    if (!__asan_init)
        tcase_add_test(tcase, no_exit_is_lost_where_memory_has_run_out);
    tcase_add_test(tcase, the_table_has_a_line_for_further_addresses);
    suite_add_tcase(suite, tcase);
    return suite;
}
