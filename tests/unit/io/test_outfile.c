/* Files that a guest asks for: whole or not at all, and only in their directory. */
#include "vmm/io/outfile.h"

#include <check.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *outfile_suite(void);

/* A directory of its own for each test. */
struct place {
    char path[64];
    int fd;
};

static struct place place_make(void)
{
    struct place place = {.path = "/tmp/minivmm-outfile-XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(place.path));
    place.fd = open(place.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(place.fd, 0);
    return place;
}

static unsigned place_files(const struct place *place)
{
    DIR *dir = opendir(place->path);
    const struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static void place_remove(struct place *place, const char *name)
{
    if (name && unlinkat(place->fd, name, 0) < 0)
        ck_assert_int_eq(unlinkat(place->fd, name, AT_REMOVEDIR), 0);
    close(place->fd);
    ck_assert_int_eq(rmdir(place->path), 0);
}

static void check_text(const struct place *place, const char *name, const char *expected)
{
    char text[64] = {0};
    int fd = openat(place->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    ck_assert_msg(fd >= 0, "no file %s", name);
    ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    ck_assert_str_eq(text, expected);
}

static void write_whole(const struct place *place, const char *name, const char *text)
{
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, place->fd, name, ""), 0);
    ck_assert_int_eq(outfile_write(&file, text, strlen(text)), 0);
    ck_assert_int_eq(outfile_commit(&file), 0);
}

static const struct {
    const char *name;
    size_t length;
    bool allowed;
} name_cases[] = {
    {"roi", 3, true},       {"a b~!\"#", 7, true}, {"-x", 2, true},    {"a..b", 4, true},
    {"a", 1, true},         {"", 0, false},        {".", 1, false},    {"..", 2, false},
    {".hidden", 7, false},  {"a/b", 3, false},     {"/a", 2, false},   {"../a", 4, false},
    {"a\\b", 3, false},     {"a\0b", 3, false},    {"a\nb", 3, false}, {"a\x7f", 2, false},
    {"\xc3\xa4", 2, false}, {"ab/", 2, true}, /* the length counts, not the bytes after it */
};

START_TEST(a_name_is_printable_ascii_without_slashes_or_a_leading_dot)
{
    ck_assert_msg(outfile_name_allowed(name_cases[_i].name, name_cases[_i].length) ==
                      name_cases[_i].allowed,
                  "case %d: %s", _i, name_cases[_i].name);
}
END_TEST

START_TEST(a_name_leaves_16_bytes_for_the_ending)
{
    char name[OUTFILE_NAME_MAX];

    memset(name, 'n', sizeof(name));
    ck_assert(outfile_name_allowed(name, OUTFILE_NAME_MAX - 16));
    ck_assert(!outfile_name_allowed(name, OUTFILE_NAME_MAX - 15));
    ck_assert(!outfile_name_allowed(name, SIZE_MAX));
}
END_TEST

START_TEST(a_committed_file_has_its_name_and_all_its_bytes)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ".stats"), 0);
    ck_assert_int_eq(outfile_write(&file, "one", 3), 0);
    ck_assert_int_eq(outfile_write(&file, "", 0), 0);
    ck_assert_int_eq(outfile_write(&file, " two", 4), 0);
    ck_assert_int_eq(outfile_commit(&file), 0);
    check_text(&place, "roi.stats", "one two");
    ck_assert_uint_eq(place_files(&place), 1);
    place_remove(&place, "roi.stats");
}
END_TEST

START_TEST(before_the_commit_the_name_is_not_there)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(outfile_write(&file, "one", 3), 0);
    ck_assert_int_lt(faccessat(place.fd, "roi", F_OK, 0), 0);
    outfile_discard(&file);
    place_remove(&place, NULL);
}
END_TEST

START_TEST(a_discarded_file_leaves_nothing)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), 0);
    ck_assert_uint_eq(place_files(&place), 1);
    outfile_discard(&file);
    outfile_discard(&file);
    ck_assert_uint_eq(place_files(&place), 0);
    place_remove(&place, NULL);
}
END_TEST

START_TEST(an_old_file_is_replaced)
{
    struct place place = place_make();

    write_whole(&place, "roi", "a long old text");
    write_whole(&place, "roi", "new");
    check_text(&place, "roi", "new");
    place_remove(&place, "roi");
}
END_TEST

START_TEST(an_old_file_stays_when_the_new_one_is_discarded)
{
    struct place place = place_make();
    struct outfile file;

    write_whole(&place, "roi", "old");
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(outfile_write(&file, "new", 3), 0);
    outfile_discard(&file);
    check_text(&place, "roi", "old");
    place_remove(&place, "roi");
}
END_TEST

START_TEST(a_symbolic_link_is_replaced_and_not_followed)
{
    struct place place = place_make(), other = place_make();
    char target[128];

    write_whole(&other, "victim", "untouched");
    snprintf(target, sizeof(target), "%s/victim", other.path);
    ck_assert_int_eq(symlinkat(target, place.fd, "roi"), 0);
    write_whole(&place, "roi", "new");
    check_text(&other, "victim", "untouched");
    check_text(&place, "roi", "new");
    place_remove(&place, "roi");
    place_remove(&other, "victim");
}
END_TEST

START_TEST(a_directory_of_that_name_is_refused_at_the_start)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(mkdirat(place.fd, "roi", 0755), 0);
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), -EISDIR);
    ck_assert_uint_eq(place_files(&place), 1);
    place_remove(&place, "roi");
}
END_TEST

START_TEST(a_commit_that_fails_leaves_nothing)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(mkdirat(place.fd, "roi", 0755), 0);
    ck_assert_int_eq(outfile_commit(&file), -EISDIR);
    ck_assert_uint_eq(place_files(&place), 1);
    outfile_discard(&file);
    place_remove(&place, "roi");
}
END_TEST

START_TEST(without_a_directory_nothing_begins)
{
    struct outfile file;

    ck_assert_int_eq(outfile_begin(&file, NULL, -1, "roi", ""), -ENOTDIR);
    ck_assert_int_eq(outfile_begin(&file, NULL, AT_FDCWD, "roi", ""), -ENOTDIR);
    outfile_discard(&file);
}
END_TEST

START_TEST(a_directory_that_is_gone_is_an_error)
{
    struct place place = place_make();
    struct outfile file;

    ck_assert_int_eq(rmdir(place.path), 0);
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), -ENOENT);
    close(place.fd);
}
END_TEST

START_TEST(the_longest_name_with_the_longest_ending_fits)
{
    struct place place = place_make();
    char name[OUTFILE_NAME_MAX - 16 + 1] = {0}, whole[OUTFILE_NAME_MAX + 2];
    const char *ending = "-sixteen-letters";
    struct outfile file;

    memset(name, 'n', sizeof(name) - 1);
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, name, ending), 0);
    ck_assert_int_eq(outfile_commit(&file), 0);
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, name, "-seventeen-letter"),
                     -ENAMETOOLONG);
    snprintf(whole, sizeof(whole), "%s%s", name, ending);
    place_remove(&place, whole);
}
END_TEST

START_TEST(two_files_of_one_name_do_not_mix)
{
    struct place place = place_make();
    struct outfile first, second;

    ck_assert_int_eq(outfile_begin(&first, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(outfile_begin(&second, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(outfile_write(&first, "first", 5), 0);
    ck_assert_int_eq(outfile_write(&second, "second", 6), 0);
    ck_assert_int_eq(outfile_commit(&second), 0);
    check_text(&place, "roi", "second");
    ck_assert_int_eq(outfile_commit(&first), 0);
    check_text(&place, "roi", "first");
    place_remove(&place, "roi");
}
END_TEST

START_TEST(a_write_that_does_not_fit_is_an_error)
{
    struct place place = place_make();
    struct rlimit old, small;
    char block[8192] = {0};
    struct outfile file;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = sizeof(block) / 2;
    ck_assert_int_eq(outfile_begin(&file, NULL, place.fd, "roi", ""), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(outfile_write(&file, block, sizeof(block)), -EFBIG);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    outfile_discard(&file);
    place_remove(&place, NULL);
}
END_TEST

Suite *outfile_suite(void)
{
    Suite *suite = suite_create("outfile");
    TCase *names = tcase_create("names"), *files = tcase_create("files");

    tcase_add_loop_test(names, a_name_is_printable_ascii_without_slashes_or_a_leading_dot, 0,
                        sizeof(name_cases) / sizeof(name_cases[0]));
    tcase_add_test(names, a_name_leaves_16_bytes_for_the_ending);
    suite_add_tcase(suite, names);
    tcase_add_test(files, a_committed_file_has_its_name_and_all_its_bytes);
    tcase_add_test(files, before_the_commit_the_name_is_not_there);
    tcase_add_test(files, a_discarded_file_leaves_nothing);
    tcase_add_test(files, an_old_file_is_replaced);
    tcase_add_test(files, an_old_file_stays_when_the_new_one_is_discarded);
    tcase_add_test(files, a_symbolic_link_is_replaced_and_not_followed);
    tcase_add_test(files, a_directory_of_that_name_is_refused_at_the_start);
    tcase_add_test(files, a_commit_that_fails_leaves_nothing);
    tcase_add_test(files, without_a_directory_nothing_begins);
    tcase_add_test(files, a_directory_that_is_gone_is_an_error);
    tcase_add_test(files, the_longest_name_with_the_longest_ending_fits);
    tcase_add_test(files, two_files_of_one_name_do_not_mix);
    tcase_add_test(files, a_write_that_does_not_fit_is_an_error);
    suite_add_tcase(suite, files);
    return suite;
}
