#include "vmm/snapshot/elf_file.h"

#include "vmm/io/outfile.h"
#include "vmm/snapshot/elf_format.h"
#include "vmm/snapshot/elf_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct elf_writer {
    const struct elf_note *notes;
    unsigned note_count;
    struct elf_pages pages;
    struct elf_extents extents;
    uint8_t *headers; /* notes included */
    size_t headers_size;
    struct outfile file;
    unsigned extent; /* the index of the extent that is being written */
};

static int add_run(void *context, gpa_t address, const uint8_t *host, uint64_t size)
{
    struct elf_writer *writer = context;

    (void)host;
    elf_extents_add(&writer->extents, address, size);
    return 0;
}

/* The bytes of the caller's notes, or a number above ELF_NOTES_MAX. */
static uint64_t notes_size(const struct elf_writer *writer)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < writer->note_count && size <= ELF_NOTES_MAX; i++)
        size += writer->notes[i].size > ELF_NOTES_MAX ? writer->notes[i].size
                                                      : elf_note_space(&writer->notes[i]);
    return size;
}

static void *put(uint8_t *to, const void *bytes, size_t size)
{
    return size ? mempcpy(to, bytes, size) : to;
}

/* The buffer is zeroed: padding is skipped. */
static uint8_t *write_note(uint8_t *to, const struct elf_note *note)
{
    const Elf64_Nhdr header = {(Elf64_Word)strlen(note->owner) + 1, (Elf64_Word)note->size,
                               note->type};
    uint8_t *name = put(to, &header, sizeof(header));
    uint8_t *bytes = name + elf_note_padded(header.n_namesz);

    put(name, note->owner, header.n_namesz);
    put(bytes, note->bytes, note->size);
    return bytes + elf_note_padded(note->size);
}

static void fill_headers(struct elf_writer *writer, const Elf64_Phdr *note_header)
{
    const struct elf_note sum_note = elf_sum_note();
    const Elf64_Ehdr elf_header = elf_file_header(writer->extents.count);
    uint8_t *next = put(writer->headers, &elf_header, sizeof(elf_header));
    uint64_t sum;

    next = put(next, note_header, sizeof(*note_header));
    for (unsigned i = 0; i < writer->extents.count; i++) {
        const Elf64_Phdr header = elf_memory_header(&writer->extents.list[i]);

        next = put(next, &header, sizeof(header));
    }
    for (unsigned i = 0; i < writer->note_count; i++)
        next = write_note(next, &writer->notes[i]);
    next = write_note(next, &sum_note);
    sum = elf_sum(writer->headers, writer->headers_size);
    memcpy(next - sizeof(sum), &sum, sizeof(sum));
}

/* Write everything before memory, and give the extents their offsets. (end): of the file. */
static int make_headers(struct elf_writer *writer, uint64_t *end)
{
    const struct elf_note sum_note = elf_sum_note();
    const uint64_t notes = notes_size(writer), size = notes + elf_note_space(&sum_note);
    const Elf64_Phdr note_header = elf_note_header(writer->extents.count, size);

    if (writer->note_count > ELF_NOTES || notes > ELF_NOTES_MAX)
        return -E2BIG;
    writer->headers_size = note_header.p_offset + size;
    writer->headers = calloc(1, writer->headers_size);
    if (!writer->headers)
        return -ENOMEM;
    *end = writer->headers_size;
    if (writer->extents.count)
        *end = elf_extents_place(&writer->extents, elf_memory_offset(writer->headers_size));
    fill_headers(writer, &note_header);
    return 0;
}

/* Write a run into the extent that was found for it. -EBUSY: no extent has it. */
static int write_run(void *context, gpa_t address, const uint8_t *host, uint64_t size)
{
    struct elf_writer *writer = context;
    const struct memory_extent *extent = &writer->extents.list[writer->extent];
    const struct memory_extent *end = writer->extents.list + writer->extents.count;
    uint64_t offset;

    while (extent < end && address.value - extent->address.value >= extent->size)
        extent++;
    if (extent == end)
        return -EBUSY;
    writer->extent = (unsigned)(extent - writer->extents.list);
    offset = address.value - extent->address.value;
    if (size > extent->size - offset)
        return -EBUSY;
    if (lseek(writer->file.fd, (off_t)(extent->offset + offset), SEEK_SET) < 0)
        return -errno;
    return outfile_write(&writer->file, host, size);
}

/* The file gets its full length first: pages that are not written are holes. */
static int write_all(struct elf_writer *writer, uint64_t end)
{
    int result = outfile_write(&writer->file, writer->headers, writer->headers_size);

    if (result == 0 && ftruncate(writer->file.fd, (off_t)end) < 0)
        result = -errno;
    if (result == 0)
        result = elf_pages_visit(&writer->pages, write_run, writer);
    return result;
}

static int write_file(struct elf_writer *writer, int dir_fd, const char *name)
{
    uint64_t end;
    int result = elf_pages_visit(&writer->pages, add_run, writer);

    if (result == 0)
        result = make_headers(writer, &end);
    if (result == 0)
        result = outfile_begin(&writer->file, NULL, dir_fd, name, "");
    if (result)
        return result;
    result = write_all(writer, end);
    if (result == 0)
        return outfile_commit(&writer->file);
    outfile_discard(&writer->file);
    return result;
}

static const char *mend(int result)
{
    static const struct {
        int result;
        const char *text;
    } mends[] = {
        {-E2BIG, "a machine with fewer vCPUs and devices can be saved"},
        {-EBUSY, "its memory was written to meanwhile; save it again"},
        {-EIO, "the disk may be bad, or the file that the machine was restored from was cut"},
        {-ENOMEM, "let the host have more memory"},
    };

    for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
        if (mends[i].result == result)
            return mends[i].text;
    return "choose a directory that can be written and has room";
}

int elf_file_write(int dir_fd, const char *name, const struct elf_note *notes, unsigned count,
                   const struct memory *memory, struct error *error)
{
    struct elf_writer writer = {.notes = notes, .note_count = count};
    int result = elf_pages_open(&writer.pages, memory);

    elf_extents_begin(&writer.extents, memory);
    if (result == 0)
        result = write_file(&writer, dir_fd, name);
    elf_pages_close(&writer.pages);
    free(writer.headers);
    if (result)
        error_set(error, result, "%s: cannot save the checkpoint: %s; %s", name, strerror(-result),
                  mend(result));
    return result;
}
