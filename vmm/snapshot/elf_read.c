#include "vmm/snapshot/elf_file.h"

#include "vmm/base/descriptor.h"
#include "vmm/snapshot/elf_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESS_END (MEMORY_HIGH + MEMORY_MAX) /* no RAM from here on */

static int refuse(const struct elf_file *elf, struct error *error, const char *why)
{
    return error_set(error, -EINVAL, "%s: it is not a checkpoint of minivmm: %s", elf->path, why);
}

static int fail(const struct elf_file *elf, struct error *error, int result)
{
    return error_set(error, result, "%s: cannot read the checkpoint: %s", elf->path,
                     strerror(-result));
}

/* Reading another kind of file could block. */
static int open_file(struct elf_file *elf, uint64_t *size, struct error *error)
{
    struct stat status;

    elf->fd = open(elf->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (elf->fd < 0 || fstat(elf->fd, &status) < 0)
        return fail(elf, error, -errno);
    if (!S_ISREG(status.st_mode))
        return refuse(elf, error, "it is not a regular file");
    *size = (uint64_t)status.st_size;
    return 0;
}

static int read_start(const struct elf_file *elf, void *buffer, size_t size, struct error *error)
{
    size_t done = 0;

    while (done < size) {
        const ssize_t got = pread(elf->fd, (char *)buffer + done, size - done, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(elf, error, -errno);
        if (got == 0)
            return refuse(elf, error, "it ends early");
        done += (size_t)got;
    }
    return 0;
}

/* Check the size of headers and notes, and the number of extents. */
static int measure_headers(struct elf_file *elf, uint64_t file_size, struct error *error)
{
    const struct elf_note sum_note = elf_sum_note();
    struct {
        Elf64_Ehdr elf;
        Elf64_Phdr note;
    } got, expected;
    int result = read_start(elf, &got, sizeof(got), error);

    if (result)
        return result;
    if (memcmp(got.elf.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(elf, error, "it is not an ELF file");
    elf->extent_count = got.elf.e_phnum - 1u;
    if (elf->extent_count > ELF_EXTENTS)
        return refuse(elf, error, "its number of program headers is wrong");
    expected.elf = elf_file_header(elf->extent_count);
    if (memcmp(&got.elf, &expected.elf, sizeof(got.elf)) != 0)
        return refuse(elf, error, "its ELF header is wrong");
    expected.note = elf_note_header(elf->extent_count, got.note.p_filesz);
    if (memcmp(&got.note, &expected.note, sizeof(got.note)) != 0)
        return refuse(elf, error, "its notes are at the wrong place");
    if (got.note.p_filesz < elf_note_space(&sum_note) ||
        got.note.p_filesz > elf_note_space(&sum_note) + ELF_NOTES_MAX)
        return refuse(elf, error, "its notes are too short or too long");
    elf->headers_size = got.note.p_offset + got.note.p_filesz;
    if (elf->headers_size > file_size)
        return refuse(elf, error, "it ends within its notes");
    return 0;
}

/* Read all headers and notes, and check the sum in the last note. */
static int read_headers(struct elf_file *elf, struct error *error)
{
    const struct elf_note sum_note = elf_sum_note();
    const Elf64_Nhdr expected = {sizeof(ELF_OWNER), ELF_SUM_BYTES, ELF_NOTE_SUM};
    const uint8_t *last;
    uint64_t sum;
    int result;

    elf->headers = malloc(elf->headers_size);
    if (!elf->headers)
        return fail(elf, error, -ENOMEM);
    result = read_start(elf, elf->headers, elf->headers_size, error);
    if (result)
        return result;
    last = elf->headers + elf->headers_size - elf_note_space(&sum_note);
    if (memcmp(last, &expected, sizeof(expected)) != 0 ||
        memcmp(last + sizeof(expected), ELF_OWNER, sizeof(ELF_OWNER)) != 0)
        return refuse(elf, error, "its last note is not a sum");
    memcpy(&sum, elf->headers + elf->headers_size - sizeof(sum), sizeof(sum));
    if (sum != elf_sum(elf->headers, elf->headers_size))
        return refuse(elf, error, "its headers or notes are damaged: their sum is wrong");
    return 0;
}

/*
 * Parse the note at (at), which ends at or before (end). Returns its length, or 0: it is malformed.
 */
static uint64_t parse_note(struct elf_note *note, const uint8_t *at, const uint8_t *end)
{
    const uint64_t room = (uint64_t)(end - at);
    const char *owner = (const char *)at + sizeof(Elf64_Nhdr);
    Elf64_Nhdr header;
    uint64_t start, space;

    if (room < sizeof(header))
        return 0;
    memcpy(&header, at, sizeof(header));
    start = sizeof(header) + elf_note_padded(header.n_namesz);
    space = start + elf_note_padded(header.n_descsz);
    /* A name of 0 bytes has no 0 at its end: without this check its length would be 2^32 - 1. */
    if (space > room || strnlen(owner, header.n_namesz) != header.n_namesz - 1)
        return 0;
    *note = (struct elf_note){owner, header.n_type, at + start, header.n_descsz};
    return space;
}

static int parse_notes(struct elf_file *elf, struct error *error)
{
    const struct elf_note sum_note = elf_sum_note();
    const uint8_t *at = elf->headers + elf_note_header(elf->extent_count, 0).p_offset;
    const uint8_t *end = elf->headers + elf->headers_size - elf_note_space(&sum_note);

    elf->notes = calloc(ELF_NOTES, sizeof(*elf->notes));
    if (!elf->notes)
        return fail(elf, error, -ENOMEM);
    while (at < end) {
        uint64_t space;

        if (elf->note_count == ELF_NOTES)
            return refuse(elf, error, "it has too many notes");
        space = parse_note(&elf->notes[elf->note_count], at, end);
        if (space == 0)
            return refuse(elf, error, "a note exceeds the notes, or has no owner");
        elf->note_count++;
        at += space;
    }
    return 0;
}

/* Returns why an extent at (offset) of the file, from address (first) on, is invalid, or NULL. */
static const char *judge_extent(const struct memory_extent *extent, uint64_t first, uint64_t offset,
                                uint64_t file_size)
{
    if (extent->size == 0 || (extent->address.value | extent->size) & PAGE_MASK)
        return "a range of its memory is not of whole pages";
    if (extent->address.value < first)
        return "the ranges of its memory overlap or are not in order";
    if (extent->address.value > ADDRESS_END || extent->size > ADDRESS_END - extent->address.value)
        return "a range of its memory is where no machine has memory";
    if (extent->offset != offset)
        return "a range of its memory does not follow the previous one";
    if (extent->offset > file_size || extent->size > file_size - extent->offset)
        return "it ends within its memory";
    return NULL;
}

static int parse_extents(struct elf_file *elf, uint64_t file_size, struct error *error)
{
    const uint8_t *at = elf->headers + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    uint64_t address = 0, offset = elf_memory_offset(elf->headers_size);

    elf->extents = calloc(elf->extent_count + 1, sizeof(*elf->extents)); /* never of 0 */
    if (!elf->extents)
        return fail(elf, error, -ENOMEM);
    for (unsigned i = 0; i < elf->extent_count; i++, at += sizeof(Elf64_Phdr)) {
        struct memory_extent *extent = &elf->extents[i];
        Elf64_Phdr header, expected;
        const char *why;

        memcpy(&header, at, sizeof(header));
        *extent = (struct memory_extent){gpa(header.p_paddr), header.p_filesz, header.p_offset};
        expected = elf_memory_header(extent);
        if (memcmp(&header, &expected, sizeof(header)) != 0)
            return refuse(elf, error, "a program header is not one of guest memory");
        why = judge_extent(extent, address, offset, file_size);
        if (why)
            return refuse(elf, error, why);
        address = extent->address.value + extent->size;
        offset = extent->offset + extent->size;
    }
    return 0;
}

int elf_file_open(struct elf_file *elf, const char *path, struct error *error)
{
    uint64_t file_size = 0;
    int result;

    *elf = (struct elf_file){.path = path, .fd = -1};
    result = open_file(elf, &file_size, error);
    if (result == 0)
        result = measure_headers(elf, file_size, error);
    if (result == 0)
        result = read_headers(elf, error);
    if (result == 0)
        result = parse_notes(elf, error);
    if (result == 0)
        result = parse_extents(elf, file_size, error);
    if (result)
        elf_file_close(elf);
    return result;
}

void elf_file_close(struct elf_file *elf)
{
    descriptor_close(&elf->fd);
    free(elf->headers);
    free(elf->notes);
    free(elf->extents);
    *elf = (struct elf_file){.fd = -1};
}

const struct elf_note *elf_file_find(const struct elf_file *elf, enum elf_note_type type,
                                     unsigned index)
{
    for (unsigned i = 0; i < elf->note_count; i++) {
        const struct elf_note *note = &elf->notes[i];

        if (note->type == type && strcmp(note->owner, ELF_OWNER) == 0 && index-- == 0)
            return note;
    }
    return NULL;
}

int elf_file_map(const struct elf_file *elf, struct memory *memory, struct error *error)
{
    return memory_map_file(memory, elf->path, elf->fd, elf->extents, elf->extent_count, error);
}
