/* vmm/base/property.c: numbers, and lists of properties with what they refuse. */
#include "vmm/base/property.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

Suite *property_suite(void);

struct thing {
    uint64_t port;
    uint64_t count;
    bool fast;
    const char *log;
    uint64_t code;
    uint64_t mode;
};

static const char *const codes[] = {"plain", "qemu", NULL};
static const char *const modes[] = {"long", "protected", "real", NULL};

static const struct property table[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct thing, port),
     .preset = "0x3f8",
     .max = 0xffff},
    {.name = "count",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct thing, count),
     .min = 1,
     .max = UINT64_MAX},
    {.name = "fast", .kind = PROPERTY_BOOL, .offset = offsetof(struct thing, fast)},
    {.name = "log", .kind = PROPERTY_STRING, .offset = offsetof(struct thing, log)},
    {.name = "code",
     .kind = PROPERTY_CHOICE,
     .offset = offsetof(struct thing, code),
     .preset = "qemu",
     .choices = codes},
    {.name = "mode",
     .kind = PROPERTY_CHOICE,
     .offset = offsetof(struct thing, mode),
     .choices = modes},
    {0},
};

static struct error error;
static char text[512]; /* what property_parse() cuts up, and strings point into */

/* Parse a copy of (list) into (thing), which was all ones before. */
static int parse(struct thing *thing, const char *list)
{
    memset(thing, 0xff, sizeof(*thing));
    memset(&error, 0, sizeof(error));
    if (!list)
        return property_parse(table, thing, NULL, "device thing", &error);
    strcpy(text, list);
    return property_parse(table, thing, text, "device thing", &error);
}

START_TEST(a_size_takes_a_suffix_and_a_file_is_a_name)
{
    static const struct property sizes[] = {
        {.name = "ram", .kind = PROPERTY_SIZE, .offset = 0, .min = 4096, .max = 1 << 20},
        {.name = "out", .kind = PROPERTY_FILE, .offset = sizeof(uint64_t)},
        {0},
    };
    struct {
        uint64_t ram;
        const char *out;
    } object;

    strcpy(text, "ram=64K,out=a b/c");
    ck_assert_int_eq(property_parse(sizes, &object, text, "it", &error), 0);
    ck_assert_uint_eq(object.ram, 65536);
    ck_assert_str_eq(object.out, "a b/c");
    strcpy(text, "ram=2M");
    ck_assert_int_eq(property_parse(sizes, &object, text, "it", &error), -EINVAL);
    ck_assert_str_eq(error.text,
                     "it: ram=2M is not allowed; give a size from 4096 to 1048576 bytes");
    strcpy(text, "out=");
    ck_assert_int_eq(property_parse(sizes, &object, text, "it", &error), -EINVAL);
    ck_assert_str_eq(error.text, "it: out= is not allowed; give the name of a file");
}
END_TEST

START_TEST(a_number_is_decimal_hexadecimal_or_has_a_suffix)
{
    static const struct {
        const char *text, *suffixes;
        uint64_t value;
    } cases[] = {
        {"0", NULL, 0},
        {"42", NULL, 42},
        {"010", NULL, 10},
        {"0x1F", NULL, 0x1f},
        {"0XaB", NULL, 0xab},
        {"18446744073709551615", NULL, UINT64_MAX},
        {"0xffffffffffffffff", NULL, UINT64_MAX},
        {"64", "KMG", 64},
        {"64K", "KMG", 64ull << 10},
        {"64m", "KMG", 64ull << 20},
        {"40G", "KMG", 40ull << 30},
        {"0x10k", "KMG", 16ull << 10},
        {"17179869183G", "KMG", 17179869183ull << 30},
        {"0G", "KMG", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = ~cases[i].value;

        ck_assert_msg(number_parse(cases[i].text, cases[i].suffixes, &value) == 0, "%s",
                      cases[i].text);
        ck_assert_msg(value == cases[i].value, "%s", cases[i].text);
    }
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const struct {
        const char *text, *suffixes;
    } cases[] = {
        {"", "KMG"},
        {"-1", "KMG"},
        {"+1", "KMG"},
        {" 1", "KMG"},
        {"1 ", "KMG"},
        {"0x", "KMG"},
        {"0xg", "KMG"},
        {"K", "KMG"},
        {"0xK", "KMG"},
        {"1a", "KMG"},
        {"1.5G", "KMG"},
        {"1KK", "KMG"},
        {"1KB", "KMG"},
        {"1T", "KMGT"},
        {"1K", NULL},
        {"1G", "KM"},
        {"\xb2", "KMG"},
        {"18446744073709551616", "KMG"},
        {"99999999999999999999999", "KMG"},
        {"0x10000000000000000", "KMG"},
        {"17179869184G", "KMG"},
        {"18014398509481984K", "KMG"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 7;

        ck_assert_msg(number_parse(cases[i].text, cases[i].suffixes, &value) == -EINVAL, "'%s'",
                      cases[i].text);
        ck_assert_msg(value == 7, "'%s'", cases[i].text);
    }
}
END_TEST

START_TEST(without_a_list_the_presets_hold)
{
    static const char *const lists[] = {NULL, ""};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct thing thing;

        ck_assert_int_eq(parse(&thing, lists[i]), 0);
        ck_assert_uint_eq(thing.port, 0x3f8);
        ck_assert_uint_eq(thing.count, 0);
        ck_assert(!thing.fast);
        ck_assert_ptr_null(thing.log);
        ck_assert_uint_eq(thing.code, 1);
        ck_assert_uint_eq(thing.mode, 0);
    }
}
END_TEST

START_TEST(a_list_sets_fields_of_every_kind)
{
    struct thing thing;

    ck_assert_int_eq(parse(&thing, "port=0xffff,count=1,fast=on,log=a.log,code=plain,mode=real"),
                     0);
    ck_assert_uint_eq(thing.port, 0xffff);
    ck_assert_uint_eq(thing.count, 1);
    ck_assert(thing.fast);
    ck_assert_str_eq(thing.log, "a.log");
    ck_assert_uint_eq(thing.code, 0);
    ck_assert_uint_eq(thing.mode, 2);
}
END_TEST

START_TEST(a_string_may_hold_an_equals_sign_and_points_into_the_list)
{
    struct thing thing;

    ck_assert_int_eq(parse(&thing, "log=a=b,port=1"), 0);
    ck_assert_str_eq(thing.log, "a=b");
    ck_assert(thing.log > text && thing.log < text + sizeof(text));
}
END_TEST

START_TEST(a_value_may_look_like_the_name_of_another_property)
{
    struct thing thing;

    ck_assert_int_eq(parse(&thing, "log=port,port=1"), 0);
    ck_assert_str_eq(thing.log, "port");
}
END_TEST

START_TEST(a_wrong_list_is_refused_with_a_sentence_that_mends_it)
{
    static const struct {
        const char *list, *sentence;
    } cases[] = {
        {"port=0x1ffff", "device thing: port=0x1ffff is not allowed; "
                         "give a number from 0 to 0xffff"},
        {"port=", "device thing: port= is not allowed; give a number from 0 to 0xffff"},
        {"port=1K", "device thing: port=1K is not allowed; give a number from 0 to 0xffff"},
        {"count=0", "device thing: count=0 is not allowed; "
                    "give a number from 0x1 to 0xffffffffffffffff"},
        {"fast=yes", "device thing: fast=yes is not allowed; give on or off"},
        {"log=", "device thing: log= is not allowed; give at least one character"},
        {"code=bochs", "device thing: code=bochs is not allowed; give plain or qemu"},
        {"mode=", "device thing: mode= is not allowed; give long, protected or real"},
        {"foo=1", "device thing: there is no property 'foo'; "
                  "it has port, count, fast, log, code, mode"},
        {"foo", "device thing: there is no property 'foo'; "
                "it has port, count, fast, log, code, mode"},
        {"por=1", "device thing: there is no property 'por'; "
                  "it has port, count, fast, log, code, mode"},
        {"=1", "device thing: there is no property ''; "
               "it has port, count, fast, log, code, mode"},
        {"port", "device thing: property 'port' has no value; write port=VALUE"},
        {"port=1,,count=2", "device thing: a property is missing at a comma; "
                            "write NAME=VALUE,NAME=VALUE"},
        {"port=1,", "device thing: a property is missing at a comma; "
                    "write NAME=VALUE,NAME=VALUE"},
        {",port=1", "device thing: a property is missing at a comma; "
                    "write NAME=VALUE,NAME=VALUE"},
        {"port=1,log=a,port=1", "device thing: property 'port' is given twice; give it once"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct thing thing;

        ck_assert_msg(parse(&thing, cases[i].list) == -EINVAL, "%s", cases[i].list);
        ck_assert_str_eq(error.text, cases[i].sentence);
    }
}
END_TEST

START_TEST(what_has_no_properties_says_so)
{
    static const struct property none[] = {{0}};
    char list[] = "port=1";

    ck_assert_int_eq(property_parse(none, NULL, list, "device thing", &error), -EINVAL);
    ck_assert_str_eq(error.text, "device thing: there is no property 'port'; it has none");
}
END_TEST

START_TEST(a_value_longer_than_a_sentence_is_refused_all_the_same)
{
    size_t length = 100000;
    char *list = malloc(length + 1);
    struct thing thing;

    memcpy(list, "port=", 5);
    memset(list + 5, '1', length - 5);
    list[length] = '\0';
    ck_assert_int_eq(property_parse(table, &thing, list, "device thing", &error), -EINVAL);
    free(list);
}
END_TEST

Suite *property_suite(void)
{
    Suite *suite = suite_create("property");
    TCase *tcase = tcase_create("property");

    tcase_add_test(tcase, a_number_is_decimal_hexadecimal_or_has_a_suffix);
    tcase_add_test(tcase, a_size_takes_a_suffix_and_a_file_is_a_name);
    tcase_add_test(tcase, what_is_no_number_is_refused);
    tcase_add_test(tcase, without_a_list_the_presets_hold);
    tcase_add_test(tcase, a_list_sets_fields_of_every_kind);
    tcase_add_test(tcase, a_string_may_hold_an_equals_sign_and_points_into_the_list);
    tcase_add_test(tcase, a_value_may_look_like_the_name_of_another_property);
    tcase_add_test(tcase, a_wrong_list_is_refused_with_a_sentence_that_mends_it);
    tcase_add_test(tcase, what_has_no_properties_says_so);
    tcase_add_test(tcase, a_value_longer_than_a_sentence_is_refused_all_the_same);
    suite_add_tcase(suite, tcase);
    return suite;
}
