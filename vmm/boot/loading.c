/* Segments: all that a format wants to load is checked first, and only then copied. */
#include "vmm/boot/loading.h"

#include "guest/abi/boot.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Areas below 4 GiB that an image must not overlap. */
static const struct area {
    const char *name;
    uint64_t first, end;
} kept_areas[] = {
    {"boot area", BOOT_AREA, BOOT_AREA_END},
    {"BIOS area", BOOT_BIOS, BOOT_BIOS_END},
};

#define KEPT_AREAS (sizeof(kept_areas) / sizeof(kept_areas[0]))

static bool meets(uint64_t first, uint64_t size, uint64_t other, uint64_t other_size)
{
    return first < other + other_size && other < first + size;
}

int loader_add_segment(struct loading *loading, const struct loader_segment *segment,
                       uint64_t file_offset)
{
    const char *path = loading->image->path;
    struct loader_segment *added = &loading->segments[loading->segment_count];

    if (segment->file_size > segment->size)
        return error_set(loading->error, -ENOEXEC,
                         "%s: its segment at 0x%" PRIx64 " has more bytes in the file than in "
                         "memory; link it again",
                         path, segment->address);
    if (segment->size == 0)
        return 0;
    if (loading->segment_count == LOADER_SEGMENTS_MAX)
        return error_set(loading->error, -ENOEXEC,
                         "%s: it has more than %d segments; link it with fewer", path,
                         LOADER_SEGMENTS_MAX);
    *added = *segment;
    added->bytes = loader_file_at(loading->image, file_offset, segment->file_size);
    if (!added->bytes)
        return error_set(loading->error, -ENOEXEC,
                         "%s: the bytes of its segment at 0x%" PRIx64
                         " reach past the end of the file; the file is damaged",
                         path, segment->address);
    loading->segment_count++;
    return 0;
}

static int check_room(const struct loading *loading, const struct loader_segment *segment)
{
    const char *path = loading->image->path;

    if (!memory_at(loading->memory, gpa(segment->address), 1))
        return error_set(loading->error, -ENOMEM,
                         "%s: there is no RAM at 0x%" PRIx64 "; give more with -m, or choose %s",
                         path, segment->address, loading->format->elsewhere);
    if (!memory_at(loading->memory, gpa(segment->address), segment->size))
        return error_set(loading->error, -ENOMEM,
                         "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " pass the end of the guest's "
                         "memory; give more with -m, or choose %s",
                         path, segment->size, segment->address, loading->format->elsewhere);
    for (size_t i = 0; i < KEPT_AREAS; i++)
        if (meets(segment->address, segment->size, kept_areas[i].first,
                  kept_areas[i].end - kept_areas[i].first))
            return error_set(loading->error, -EBUSY,
                             "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " overlap the %s, 0x%" PRIx64
                             "..0x%" PRIx64 "; choose %s",
                             path, segment->size, segment->address, kept_areas[i].name,
                             kept_areas[i].first, kept_areas[i].end - 1,
                             loading->format->elsewhere);
    return 0;
}

int loader_check_segments(const struct loading *loading)
{
    for (unsigned i = 0; i < loading->segment_count; i++) {
        const struct loader_segment *segment = &loading->segments[i];
        int result = check_room(loading, segment);

        if (result < 0)
            return result;
        for (unsigned other = 0; other < i; other++)
            if (meets(segment->address, segment->size, loading->segments[other].address,
                      loading->segments[other].size))
                return error_set(loading->error, -ENOEXEC,
                                 "%s: its segments at 0x%" PRIx64 " and 0x%" PRIx64
                                 " overlap; link it again",
                                 loading->image->path, loading->segments[other].address,
                                 segment->address);
    }
    return 0;
}

bool loader_is_loaded(const struct loading *loading, uint64_t address)
{
    for (unsigned i = 0; i < loading->segment_count; i++)
        if (address - loading->segments[i].address < loading->segments[i].file_size)
            return true;
    return false;
}

/* The segment that overlaps a range, or NULL. */
static const struct loader_segment *segment_in(const struct loading *loading, uint64_t first,
                                               uint64_t size)
{
    for (unsigned i = 0; i < loading->segment_count; i++)
        if (meets(first, size, loading->segments[i].address, loading->segments[i].size))
            return &loading->segments[i];
    return NULL;
}

int loader_find_initrd_place(struct loading *loading)
{
    const uint64_t size = loading->initrd->size;
    uint64_t top = memory_low_end(loading->memory);

    /* The kept areas are below 1 MiB. Each step goes below one more segment. */
    while (top >= BOOT_LOAD && top - BOOT_LOAD >= size) {
        uint64_t place = (top - size) & ~PAGE_MASK;
        const struct loader_segment *segment = segment_in(loading, place, size);

        if (!segment) {
            loading->initrd_address = place;
            return 0;
        }
        top = segment->address;
    }
    return error_set(loading->error, -ENOMEM,
                     "%s: no room for 0x%" PRIx64 " bytes beside the image; give more with -m",
                     loading->initrd->path, size);
}

static void copy(const struct memory *memory, uint64_t address, const uint8_t *bytes, uint64_t size)
{
    if (size > 0)
        memcpy(memory_at(memory, gpa(address), size), bytes, size);
}

void loader_copy_segments(const struct loading *loading)
{
    for (unsigned i = 0; i < loading->segment_count; i++) {
        const struct loader_segment *segment = &loading->segments[i];
        const uint64_t rest = segment->size - segment->file_size;

        copy(loading->memory, segment->address, segment->bytes, segment->file_size);
        if (rest > 0)
            memset(memory_at(loading->memory, gpa(segment->address + segment->file_size), rest), 0,
                   rest);
    }
    if (loading->initrd)
        copy(loading->memory, loading->initrd_address, loading->initrd->bytes,
             loading->initrd->size);
}

const char *loader_command_line(const struct loading *loading)
{
    return loading->request->append ? loading->request->append : "";
}

int loader_write_block(const struct loading *loading, const void *block, uint64_t size)
{
    if (memory_write(loading->memory, gpa(BOOT_LOADER), block, size) < 0)
        return error_set(loading->error, -EFAULT,
                         "no RAM for the boot information; give more with -m");
    return 0;
}
