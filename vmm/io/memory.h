/*
 * Guest RAM: memory slots, gpa → host pointer, and accessors that copy.
 *
 * A number from the guest is never used as a pointer: it becomes a gpa_t, which cannot be
 * dereferenced; only memory_at() converts a gpa_t to a host address.
 *
 * Threads: the slots do not change while a vCPU runs, so every function but create and destroy may
 * be called from any thread. The guest may write memory during a read: copy once, then check the
 * copy.
 */
#ifndef VMM_IO_MEMORY_H
#define VMM_IO_MEMORY_H

#include "vmm/base/error.h"
#include "vmm/io/gpa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE      4096UL
#define PAGE_MASK      (PAGE_SIZE - 1)
#define KIB            1024ULL
#define MIB            (1024 * KIB)
#define GIB            (1024 * MIB)
#define MEMORY_MIN     MIB       /* the boot area lies below 1 MiB */
#define MEMORY_LOW_MAX (3 * GIB) /* RAM below 4 GiB ends here: then device space, as on a PC */
#define MEMORY_HIGH    (4 * GIB) /* the rest of the RAM begins here */
#define MEMORY_MAX     (64 * GIB * 1024)
#define MEMORY_SLOTS   8

struct memory_slot {
    gpa_t base;
    uint64_t size; /* bytes, a multiple of PAGE_SIZE */
    uint8_t *host;
};

/* (size) bytes at (address), whose contents are in a file from (offset) on. */
struct memory_extent {
    gpa_t address;
    uint64_t size, offset; /* multiples of PAGE_SIZE */
};

/* The file whose contents memory has, see memory_map_file(). */
struct memory_file {
    int fd;
    unsigned count;
    struct memory_extent extents[]; /* sorted by address, no overlaps */
};

struct journal;

struct memory {
    struct memory_slot slots[MEMORY_SLOTS]; /* sorted by base, no overlaps */
    unsigned slot_count;
    struct memory_file *file; /* NULL: memory is zero until it is written */
    struct journal *journal;  /* NULL: a plain run */
};

/*
 * Reserve (size) bytes of zeroed RAM, from gpa 0, around the hole below 4 GiB. No page is touched.
 * -EINVAL: not a multiple of PAGE_SIZE, or outside MEMORY_MIN..MEMORY_MAX; -ENOMEM.
 */
int memory_init(struct memory *memory, uint64_t size, struct error *error);
void memory_finish(struct memory *memory);

/*
 * Map (count) extents of the file (path), open for reading as (fd), into memory just made:
 * privately, so a page is read when it is first touched, and the file is never written. At most
 * once. The file must not become shorter while the memory lives: touching a page past its end is a
 * SIGBUS. (fd) may be closed; memory keeps a duplicate, to find the file's holes. -EINVAL: an
 * extent is not in one slot, and nothing was mapped; after another errno, memory can only be
 * destroyed.
 */
int memory_map_file(struct memory *memory, const char *path, int fd,
                    const struct memory_extent *extents, unsigned count, struct error *error);

/* Bytes of all RAM, and the end of the part below 4 GiB. */
uint64_t memory_size(const struct memory *memory);
uint64_t memory_low_end(const struct memory *memory);

/* Does any byte of first..last (inclusive) belong to RAM? */
bool memory_overlaps(const struct memory *memory, uint64_t first, uint64_t last);

/*
 * The host address of (length) bytes at (address), or NULL unless the whole range lies in one slot.
 * Length 0 is valid for an address in RAM. Valid until memory_finish().
 */
void *memory_at(const struct memory *memory, gpa_t address, uint64_t length);

/*
 * Copy (length) bytes from, or to, one slot. -EFAULT: the range is not in one slot, and nothing was
 * copied. Devices use only these while a vCPU runs.
 */
int memory_read(const struct memory *memory, gpa_t address, void *buffer, uint64_t length);
int memory_write(const struct memory *memory, gpa_t address, const void *buffer, uint64_t length);

#endif
