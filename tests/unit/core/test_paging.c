/*
 * The page-table walk in every mode, over tables written here by hand.
 *
 * Tables lie at table_address(level); each test maps the addresses it needs.
 */
#include "vmm/core/paging.h"
#include "vmm/core/x86.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *paging_suite(void);

#define RAM      (16 * MIB)
#define OUTSIDE  0x12345000ULL /* no RAM there, aligned for a table */
#define PRESENT  1ULL
#define WRITABLE 2ULL
#define USER     4ULL
#define ACCESSED 0x20ULL
#define LARGE    0x80ULL
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { M32, MPSE, MPAE, M4L, M5L, MODES };

/* What the tests know of a mode, and an address in it with another index at each level. */
static const struct mode {
    uint64_t cr4, efer;
    unsigned levels, entry_size;
    unsigned index_bits;
    uint64_t address;
} modes[MODES] = {
    [M32] = {0, 0, 2, 4, 10, 0xc1234567},
    [MPSE] = {X86_CR4_PSE, 0, 2, 4, 10, 0xc1234567},
    [MPAE] = {X86_CR4_PAE, 0, 3, 8, 9, 0xc1234567},
    [M4L] = {X86_CR4_PAE, X86_EFER_LMA, 4, 8, 9, 0xffff923456789abc},
    [M5L] = {X86_CR4_PAE | X86_CR4_LA57, X86_EFER_LMA, 5, 8, 9, 0xff23456789abcdef},
};

/* Every leaf there is, and the bits of a large one that must be zero. */
static const struct leaf {
    unsigned mode, level;
    uint64_t size, reserved;
} leaves[] = {
    {M32, 1, 4 * KIB, 0},        {MPSE, 1, 4 * KIB, 0},        {MPSE, 2, 4 * MIB, 0x200000},
    {MPAE, 1, 4 * KIB, 0},       {MPAE, 2, 2 * MIB, 0x1fe000}, {M4L, 1, 4 * KIB, 0},
    {M4L, 2, 2 * MIB, 0x1fe000}, {M4L, 3, GIB, 0x3fffe000},    {M5L, 1, 4 * KIB, 0},
    {M5L, 2, 2 * MIB, 0x1fe000}, {M5L, 3, GIB, 0x3fffe000},
};

/* A guest in one mode, with no address mapped, and (address) as one to use. */
struct guest {
    const struct mode *mode;
    struct memory memory;
    struct paging_registers registers;
    uint64_t address;
};

static void guest_destroy(struct guest *guest)
{
    memory_finish(&guest->memory);
}

/* A guest that goes when its block ends. */
#define GUEST __attribute__((cleanup(guest_destroy))) struct guest

static uint64_t table_address(unsigned level)
{
    return 0x10000 * level;
}

static struct guest guest_make(unsigned mode)
{
    struct guest guest = {.mode = &modes[mode], .address = modes[mode].address};

    guest.registers.cr0 = X86_CR0_PE | X86_CR0_PG;
    guest.registers.cr3 = table_address(guest.mode->levels);
    guest.registers.cr4 = guest.mode->cr4;
    guest.registers.efer = guest.mode->efer;
    ck_assert_int_eq(memory_init(&guest.memory, RAM, NULL), 0);
    return guest;
}

static uint64_t entry_address(const struct guest *guest, unsigned level, uint64_t address)
{
    unsigned bits = guest->mode->index_bits;
    uint64_t index = (address >> (12 + (level - 1) * bits)) % (1U << bits);

    return table_address(level) + index * guest->mode->entry_size;
}

/* Put (value) at (level) of the way to (address), below tables that lead there. */
static void guest_map(const struct guest *guest, uint64_t address, unsigned level, uint64_t value)
{
    for (unsigned i = guest->mode->levels; i >= level; i--) {
        gpa_t where = gpa(entry_address(guest, i, address));
        /* In PAE paging bits 1 and 2 of the top level are reserved. */
        uint64_t flags = i == 3 && guest->mode->levels == 3 ? PRESENT : PRESENT | WRITABLE | USER;
        uint64_t entry = i == level ? value : table_address(i - 1) | flags;

        ck_assert_int_eq(memory_write(&guest->memory, where, &entry, guest->mode->entry_size), 0);
    }
}

static uint64_t guest_entry(const struct guest *guest, unsigned level)
{
    gpa_t where = gpa(entry_address(guest, level, guest->address));
    uint64_t value = 0;

    ck_assert_int_eq(memory_read(&guest->memory, where, &value, guest->mode->entry_size), 0);
    return value;
}

static int guest_walk(const struct guest *guest, uint64_t address, struct paging_walk *walk)
{
    return paging_walk(&guest->memory, &guest->registers, gva(address), walk);
}

static int guest_read(const struct guest *guest, uint64_t address, void *buffer, uint64_t length)
{
    return paging_read(&guest->memory, &guest->registers, gva(address), buffer, length);
}

static int guest_write(const struct guest *guest, uint64_t address, const void *buffer,
                       uint64_t length)
{
    return paging_write(&guest->memory, &guest->registers, gva(address), buffer, length);
}

/* Does guest-physical memory at (address) hold (bytes)? */
static bool ram_holds(const struct guest *guest, uint64_t address, const void *bytes, size_t length)
{
    const void *host = memory_at(&guest->memory, gpa(address), length);

    return host && memcmp(host, bytes, length) == 0;
}

static void ram_put(const struct guest *guest, uint64_t address, const char *bytes, size_t length)
{
    ck_assert_int_eq(memory_write(&guest->memory, gpa(address), bytes, length), 0);
}

static uint64_t leaf_flags(unsigned level)
{
    return PRESENT | WRITABLE | (level > 1 ? LARGE : 0);
}

START_TEST(without_paging_an_address_is_its_own_translation)
{
    static const struct paging_registers cases[] = {
        {0},
        {.cr0 = X86_CR0_PE},
        {.cr0 = X86_CR0_PE, .cr3 = OUTSIDE, .cr4 = X86_CR4_PAE, .efer = X86_EFER_LME},
    };
    GUEST guest = guest_make(M32);
    struct paging_walk walk;

    for (size_t i = 0; i < COUNT(cases); i++) {
        guest.registers = cases[i];
        ck_assert_int_eq(guest_walk(&guest, 0xffffffff, &walk), 0);
        ck_assert_uint_eq(walk.address.value, 0xffffffff);
        ck_assert_uint_eq(walk.entry_count, 0);
        ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
        ck_assert_int_eq(guest_walk(&guest, 0x100000000, &walk), -EFAULT);
    }
}
END_TEST

START_TEST(every_leaf_of_every_mode_translates)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    uint64_t base = 3 * GIB; /* aligned for each size, and outside RAM */
    struct paging_walk walk;

    guest_map(&guest, guest.address, leaf->level, base | leaf_flags(leaf->level));
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.address.value, base + guest.address % leaf->size);
    ck_assert_uint_eq(walk.page_size, leaf->size);
}
END_TEST

START_TEST(a_walk_records_each_entry_from_the_top)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    struct paging_walk walk;

    guest_map(&guest, guest.address, leaf->level, leaf_flags(leaf->level));
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.entry_count, guest.mode->levels - leaf->level + 1);
    for (unsigned i = 0; i < walk.entry_count; i++) {
        unsigned level = guest.mode->levels - i;

        ck_assert_uint_eq(walk.entries[i].level, level);
        ck_assert_uint_eq(walk.entries[i].address.value,
                          entry_address(&guest, level, guest.address));
        ck_assert_uint_eq(walk.entries[i].value, guest_entry(&guest, level));
    }
}
END_TEST

START_TEST(an_absent_entry_ends_the_walk_at_its_level)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    struct paging_walk walk;

    for (unsigned level = leaf->level; level <= guest.mode->levels; level++) {
        uint64_t absent = leaf_flags(level) & ~PRESENT;

        guest_map(&guest, guest.address, leaf->level, leaf_flags(leaf->level));
        guest_map(&guest, guest.address, level, absent);
        ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), -EFAULT);
        ck_assert_uint_eq(walk.entry_count, guest.mode->levels - level + 1);
        ck_assert_uint_eq(walk.entries[walk.entry_count - 1].value, absent);
    }
}
END_TEST

START_TEST(a_table_outside_ram_ends_the_walk_before_it)
{
    GUEST guest = guest_make((unsigned)_i);
    struct paging_walk walk;

    for (unsigned level = 2; level <= guest.mode->levels; level++) {
        guest_map(&guest, guest.address, level, OUTSIDE | PRESENT);
        ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), -EFAULT);
        ck_assert_uint_eq(walk.entry_count, guest.mode->levels - level + 1);
    }
    guest.registers.cr3 = OUTSIDE;
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), -EFAULT);
    ck_assert_uint_eq(walk.entry_count, 0);
}
END_TEST

static const struct {
    unsigned mode;
    bool valid;
    uint64_t address;
} address_cases[] = {
    {M32, true, 0xffffffff},
    {M32, false, 0x100000000},
    {MPSE, true, 0xffffffff},
    {MPSE, false, 0x100000000},
    {MPAE, true, 0xffffffff},
    {MPAE, false, 0x100000000},
    {MPAE, false, ~0ULL},
    {M4L, true, 0x00007fffffffffff},
    {M4L, false, 0x0000800000000000},
    {M4L, false, 0xffff7fffffffffff},
    {M4L, true, 0xffff800000000000},
    {M4L, false, 0x7fff800000000000},
    {M4L, true, ~0ULL},
    {M5L, true, 0x0000800000000000},
    {M5L, true, 0x00ffffffffffffff},
    {M5L, false, 0x0100000000000000},
    {M5L, false, 0xfeffffffffffffff},
    {M5L, true, 0xff00000000000000},
    {M5L, true, ~0ULL},
};

START_TEST(an_address_must_be_canonical_and_in_legacy_modes_below_4_gib)
{
    GUEST guest = guest_make(address_cases[_i].mode);
    bool valid = address_cases[_i].valid;
    struct paging_walk walk;

    guest_map(&guest, address_cases[_i].address, 1, PRESENT);
    ck_assert_int_eq(guest_walk(&guest, address_cases[_i].address, &walk), valid ? 0 : -EFAULT);
    ck_assert_uint_eq(walk.entry_count, valid ? guest.mode->levels : 0);
}
END_TEST

START_TEST(each_reserved_bit_of_a_large_leaf_is_malformed)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    struct paging_walk walk;

    for (unsigned bit = 8; bit < 30; bit++) {
        uint64_t value = leaf_flags(leaf->level) | 1ULL << bit;
        int expected = leaf->reserved >> bit & 1 ? -EFAULT : 0;

        guest_map(&guest, guest.address, leaf->level, value);
        ck_assert_msg(guest_walk(&guest, guest.address, &walk) == expected, "bit %u", bit);
        ck_assert_uint_eq(walk.entries[walk.entry_count - 1].value, value);
    }
}
END_TEST

/* Bits that must be zero in an entry of any kind: PS where no large page exists, PAE's own. */
static const struct {
    unsigned mode, level, bit;
} malformed_cases[] = {
    {MPAE, 3, 7},  {M4L, 4, 7},   {M5L, 4, 7},   {M5L, 5, 7},   {MPAE, 3, 1},  {MPAE, 3, 2},
    {MPAE, 3, 52}, {MPAE, 3, 63}, {MPAE, 2, 52}, {MPAE, 2, 62}, {MPAE, 1, 52}, {MPAE, 1, 62},
};

START_TEST(a_reserved_bit_makes_an_entry_malformed)
{
    GUEST guest = guest_make(malformed_cases[_i].mode);
    unsigned level = malformed_cases[_i].level;
    uint64_t good = table_address(level - 1) | PRESENT;
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, PRESENT);
    guest_map(&guest, guest.address, level, good);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    /* Address 0 too, which would be aligned for a page of any size. */
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bad = (i ? PRESENT : good) | 1ULL << malformed_cases[_i].bit;

        guest_map(&guest, guest.address, level, bad);
        ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), -EFAULT);
        ck_assert_uint_eq(walk.entry_count, guest.mode->levels - level + 1);
    }
}
END_TEST

/* As an AMD processor's walk leaves it. */
START_TEST(an_accessed_bit_in_the_top_level_of_pae_does_no_harm)
{
    GUEST guest = guest_make(MPAE);
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, PRESENT);
    guest_map(&guest, guest.address, 3, table_address(2) | PRESENT | ACCESSED);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
}
END_TEST

START_TEST(bit_7_of_a_page_table_entry_is_no_size)
{
    GUEST guest = guest_make((unsigned)_i);
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, 0x203000 | PRESENT | LARGE);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
    ck_assert_uint_eq(walk.address.value, 0x203000 + guest.address % PAGE_SIZE);
}
END_TEST

START_TEST(without_pse_the_size_bit_is_ignored)
{
    GUEST guest = guest_make(M32);
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, 0x203000 | PRESENT);
    guest_map(&guest, guest.address, 2, table_address(1) | PRESENT | LARGE);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.page_size, PAGE_SIZE);
    ck_assert_uint_eq(walk.address.value, 0x203000 + guest.address % PAGE_SIZE);
}
END_TEST

START_TEST(pse_36_puts_a_4_mib_page_above_4_gib)
{
    static const struct {
        uint64_t entry, base;
    } cases[] = {{0x00c02000, 0x100c00000}, {0xffd00000, 0x80ffc00000}, {0x1fe000, 0xff00000000}};
    GUEST guest = guest_make(MPSE);
    struct paging_walk walk;

    for (size_t i = 0; i < COUNT(cases); i++) {
        guest_map(&guest, guest.address, 2, cases[i].entry | PRESENT | LARGE);
        ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
        ck_assert_uint_eq(walk.address.value, cases[i].base + guest.address % (4 * MIB));
    }
}
END_TEST

START_TEST(bits_above_51_are_no_part_of_an_address)
{
    GUEST guest = guest_make((unsigned)_i);
    uint64_t high = 0xfffULL << 52, base = 0xffffffffff000;
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, high | base | PRESENT);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.address.value, base + guest.address % PAGE_SIZE);
    for (unsigned level = guest.mode->levels; level > 1; level--) {
        guest_map(&guest, guest.address, level, high | table_address(level - 1) | PRESENT);
        ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
        guest_map(&guest, guest.address, level, table_address(level - 1) | PRESENT);
    }
}
END_TEST

START_TEST(bits_of_cr3_beside_the_address_are_ignored)
{
    static const uint64_t extra[MODES] = {0xfff, 0xfff, 0x1f, 1ULL << 63 | 0xfff, 0xfff};
    GUEST guest = guest_make((unsigned)_i);
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, PRESENT);
    guest.registers.cr3 |= extra[_i];
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
}
END_TEST

START_TEST(the_pae_top_table_is_aligned_to_32_bytes)
{
    GUEST guest = guest_make(MPAE);
    uint64_t entry = table_address(2) | PRESENT;
    struct paging_walk walk;

    guest_map(&guest, guest.address, 1, PRESENT);
    guest.registers.cr3 = 0x8fe0;
    ck_assert_int_eq(memory_write(&guest.memory, gpa(0x8ff8), &entry, sizeof(entry)), 0);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.entries[0].address.value, 0x8ff8);
}
END_TEST

START_TEST(a_write_leaves_accessed_and_dirty_alone)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    uint64_t value = leaf_flags(leaf->level) | (leaf->size < GIB ? 8 * MIB : 0);

    guest.address = (guest.address & -leaf->size) + 8 * MIB % leaf->size;
    guest_map(&guest, guest.address, leaf->level, value);
    ck_assert_int_eq(guest_write(&guest, guest.address, "x", 1), 0);
    ck_assert(ram_holds(&guest, 8 * MIB, "x", 1));
    for (unsigned level = leaf->level; level <= guest.mode->levels; level++)
        ck_assert_uint_eq(guest_entry(&guest, level) & 0x60, 0);
}
END_TEST

/* Where three pages in a row lie in RAM for the copies. */
static const uint64_t scattered[] = {0x803000, 0x900000, 0x801000};

/* A guest whose (address) is the first of them. */
static struct guest guest_make_scattered(int mode, uint64_t flags)
{
    struct guest guest = guest_make((unsigned)mode);

    guest.address &= ~PAGE_MASK;
    for (size_t i = 0; i < COUNT(scattered); i++)
        guest_map(&guest, guest.address + i * PAGE_SIZE, 1, scattered[i] | flags);
    return guest;
}

START_TEST(a_read_follows_pages_that_are_not_contiguous)
{
    GUEST guest = guest_make_scattered(_i, PRESENT);
    char buffer[2 + PAGE_SIZE + 3];

    ram_put(&guest, scattered[0] + PAGE_SIZE - 2, "ab", 2);
    ram_put(&guest, scattered[1], "cd", 2);
    ram_put(&guest, scattered[1] + PAGE_SIZE - 2, "ef", 2);
    ram_put(&guest, scattered[2], "ghi", 3);
    ck_assert_int_eq(guest_read(&guest, guest.address + PAGE_SIZE - 2, buffer, sizeof(buffer)), 0);
    ck_assert_mem_eq(buffer, "abcd", 4);
    ck_assert_mem_eq(buffer + PAGE_SIZE, "efghi", 5);
}
END_TEST

START_TEST(a_write_follows_pages_that_are_not_contiguous)
{
    GUEST guest = guest_make_scattered(_i, PRESENT);
    char buffer[2 + PAGE_SIZE + 3];

    for (size_t i = 0; i < sizeof(buffer); i++)
        buffer[i] = (char)(i % 251 + 1);
    ck_assert_int_eq(guest_write(&guest, guest.address + PAGE_SIZE - 2, buffer, sizeof(buffer)), 0);
    ck_assert(ram_holds(&guest, scattered[0] + PAGE_SIZE - 4, "\0\0\1\2", 4));
    ck_assert(ram_holds(&guest, scattered[1], buffer + 2, PAGE_SIZE));
    ck_assert(ram_holds(&guest, scattered[2], buffer + 2 + PAGE_SIZE, 3));
    ck_assert(ram_holds(&guest, scattered[2] + 3, "\0", 1));
}
END_TEST

START_TEST(a_read_goes_on_from_one_leaf_size_to_another)
{
    const struct leaf *leaf = &leaves[_i];
    GUEST guest = guest_make(leaf->mode);
    uint64_t end = (guest.address & -leaf->size) + leaf->size;
    char buffer[4];

    memory_finish(&guest.memory);
    ck_assert_int_eq(memory_init(&guest.memory, 2 * GIB, NULL), 0);
    guest_map(&guest, end - 1, leaf->level, GIB | leaf_flags(leaf->level));
    guest_map(&guest, end, 1, 0x5000 | PRESENT);
    ram_put(&guest, GIB + leaf->size - 2, "ab", 2);
    ram_put(&guest, 0x5000, "cd", 2);
    ck_assert_int_eq(guest_read(&guest, end - 2, buffer, 4), 0);
    ck_assert_mem_eq(buffer, "abcd", 4);
}
END_TEST

START_TEST(supervisor_and_read_only_pages_are_accessible)
{
    static const uint64_t flags[] = {0, USER, WRITABLE, WRITABLE | USER};
    char buffer[3] = "";

    for (size_t i = 0; i < COUNT(flags); i++) {
        GUEST guest = guest_make_scattered(_i, PRESENT | flags[i]);

        ck_assert_int_eq(guest_write(&guest, guest.address, "hi", 3), 0);
        ck_assert_int_eq(guest_read(&guest, guest.address, buffer, 3), 0);
        ck_assert_str_eq(buffer, "hi");
    }
}
END_TEST

START_TEST(a_page_outside_ram_can_be_walked_but_not_copied)
{
    GUEST guest = guest_make((unsigned)_i);
    struct paging_walk walk;
    char byte = 0;

    guest_map(&guest, guest.address, 1, 0xfee00000 | PRESENT);
    ck_assert_int_eq(guest_walk(&guest, guest.address, &walk), 0);
    ck_assert_uint_eq(walk.address.value, 0xfee00000 + guest.address % PAGE_SIZE);
    ck_assert_int_eq(guest_read(&guest, guest.address, &byte, 1), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, guest.address, &byte, 1), -EFAULT);
}
END_TEST

START_TEST(a_write_that_fails_on_its_last_page_writes_nothing)
{
    static const uint64_t bad[] = {0, OUTSIDE | PRESENT}; /* absent, or no RAM */
    static const char buffer[2 * PAGE_SIZE + 1] = "text";

    for (size_t i = 0; i < COUNT(bad); i++) {
        GUEST guest = guest_make_scattered(_i, PRESENT);

        guest_map(&guest, guest.address + 2 * PAGE_SIZE, 1, bad[i]);
        ck_assert_int_eq(guest_write(&guest, guest.address, buffer, sizeof(buffer)), -EFAULT);
        ck_assert(ram_holds(&guest, scattered[0], "\0\0\0\0", 4));
        ck_assert_int_eq(guest_write(&guest, guest.address, buffer, sizeof(buffer) - 1), 0);
        ck_assert(ram_holds(&guest, scattered[0], "text", 4));
    }
}
END_TEST

START_TEST(a_read_that_meets_an_unmapped_page_fails)
{
    GUEST guest = guest_make_scattered(_i, PRESENT);
    char buffer[3 * PAGE_SIZE + 1];

    ck_assert_int_eq(guest_read(&guest, guest.address, buffer, 3 * PAGE_SIZE), 0);
    ck_assert_int_eq(guest_read(&guest, guest.address, buffer, 3 * PAGE_SIZE + 1), -EFAULT);
}
END_TEST

START_TEST(length_zero_succeeds_whatever_the_address)
{
    static const uint64_t addresses[] = {0, 0xffffffff, 0x100000000, 0x0000800000000000, ~0ULL};
    GUEST guest = guest_make((unsigned)_i);

    for (size_t i = 0; i < COUNT(addresses); i++) {
        ck_assert_int_eq(guest_read(&guest, addresses[i], NULL, 0), 0);
        ck_assert_int_eq(guest_write(&guest, addresses[i], NULL, 0), 0);
    }
}
END_TEST

START_TEST(a_range_ends_with_the_address_space)
{
    GUEST guest = guest_make((unsigned)_i);
    uint64_t last = guest.mode->efer ? UINT64_MAX : UINT32_MAX;
    char buffer[2] = "";

    guest_map(&guest, last, 1, 0x800000 | PRESENT);
    guest_map(&guest, 0, 1, 0x801000 | PRESENT);
    ck_assert_int_eq(guest_write(&guest, last, "z", 1), 0);
    ck_assert_int_eq(guest_read(&guest, last, buffer, 1), 0);
    ck_assert_int_eq(buffer[0], 'z');
    ck_assert_int_eq(guest_read(&guest, last, buffer, 2), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, last, "yy", 2), -EFAULT);
    ck_assert(ram_holds(&guest, 0x800fff, "z", 1));
}
END_TEST

START_TEST(an_endless_length_is_refused_before_anything_is_copied)
{
    static const uint64_t lengths[] = {1ULL << 32, 1ULL << 63, UINT64_MAX - PAGE_SIZE, UINT64_MAX};
    GUEST guest = guest_make_scattered(_i, PRESENT);
    char buffer[1] = "b";

    for (size_t i = 0; i < COUNT(lengths); i++) {
        /* In long mode the length 2^32 is a range like any other. */
        if (guest.mode->efer && lengths[i] == 1ULL << 32)
            continue;
        ck_assert_int_eq(guest_read(&guest, guest.address, buffer, lengths[i]), -EFAULT);
        ck_assert_int_eq(guest_write(&guest, guest.address, buffer, lengths[i]), -EFAULT);
    }
    ck_assert_int_eq(buffer[0], 'b');
}
END_TEST

START_TEST(a_range_into_the_canonical_hole_fails)
{
    static const uint64_t last[MODES] = {[M4L] = 0x00007fffffffffff, [M5L] = 0x00ffffffffffffff};
    GUEST guest = guest_make((unsigned)_i);
    char buffer[2] = "";

    guest_map(&guest, last[_i], 1, 0x800000 | PRESENT);
    guest_map(&guest, last[_i] + 1, 1, 0x801000 | PRESENT);
    ck_assert_int_eq(guest_read(&guest, last[_i], buffer, 1), 0);
    ck_assert_int_eq(guest_read(&guest, last[_i], buffer, 2), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, last[_i], buffer, 2), -EFAULT);
}
END_TEST

START_TEST(a_range_over_the_whole_canonical_hole_is_refused_before_anything_is_copied)
{
    GUEST guest = guest_make((unsigned)_i);
    char buffer[PAGE_SIZE] = "b";

    guest_map(&guest, 0, 1, 0x800000 | PRESENT);
    ck_assert_int_eq(guest_read(&guest, 0, buffer, UINT64_MAX), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, 0, buffer, UINT64_MAX), -EFAULT);
    ck_assert_int_eq(buffer[0], 'b');
}
END_TEST

START_TEST(a_copy_ends_with_ram_within_a_large_page)
{
    GUEST guest = guest_make((unsigned)_i);
    char buffer[2] = "";

    guest_map(&guest, 0, 3, leaf_flags(3));
    ck_assert_int_eq(guest_write(&guest, RAM - 2, "hi", 2), 0);
    ck_assert_int_eq(guest_read(&guest, RAM - 2, buffer, 2), 0);
    ck_assert_mem_eq(buffer, "hi", 2);
    ck_assert_int_eq(guest_read(&guest, RAM - 1, buffer, 2), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, RAM - 1, "no", 2), -EFAULT);
    ck_assert(ram_holds(&guest, RAM - 1, "i", 1));
}
END_TEST

START_TEST(an_unpaged_copy_ends_with_ram)
{
    GUEST guest = guest_make(M32);
    char buffer[3 * PAGE_SIZE];
    uint64_t address = RAM - sizeof(buffer);

    guest.registers.cr0 = X86_CR0_PE;
    ck_assert_int_eq(guest_write(&guest, RAM - 1, "q", 1), 0);
    ck_assert_int_eq(guest_read(&guest, address, buffer, sizeof(buffer)), 0);
    ck_assert_int_eq(buffer[sizeof(buffer) - 1], 'q');
    ck_assert_int_eq(guest_read(&guest, address + 1, buffer, sizeof(buffer)), -EFAULT);
    ck_assert_int_eq(guest_write(&guest, address + 1, buffer, sizeof(buffer)), -EFAULT);
}
END_TEST

static TCase *walk_case(void)
{
    TCase *walk = tcase_create("walk");

    tcase_add_test(walk, without_paging_an_address_is_its_own_translation);
    tcase_add_loop_test(walk, every_leaf_of_every_mode_translates, 0, COUNT(leaves));
    tcase_add_loop_test(walk, a_walk_records_each_entry_from_the_top, 0, COUNT(leaves));
    tcase_add_loop_test(walk, an_absent_entry_ends_the_walk_at_its_level, 0, COUNT(leaves));
    tcase_add_loop_test(walk, each_reserved_bit_of_a_large_leaf_is_malformed, 0, COUNT(leaves));
    tcase_add_loop_test(walk, a_write_leaves_accessed_and_dirty_alone, 0, COUNT(leaves));
    tcase_add_loop_test(walk, a_table_outside_ram_ends_the_walk_before_it, 0, MODES);
    tcase_add_loop_test(walk, bit_7_of_a_page_table_entry_is_no_size, 0, MODES);
    tcase_add_loop_test(walk, bits_of_cr3_beside_the_address_are_ignored, 0, MODES);
    tcase_add_loop_test(walk, bits_above_51_are_no_part_of_an_address, M4L, MODES);
    tcase_add_loop_test(walk, an_address_must_be_canonical_and_in_legacy_modes_below_4_gib, 0,
                        COUNT(address_cases));
    tcase_add_loop_test(walk, a_reserved_bit_makes_an_entry_malformed, 0, COUNT(malformed_cases));
    tcase_add_test(walk, an_accessed_bit_in_the_top_level_of_pae_does_no_harm);
    tcase_add_test(walk, without_pse_the_size_bit_is_ignored);
    tcase_add_test(walk, pse_36_puts_a_4_mib_page_above_4_gib);
    tcase_add_test(walk, the_pae_top_table_is_aligned_to_32_bytes);
    return walk;
}

static TCase *copy_case(void)
{
    TCase *copy = tcase_create("copy");

    tcase_add_loop_test(copy, a_read_follows_pages_that_are_not_contiguous, 0, MODES);
    tcase_add_loop_test(copy, a_write_follows_pages_that_are_not_contiguous, 0, MODES);
    tcase_add_loop_test(copy, a_read_goes_on_from_one_leaf_size_to_another, 0, COUNT(leaves));
    tcase_add_loop_test(copy, supervisor_and_read_only_pages_are_accessible, 0, MODES);
    tcase_add_loop_test(copy, a_page_outside_ram_can_be_walked_but_not_copied, 0, MODES);
    tcase_add_loop_test(copy, a_write_that_fails_on_its_last_page_writes_nothing, 0, MODES);
    tcase_add_loop_test(copy, a_read_that_meets_an_unmapped_page_fails, 0, MODES);
    tcase_add_loop_test(copy, length_zero_succeeds_whatever_the_address, 0, MODES);
    tcase_add_loop_test(copy, a_range_ends_with_the_address_space, 0, MODES);
    tcase_add_loop_test(copy, an_endless_length_is_refused_before_anything_is_copied, 0, MODES);
    tcase_add_loop_test(copy, a_range_into_the_canonical_hole_fails, M4L, MODES);
    tcase_add_loop_test(copy,
                        a_range_over_the_whole_canonical_hole_is_refused_before_anything_is_copied,
                        M4L, MODES);
    tcase_add_loop_test(copy, a_copy_ends_with_ram_within_a_large_page, M4L, MODES);
    tcase_add_test(copy, an_unpaged_copy_ends_with_ram);
    return copy;
}

Suite *paging_suite(void)
{
    Suite *suite = suite_create("paging");

    suite_add_tcase(suite, walk_case());
    suite_add_tcase(suite, copy_case());
    return suite;
}
