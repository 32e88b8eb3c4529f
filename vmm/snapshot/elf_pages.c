#include "vmm/snapshot/elf_pages.h"

#include "vmm/base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux's PAGEMAP_SCAN, which <linux/fs.h> defines since 6.7 only. */
struct scan_region {
    uint64_t start, end, categories;
};

struct scan_request {
    uint64_t size, flags;
    uint64_t start, end; /* IN: host addresses */
    uint64_t walk_end;   /* OUT: how far it got before (regions) were full */
    uint64_t regions, region_count;
    uint64_t max_pages; /* 0: any number */
    uint64_t inverted, all_of, any_of, returned;
};

#define SCAN_IOCTL   _IOWR('f', 16, struct scan_request)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SWAPPED (1u << 4)
#define SCAN_REGIONS 256

/* An entry of /proc/self/pagemap. */
#define TABLE_PRESENT (1ull << 63)
#define TABLE_SWAPPED (1ull << 62)
#define TABLE_ENTRIES 4096

/* At most ELF_PAGES_CHUNK bytes of one slot. */
struct chunk {
    gpa_t address;
    uint8_t *host;
    uint64_t size;
};

/*
 * (first) and (end) are bytes from the start of the chunk; a page of which a part is meant is set
 * as a whole.
 */
static void touch(struct elf_pages *pages, uint64_t first, uint64_t end)
{
    const uint64_t page = first / PAGE_SIZE;

    memset(pages->touched + page, 1, (end + PAGE_MASK) / PAGE_SIZE - page);
    pages->found = true;
}

static bool scan(struct elf_pages *pages, const struct chunk *chunk)
{
    const uint64_t base = (uintptr_t)chunk->host;
    struct scan_region regions[SCAN_REGIONS];
    struct scan_request request = {
        .size = sizeof(request),
        .end = base + chunk->size,
        .walk_end = base,
        .regions = (uintptr_t)regions,
        .region_count = SCAN_REGIONS,
        .any_of = SCAN_PRESENT | SCAN_SWAPPED,
    };

    do {
        int count;

        request.start = request.walk_end;
        count = ioctl(pages->pagemap, SCAN_IOCTL, &request);
        if (count < 0 || request.walk_end <= request.start)
            return false;
        for (int i = 0; i < count; i++)
            touch(pages, regions[i].start - base, regions[i].end - base);
    } while (request.walk_end < request.end);
    return true;
}

static bool read_table(struct elf_pages *pages, const struct chunk *chunk)
{
    const uint64_t base = (uintptr_t)chunk->host / PAGE_SIZE, count = chunk->size / PAGE_SIZE;
    uint64_t entries[TABLE_ENTRIES];

    for (uint64_t page = 0; page < count;) {
        const uint64_t left = count - page;
        const size_t wanted = (left < TABLE_ENTRIES ? left : TABLE_ENTRIES) * sizeof(*entries);
        const off_t offset = (off_t)((base + page) * sizeof(*entries));
        const ssize_t got = pread(pages->pagemap, entries, wanted, offset);

        if (got < (ssize_t)sizeof(*entries))
            return false;
        for (size_t i = 0; i < (size_t)got / sizeof(*entries); i++, page++)
            if (entries[i] & (TABLE_PRESENT | TABLE_SWAPPED))
                touch(pages, page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
    return true;
}

static bool touch_all(struct elf_pages *pages, const struct chunk *chunk)
{
    touch(pages, 0, chunk->size);
    return true;
}

/* Mark the part of (extent) that lies in the chunk and is not a hole in the file. */
static void touch_data(struct elf_pages *pages, const struct chunk *chunk,
                       const struct memory_extent *extent)
{
    const uint64_t first = chunk->address.value, end = first + chunk->size;
    const uint64_t extent_first = extent->address.value, extent_end = extent_first + extent->size;
    const uint64_t to_guest = extent_first - extent->offset; /* modulo 2^64 */
    const uint64_t to_chunk = to_guest - first;
    const off_t stop = (off_t)((end < extent_end ? end : extent_end) - to_guest);
    off_t hole = (off_t)((first > extent_first ? first : extent_first) - to_guest);

    while (hole < stop) {
        const off_t data = lseek(pages->memory->file->fd, hole, SEEK_DATA);

        if (data >= stop || (data < 0 && errno == ENXIO))
            return;
        hole = data < 0 ? -1 : lseek(pages->memory->file->fd, data, SEEK_HOLE);
        if (hole < 0 || hole > stop)
            hole = stop;
        touch(pages, (uint64_t)data + to_chunk, (uint64_t)hole + to_chunk);
    }
}

static void find_touched(struct elf_pages *pages, const struct chunk *chunk)
{
    static bool (*const sources[])(struct elf_pages *, const struct chunk *) = {
        [ELF_PAGES_SCAN] = scan,
        [ELF_PAGES_TABLE] = read_table,
        [ELF_PAGES_ALL] = touch_all,
    };
    const struct memory_file *file = pages->memory->file;

    if (pages->found)
        memset(pages->touched, 0, sizeof(pages->touched));
    pages->found = false;
    while (!sources[pages->source](pages, chunk))
        pages->source++; /* the last source never fails */
    for (unsigned i = 0; file && i < file->count; i++)
        touch_data(pages, chunk, &file->extents[i]);
}

static bool page_is_zero(const uint8_t *page)
{
    uint64_t first;

    memcpy(&first, page, sizeof(first));
    return first == 0 && memcmp(page, page + sizeof(first), PAGE_SIZE - sizeof(first)) == 0;
}

static int visit_chunk(struct elf_pages *pages, const struct chunk *chunk, elf_run_visit *visit,
                       void *context)
{
    uint64_t run = 0; /* the length of the run right before (offset), in bytes */
    int result = 0;

    find_touched(pages, chunk);
    if (!pages->found)
        return 0;
    for (uint64_t offset = 0; offset <= chunk->size && result == 0; offset += PAGE_SIZE) {
        if (offset < chunk->size && pages->touched[offset / PAGE_SIZE] &&
            !page_is_zero(chunk->host + offset)) {
            run += PAGE_SIZE;
            continue;
        }
        if (run)
            result = visit(context, gpa(chunk->address.value + offset - run),
                           chunk->host + offset - run, run);
        run = 0;
    }
    return result;
}

int elf_pages_visit(struct elf_pages *pages, elf_run_visit *visit, void *context)
{
    int result = 0;

    for (unsigned i = 0; i < pages->memory->slot_count; i++) {
        const struct memory_slot *slot = &pages->memory->slots[i];

        for (uint64_t at = 0; at < slot->size && result == 0; at += ELF_PAGES_CHUNK) {
            const uint64_t left = slot->size - at;
            const struct chunk chunk = {gpa(slot->base.value + at), slot->host + at,
                                        left < ELF_PAGES_CHUNK ? left : ELF_PAGES_CHUNK};

            result = visit_chunk(pages, &chunk, visit, context);
        }
    }
    return result;
}

/* Reading its pages past the end would be a SIGBUS. */
static bool file_is_whole(const struct memory_file *file)
{
    struct stat status;

    if (fstat(file->fd, &status) < 0)
        return false;
    for (unsigned i = 0; i < file->count; i++)
        if (file->extents[i].offset + file->extents[i].size > (uint64_t)status.st_size)
            return false;
    return true;
}

int elf_pages_open(struct elf_pages *pages, const struct memory *memory)
{
    *pages = (struct elf_pages){.memory = memory, .pagemap = -1};
    if (memory->file && !file_is_whole(memory->file))
        return -EIO;
    pages->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    return 0;
}

void elf_pages_close(struct elf_pages *pages)
{
    descriptor_close(&pages->pagemap);
}

/* ---- Extents ---- */

void elf_extents_begin(struct elf_extents *extents, const struct memory *memory)
{
    extents->memory = memory;
    extents->gap = ELF_EXTENTS_GAP;
    extents->count = 0;
}

/* Extend (extent) to the end of the run, if that is near and in the same slot. */
static bool join(const struct elf_extents *extents, struct memory_extent *extent, gpa_t address,
                 uint64_t size)
{
    const uint64_t distance = address.value - extent->address.value;

    if (distance - extent->size > extents->gap ||
        !memory_at(extents->memory, extent->address, distance + size))
        return false;
    extent->size = distance + size;
    return true;
}

static void widen_gap(struct elf_extents *extents)
{
    unsigned last = 0;

    extents->gap *= 2;
    for (unsigned i = 1; i < extents->count; i++) {
        const struct memory_extent *next = &extents->list[i];

        if (!join(extents, &extents->list[last], next->address, next->size))
            extents->list[++last] = *next;
    }
    extents->count = last + 1;
}

/*
 * This ends: when the gap is as wide as a slot, there is one extent for each slot, and slots are
 * few.
 */
void elf_extents_add(struct elf_extents *extents, gpa_t address, uint64_t size)
{
    while (extents->count == 0 ||
           !join(extents, &extents->list[extents->count - 1], address, size)) {
        if (extents->count < ELF_EXTENTS) {
            extents->list[extents->count++] = (struct memory_extent){address, size, 0};
            return;
        }
        widen_gap(extents);
    }
}

uint64_t elf_extents_place(struct elf_extents *extents, uint64_t offset)
{
    for (unsigned i = 0; i < extents->count; i++) {
        extents->list[i].offset = offset;
        offset += extents->list[i].size;
    }
    return offset;
}
