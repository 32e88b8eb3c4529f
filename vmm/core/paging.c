/*
 * gva → gpa: one walk for all paging modes, whose differences are in a table.
 *
 * The guest's physical-address width is not known here, so address bits up to 51 are used as they
 * are: an address that is too high is outside RAM.
 */
#include "vmm/core/paging.h"
#include "vmm/core/x86_bits.h"

#include <errno.h>
#include <string.h>

#define BITS(high, low) ((~0ULL >> (63 - (high))) & (~0ULL << (low)))
#define PAGE_SHIFT      12

#define ENTRY_PRESENT (1ULL << 0)
#define ENTRY_LARGE   (1ULL << 7) /* PS; in a PTE the same bit belongs to PAT */
#define ENTRY_ADDRESS BITS(51, PAGE_SHIFT)

/* Bit 12 of a large leaf is PAT; from there up to the page's address all bits are reserved. */
#define LARGE_RESERVED BITS(63, 13)
/* PSE-36 keeps bits 39..32 of a 4 MiB page's address in bits 20..13; only bit 21 is reserved. */
#define PSE36_HIGH     BITS(20, 13)
#define PSE36_SHIFT    (32 - 13)
#define PSE36_RESERVED (1ULL << 21)

struct paging_mode {
    const char *name;
    unsigned address_bits;   /* width of a linear address; above 32: sign-extended */
    unsigned levels;         /* 0: unpaged */
    unsigned index_bits;     /* of the address, for each level */
    unsigned entry_size;     /* bytes */
    uint64_t root;           /* the bits of CR3 that address the top table */
    uint64_t large;          /* the bit that makes a leaf above level 1; 0: there are none */
    uint64_t large_reserved; /* zero in such a leaf, below the page's address */
    uint64_t large_high;     /* bits of such a leaf that hold address bits 39..32 */
    uint64_t reserved[PAGING_LEVELS_MAX + 1]; /* by level: zero in any present entry */
};

enum mode_index { MODE_UNPAGED, MODE_32, MODE_32_PSE, MODE_PAE, MODE_4_LEVEL, MODE_5_LEVEL };

/* Intel SDM volume 3A, sections 4.3 (32-bit), 4.4 (PAE) and 4.5 (4-level and 5-level). */
static const struct paging_mode mode_table[] = {
    [MODE_UNPAGED] = {.name = "no paging", .address_bits = 32},
    [MODE_32] = {.name = "32-bit paging",
                 .address_bits = 32,
                 .levels = 2,
                 .index_bits = 10,
                 .entry_size = 4,
                 .root = BITS(31, 12)},
    [MODE_32_PSE] = {.name = "32-bit paging",
                     .address_bits = 32,
                     .levels = 2,
                     .index_bits = 10,
                     .entry_size = 4,
                     .root = BITS(31, 12),
                     .large = ENTRY_LARGE,
                     .large_reserved = PSE36_RESERVED,
                     .large_high = PSE36_HIGH},
    [MODE_PAE] =
        {.name = "PAE paging",
         .address_bits = 32,
         .levels = 3,
         .index_bits = 9,
         .entry_size = 8,
         .root = BITS(31, 5),
         .large = ENTRY_LARGE,
         .large_reserved = LARGE_RESERVED,
         /* Bits 5, 6 and 8 of level 3 are reserved too, but an AMD processor sets bit 5. */
         .reserved = {[1] = BITS(62, 52),
                      [2] = BITS(62, 52),
                      [3] = BITS(63, 52) | ENTRY_LARGE | BITS(2, 1)}},
    [MODE_4_LEVEL] = {.name = "4-level paging",
                      .address_bits = 48,
                      .levels = 4,
                      .index_bits = 9,
                      .entry_size = 8,
                      .root = BITS(51, 12),
                      .large = ENTRY_LARGE,
                      .large_reserved = LARGE_RESERVED,
                      .reserved = {[4] = ENTRY_LARGE}},
    [MODE_5_LEVEL] = {.name = "5-level paging",
                      .address_bits = 57,
                      .levels = 5,
                      .index_bits = 9,
                      .entry_size = 8,
                      .root = BITS(51, 12),
                      .large = ENTRY_LARGE,
                      .large_reserved = LARGE_RESERVED,
                      .reserved = {[4] = ENTRY_LARGE, [5] = ENTRY_LARGE}},
};

static const struct paging_mode *mode_of(const struct paging_registers *registers)
{
    enum mode_index index;

    if (!(registers->cr0 & X86_CR0_PG))
        index = MODE_UNPAGED;
    else if (!(registers->cr4 & X86_CR4_PAE))
        index = registers->cr4 & X86_CR4_PSE ? MODE_32_PSE : MODE_32;
    else if (!(registers->efer & X86_EFER_LMA))
        index = MODE_PAE;
    else
        index = registers->cr4 & X86_CR4_LA57 ? MODE_5_LEVEL : MODE_4_LEVEL;
    return &mode_table[index];
}

const char *paging_mode_name(const struct paging_registers *registers)
{
    return mode_of(registers)->name;
}

/* End the walk with (fault). */
static int walk_fail(struct paging_walk *walk, enum paging_fault fault)
{
    walk->fault = fault;
    return -EFAULT;
}

static bool address_valid(const struct paging_mode *mode, uint64_t address)
{
    uint64_t upper = address >> (mode->address_bits - 1);

    if (mode->address_bits <= 32)
        return upper <= 1;
    return upper == 0 || upper == ~0ULL >> (mode->address_bits - 1);
}

static unsigned level_shift(const struct paging_mode *mode, unsigned level)
{
    return PAGE_SHIFT + (level - 1) * mode->index_bits;
}

/* Read the entry for (address) in (table) once, and store it in (walk). */
static int entry_read(const struct memory *memory, const struct paging_mode *mode, unsigned level,
                      uint64_t table, uint64_t address, struct paging_walk *walk, uint64_t *value)
{
    uint64_t index = address >> level_shift(mode, level) & ((1ULL << mode->index_bits) - 1);
    gpa_t where = gpa(table + index * mode->entry_size);

    *value = 0;
    if (memory_read(memory, where, value, mode->entry_size))
        return walk_fail(walk, PAGING_FAULT_OUTSIDE);
    walk->entries[walk->entry_count++] =
        (struct paging_entry){.level = level, .address = where, .value = *value};
    if (!(*value & ENTRY_PRESENT))
        return walk_fail(walk, PAGING_FAULT_ABSENT);
    if (*value & mode->reserved[level])
        return walk_fail(walk, PAGING_FAULT_RESERVED);
    return 0;
}

static int leaf_translate(const struct paging_mode *mode, unsigned level, uint64_t value,
                          uint64_t address, struct paging_walk *walk)
{
    uint64_t page_size = 1ULL << level_shift(mode, level);
    uint64_t base = value & ENTRY_ADDRESS & ~(page_size - 1);

    if (level > 1) {
        if (value & mode->large_reserved & (page_size - 1))
            return walk_fail(walk, PAGING_FAULT_RESERVED);
        base |= (value & mode->large_high) << PSE36_SHIFT;
    }
    walk->address = gpa(base | (address & (page_size - 1)));
    walk->page_size = page_size;
    return 0;
}

int paging_walk(const struct memory *memory, const struct paging_registers *registers,
                gva_t address, struct paging_walk *walk)
{
    const struct paging_mode *mode = mode_of(registers);
    uint64_t table = registers->cr3 & mode->root;

    *walk = (struct paging_walk){0};
    if (!address_valid(mode, address.value))
        return walk_fail(walk, PAGING_FAULT_ADDRESS);
    if (!mode->levels) {
        walk->address = gpa(address.value);
        walk->page_size = PAGE_SIZE;
        return 0;
    }
    for (unsigned level = mode->levels;; level--) {
        uint64_t value;

        if (entry_read(memory, mode, level, table, address.value, walk, &value))
            return -EFAULT;
        if (level == 1 || value & mode->large)
            return leaf_translate(mode, level, value, address.value, walk);
        table = value & ENTRY_ADDRESS;
    }
}

/* Does the range stay below the end of the address space and on one side of the canonical hole? */
static bool range_valid(const struct paging_registers *registers, gva_t address, uint64_t length)
{
    uint64_t first = address.value, last = first + (length - 1);

    return last >= first && (first ^ last) >> 63 == 0 && address_valid(mode_of(registers), last);
}

/*
 * Translate (address). *length is cut to the end of its page. -EFAULT: not translated, or not all
 * in RAM.
 */
static int find_piece(const struct memory *memory, const struct paging_registers *registers,
                      gva_t address, uint64_t *length, gpa_t *place)
{
    struct paging_walk walk;
    uint64_t rest;

    if (paging_walk(memory, registers, address, &walk))
        return -EFAULT;
    rest = walk.page_size - (address.value & (walk.page_size - 1));
    if (*length > rest)
        *length = rest;
    *place = walk.address;
    return memory_at(memory, walk.address, *length) ? 0 : -EFAULT;
}

/*
 * Visit the range page by page: copy it to (to), or from (from), or only check that all of it
 * translates into RAM. At most one of the two is not NULL.
 */
static int range_copy(const struct memory *memory, const struct paging_registers *registers,
                      gva_t address, uint64_t length, uint8_t *to, const uint8_t *from)
{
    if (length && !range_valid(registers, address, length))
        return -EFAULT;
    for (uint64_t done = 0, piece; done < length; done += piece) {
        gpa_t place;

        piece = length - done;
        if (find_piece(memory, registers, gva(address.value + done), &piece, &place) < 0)
            return -EFAULT;
        if (to)
            memory_read(memory, place, to + done, piece);
        else if (from)
            memory_write(memory, place, from + done, piece);
    }
    return 0;
}

int paging_read(const struct memory *memory, const struct paging_registers *registers,
                gva_t address, void *buffer, uint64_t length)
{
    return range_copy(memory, registers, address, length, buffer, NULL);
}

/*
 * Two passes, since a range can have more pages than a list here could hold. If the page tables
 * change in between (by another vCPU, or because the range holds its own tables), each piece is
 * still checked before it is written; only then can a failure leave the range written in part.
 */
int paging_write(const struct memory *memory, const struct paging_registers *registers,
                 gva_t address, const void *buffer, uint64_t length)
{
    if (range_copy(memory, registers, address, length, NULL, NULL) < 0)
        return -EFAULT;
    return range_copy(memory, registers, address, length, NULL, buffer);
}
