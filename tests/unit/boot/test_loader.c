/* vmm/boot/: flat images and what all have in common. A file becomes guest memory and an entry. */
#include "vmm/boot/loader.h"

#include "guest/abi/boot.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *loader_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define FILL     0xc3

static struct memory memory;
static int image; /* a memfd, or the reading end of a pipe; -1: none */
static char image_path[64];
static struct x86_start start;
static struct error error;

static void setup(void)
{
    image = -1;
    memset(&memory, 0, sizeof(memory));
}

static void teardown(void)
{
    memory_finish(&memory);
    if (image >= 0)
        close(image);
}

static void make_memory(uint64_t size)
{
    memory_finish(&memory);
    ck_assert_msg(memory_init(&memory, size, &error) == 0, "%s", error.text);
}

static void take_image(int fd)
{
    if (image >= 0)
        close(image);
    image = fd;
    snprintf(image_path, sizeof(image_path), "/proc/self/fd/%d", fd);
}

/* An image of (size) bytes, all FILL. */
static void make_image(size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    take_image(memfd_create("image", MFD_CLOEXEC));
    memset(bytes, FILL, size);
    ck_assert_int_eq(write(image, bytes, size), (ssize_t)size);
    free(bytes);
}

static int load_as(enum x86_mode mode)
{
    const struct loader_request request = {.path = image_path, .mode = mode};

    return loader_load(&memory, &request, &start, &error);
}

static int load_at(uint64_t load)
{
    const struct loader_request request = {.path = image_path, .has_load = true, .load = load};

    return loader_load(&memory, &request, &start, &error);
}

static int enter_at(enum x86_mode mode, uint64_t entry)
{
    const struct loader_request request = {.path = image_path,
                                           .mode = mode,
                                           .has_entry = true,
                                           .entry = entry};

    return loader_load(&memory, &request, &start, &error);
}

static int load_path(const char *path)
{
    const struct loader_request request = {.path = path};

    return loader_load(&memory, &request, &start, &error);
}

static void check_refused(int result, int code, const char *path, const char *sentence)
{
    char expected[ERROR_TEXT_MAX];

    snprintf(expected, sizeof(expected), "%s%s", path, sentence);
    ck_assert_str_eq(error.text, expected);
    ck_assert_int_eq(result, code);
}

/* Exactly first..last (exclusive) is filled. */
static void check_filled(uint64_t first, uint64_t last)
{
    const uint8_t *byte;

    for (uint64_t address = first; address < last; address++)
        if (!(byte = memory_at(&memory, gpa(address), 1)) || *byte != FILL)
            ck_abort_msg("0x%llx is not the image's", (unsigned long long)address);
    if (first > 0 && (byte = memory_at(&memory, gpa(first - 1), 1)))
        ck_assert_uint_eq(*byte, 0);
    if ((byte = memory_at(&memory, gpa(last), 1)))
        ck_assert_uint_eq(*byte, 0);
}

static const struct {
    enum x86_mode mode;
    uint64_t load, stack;
} presets[] = {
    {X86_LONG, 0x100000, 16 * MIB},
    {X86_PROTECTED, 0x100000, 16 * MIB},
    {X86_REAL, 0x7c00, 0x7c00},
};

START_TEST(each_mode_has_its_place_entry_and_stack)
{
    make_memory(16 * MIB);
    make_image(5000);
    ck_assert_int_eq(load_as(presets[_i].mode), 0);
    check_filled(presets[_i].load, presets[_i].load + 5000);
    ck_assert_int_eq(start.mode, presets[_i].mode);
    ck_assert_uint_eq(start.entry, presets[_i].load);
    ck_assert_uint_eq(start.stack, presets[_i].stack);
    ck_assert_uint_eq(start.info, BOOT_INFO);
}
END_TEST

START_TEST(load_moves_the_image_and_its_entry)
{
    make_memory(16 * MIB);
    make_image(100);
    ck_assert_int_eq(load_at(0x200001), 0);
    check_filled(0x200001, 0x200001 + 100);
    ck_assert_uint_eq(start.entry, 0x200001);
}
END_TEST

START_TEST(entry_leaves_the_image_where_it_is)
{
    make_memory(16 * MIB);
    make_image(100);
    ck_assert_int_eq(enter_at(X86_LONG, 0x100010), 0);
    check_filled(0x100000, 0x100000 + 100);
    ck_assert_uint_eq(start.entry, 0x100010);
}
END_TEST

START_TEST(an_empty_image_is_refused)
{
    make_memory(16 * MIB);
    make_image(0);
    check_refused(load_as(X86_LONG), -ENOEXEC, image_path, ": the file is empty; build it first");
}
END_TEST

static const struct {
    const char *path;
    int code;
    const char *sentence;
} unreadable[] = {
    {"/nowhere/guest.bin", -ENOENT, ": No such file or directory; give a file that can be read"},
    {"/dev/null/guest.bin", -ENOTDIR, ": Not a directory; give a file that can be read"},
    {"", -ENOENT, ": No such file or directory; give a file that can be read"},
    {"/", -EISDIR, ": Is a directory; give a file that can be read"},
    {"/dev/null", -ENOEXEC, ": the file is empty; build it first"},
    /* Page 0 of this process is not mapped, so that reading it fails even for root. */
    {"/proc/self/mem", -EIO, ": Input/output error; give a file that can be read"},
};

START_TEST(what_cannot_be_read_is_refused_by_name)
{
    make_memory(16 * MIB);
    check_refused(load_path(unreadable[_i].path), unreadable[_i].code, unreadable[_i].path,
                  unreadable[_i].sentence);
}
END_TEST

#define PASSES_THE_END                                                                             \
    ": 0x100001 bytes at 0x100000 pass the end of the guest's memory; give more with -m, or "      \
    "choose another --load"
#define TOO_LARGE ": the file is larger than the guest's memory, 0x200000 bytes; give more with -m"

START_TEST(an_image_may_fill_the_memory_to_its_last_byte)
{
    make_memory(2 * MIB);
    make_image(MIB);
    ck_assert_int_eq(load_as(X86_LONG), 0);
    check_filled(0x100000, 0x200000);
}
END_TEST

START_TEST(one_byte_more_than_the_memory_is_refused)
{
    make_memory(2 * MIB);
    make_image(MIB + 1);
    check_refused(load_as(X86_LONG), -ENOMEM, image_path, PASSES_THE_END);
}
END_TEST

START_TEST(an_image_larger_than_the_memory_is_refused)
{
    make_memory(2 * MIB);
    make_image(5 * MIB);
    check_refused(load_as(X86_LONG), -ENOMEM, image_path, TOO_LARGE);
}
END_TEST

#define BOOT "boot area, 0x90000..0x9ffff"
#define BIOS "BIOS area, 0xe0000..0xfffff"

static const struct kept_area_case {
    uint64_t load;
    size_t size;
    const char *meets; /* NULL: nothing that is kept */
} kept_area_cases[] = {
    {0, 1, NULL},
    {0, BOOT_AREA, NULL},
    {0, BOOT_AREA + 1, BOOT},
    {0, MIB, BOOT},
    {BOOT_AREA - 100, 100, NULL},
    {BOOT_AREA - 100, 101, BOOT},
    {BOOT_AREA - 1, 1, NULL},
    {BOOT_AREA - 1, 2, BOOT},
    {BOOT_AREA, 1, BOOT},
    {BOOT_INFO, 1, BOOT},
    {BOOT_AREA_END - 1, 1, BOOT},
    {BOOT_AREA_END, 1, NULL},
    {BOOT_AREA_END, BOOT_BIOS - BOOT_AREA_END, NULL},
    {BOOT_AREA_END, BOOT_BIOS - BOOT_AREA_END + 1, BIOS},
    {BOOT_BIOS, 1, BIOS},
    {BOOT_BIOS_END - 1, 1, BIOS},
    {BOOT_BIOS_END - 1, 2, BIOS},
    {BOOT_BIOS_END, MIB, NULL},
};

static void check_untouched(uint64_t first, uint64_t end)
{
    for (uint64_t address = first; address < end; address++)
        ck_assert_uint_eq(*(const uint8_t *)memory_at(&memory, gpa(address), 1), 0);
}

START_TEST(no_image_touches_the_boot_area_or_the_bios_area)
{
    const struct kept_area_case *c = &kept_area_cases[_i];
    char sentence[128];

    snprintf(sentence, sizeof(sentence),
             ": 0x%zx bytes at 0x%llx overlap the %s; choose another --load", c->size,
             (unsigned long long)c->load, c->meets ? c->meets : "");
    make_memory(2 * MIB);
    make_image(c->size);
    if (c->meets) {
        check_refused(load_at(c->load), -EBUSY, image_path, sentence);
    } else {
        ck_assert_int_eq(load_at(c->load), 0);
        check_filled(c->load, c->load + c->size);
    }
    check_untouched(BOOT_AREA, BOOT_AREA_END);
    check_untouched(BOOT_BIOS, BOOT_BIOS_END);
}
END_TEST

#define HIGH_END (MEMORY_HIGH + 2 * GIB) /* of 5 GiB: 3 of them lie low */

static const struct {
    uint64_t load;
    size_t size;
    int code;
    const char *sentence;
} places[] = {
    {MEMORY_LOW_MAX - 10, 10, 0, NULL},
    {MEMORY_LOW_MAX - 10, 11, -ENOMEM,
     "0xb bytes at 0xbffffff6 pass the end of the guest's memory"},
    {MEMORY_LOW_MAX, 1, -ENOMEM, "there is no RAM at 0xc0000000"},
    {MEMORY_HIGH - 1, 1, -ENOMEM, "there is no RAM at 0xffffffff"},
    {MEMORY_HIGH, 5000, 0, NULL},
    {HIGH_END - 10, 10, 0, NULL},
    {HIGH_END - 10, 11, -ENOMEM, "0xb bytes at 0x17ffffff6 pass the end of the guest's memory"},
    {HIGH_END, 1, -ENOMEM, "there is no RAM at 0x180000000"},
    {UINT64_MAX, 1, -ENOMEM, "there is no RAM at 0xffffffffffffffff"},
};

START_TEST(an_image_lies_wholly_in_one_piece_of_ram)
{
    make_memory(5 * GIB);
    make_image(places[_i].size);
    ck_assert_int_eq(load_at(places[_i].load), places[_i].code);
    if (places[_i].sentence)
        ck_assert_ptr_nonnull(strstr(error.text, places[_i].sentence));
    else
        check_filled(places[_i].load, places[_i].load + places[_i].size);
}
END_TEST

START_TEST(the_smallest_memory_has_no_ram_at_the_preset)
{
    make_memory(MIB);
    make_image(1);
    check_refused(load_as(X86_LONG), -ENOMEM, image_path,
                  ": there is no RAM at 0x100000; give more with -m, or choose another --load");
}
END_TEST

static const struct {
    enum x86_mode mode;
    uint64_t entry;
    const char *sentence; /* NULL: allowed */
} entries[] = {
    {X86_REAL, 0, NULL},
    {X86_REAL, 0xffff, NULL},
    {X86_REAL, 0x10000, "--entry 0x10000: real mode begins below 0x10000; give a lower one"},
    {X86_PROTECTED, 0x100000, NULL},
    {X86_PROTECTED, MEMORY_LOW_MAX - 1, NULL},
    {X86_PROTECTED, MEMORY_HIGH, "--entry 0x100000000: only long mode begins above 4 GiB"},
    {X86_LONG, 0, NULL},
    {X86_LONG, MEMORY_HIGH, NULL},
    {X86_LONG, HIGH_END - 1, NULL},
    {X86_LONG, HIGH_END, "--entry 0x180000000 is outside the guest's memory; give a lower one"},
    {X86_PROTECTED, MEMORY_LOW_MAX,
     "--entry 0xc0000000 is outside the guest's memory; give a lower one"},
    {X86_LONG, UINT64_MAX,
     "--entry 0xffffffffffffffff is outside the guest's memory; give a lower one"},
};

START_TEST(an_entry_is_where_its_mode_can_begin)
{
    make_memory(5 * GIB);
    make_image(1);
    if (entries[_i].sentence) {
        check_refused(enter_at(entries[_i].mode, entries[_i].entry), -EINVAL, "",
                      entries[_i].sentence);
    } else {
        ck_assert_int_eq(enter_at(entries[_i].mode, entries[_i].entry), 0);
        ck_assert_uint_eq(start.entry, entries[_i].entry);
    }
}
END_TEST

START_TEST(a_real_mode_image_above_64_kib_needs_an_entry_below)
{
    struct loader_request request = {.path = image_path,
                                     .mode = X86_REAL,
                                     .has_load = true,
                                     .load = 0x20000};

    make_memory(2 * MIB);
    make_image(1);
    ck_assert_int_eq(loader_load(&memory, &request, &start, &error), -EINVAL);
    request.has_entry = true;
    request.entry = 0x500;
    ck_assert_int_eq(loader_load(&memory, &request, &start, &error), 0);
}
END_TEST

/* An image of (size) bytes that comes through a pipe, so that no read gets it all. */
static pid_t make_pipe(size_t size)
{
    uint8_t bytes[1000];
    int ends[2];
    pid_t writer;

    memset(bytes, FILL, sizeof(bytes));
    ck_assert_int_eq(pipe(ends), 0);
    writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        close(ends[0]);
        while (size > 0) {
            size_t piece = size < sizeof(bytes) ? size : sizeof(bytes);

            if (write(ends[1], bytes, piece) != (ssize_t)piece)
                _exit(1);
            size -= piece;
        }
        _exit(0);
    }
    close(ends[1]);
    take_image(ends[0]);
    return writer;
}

START_TEST(an_image_may_come_through_a_pipe)
{
    pid_t writer;
    int status;

    make_memory(2 * MIB);
    writer = make_pipe(300001);
    ck_assert_int_eq(load_as(X86_LONG), 0);
    waitpid(writer, &status, 0);
    ck_assert_int_eq(status, 0);
    check_filled(0x100000, 0x100000 + 300001);
}
END_TEST

START_TEST(a_pipe_that_gives_too_much_is_refused)
{
    pid_t writer;

    make_memory(2 * MIB);
    writer = make_pipe(2 * MIB + 1);
    check_refused(load_as(X86_LONG), -ENOMEM, image_path, TOO_LARGE);
    close(image); /* the writer may have more */
    image = -1;
    waitpid(writer, NULL, 0);
}
END_TEST

START_TEST(a_file_without_end_is_read_no_further_than_the_memory_is_large)
{
    make_memory(2 * MIB);
    check_refused(load_path("/dev/zero"), -ENOMEM, "/dev/zero", TOO_LARGE);
}
END_TEST

START_TEST(a_flat_image_takes_no_initrd)
{
    const struct loader_request request = {.path = image_path, .initrd = "/proc/self/cmdline"};

    make_memory(2 * MIB);
    make_image(10);
    check_refused(loader_load(&memory, &request, &start, &error), -EINVAL, image_path,
                  ": this flat image is not told of an --initrd; give a Multiboot or PVH image");
}
END_TEST

START_TEST(a_linux_kernel_is_refused_as_a_flat_image)
{
    make_memory(2 * MIB);
    make_image(0x206);
    ck_assert_int_eq(pwrite(image, "HdrS", 4, 0x202), 4);
    check_refused(load_as(X86_LONG), -ENOEXEC, image_path,
                  ": this is a Linux bzImage, which minivmm does not start; give an ELF, "
                  "Multiboot, PVH or flat image");
}
END_TEST

Suite *loader_suite(void)
{
    Suite *suite = suite_create("loader");
    TCase *tcase = tcase_create("loader");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, each_mode_has_its_place_entry_and_stack, 0, COUNT(presets));
    tcase_add_test(tcase, load_moves_the_image_and_its_entry);
    tcase_add_test(tcase, entry_leaves_the_image_where_it_is);
    tcase_add_test(tcase, an_empty_image_is_refused);
    tcase_add_loop_test(tcase, what_cannot_be_read_is_refused_by_name, 0, COUNT(unreadable));
    tcase_add_test(tcase, an_image_may_fill_the_memory_to_its_last_byte);
    tcase_add_test(tcase, one_byte_more_than_the_memory_is_refused);
    tcase_add_test(tcase, an_image_larger_than_the_memory_is_refused);
    tcase_add_loop_test(tcase, no_image_touches_the_boot_area_or_the_bios_area, 0,
                        COUNT(kept_area_cases));
    tcase_add_loop_test(tcase, an_image_lies_wholly_in_one_piece_of_ram, 0, COUNT(places));
    tcase_add_test(tcase, the_smallest_memory_has_no_ram_at_the_preset);
    tcase_add_loop_test(tcase, an_entry_is_where_its_mode_can_begin, 0, COUNT(entries));
    tcase_add_test(tcase, a_real_mode_image_above_64_kib_needs_an_entry_below);
    tcase_add_test(tcase, an_image_may_come_through_a_pipe);
    tcase_add_test(tcase, a_pipe_that_gives_too_much_is_refused);
    tcase_add_test(tcase, a_file_without_end_is_read_no_further_than_the_memory_is_large);
    tcase_add_test(tcase, a_flat_image_takes_no_initrd);
    tcase_add_test(tcase, a_linux_kernel_is_refused_as_a_flat_image);
    suite_add_tcase(suite, tcase);
    return suite;
}
