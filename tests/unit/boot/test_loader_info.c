/* vmm/boot/: the information for Multiboot and PVH guests, and the place of the initrd. */
#include "guest/abi/boot.h"
#include "guest/abi/multiboot.h"
#include "guest/abi/pvh.h"
#include "tests/unit/hex.h"
#include "vmm/boot/loader.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *loader_info_suite(void);

#define COUNT(a)  ((int)(sizeof(a) / sizeof((a)[0])))
#define MULTIBOOT "multiboot-elf32.hex"
#define PVH       "pvh-elf64.hex"

static struct memory memory;
static struct hex_image image;
static struct loader_request request;
static struct loader_file module;
static struct x86_start start;
static struct error error;

static void setup(void)
{
    memset(&request, 0, sizeof(request));
    memset(&module, 0, sizeof(module));
    memset(&memory, 0, sizeof(memory));
}

static void teardown(void)
{
    memory_finish(&memory);
    loader_free_file(&module);
}

/* A module of (size) bytes, all 'm'. */
static void make_module(uint64_t size)
{
    module = (struct loader_file){.path = "a module", .bytes = malloc(size), .size = size};
    ck_assert_ptr_nonnull(module.bytes);
    memset(module.bytes, 'm', size);
}

static void read_image(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "tests/fuzz/images/%s", name);
    ck_assert_int_eq(hex_read(path, &image), 0);
}

static int load(uint64_t size)
{
    const struct loader_file file = {.path = "image", .bytes = image.bytes, .size = image.size};

    memory_finish(&memory);
    ck_assert_int_eq(memory_init(&memory, size, NULL), 0);
    return loader_load_files(&memory, &request, &file, module.size ? &module : NULL, &start,
                             &error);
}

static const void *guest_at(uint64_t address)
{
    const void *place = memory_at(&memory, gpa(address), 1);

    ck_assert_ptr_nonnull(place);
    return place;
}

static const struct multiboot_info *load_multiboot(uint64_t size)
{
    read_image(MULTIBOOT);
    ck_assert_msg(load(size) == 0, "%s", error.text);
    ck_assert_uint_eq(start.info, BOOT_LOADER);
    return guest_at(BOOT_LOADER);
}

static const struct pvh_info *load_pvh(uint64_t size)
{
    read_image(PVH);
    ck_assert_msg(load(size) == 0, "%s", error.text);
    ck_assert_uint_eq(start.info, BOOT_LOADER);
    return guest_at(BOOT_LOADER);
}

static const struct map_case {
    uint64_t memory;
    unsigned count;
    struct {
        uint64_t base, size;
        unsigned type;
    } ranges[4];
} maps[] = {
    {2 * MIB, 3, {{0, 0x90000, 1}, {0x90000, 0x70000, 2}, {0x100000, MIB, 1}}},
    {3 * GIB, 3, {{0, 0x90000, 1}, {0x90000, 0x70000, 2}, {0x100000, 3 * GIB - MIB, 1}}},
    {5 * GIB,
     4,
     {{0, 0x90000, 1}, {0x90000, 0x70000, 2}, {0x100000, 3 * GIB - MIB, 1}, {4 * GIB, 2 * GIB, 1}}},
};

START_TEST(multiboot_has_the_memory_map)
{
    const struct multiboot_info *info = load_multiboot(maps[_i].memory);
    const struct multiboot_range *map = guest_at(info->mmap_addr);

    ck_assert_uint_eq(info->flags & MULTIBOOT_INFO_MAP, MULTIBOOT_INFO_MAP);
    ck_assert_uint_eq(info->mmap_length, maps[_i].count * 24);
    for (unsigned i = 0; i < maps[_i].count; i++) {
        ck_assert_uint_eq(map[i].size, 20);
        ck_assert_uint_eq(map[i].base, maps[_i].ranges[i].base);
        ck_assert_uint_eq(map[i].length, maps[_i].ranges[i].size);
        ck_assert_uint_eq(map[i].type, maps[_i].ranges[i].type);
    }
}
END_TEST

START_TEST(multiboot_has_the_sizes_of_lower_and_upper_memory)
{
    const struct multiboot_info *info = load_multiboot(maps[_i].memory);
    const uint64_t low = maps[_i].memory < 3 * GIB ? maps[_i].memory : 3 * GIB;

    ck_assert_uint_eq(info->flags & MULTIBOOT_INFO_MEMORY, MULTIBOOT_INFO_MEMORY);
    ck_assert_uint_eq(info->mem_lower, 576);
    ck_assert_uint_eq(info->mem_upper, low / 1024 - 1024);
}
END_TEST

START_TEST(pvh_has_the_memory_map)
{
    const struct pvh_info *info = load_pvh(maps[_i].memory);
    const struct pvh_range *map = guest_at(info->map);

    ck_assert_uint_eq(info->map_count, maps[_i].count);
    for (unsigned i = 0; i < maps[_i].count; i++) {
        ck_assert_uint_eq(map[i].base, maps[_i].ranges[i].base);
        ck_assert_uint_eq(map[i].size, maps[_i].ranges[i].size);
        ck_assert_uint_eq(map[i].type, maps[_i].ranges[i].type);
    }
}
END_TEST

static const struct {
    const char *append, *multiboot, *pvh;
} commands[] = {
    {NULL, "image ", ""},
    {"", "image ", ""},
    {"one two", "image one two", "one two"},
};

START_TEST(the_command_line_of_multiboot_begins_with_the_image)
{
    const struct multiboot_info *info;

    request.append = commands[_i].append;
    info = load_multiboot(2 * MIB);
    ck_assert_uint_eq(info->flags & MULTIBOOT_INFO_COMMAND, MULTIBOOT_INFO_COMMAND);
    ck_assert_str_eq(guest_at(info->cmdline), commands[_i].multiboot);
}
END_TEST

START_TEST(the_command_line_of_pvh_is_what_was_appended)
{
    const struct pvh_info *info;

    request.append = commands[_i].append;
    info = load_pvh(2 * MIB);
    ck_assert_str_eq(guest_at(info->command), commands[_i].pvh);
}
END_TEST

static const struct {
    const char *name;
    size_t most; /* bytes of --append */
} limits[] = {{MULTIBOOT, 5119 - sizeof("image")}, {PVH, 4095}};

START_TEST(a_command_line_that_is_too_long_is_refused)
{
    char text[6000];

    memset(text, 'a', sizeof(text));
    text[limits[_i].most] = '\0';
    request.append = text;
    read_image(limits[_i].name);
    ck_assert_msg(load(2 * MIB) == 0, "%s", error.text);

    text[limits[_i].most] = 'a';
    text[limits[_i].most + 1] = '\0';
    ck_assert_int_eq(load(2 * MIB), -E2BIG);
    ck_assert_ptr_nonnull(strstr(error.text, "image: the command line passes"));
}
END_TEST

START_TEST(multiboot_names_the_loader)
{
    const struct multiboot_info *info = load_multiboot(2 * MIB);

    ck_assert_uint_eq(info->flags & MULTIBOOT_INFO_LOADER, MULTIBOOT_INFO_LOADER);
    ck_assert_str_eq(guest_at(info->boot_loader_name), "minivmm");
}
END_TEST

START_TEST(pvh_begins_with_magic_and_version)
{
    const struct pvh_info *info = load_pvh(2 * MIB);

    ck_assert_uint_eq(info->magic, 0x336ec578);
    ck_assert_uint_eq(info->version, 1);
    ck_assert_uint_eq(info->module_count, 0);
    ck_assert_uint_eq(info->modules, 0);
}
END_TEST

START_TEST(multiboot_without_an_initrd_has_no_module)
{
    const struct multiboot_info *info = load_multiboot(2 * MIB);

    ck_assert_uint_eq(info->flags & MULTIBOOT_INFO_MODULES, MULTIBOOT_INFO_MODULES);
    ck_assert_uint_eq(info->mods_count, 0);
}
END_TEST

START_TEST(the_initrd_is_the_module_of_multiboot)
{
    const struct multiboot_info *info;
    const struct multiboot_module *told;

    make_module(5000);
    info = load_multiboot(2 * MIB);
    ck_assert_uint_eq(info->mods_count, 1);
    told = guest_at(info->mods_addr);
    ck_assert_uint_eq(told->start, 2 * MIB - 2 * PAGE_SIZE);
    ck_assert_uint_eq(told->end, told->start + 5000);
    ck_assert_str_eq(guest_at(told->string), "a module");
    ck_assert_mem_eq(guest_at(told->start), module.bytes, 5000);
}
END_TEST

START_TEST(the_initrd_is_the_module_of_pvh)
{
    const struct pvh_info *info;
    const struct pvh_module *told;

    make_module(5000);
    info = load_pvh(2 * MIB);
    ck_assert_uint_eq(info->module_count, 1);
    told = guest_at(info->modules);
    ck_assert_uint_eq(told->address, 2 * MIB - 2 * PAGE_SIZE);
    ck_assert_uint_eq(told->size, 5000);
    ck_assert_uint_eq(told->command, 0);
    ck_assert_mem_eq(guest_at(told->address), module.bytes, 5000);
}
END_TEST

START_TEST(the_stack_is_below_the_initrd)
{
    make_module(5000);
    load_multiboot(2 * MIB);
    ck_assert_uint_eq(start.stack, 2 * MIB - 2 * PAGE_SIZE);
}
END_TEST

/* Where a segment of 32 bytes lies, and where the initrd then goes in 2 MiB of RAM; 0: nowhere. */
static const struct {
    uint32_t segment;
    uint64_t size, place;
} initrd_places[] = {
    {0x100000, 1, 0x1ff000},
    {0x100000, PAGE_SIZE, 0x1ff000},
    {0x100000, PAGE_SIZE + 1, 0x1fe000},
    {0x1fffe0, 1, 0x1ff000},
    {0x1ff000, 1, 0x1fe000},
    {0x1ff001, PAGE_SIZE, 0x1fe000},
    {0x180000, 0x80000, 0x100000},
    {0x1fffe0, PAGE_SIZE, 0x1fe000},
    {0x100000, 0xff000, 0x101000},
    {0x100000, 0xff001, 0},
    {0x180000, 0x80001, 0},
    {0x100000, MIB, 0},
    {0x100000, 3 * MIB, 0},
    {0x1000, MIB, 0x100000},
};

START_TEST(the_initrd_touches_no_segment)
{
    const uint32_t entry = initrd_places[_i].segment;

    make_module(initrd_places[_i].size);
    read_image(MULTIBOOT);
    memcpy(image.bytes + 0x18, &entry, sizeof(entry));
    memcpy(image.bytes + 0x3c, &entry, sizeof(entry)); /* p_vaddr, p_paddr */
    memcpy(image.bytes + 0x40, &entry, sizeof(entry));
    if (initrd_places[_i].place == 0) {
        ck_assert_int_eq(load(2 * MIB), -ENOMEM);
        ck_assert_ptr_nonnull(strstr(error.text, "a module: no room for"));
        return;
    }
    ck_assert_msg(load(2 * MIB) == 0, "%s", error.text);
    ck_assert_uint_eq(start.stack, initrd_places[_i].place);
    ck_assert_mem_eq(guest_at(initrd_places[_i].place), module.bytes, module.size);
}
END_TEST

START_TEST(multiboot_has_room_for_names_of_2047_bytes)
{
    char name[2049] = {0};

    memset(name, 'n', 2047);
    make_module(1);
    module.path = name;
    read_image(MULTIBOOT);
    ck_assert_msg(load(2 * MIB) == 0, "%s", error.text);
    name[2047] = 'n';
    ck_assert_int_eq(load(2 * MIB), -E2BIG);
}
END_TEST

START_TEST(a_missing_initrd_is_refused_by_name)
{
    request.path = "/proc/self/cmdline";
    request.initrd = "/nowhere/initrd";
    ck_assert_int_eq(memory_init(&memory, 2 * MIB, NULL), 0);
    ck_assert_int_eq(loader_load(&memory, &request, &start, &error), -ENOENT);
    ck_assert_str_eq(error.text,
                     "/nowhere/initrd: No such file or directory; give a file that can be read");
}
END_TEST

Suite *loader_info_suite(void)
{
    Suite *suite = suite_create("loader_info");
    TCase *tcase = tcase_create("loader_info");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, multiboot_has_the_memory_map, 0, COUNT(maps));
    tcase_add_loop_test(tcase, multiboot_has_the_sizes_of_lower_and_upper_memory, 0, COUNT(maps));
    tcase_add_loop_test(tcase, pvh_has_the_memory_map, 0, COUNT(maps));
    tcase_add_loop_test(tcase, the_command_line_of_multiboot_begins_with_the_image, 0,
                        COUNT(commands));
    tcase_add_loop_test(tcase, the_command_line_of_pvh_is_what_was_appended, 0, COUNT(commands));
    tcase_add_loop_test(tcase, a_command_line_that_is_too_long_is_refused, 0, COUNT(limits));
    tcase_add_test(tcase, multiboot_names_the_loader);
    tcase_add_test(tcase, pvh_begins_with_magic_and_version);
    tcase_add_test(tcase, multiboot_without_an_initrd_has_no_module);
    tcase_add_test(tcase, the_initrd_is_the_module_of_multiboot);
    tcase_add_test(tcase, the_initrd_is_the_module_of_pvh);
    tcase_add_test(tcase, the_stack_is_below_the_initrd);
    tcase_add_loop_test(tcase, the_initrd_touches_no_segment, 0, COUNT(initrd_places));
    tcase_add_test(tcase, multiboot_has_room_for_names_of_2047_bytes);
    tcase_add_test(tcase, a_missing_initrd_is_refused_by_name);
    suite_add_tcase(suite, tcase);
    return suite;
}
