/* Plans: a machine as lines of an exit stream, and how two of them differ. */
#include "devices/types.h"
#include "vmm/core/machine_plan.h"

#include "tests/unit/text_file.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_run.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *machine_plan_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ALL                                                                                        \
    (MACHINE_PLAN_MEMORY | MACHINE_PLAN_CPUS | MACHINE_PLAN_IRQCHIP | MACHINE_PLAN_DEVICE_LIST)

static struct machine_plan plan, other;
static struct text text;
static struct error error;

static void setup(void)
{
    plan = other =
        (struct machine_plan){.types = device_types, .memory_size = 16 * MIB, .vcpu_count = 1};
    text = (struct text){0};
    error.text[0] = '\0';
}

static void teardown(void)
{
    machine_plan_free(&plan);
    machine_plan_free(&other);
    text_free(&text);
}

/* Take in the line, which is the 7th of its file. As machine_plan_parse_line(). */
static int take(struct machine_plan *to, const char *line)
{
    const struct lines lines = {.path = "FILE", .number = 7};
    struct cursor cursor = {&lines, line, line + strlen(line)};

    return machine_plan_parse_line(to, &cursor, &error);
}

static void check_put(const char *wanted)
{
    machine_plan_print(&plan, &text);
    ck_assert_msg(text.used == strlen(wanted) && memcmp(text.bytes, wanted, text.used) == 0,
                  "'%.*s' instead of '%s'", (int)text.used, text.bytes, wanted);
}

/* ---- written ---- */

START_TEST(a_plan_is_a_line_for_the_machine_and_one_for_each_device)
{
    plan.memory_size = 64 * MIB;
    plan.vcpu_count = 2;
    plan.irqchip = true;
    machine_plan_add_device(&plan, "serial", NULL, NULL);
    machine_plan_add_device(&plan, "serial", "port=0x2f8,irq=3", NULL);
    check_put("machine memory=67108864 cpus=2 irqchip=on\n"
              "device serial\n"
              "device serial,port=0x2f8,irq=3\n");
}
END_TEST

static const struct {
    const char *properties, *wanted;
} descriptions[] = {
    {"port=0x2f8", "serial,port=0x2f8"},
    {"in=/tmp/a-b_c.d:e+f", "serial,in=/tmp/a-b_c.d:e+f"},
    {"in=/tmp/a b", "\"serial,in=/tmp/a b\""},
    {"in=/tmp/#1", "\"serial,in=/tmp/#1\""},
    {"in=\"a\"", "\"serial,in=\\\"a\\\"\""},
    {"in=a\\b", "\"serial,in=a\\\\b\""},
    {"in=a\tb\nc", "\"serial,in=a\\tb\\nc\""},
    {"in=\xc3\xa9", "\"serial,in=\\xc3\\xa9\""},
    {"in=>a<", "\"serial,in=>a<\""},
};

START_TEST(a_description_stands_in_quotes_where_it_must)
{
    char wanted[256];

    machine_plan_add_device(&plan, "serial", descriptions[_i].properties, NULL);
    snprintf(wanted, sizeof(wanted), "machine memory=16777216 cpus=1\ndevice %s\n",
             descriptions[_i].wanted);
    check_put(wanted);
}
END_TEST

/* ---- read ---- */

START_TEST(a_description_comes_back_as_it_was)
{
    char line[256], wanted[256];

    snprintf(line, sizeof(line), "device %s", descriptions[_i].wanted);
    snprintf(wanted, sizeof(wanted), "serial,%s", descriptions[_i].properties);
    ck_assert_msg(take(&plan, line) == 1, "%s", error.text);
    ck_assert_uint_eq(plan.device_count, 1);
    ck_assert_str_eq(plan.devices[0], wanted);
}
END_TEST

/* Through a file, whose comments and spaces it must stand. */
START_TEST(a_plan_comes_back_as_it_was)
{
    struct text_file file;
    struct lines lines;
    struct cursor line;

    plan.memory_size = 5 * MIB;
    plan.vcpu_count = 3;
    plan.irqchip = true;
    for (size_t i = 0; i < COUNT(descriptions); i++)
        machine_plan_add_device(&plan, "serial", descriptions[i].properties, NULL);
    machine_plan_print(&plan, &text);
    text_file_make(&file, text.bytes, text.used);
    ck_assert_int_eq(lines_open(&lines, file.path, &error), 0);
    while (lines_next(&lines, &line, &error) > 0)
        ck_assert_msg(machine_plan_parse_line(&other, &line, &error) == 1, "%s", error.text);
    ck_assert_msg(machine_plan_compare(&other, &plan, ALL, "FILE", &error) == 0, "%s", error.text);
    lines_close(&lines);
    text_file_close(&file);
}
END_TEST

START_TEST(what_a_machine_line_does_not_say_is_the_preset)
{
    ck_assert_int_eq(take(&plan, "machine cpus=4"), 1);
    ck_assert_uint_eq(plan.vcpu_count, 4);
    ck_assert_uint_eq(plan.memory_size, 16 * MIB);
    ck_assert(!plan.irqchip);
}
END_TEST

START_TEST(a_machine_line_says_all_there_is)
{
    ck_assert_int_eq(take(&plan, "machine irqchip=on  memory=2M cpus=1024"), 1);
    ck_assert_uint_eq(plan.vcpu_count, 1024);
    ck_assert_uint_eq(plan.memory_size, 2 * MIB);
    ck_assert(plan.irqchip);
}
END_TEST

static const char *const other_lines[] = {"out 0x3f8 1 0", "machines", "devices serial",
                                          "test a",        "start 1",  "recorded \"x\""};

START_TEST(other_lines_are_left_alone)
{
    ck_assert_int_eq(take(&plan, other_lines[_i]), 0);
    ck_assert_uint_eq(plan.device_count, 0);
}
END_TEST

static const char *const wrong_lines[] = {
    "machine memory",        "machine memory=x",
    "machine memory=0",      "machine memory=512K",
    "machine cpus=0",        "machine cpus=1025",
    "machine cpus=2 cpus=x", "machine irqchip=maybe",
    "machine colour=blue",   "device",
    "device \"\"",           "device nothing",
    "device serial x",       "device \"serial\" x",
    "device \"serial",       "device ,port=1",
    "device \"serial\\q\"",  "device serial;port=1",
};

START_TEST(a_line_that_is_wrong_is_told_with_its_place)
{
    ck_assert_msg(take(&plan, wrong_lines[_i]) == -EINVAL, "%s", wrong_lines[_i]);
    ck_assert_msg(strncmp(error.text, "FILE:7: ", 8) == 0, "%s", error.text);
    ck_assert_uint_eq(plan.device_count, 0);
}
END_TEST

START_TEST(a_machine_line_may_not_be_endless)
{
    char line[1000] = "machine";

    for (unsigned i = 0; i < 50; i++)
        strcat(line, " memory=16M");
    ck_assert_int_eq(take(&plan, line), -EINVAL);
    ck_assert_str_eq(error.text, "FILE:7: the machine's properties are too long");
}
END_TEST

START_TEST(there_may_be_48_devices)
{
    for (unsigned i = 0; i < MACHINE_PLAN_DEVICES; i++)
        ck_assert_int_eq(take(&plan, "device serial"), 1);
    ck_assert_int_eq(take(&plan, "device serial"), -EINVAL);
    ck_assert_str_eq(error.text, "FILE:7: more than 48 devices; give fewer");
    ck_assert_int_eq(machine_plan_add_device(&plan, "serial", NULL, &error), -EINVAL);
    ck_assert_uint_eq(plan.device_count, MACHINE_PLAN_DEVICES);
}
END_TEST

/* ---- copied and made ---- */

START_TEST(a_copy_is_equal_and_its_own)
{
    plan.irqchip = true;
    machine_plan_add_device(&plan, "serial", "port=0x2f8", NULL);
    ck_assert_int_eq(machine_plan_copy(&other, &plan, &error), 0);
    ck_assert_int_eq(machine_plan_compare(&other, &plan, ALL, "FILE", &error), 0);
    machine_plan_add_device(&other, "ptlcall", NULL, NULL);
    ck_assert_uint_eq(plan.device_count, 1);
    machine_plan_free(&plan);
    ck_assert_str_eq(other.devices[0], "serial,port=0x2f8");
}
END_TEST

START_TEST(a_machine_is_made_as_the_plan_says)
{
    struct machine_config config = {.console_fd = -1, .out_dir = "/", .message_fd = -1};
    struct machine machine;

    take(&plan, "machine memory=3M cpus=2 irqchip=on");
    take(&plan, "device serial");
    take(&plan, "device serial,port=0x2f8");
    machine_plan_configure(&plan, &config);
    ck_assert_uint_eq(config.memory_size, 3 * MIB);
    ck_assert_uint_eq(config.vcpu_count, 2);
    ck_assert(config.irqchip);
    ck_assert_int_eq(machine_init(&machine, &config, &error), 0);
    ck_assert_msg(machine_plan_make_devices(&plan, &machine, NULL, &error) == 0, "%s", error.text);
    ck_assert_str_eq(machine.devices->name, "serial.0");
    ck_assert_str_eq(machine.devices->next->name, "serial.1");
    machine_finish(&machine);
}
END_TEST

START_TEST(a_device_that_cannot_be_made_is_told)
{
    struct machine_config config = {
        .console_fd = -1, .message_fd = -1, .out_dir = "/", .memory_size = MIB, .vcpu_count = 1};
    struct machine machine;
    unsigned failed = 77;

    take(&plan, "device debugcon");
    take(&plan, "device serial,port=1,colour=blue");
    ck_assert_int_eq(machine_init(&machine, &config, &error), 0);
    ck_assert_int_lt(machine_plan_make_devices(&plan, &machine, &failed, &error), 0);
    ck_assert_msg(strncmp(error.text, "device serial", 13) == 0, "%s", error.text);
    ck_assert_uint_eq(failed, 1);
    machine_finish(&machine);
}
END_TEST

/* ---- compared ---- */

static const struct {
    const char *here, *there; /* a line that makes the difference, or NULL */
    enum machine_plan_part part;
    const char *sentence;
} differences[] = {
    {"machine memory=2M", NULL, MACHINE_PLAN_MEMORY,
     "FILE: its machine differs from --mem; leave that out, or give the same"},
    {"machine cpus=2", NULL, MACHINE_PLAN_CPUS,
     "FILE: its machine differs from --cpus; leave that out, or give the same"},
    {NULL, "machine irqchip=on", MACHINE_PLAN_IRQCHIP,
     "FILE: its machine differs from --irqchip; leave that out, or give the same"},
    {"device edu", NULL, MACHINE_PLAN_DEVICE_LIST,
     "FILE: its device 2 is edu, the command line's is nothing; leave out the options of devices, "
     "or give the same"},
    {NULL, "device edu", MACHINE_PLAN_DEVICE_LIST,
     "FILE: its device 2 is nothing, the command line's is edu; leave out the options of devices, "
     "or give the same"},
    {"device edu", "device edu,addr=3", MACHINE_PLAN_DEVICE_LIST,
     "FILE: its device 2 is edu, the command line's is edu,addr=3; leave out the options of "
     "devices, or give the same"},
};

static void make_different(size_t number)
{
    machine_plan_add_device(&plan, "serial", NULL, NULL);
    machine_plan_add_device(&other, "serial", NULL, NULL);
    if (differences[number].here)
        ck_assert_int_eq(take(&plan, differences[number].here), 1);
    if (differences[number].there)
        ck_assert_int_eq(take(&other, differences[number].there), 1);
}

START_TEST(the_first_difference_of_two_plans_is_told)
{
    make_different((size_t)_i);
    ck_assert_int_eq(machine_plan_compare(&plan, &other, ALL, "FILE", &error), -EINVAL);
    ck_assert_str_eq(error.text, differences[_i].sentence);
}
END_TEST

START_TEST(what_the_command_line_does_not_say_is_no_difference)
{
    make_different((size_t)_i);
    ck_assert_int_eq(machine_plan_compare(&plan, &other, ALL & ~(unsigned)differences[_i].part,
                                          "FILE", &error),
                     0);
    ck_assert_int_eq(machine_plan_compare(&plan, &other, 0, "FILE", &error), 0);
}
END_TEST

START_TEST(equal_plans_do_not_differ)
{
    ck_assert_int_eq(machine_plan_compare(&plan, &other, ALL, "FILE", &error), 0);
    machine_plan_add_device(&plan, "serial", NULL, NULL);
    machine_plan_add_device(&other, "serial", NULL, NULL);
    ck_assert_int_eq(machine_plan_compare(&plan, &other, ALL, "FILE", &error), 0);
}
END_TEST

START_TEST(a_machine_is_said_once)
{
    ck_assert_int_eq(take(&plan, "machine cpus=2"), 1);
    ck_assert_int_eq(take(&plan, "machine memory=2M"), -EINVAL);
    ck_assert_str_eq(error.text, "FILE:7: the machine is given twice");
}
END_TEST

Suite *machine_plan_suite(void)
{
    Suite *suite = suite_create("machine_plan");
    TCase *tcase = tcase_create("plan");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_plan_is_a_line_for_the_machine_and_one_for_each_device);
    tcase_add_loop_test(tcase, a_description_stands_in_quotes_where_it_must, 0,
                        COUNT(descriptions));
    tcase_add_loop_test(tcase, a_description_comes_back_as_it_was, 0, COUNT(descriptions));
    tcase_add_test(tcase, a_plan_comes_back_as_it_was);
    tcase_add_test(tcase, what_a_machine_line_does_not_say_is_the_preset);
    tcase_add_test(tcase, a_machine_line_says_all_there_is);
    tcase_add_loop_test(tcase, other_lines_are_left_alone, 0, COUNT(other_lines));
    tcase_add_loop_test(tcase, a_line_that_is_wrong_is_told_with_its_place, 0, COUNT(wrong_lines));
    tcase_add_test(tcase, a_machine_line_may_not_be_endless);
    tcase_add_test(tcase, there_may_be_48_devices);
    tcase_add_test(tcase, a_copy_is_equal_and_its_own);
    tcase_add_test(tcase, a_machine_is_made_as_the_plan_says);
    tcase_add_test(tcase, a_device_that_cannot_be_made_is_told);
    tcase_add_loop_test(tcase, the_first_difference_of_two_plans_is_told, 0, COUNT(differences));
    tcase_add_loop_test(tcase, what_the_command_line_does_not_say_is_no_difference, 0,
                        COUNT(differences));
    tcase_add_test(tcase, equal_plans_do_not_differ);
    tcase_add_test(tcase, a_machine_is_said_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
