/*
 * Guest RAM: one anonymous reservation, cut into slots around the hole below 4 GiB.
 */
#include "vmm/memory.h"

#include "vmm/tape.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

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

int memory_create(struct memory *memory, uint64_t size, struct error *error)
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

void memory_destroy(struct memory *memory)
{
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
    tape_before_read(memory->tape);
    if (length) /* memcpy() wants a buffer even for nothing */
        memcpy(buffer, host, length);
    tape_after_read(memory->tape, address, buffer, length);
    return 0;
}

int memory_write(const struct memory *memory, gpa_t address, const void *buffer, uint64_t length)
{
    void *host = memory_at(memory, address, length);

    if (!host)
        return -EFAULT;
    if (length)
        memcpy(host, buffer, length);
    tape_written(memory->tape, address, buffer, length);
    return 0;
}
