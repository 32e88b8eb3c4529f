/* Device types by name, and what --device writes. */
#include "devices/types.h"
#include "vmm/io/device.h"

#include "tests/unit/fixture.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *device_suite(void);

static char text[16384];

/* What (print) writes to a descriptor. */
static const char *printed(void (*print)(int fd))
{
    int fd = memfd_create("text", MFD_CLOEXEC);
    ssize_t length;

    print(fd);
    length = pread(fd, text, sizeof(text) - 1, 0);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    close(fd);
    return text;
}

static void print_types(int fd)
{
    device_print_types(device_types, fd);
}

static void print_debug_exit(int fd)
{
    device_print_properties(device_type_find(device_types, "debug-exit"), fd);
}

START_TEST(every_type_is_found_by_its_name)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        ck_assert_ptr_eq(device_type_find(device_types, (*type)->name), *type);
        ck_assert_uint_lt(strlen((*type)->name), DEVICE_NAME_MAX);
    }
    ck_assert_ptr_null(device_type_find(device_types, "toaster"));
}
END_TEST

START_TEST(every_type_says_what_it_is_and_so_does_each_property)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        ck_assert_ptr_nonnull((*type)->help);
        for (const struct property *property = (*type)->properties; property->name; property++)
            ck_assert_ptr_nonnull(property->help);
    }
}
END_TEST

START_TEST(help_lists_all_types)
{
    printed(print_types);
    for (const struct device_type *const *type = device_types; *type; type++) {
        ck_assert_msg(strstr(text, (*type)->name) != NULL, "%s is not listed", (*type)->name);
        ck_assert_msg(strstr(text, (*type)->help) != NULL, "%s is not explained", (*type)->name);
    }
}
END_TEST

START_TEST(help_of_a_type_lists_its_properties)
{
    ck_assert_str_eq(printed(print_debug_exit),
                     "debug-exit: exit port: a write ends the guest with the value as its status\n"
                     "  port       the first of 4 ports\n"
                     "             a number from 0 to 0xfffc; default: 0xf4\n"
                     "  code       the status of a write of v: plain: v; qemu: (v << 1) | 1\n"
                     "             plain or qemu; default: plain\n");
}
END_TEST

static const struct {
    const char *description, *type, *properties;
} descriptions[] = {
    {"debugcon", "debugcon", NULL},
    {"debugcon,", "debugcon", ""},
    {"debug-exit,port=0x501,code=qemu", "debug-exit", "port=0x501,code=qemu"},
    {"toaster", NULL, NULL},
    {"debug", NULL, NULL},
    {"debugcon2", NULL, NULL},
    {"", NULL, NULL},
    {",port=1", NULL, NULL},
    {"a-name-that-is-longer-than-any-type-will-ever-be", NULL, NULL},
};

START_TEST(a_description_is_a_type_and_its_properties)
{
    const struct device_type *type;
    const char *properties = NULL;
    struct error error = {""};

    type = device_type_of(device_types, descriptions[_i].description, &properties, &error);
    if (!descriptions[_i].type) {
        ck_assert_ptr_null(type);
        ck_assert_ptr_nonnull(strstr(error.text, "there is no such type; --device help"));
        return;
    }
    ck_assert_str_eq(type->name, descriptions[_i].type);
    if (descriptions[_i].properties)
        ck_assert_str_eq(properties, descriptions[_i].properties);
    else
        ck_assert_ptr_null(properties);
}
END_TEST

static bool names_file(const struct device_type *type)
{
    for (const struct property *property = type->properties; property && property->name; property++)
        if (property->kind == PROPERTY_FILE)
            return true;
    return false;
}

START_TEST(a_type_whose_properties_name_files_needs_files)
{
    const unsigned files = HOST_NEED(HOST_READ_FILE) | HOST_NEED(HOST_WRITE_FILE);

    for (const struct device_type *const *type = device_types; *type; type++) {
        ck_assert_msg(((*type)->needs & HOST_NEED(HOST_RUN)) == 0, "%s", (*type)->name);
        ck_assert_msg((*type)->needs >> HOST_NEEDS == 0, "%s", (*type)->name);
        ck_assert_msg(!names_file(*type) || ((*type)->needs & files) != 0,
                      "%s has a property that names a file, and declares no need of one",
                      (*type)->name);
    }
}
END_TEST

START_TEST(each_need_has_words_and_system_calls)
{
    for (unsigned need = 0; need < HOST_NEEDS; need++) {
        ck_assert_msg(host_needs[need].name && *host_needs[need].name, "need %u", need);
        ck_assert_msg(host_needs[need].files && *host_needs[need].files, "need %u", need);
        ck_assert_msg(host_needs[need].calls && *host_needs[need].calls, "need %u", need);
    }
}
END_TEST

Suite *device_suite(void)
{
    Suite *suite = suite_create("device");
    TCase *tcase = tcase_create("device");

    tcase_add_test(tcase, every_type_is_found_by_its_name);
    tcase_add_test(tcase, every_type_says_what_it_is_and_so_does_each_property);
    tcase_add_test(tcase, help_lists_all_types);
    tcase_add_test(tcase, a_type_whose_properties_name_files_needs_files);
    tcase_add_test(tcase, each_need_has_words_and_system_calls);
    tcase_add_test(tcase, help_of_a_type_lists_its_properties);
    tcase_add_loop_test(tcase, a_description_is_a_type_and_its_properties, 0,
                        sizeof(descriptions) / sizeof(descriptions[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
