/* Files that are no checkpoint, or a damaged one: refused with a sentence, before anything is mapped. */
#include "tests/unit/elf_place.h"
#include "vmm/snapshot/elf_format.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *elf_refusals_suite(void);

#define EXTENTS  3 /* the last one of two pages */
#define SENTENCE ": it is not a checkpoint of minivmm: "

/* Where fields of the file are that sample_make() saves. */
#define NOTE_HEADER    sizeof(Elf64_Ehdr)
#define EXTENT(number) (NOTE_HEADER + ((number) + 1) * sizeof(Elf64_Phdr))
#define NOTES          EXTENT(EXTENTS)

/* A checkpoint as bytes, to be changed and opened. */
struct sample {
    char path[32]; /* of a file in memory: it is written thousands of times */
    int fd;
    uint8_t *bytes;
    size_t size, headers_size;
};

/* What is in (place), which is removed. */
static struct sample sample_take(struct elf_place *place)
{
    struct sample sample = {.fd = memfd_create("roi.core", MFD_CLOEXEC)};
    FILE *file = fopen(place->path, "r");
    struct stat status;

    ck_assert(file && sample.fd >= 0 && fstat(fileno(file), &status) == 0);
    snprintf(sample.path, sizeof(sample.path), "/proc/self/fd/%d", sample.fd);
    sample.size = (size_t)status.st_size;
    sample.bytes = malloc(sample.size);
    ck_assert_ptr_nonnull(sample.bytes);
    ck_assert_uint_eq(fread(sample.bytes, 1, sample.size, file), sample.size);
    fclose(file);
    elf_place_remove(place);
    return sample;
}

static struct sample sample_make(void)
{
    static const struct elf_note notes[] = {
        {ELF_OWNER, ELF_NOTE_MACHINE, "a machine", 9},
        {ELF_GDB_OWNER, 1, "registers", 9},
    };
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct sample sample;
    struct elf_file elf;

    *(uint8_t *)memory_at(&memory, gpa(0), 1) = 1;
    *(uint8_t *)memory_at(&memory, gpa(MIB), 1) = 2;
    memset(memory_at(&memory, gpa(ELF_SMALL - 2 * PAGE_SIZE), 2 * PAGE_SIZE), 3, 2 * PAGE_SIZE);
    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", notes, 2, &memory, NULL), 0);
    memory_finish(&memory);
    elf = elf_place_open(&place);
    ck_assert_uint_eq(elf.extent_count, EXTENTS);
    sample = sample_take(&place);
    sample.headers_size = elf.headers_size;
    elf_file_close(&elf);
    return sample;
}

static void sample_remove(struct sample *sample)
{
    free(sample->bytes);
    close(sample->fd);
}

/* Open the first (size) of its bytes. */
static int sample_open(const struct sample *sample, size_t size, struct elf_file *elf,
                       struct error *error)
{
    ck_assert_int_eq(ftruncate(sample->fd, (off_t)size), 0);
    ck_assert_int_eq(pwrite(sample->fd, sample->bytes, size, 0), (ssize_t)size);
    return elf_file_open(elf, sample->path, error);
}

static void check_refused(const struct sample *sample, size_t size, const char *why)
{
    struct elf_file elf;
    struct error error = {""};
    const size_t path = strlen(sample->path);

    ck_assert_int_eq(sample_open(sample, size, &elf, &error), -EINVAL);
    ck_assert_msg(strncmp(error.text, sample->path, path) == 0, "%s", error.text);
    ck_assert_msg(strstr(error.text + path, SENTENCE) == error.text + path, "%s", error.text);
    ck_assert_msg(strstr(error.text, why), "%s", error.text);
    ck_assert_int_eq(elf.fd, -1);
    elf_file_close(&elf);
}

static void sample_sum(const struct sample *sample, size_t headers_size)
{
    const uint64_t sum = elf_sum(sample->bytes, headers_size);

    memcpy(sample->bytes + headers_size - sizeof(sum), &sum, sizeof(sum));
}

START_TEST(each_byte_of_headers_and_notes_is_guarded)
{
    struct sample sample = sample_make();
    static const uint8_t flips[] = {0xff, 0x01, 0x80};

    for (size_t at = 0; at < sample.headers_size; at++)
        for (size_t i = 0; i < sizeof(flips); i++) {
            sample.bytes[at] ^= flips[i];
            check_refused(&sample, sample.size, "");
            sample.bytes[at] ^= flips[i];
        }
    sample_remove(&sample);
}
END_TEST

START_TEST(each_truncation_is_refused)
{
    struct sample sample = sample_make();

    for (size_t size = 0; size <= sample.headers_size; size++)
        check_refused(&sample, size, "it ends");
    for (size_t size = sample.headers_size; size < sample.size; size += 509)
        check_refused(&sample, size, "it ends within its memory");
    check_refused(&sample, sample.size - 1, "it ends within its memory");
    sample_remove(&sample);
}
END_TEST

#define FIELD(type, start, field) (start) + offsetof(type, field), sizeof(((type *)0)->field)
#define EHDR(field)               FIELD(Elf64_Ehdr, 0, field)
#define NOTE_PHDR(field)          FIELD(Elf64_Phdr, NOTE_HEADER, field)
#define PHDR(number, field)       FIELD(Elf64_Phdr, EXTENT(number), field)
#define NOTE(field)               FIELD(Elf64_Nhdr, NOTES, field)

/* A field with another value, and the right sum over all. */
static const struct {
    size_t offset, size;
    uint64_t value;
    const char *why;
} fields[] = {
    {EHDR(e_ident), 0x464c457e, "it is not an ELF file"},
    {EI_CLASS, 1, ELFCLASS32, "its ELF header is wrong"},
    {EI_DATA, 1, ELFDATA2MSB, "its ELF header is wrong"},
    {EHDR(e_type), ET_EXEC, "its ELF header is wrong"},
    {EHDR(e_machine), EM_386, "its ELF header is wrong"},
    {EHDR(e_phoff), 65, "its ELF header is wrong"},
    {EHDR(e_phentsize), 32, "its ELF header is wrong"},
    {EHDR(e_shnum), 1, "its ELF header is wrong"},
    {EHDR(e_phnum), 0, "its number of program headers is wrong"},
    {EHDR(e_phnum), ELF_EXTENTS + 2, "its number of program headers is wrong"},
    {EHDR(e_phnum), 0xffff, "its number of program headers is wrong"},
    {EHDR(e_phnum), 1, "its notes are at the wrong place"},
    {EHDR(e_phnum), ELF_EXTENTS + 1, "its notes are at the wrong place"},
    {NOTE_PHDR(p_type), PT_LOAD, "its notes are at the wrong place"},
    {NOTE_PHDR(p_offset), NOTES + 4, "its notes are at the wrong place"},
    {NOTE_PHDR(p_filesz), 0, "too short or too long"},
    {NOTE_PHDR(p_filesz), 27, "too short or too long"},
    {NOTE_PHDR(p_filesz), ELF_NOTES_MAX + 29, "too short or too long"},
    {NOTE_PHDR(p_filesz), UINT64_MAX, "too short or too long"},
    {NOTE_PHDR(p_filesz), ELF_NOTES_MAX, "it ends within its notes"},
    {NOTE_PHDR(p_filesz), 28, "its last note is not a sum"},
    {PHDR(0, p_type), PT_NOTE, "is not one of guest memory"},
    {PHDR(0, p_flags), PF_R, "is not one of guest memory"},
    {PHDR(0, p_memsz), 2 * PAGE_SIZE, "is not one of guest memory"},
    {PHDR(0, p_align), 1, "is not one of guest memory"},
    {PHDR(0, p_vaddr), PAGE_SIZE, "is not one of guest memory"},
    {NOTE(n_namesz), 0, "or has no owner"},
    {NOTE(n_namesz), 7, "or has no owner"},
    {NOTE(n_namesz), 9, "or has no owner"},
    {NOTE(n_namesz), 0xffffffff, "exceeds the notes"},
    {NOTE(n_descsz), 0xffffffff, "exceeds the notes"},
    {NOTE(n_descsz), 100, "exceeds the notes"},
    {NOTE(n_descsz), 12 + 24 + 1, "exceeds the notes"},
    {NOTES + sizeof(Elf64_Nhdr) + 7, 1, 'x', "or has no owner"},
    {NOTES + sizeof(Elf64_Nhdr) + 3, 1, 0, "or has no owner"},
};

START_TEST(a_header_that_means_something_else_is_refused_though_its_sum_is_right)
{
    struct sample sample = sample_make();

    memcpy(sample.bytes + fields[_i].offset, &fields[_i].value, fields[_i].size);
    sample_sum(&sample, sample.headers_size);
    check_refused(&sample, sample.size, fields[_i].why);
    sample_remove(&sample);
}
END_TEST

/* Extent 1, which has (KEEP) one page at 1 MiB, is elsewhere. */
#define KEEP 1
static const struct {
    uint64_t address, size, offset;
    const char *why;
} extents[] = {
    {MIB, 0, KEEP, "not of whole pages"},
    {MIB, 4097, KEEP, "not of whole pages"},
    {MIB + 512, PAGE_SIZE, KEEP, "not of whole pages"},
    {0, PAGE_SIZE, KEEP, "overlap or are not in order"},
    {ELF_SMALL, PAGE_SIZE, KEEP, "overlap or are not in order"}, /* the next one is before it */
    {UINT64_MAX - PAGE_MASK, PAGE_SIZE, KEEP, "where no machine has memory"},
    {MEMORY_HIGH + MEMORY_MAX, PAGE_SIZE, KEEP, "where no machine has memory"},
    {MIB, UINT64_MAX - PAGE_MASK, KEEP, "where no machine has memory"},
    {MIB, UINT64_MAX - MIB + 1, KEEP, "where no machine has memory"},
    {MIB, PAGE_SIZE, 0, "does not follow the previous one"},
    {MIB, PAGE_SIZE, PAGE_SIZE, "does not follow the previous one"},
    {MIB, PAGE_SIZE, UINT64_MAX - PAGE_MASK, "does not follow the previous one"},
    {MIB, 2 * PAGE_SIZE, KEEP, "does not follow the previous one"}, /* the next one is within it */
    {MIB, MIB, KEEP, "it ends within its memory"},
    {MIB, MEMORY_MAX, KEEP, "it ends within its memory"},
};

START_TEST(memory_that_cannot_be_is_refused_though_its_sum_is_right)
{
    struct sample sample = sample_make();
    Elf64_Phdr header;
    struct memory_extent extent = {gpa(extents[_i].address), extents[_i].size, extents[_i].offset};

    memcpy(&header, sample.bytes + EXTENT(1), sizeof(header));
    if (extent.offset == KEEP)
        extent.offset = header.p_offset;
    header = elf_memory_header(&extent);
    memcpy(sample.bytes + EXTENT(1), &header, sizeof(header));
    sample_sum(&sample, sample.headers_size);
    check_refused(&sample, sample.size, extents[_i].why);
    sample_remove(&sample);
}
END_TEST

START_TEST(too_many_notes_are_refused_though_their_sum_is_right)
{
    static struct elf_note notes[ELF_NOTES];
    const size_t space = sizeof(Elf64_Nhdr) + 8;
    struct elf_place place = elf_place_make();
    struct memory memory = elf_place_memory(ELF_SMALL);
    struct sample sample;

    for (unsigned i = 0; i < ELF_NOTES; i++)
        notes[i] = (struct elf_note){ELF_OWNER, ELF_NOTE_DEVICE, "", 0};
    notes[7] = (struct elf_note){ELF_OWNER, ELF_NOTE_DEVICE, "01234567890123456789", 20};
    ck_assert_int_eq(elf_file_write(place.dir_fd, "roi.core", notes, ELF_NOTES, &memory, NULL), 0);
    memory_finish(&memory);
    sample = sample_take(&place);

    /* The contents of the long one, 20 bytes, become a note of their own. */
    memset(sample.bytes + EXTENT(0) + 7 * space + offsetof(Elf64_Nhdr, n_descsz), 0, 4);
    memcpy(sample.bytes + EXTENT(0) + 8 * space, sample.bytes + EXTENT(0), space);
    sample_sum(&sample, sample.size);
    check_refused(&sample, sample.size, "it has too many notes");
    sample_remove(&sample);
}
END_TEST

START_TEST(what_is_behind_the_memory_does_not_count)
{
    struct sample sample = sample_make();
    struct elf_file elf;

    sample.bytes = realloc(sample.bytes, sample.size + 1);
    ck_assert_ptr_nonnull(sample.bytes);
    sample.bytes[sample.size] = 1;
    ck_assert_int_eq(sample_open(&sample, sample.size + 1, &elf, NULL), 0);
    elf_file_close(&elf);
    sample_remove(&sample);
}
END_TEST

/* Whatever is in it, with the right sum: it is refused, or it can be mapped. */
START_TEST(random_headers_with_the_right_sum_do_no_harm)
{
    struct sample sample = sample_make();
    uint8_t *good = malloc(sample.headers_size);
    uint64_t random = 88172645463325252u;

    ck_assert_ptr_nonnull(good);
    memcpy(good, sample.bytes, sample.headers_size);
    for (unsigned i = 0; i < 5000; i++) {
        struct memory memory = elf_place_memory(ELF_SMALL);
        struct elf_file elf;
        int result;

        for (unsigned change = 0; change < 1 + i % 3; change++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            sample.bytes[NOTE_HEADER + random % (sample.headers_size - NOTE_HEADER)] =
                (uint8_t)(random >> 32);
        }
        sample_sum(&sample, sample.headers_size);
        result = sample_open(&sample, sample.size, &elf, NULL);
        ck_assert(result == 0 || result == -EINVAL);
        if (result == 0) {
            result = elf_file_map(&elf, &memory, NULL);
            ck_assert(result == 0 || result == -EINVAL);
            elf_file_close(&elf);
        }
        memory_finish(&memory);
        memcpy(sample.bytes, good, sample.headers_size);
    }
    free(good);
    sample_remove(&sample);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_without_waiting)
{
    struct elf_place place = elf_place_make();
    struct elf_file elf;
    struct error error = {""};

    ck_assert_int_eq(mkfifo(place.path, 0600), 0);
    ck_assert_int_eq(elf_file_open(&elf, place.path, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, SENTENCE "it is not a regular file"));
    ck_assert_int_eq(elf_file_open(&elf, place.directory, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, SENTENCE "it is not a regular file"));
    elf_place_remove(&place);
}
END_TEST

START_TEST(a_program_is_no_checkpoint)
{
    struct elf_file elf;
    struct error error = {""};

    ck_assert_int_eq(elf_file_open(&elf, "/proc/self/exe", &error), -EINVAL);
    ck_assert_str_eq(error.text, "/proc/self/exe" SENTENCE "its ELF header is wrong");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    struct elf_place place = elf_place_make();
    struct elf_file elf;
    struct error error = {""};
    char sentence[256];

    ck_assert_int_eq(elf_file_open(&elf, place.path, &error), -ENOENT);
    snprintf(sentence, sizeof(sentence),
             "%s: cannot read the checkpoint: No such file or directory", place.path);
    ck_assert_str_eq(error.text, sentence);
    elf_file_close(&elf);
    elf_place_remove(&place);
}
END_TEST

Suite *elf_refusals_suite(void)
{
    Suite *suite = suite_create("elf_refusals");
    TCase *damaged = tcase_create("damaged"), *other = tcase_create("other");

    tcase_add_test(damaged, each_byte_of_headers_and_notes_is_guarded);
    tcase_add_test(damaged, each_truncation_is_refused);
    tcase_add_loop_test(damaged,
                        a_header_that_means_something_else_is_refused_though_its_sum_is_right, 0,
                        sizeof(fields) / sizeof(fields[0]));
    tcase_add_loop_test(damaged, memory_that_cannot_be_is_refused_though_its_sum_is_right, 0,
                        sizeof(extents) / sizeof(extents[0]));
    tcase_add_test(damaged, too_many_notes_are_refused_though_their_sum_is_right);
    tcase_add_test(damaged, what_is_behind_the_memory_does_not_count);
    tcase_add_test(damaged, random_headers_with_the_right_sum_do_no_harm);
    suite_add_tcase(suite, damaged);
    tcase_add_test(other, what_is_no_regular_file_is_refused_without_waiting);
    tcase_add_test(other, a_program_is_no_checkpoint);
    tcase_add_test(other, a_file_that_is_not_there_is_named);
    suite_add_tcase(suite, other);
    return suite;
}
