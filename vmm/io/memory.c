/*
 * Guest RAM: one anonymous reservation, cut into slots around the hole below 4 GiB.
 */
#include "vmm/io/memory.h"

#include "vmm/io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int size_check(uint64_t size, struct error *error)
{
    if (size & PAGE_MASK)
        return error_set(error, -EINVAL,
                         "memory size %" PRIu64 " is no multiple of %lu bytes; "
                         "give whole pages, such as 64M",
                         size, PAGE_SIZE);
    if (size < MEMORY_MIN || size > MEMORY_MAX)
        return error_set(error, -EINVAL,
                         "memory size %" PRIu64 " is not between %llu MiB and %llu TiB; "
                         "give one in that range, such as 64M",
                         size, MEMORY_MIN / MIB, MEMORY_MAX / (1024 * GIB));
    return 0;
}

static void slot_add(struct memory *memory, uint64_t base, uint64_t size, uint8_t *host)
{
    memory->slots[memory->slot_count++] =
        (struct memory_slot){.base = gpa(base), .size = size, .host = host};
}

int memory_init(struct memory *memory, uint64_t size, struct error *error)
{
    uint64_t low = size < MEMORY_LOW_MAX ? size : MEMORY_LOW_MAX;
    uint8_t *host;
    int result;

    *memory = (struct memory){0};
    result = size_check(size, error);
    if (result)
        return result;

    host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                0);
    if (host == MAP_FAILED)
        return error_set(error, -ENOMEM,
                         "cannot reserve %" PRIu64 " bytes of guest memory: %s; "
                         "give the guest less, or raise the limit on address space (ulimit -v)",
                         size, strerror(errno));

    slot_add(memory, 0, low, host);
    if (size > low)
        slot_add(memory, MEMORY_HIGH, size - low, host + low);
    return 0;
}

/* Store which file the contents come from. */
static int keep_file(struct memory *memory, const char *path, int fd,
                     const struct memory_extent *extents, unsigned count, struct error *error)
{
    struct memory_file *file = malloc(sizeof(*file) + count * sizeof(*extents));
    const int own = file ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (own < 0) {
        const int result = file ? -errno : -ENOMEM;

        free(file);
        return error_set(error, result, "%s: cannot be kept open: %s", path, strerror(-result));
    }
    file->fd = own;
    file->count = count;
    memcpy(file->extents, extents, count * sizeof(*extents));
    memory->file = file;
    return 0;
}

static int map_extent(const struct memory *memory, const char *path, int fd,
                      const struct memory_extent *extent, struct error *error)
{
    void *host = memory_at(memory, extent->address, extent->size);
    const int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;

    if (mmap(host, extent->size, PROT_READ | PROT_WRITE, flags, fd, (off_t)extent->offset) == host)
        return 0;
    return error_set(error, -errno,
                     "%s: cannot map its %" PRIu64 " bytes of guest memory at 0x%" PRIx64 ": %s",
                     path, extent->size, extent->address.value, strerror(errno));
}

int memory_map_file(struct memory *memory, const char *path, int fd,
                    const struct memory_extent *extents, unsigned count, struct error *error)
{
    int result = 0;

    if (count == 0)
        return 0;
    for (unsigned i = 0; i < count; i++)
        if (!memory_at(memory, extents[i].address, extents[i].size))
            return error_set(error, -EINVAL,
                             "%s: %" PRIu64 " bytes of guest memory at 0x%" PRIx64
                             " are not within the machine's RAM; give it as much as it had",
                             path, extents[i].size, extents[i].address.value);
    result = keep_file(memory, path, fd, extents, count, error);
    for (unsigned i = 0; i < count && result == 0; i++)
        result = map_extent(memory, path, fd, &extents[i], error);
    return result;
}

void memory_finish(struct memory *memory)
{
    if (memory->file)
        close(memory->file->fd);
    free(memory->file);
    for (unsigned i = 0; i < memory->slot_count; i++)
        munmap(memory->slots[i].host, memory->slots[i].size);
    *memory = (struct memory){0};
}

uint64_t memory_size(const struct memory *memory)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < memory->slot_count; i++)
        size += memory->slots[i].size;
    return size;
}

uint64_t memory_low_end(const struct memory *memory)
{
    return memory->slot_count ? memory->slots[0].base.value + memory->slots[0].size : 0;
}

bool memory_overlaps(const struct memory *memory, uint64_t first, uint64_t last)
{
    if (first > last)
        return false;
    for (unsigned i = 0; i < memory->slot_count; i++) {
        const struct memory_slot *slot = &memory->slots[i];

        if (first <= slot->base.value + (slot->size - 1) && last >= slot->base.value)
            return true;
    }
    return false;
}

void *memory_at(const struct memory *memory, gpa_t address, uint64_t length)
{
    for (unsigned i = 0; i < memory->slot_count; i++) {
        const struct memory_slot *slot = &memory->slots[i];
        /* Below the slot this wraps round to a number larger than any slot. */
        uint64_t offset = address.value - slot->base.value;

        if (offset < slot->size && length <= slot->size - offset)
            return slot->host + offset;
    }
    return NULL;
}

int memory_read(const struct memory *memory, gpa_t address, void *buffer, uint64_t length)
{
    const void *host = memory_at(memory, address, length);

    if (!host)
        return -EFAULT;
    journal_supply_memory(memory->journal);
    if (length) /* a buffer of length 0 may be NULL, which memcpy() does not allow */
        memcpy(buffer, host, length);
    journal_record_read(memory->journal, address, buffer, length);
    return 0;
}

int memory_write(const struct memory *memory, gpa_t address, const void *buffer, uint64_t length)
{
    void *host = memory_at(memory, address, length);

    if (!host)
        return -EFAULT;
    if (length)
        memcpy(host, buffer, length);
    journal_record_write(memory->journal, address, buffer, length);
    return 0;
}
