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

static int refuse(const struct core *core, struct error *error, const char *why)
{
    return error_set(error, -EINVAL, "%s: it is no checkpoint of minivmm: %s", core->path, why);
}

static int fail(const struct core *core, struct error *error, int result)
{
    return error_set(error, result, "%s: cannot read the checkpoint: %s", core->path,
                     strerror(-result));
}

/* Reading what is no regular file could wait for ever. */
static int open_file(struct core *core, uint64_t *size, struct error *error)
{
    struct stat status;

    core->fd = open(core->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (core->fd < 0 || fstat(core->fd, &status) < 0)
        return fail(core, error, -errno);
    if (!S_ISREG(status.st_mode))
        return refuse(core, error, "it is no regular file");
    *size = (uint64_t)status.st_size;
    return 0;
}

static int read_start(const struct core *core, void *buffer, size_t size, struct error *error)
{
    size_t done = 0;

    while (done < size) {
        const ssize_t got = pread(core->fd, (char *)buffer + done, size - done, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(core, error, -errno);
        if (got == 0)
            return refuse(core, error, "it ends early");
        done += (size_t)got;
    }
    return 0;
}

/* How long headers and notes are; and how many extents there are. */
static int measure_headers(struct core *core, uint64_t file_size, struct error *error)
{
    const struct core_note sum_note = core_sum_note();
    struct {
        Elf64_Ehdr elf;
        Elf64_Phdr note;
    } got, expected;
    int result = read_start(core, &got, sizeof(got), error);

    if (result)
        return result;
    if (memcmp(got.elf.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(core, error, "it is no ELF file");
    core->extent_count = got.elf.e_phnum - 1u;
    if (core->extent_count > CORE_EXTENTS)
        return refuse(core, error, "it has not the number of program headers that one has");
    expected.elf = core_elf_header(core->extent_count);
    if (memcmp(&got.elf, &expected.elf, sizeof(got.elf)) != 0)
        return refuse(core, error, "it has another ELF header than one has");
    expected.note = core_note_header(core->extent_count, got.note.p_filesz);
    if (memcmp(&got.note, &expected.note, sizeof(got.note)) != 0)
        return refuse(core, error, "its notes are not where they are in one");
    if (got.note.p_filesz < core_note_space(&sum_note) ||
        got.note.p_filesz > core_note_space(&sum_note) + CORE_NOTES_MAX)
        return refuse(core, error, "its notes are too short or too long");
    core->headers_size = got.note.p_offset + got.note.p_filesz;
    if (core->headers_size > file_size)
        return refuse(core, error, "it ends within its notes");
    return 0;
}

/* All headers and notes, with the right sum in the last note. */
static int read_headers(struct core *core, struct error *error)
{
    const struct core_note sum_note = core_sum_note();
    const Elf64_Nhdr expected = {sizeof(CORE_OWNER), CORE_SUM_BYTES, CORE_SUM};
    const uint8_t *last;
    uint64_t sum;
    int result;

    core->headers = malloc(core->headers_size);
    if (!core->headers)
        return fail(core, error, -ENOMEM);
    result = read_start(core, core->headers, core->headers_size, error);
    if (result)
        return result;
    last = core->headers + core->headers_size - core_note_space(&sum_note);
    if (memcmp(last, &expected, sizeof(expected)) != 0 ||
        memcmp(last + sizeof(expected), CORE_OWNER, sizeof(CORE_OWNER)) != 0)
        return refuse(core, error, "its last note is no sum");
    memcpy(&sum, core->headers + core->headers_size - sizeof(sum), sizeof(sum));
    if (sum != core_sum(core->headers, core->headers_size))
        return refuse(core, error, "its headers or notes are damaged, their sum is another");
    return 0;
}

/* The note at (at), which ends at or before (end). Its length, or 0: it is none. */
static uint64_t take_note(struct core_note *note, const uint8_t *at, const uint8_t *end)
{
    const uint64_t room = (uint64_t)(end - at);
    const char *owner = (const char *)at + sizeof(Elf64_Nhdr);
    Elf64_Nhdr header;
    uint64_t start, space;

    if (room < sizeof(header))
        return 0;
    memcpy(&header, at, sizeof(header));
    start = sizeof(header) + core_note_padded(header.n_namesz);
    space = start + core_note_padded(header.n_descsz);
    /* A name of 0 bytes does not end in a 0 either: its length is not 2^32 - 1. */
    if (space > room || strnlen(owner, header.n_namesz) != header.n_namesz - 1)
        return 0;
    *note = (struct core_note){owner, header.n_type, at + start, header.n_descsz};
    return space;
}

static int take_notes(struct core *core, struct error *error)
{
    const struct core_note sum_note = core_sum_note();
    const uint8_t *at = core->headers + core_note_header(core->extent_count, 0).p_offset;
    const uint8_t *end = core->headers + core->headers_size - core_note_space(&sum_note);

    core->notes = calloc(CORE_NOTES, sizeof(*core->notes));
    if (!core->notes)
        return fail(core, error, -ENOMEM);
    while (at < end) {
        uint64_t space;

        if (core->note_count == CORE_NOTES)
            return refuse(core, error, "it has too many notes");
        space = take_note(&core->notes[core->note_count], at, end);
        if (space == 0)
            return refuse(core, error, "a note reaches behind the last one, or has no owner");
        core->note_count++;
        at += space;
    }
    return 0;
}

/* What is wrong with an extent that is to be at (offset) of the file and from (first) on, or NULL. */
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
        return "a range of its memory is not behind the one before";
    if (extent->offset > file_size || extent->size > file_size - extent->offset)
        return "it ends within its memory";
    return NULL;
}

static int take_extents(struct core *core, uint64_t file_size, struct error *error)
{
    const uint8_t *at = core->headers + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    uint64_t address = 0, offset = core_memory_offset(core->headers_size);

    core->extents = calloc(core->extent_count + 1, sizeof(*core->extents)); /* never of nothing */
    if (!core->extents)
        return fail(core, error, -ENOMEM);
    for (unsigned i = 0; i < core->extent_count; i++, at += sizeof(Elf64_Phdr)) {
        struct memory_extent *extent = &core->extents[i];
        Elf64_Phdr header, expected;
        const char *why;

        memcpy(&header, at, sizeof(header));
        *extent = (struct memory_extent){gpa(header.p_paddr), header.p_filesz, header.p_offset};
        expected = core_memory_header(extent);
        if (memcmp(&header, &expected, sizeof(header)) != 0)
            return refuse(core, error, "a program header is not that of guest memory");
        why = judge_extent(extent, address, offset, file_size);
        if (why)
            return refuse(core, error, why);
        address = extent->address.value + extent->size;
        offset = extent->offset + extent->size;
    }
    return 0;
}

int core_open(struct core *core, const char *path, struct error *error)
{
    uint64_t file_size = 0;
    int result;

    *core = (struct core){.path = path, .fd = -1};
    result = open_file(core, &file_size, error);
    if (result == 0)
        result = measure_headers(core, file_size, error);
    if (result == 0)
        result = read_headers(core, error);
    if (result == 0)
        result = take_notes(core, error);
    if (result == 0)
        result = take_extents(core, file_size, error);
    if (result)
        core_close(core);
    return result;
}

void core_close(struct core *core)
{
    descriptor_close(&core->fd);
    free(core->headers);
    free(core->notes);
    free(core->extents);
    *core = (struct core){.fd = -1};
}

const struct core_note *core_find(const struct core *core, enum core_note_type type, unsigned index)
{
    for (unsigned i = 0; i < core->note_count; i++) {
        const struct core_note *note = &core->notes[i];

        if (note->type == type && strcmp(note->owner, CORE_OWNER) == 0 && index-- == 0)
            return note;
    }
    return NULL;
}

int core_map(const struct core *core, struct memory *memory, struct error *error)
{
    return memory_map_file(memory, core->path, core->fd, core->extents, core->extent_count, error);
}
