/* vmm/html/html.c: the file of a page, whole or not at all. test_html_reader.c tests the contents. */
#include "vmm/html/html.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *html_suite(void);

/* Each test has a folder with a stream. */
static char folder[64], stream[96], page[96];
static struct error error;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* Ends in a 0; the caller's. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    ck_assert_ptr_nonnull(text);
    ck_assert_msg(file, "no file %s", path);
    ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return text;
}

static void setup(void)
{
    snprintf(folder, sizeof(folder), "/tmp/minivmm-page-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(stream, sizeof(stream), "%s/run.exits", folder);
    snprintf(page, sizeof(page), "%s/run.html", folder);
    write_file(stream, "exits 1\nhlt\n> end guest 0\n");
    error.text[0] = '\0';
}

static void teardown(void)
{
    unlink(stream);
    unlink(page);
    rmdir(page);
    ck_assert_msg(rmdir(folder) == 0, "something is left in %s", folder);
}

static void make_page(void)
{
    ck_assert_msg(html_write(stream, page, &error) == 0, "%s", error.text);
}

START_TEST(a_page_is_a_whole_html_file_with_the_data_in_it)
{
    static const char begin[] = "<!doctype html>\n", end[] = "</html>\n";
    char *text;

    make_page();
    text = read_file(page);
    ck_assert_int_eq(strncmp(text, begin, strlen(begin)), 0);
    ck_assert_str_eq(text + strlen(text) - strlen(end), end);
    ck_assert_ptr_nonnull(strstr(text, "<script type=\"application/json\" id=\"data\">"
                                       "{\"file\":\"run.exits\","));
    ck_assert_ptr_null(strstr(text, "{{"));
    free(text);
}
END_TEST

START_TEST(a_page_names_nothing_outside_of_it)
{
    char *text;

    make_page();
    text = read_file(page);
    ck_assert_ptr_nonnull(strstr(text, "content=\"default-src 'none'; script-src 'nonce-"));
    ck_assert_ptr_null(strstr(text, "https:"));
    ck_assert_ptr_null(strstr(text, "src="));
    ck_assert_ptr_null(strstr(text, "url("));
    ck_assert_ptr_null(strstr(text, "@import"));
    ck_assert_ptr_null(strstr(text, "innerHTML"));
    free(text);
}
END_TEST

/* A script that a stream brings along cannot know it. */
START_TEST(each_page_has_a_nonce_of_its_own)
{
    static const char mark[] = "'nonce-";
    char *first, *second;

    make_page();
    first = read_file(page);
    make_page();
    second = read_file(page);
    ck_assert_int_ne(strncmp(strstr(first, mark), strstr(second, mark), strlen(mark) + 16), 0);
    free(first);
    free(second);
}
END_TEST

START_TEST(an_older_page_is_replaced)
{
    char *text;

    write_file(page, "old");
    make_page();
    text = read_file(page);
    ck_assert_ptr_null(strstr(text, "old<"));
    ck_assert_int_eq(strncmp(text, "<!doctype", 9), 0);
    free(text);
}
END_TEST

/* That nothing else is left, teardown() checks. */
START_TEST(an_older_page_stays_if_the_stream_is_refused)
{
    char *text;

    write_file(page, "old");
    write_file(stream, "exits 1\nnonsense\n");
    ck_assert_int_eq(html_write(stream, page, &error), -EINVAL);
    text = read_file(page);
    ck_assert_str_eq(text, "old");
    free(text);
}
END_TEST

START_TEST(a_page_in_the_current_folder_needs_no_slash)
{
    char *text;

    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_msg(html_write("run.exits", "run.html", &error) == 0, "%s", error.text);
    ck_assert_int_eq(chdir("/"), 0);
    text = read_file(page);
    free(text);
}
END_TEST

static void check_refused(const char *out, int code, const char *sentence)
{
    ck_assert_int_eq(html_write(stream, out, &error), code);
    ck_assert_msg(strstr(error.text, sentence), "%s", error.text);
}

START_TEST(a_folder_that_is_not_there_is_told)
{
    check_refused("/nowhere/run.html", -ENOENT,
                  "/nowhere/run.html: No such file or directory; "
                  "name a file that can be written with -o");
}
END_TEST

START_TEST(a_page_does_not_take_the_place_of_a_folder)
{
    ck_assert_int_eq(mkdir(page, 0755), 0);
    check_refused(page, -EINVAL, "/run.html is not a regular file; name another with -o");
}
END_TEST

/* As /dev/null is one; but if this fails, what was there is lost. */
START_TEST(a_page_does_not_take_the_place_of_a_special_file)
{
    struct stat status;

    ck_assert_int_eq(mkfifo(page, 0600), 0);
    check_refused(page, -EINVAL, "/run.html is not a regular file; name another with -o");
    ck_assert_int_eq(stat(page, &status), 0);
    ck_assert(S_ISFIFO(status.st_mode));
}
END_TEST

START_TEST(a_page_does_not_take_the_place_of_its_recording)
{
    char *text;

    ck_assert_int_eq(link(stream, page), 0);
    check_refused(page, -EINVAL, "/run.html is the recording itself; name another file with -o");
    text = read_file(stream);
    ck_assert_int_eq(strncmp(text, "exits 1", 7), 0);
    free(text);
}
END_TEST

Suite *html_suite(void)
{
    Suite *suite = suite_create("html");
    TCase *tcase = tcase_create("file");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_page_is_a_whole_html_file_with_the_data_in_it);
    tcase_add_test(tcase, a_page_names_nothing_outside_of_it);
    tcase_add_test(tcase, each_page_has_a_nonce_of_its_own);
    tcase_add_test(tcase, an_older_page_is_replaced);
    tcase_add_test(tcase, an_older_page_stays_if_the_stream_is_refused);
    tcase_add_test(tcase, a_page_in_the_current_folder_needs_no_slash);
    tcase_add_test(tcase, a_folder_that_is_not_there_is_told);
    tcase_add_test(tcase, a_page_does_not_take_the_place_of_a_folder);
    tcase_add_test(tcase, a_page_does_not_take_the_place_of_a_special_file);
    tcase_add_test(tcase, a_page_does_not_take_the_place_of_its_recording);
    suite_add_tcase(suite, tcase);
    return suite;
}
