/* Machines that are restored from checkpoints and saved again, and saving that fails: whole or not. */
#include "tests/unit/elf_place.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *restore_suite(void);

START_TEST(two_machines_from_one_file_share_nothing_that_they_write)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), first, second, third;

    elf_place_save(&place, &memory);
    first = elf_place_restore(&place, ELF_BIG);
    second = elf_place_restore(&place, ELF_BIG);
    elf_mark(&first, elf_marked[1], 1);
    elf_check_mark(&second, elf_marked[1], 0);
    elf_mark(&second, elf_marked[1], 2);
    elf_check_mark(&first, elf_marked[1], 1);
    third = elf_place_restore(&place, ELF_BIG); /* the file is as it was */
    elf_check_mark(&third, elf_marked[1], 0);
    memory_finish(&memory);
    memory_finish(&first);
    memory_finish(&second);
    memory_finish(&third);
    elf_place_remove(&place);
}
END_TEST

/* Restored, changed, and saved again under the same name. */
START_TEST(a_restored_machine_can_be_saved_over_its_own_file)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), restored, again;

    elf_place_save(&place, &memory);
    memory_finish(&memory);
    restored = elf_place_restore(&place, ELF_BIG);
    elf_mark(&restored, elf_marked[2], 1); /* over what is in the file */
    elf_mark(&restored, 2 * GIB, 1);       /* where the file has nothing */
    elf_place_save(&place, &restored);
    again = elf_place_restore(&place, ELF_BIG);
    for (size_t i = 0; i < ELF_MARKED; i++) {
        elf_check_mark(&again, elf_marked[i], i == 2);
        elf_check_mark(&restored, elf_marked[i], i == 2);
    }
    elf_check_mark(&again, 2 * GIB, 1);
    memory_finish(&restored);
    memory_finish(&again);
    elf_place_remove(&place);
}
END_TEST

START_TEST(a_restored_page_that_became_zero_stays_zero)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), restored, again;

    elf_place_save(&place, &memory);
    restored = elf_place_restore(&place, ELF_BIG);
    memset(memory_at(&restored, gpa(PAGE_SIZE), PAGE_SIZE), 0, PAGE_SIZE);
    elf_place_save(&place, &restored);
    again = elf_place_restore(&place, ELF_BIG);
    elf_check_mark(&again, 0, 0);
    ck_assert_uint_eq(elf_number_at(&again, PAGE_SIZE), 0);
    memory_finish(&memory);
    memory_finish(&restored);
    memory_finish(&again);
    elf_place_remove(&place);
}
END_TEST

START_TEST(saving_a_restored_machine_reads_no_hole_of_its_file)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_BIG), restored;
    size_t before;

    elf_mark_many(&memory, 2 * ELF_EXTENTS); /* joined, with holes between */
    elf_place_save(&place, &memory);
    restored = elf_place_restore(&place, ELF_BIG);
    before = elf_resident(&restored);
    elf_place_save(&place, &restored);
    ck_assert_uint_eq(elf_resident(&restored), before);
    memory_finish(&memory);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

static off_t file_size(const struct elf_place *place)
{
    struct stat status;

    ck_assert_int_eq(stat(place->path, &status), 0);
    return status.st_size;
}

START_TEST(memory_whose_file_was_cut_is_not_saved)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_marked_memory(), restored;
    struct error error = {""};

    elf_place_save(&place, &memory);
    restored = elf_place_restore(&place, ELF_BIG);
    ck_assert_int_eq(truncate(place.path, file_size(&place) - 1), 0);
    ck_assert_int_eq(elf_place_try_save(&place, &restored, &error), -EIO);
    ck_assert_str_eq(
        error.text,
        "roi.core: cannot save the checkpoint: Input/output error; the disk may be bad, "
        "or the file that the machine was restored from was cut");
    ck_assert_uint_eq(elf_place_files(&place), 1);
    memory_finish(&memory);
    memory_finish(&restored);
    elf_place_remove(&place);
}
END_TEST

START_TEST(less_ram_than_was_saved_is_refused_with_nothing_mapped)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL), small = elf_place_memory(ELF_SMALL / 2);
    struct elf_file elf;
    struct error error = {""};

    elf_mark(&memory, 0, 0);
    elf_mark(&memory, ELF_SMALL - PAGE_SIZE, 0);
    elf_place_save(&place, &memory);
    elf = elf_place_open(&place);
    ck_assert_int_eq(elf_file_map(&elf, &small, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "roi.core: 4096 bytes of guest memory at 0xfff000 are "
                                             "not within the machine's RAM"));
    ck_assert_uint_eq(elf_number_at(&small, 0), 0);
    elf_file_close(&elf);
    memory_finish(&memory);
    memory_finish(&small);
    elf_place_remove(&place);
}
END_TEST

/* With an old file there, which stays. */
static void check_nothing_left(struct elf_place *place, const struct memory *memory, int expected,
                               const char *sentence)
{
    struct error error = {""};
    struct elf_file elf;

    ck_assert_int_eq(elf_place_try_save(place, memory, &error), expected);
    ck_assert_ptr_nonnull(strstr(error.text, sentence));
    ck_assert_uint_eq(elf_place_files(place), 1);
    elf = elf_place_open(place);
    ck_assert_uint_eq(elf.extent_count, 0);
    elf_file_close(&elf);
}

START_TEST(a_file_over_the_users_limit_is_an_error_and_leaves_the_old_one)
{
    struct elf_place place = elf_place_make();
    struct memory empty = elf_place_memory(ELF_SMALL), memory = elf_place_memory(ELF_SMALL);
    struct rlimit limit;

    elf_place_save(&place, &empty);
    memset(memory_at(&memory, gpa(0), ELF_SMALL), 1, ELF_SMALL);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIB;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_nothing_left(&place, &memory, -EFBIG, "roi.core: cannot save the checkpoint: File too");
    memory_finish(&empty);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

/* Only root can have a file system so small. */
START_TEST(a_full_disk_is_an_error_and_leaves_the_old_file)
{
    struct elf_place place = elf_place_make(), disk = place;
    struct memory empty = elf_place_memory(ELF_SMALL), memory = elf_place_memory(ELF_SMALL);

    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("none", place.directory, "tmpfs", 0, "size=1M") == 0) {
        disk.dir_fd = open(disk.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(disk.dir_fd, 0);
        elf_place_save(&disk, &empty);
        memset(memory_at(&memory, gpa(0), ELF_SMALL), 1, ELF_SMALL);
        check_nothing_left(&disk, &memory, -ENOSPC,
                           "No space left on device; choose a directory that");
        close(disk.dir_fd);
        ck_assert_int_eq(umount(place.directory), 0);
    }
    memory_finish(&empty);
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

START_TEST(a_directory_that_cannot_be_written_is_an_error)
{
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct error error = {""};

    ck_assert_int_eq(elf_file_write(-1, "roi.core", NULL, 0, &memory, &error), -ENOTDIR);
    ck_assert_ptr_nonnull(strstr(error.text, "roi.core: cannot save the checkpoint: Not a dir"));
    memory_finish(&memory);
}
END_TEST

/* Save (memory) over and over, and be killed after (microseconds). */
static void save_and_die(const struct elf_place *place, const struct memory *memory,
                         unsigned microseconds)
{
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        for (;;)
            if (elf_place_try_save(place, memory, NULL) < 0)
                _exit(1);
    usleep(microseconds);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static void remove_all(const struct elf_place *place)
{
    char command[192];

    snprintf(command, sizeof(command), "rm -f %s/.minivmm-* %s", place->directory, place->path);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_kill_while_saving_never_leaves_half_a_file)
{
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    uint32_t random = 12345;
    unsigned whole = 0;

    memset(memory_at(&memory, gpa(0), ELF_SMALL / 2), 1, ELF_SMALL / 2);
    for (unsigned i = 0; i < 100; i++) {
        random = random * 1664525 + 1013904223;
        save_and_die(&place, &memory, (random >> 8) % 20000);
        if (access(place.path, F_OK) == 0) {
            struct memory restored = elf_place_restore(&place, ELF_SMALL);

            ck_assert(memcmp(memory_at(&restored, gpa(0), ELF_SMALL),
                             memory_at(&memory, gpa(0), ELF_SMALL), ELF_SMALL) == 0);
            memory_finish(&restored);
            whole++;
        }
        remove_all(&place);
    }
    ck_assert_uint_lt(whole, 100); /* some were killed in the midst of it */
    memory_finish(&memory);
    elf_place_remove(&place);
}
END_TEST

Suite *restore_suite(void)
{
    Suite *suite = suite_create("restore");
    TCase *restored = tcase_create("restored"), *whole = tcase_create("whole");

    tcase_add_test(restored, two_machines_from_one_file_share_nothing_that_they_write);
    tcase_add_test(restored, a_restored_machine_can_be_saved_over_its_own_file);
    tcase_add_test(restored, a_restored_page_that_became_zero_stays_zero);
    tcase_add_test(restored, saving_a_restored_machine_reads_no_hole_of_its_file);
    tcase_add_test(restored, memory_whose_file_was_cut_is_not_saved);
    tcase_add_test(restored, less_ram_than_was_saved_is_refused_with_nothing_mapped);
    suite_add_tcase(suite, restored);
    tcase_add_test(whole, a_file_over_the_users_limit_is_an_error_and_leaves_the_old_one);
    tcase_add_test(whole, a_full_disk_is_an_error_and_leaves_the_old_file);
    tcase_add_test(whole, a_directory_that_cannot_be_written_is_an_error);
    tcase_add_test(whole, a_kill_while_saving_never_leaves_half_a_file);
    suite_add_tcase(suite, whole);
    return suite;
}
