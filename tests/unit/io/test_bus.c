/*
 * The bus: which device gets which piece of an access, and which regions are refused.
 *
 * All devices here are probes: they remember bytes, and write down every piece they are given.
 */
#include "vmm/io/bus.h"

#include "tests/unit/fixture.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *bus_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Which region of (b) decodes, or NULL. The result lives until the next call. */
static const struct bus_region *found_at(struct bus *b, uint64_t address)
{
    static struct bus_region region;

    return bus_find(b, address, &region) ? &region : NULL;
}

/* Every byte of every region, by region index and offset. */
#define PROBE_REGIONS 8
#define PROBE_BYTES   16

struct probe {
    struct device device;
    uint8_t bytes[PROBE_REGIONS][PROBE_BYTES];
    char pieces[256]; /* "REGION@OFFSET/SIZE ", one for each op */
    bool lock_held;   /* the device's lock was taken in every op */
};

static void probe_note(struct probe *probe, const struct device_access *access)
{
    size_t used = strlen(probe->pieces);

    snprintf(probe->pieces + used, sizeof(probe->pieces) - used, "%s%u@%u/%u", used ? " " : "",
             access->region, (unsigned)access->offset, access->size);
    if (lock_try(&probe->device.lock)) {
        lock_release(&probe->device.lock);
        probe->lock_held = false;
    }
}

/* All 8 bytes, also those beyond the access: the bus must cut them. */
static uint64_t probe_read(struct device *device, const struct device_access *access)
{
    struct probe *probe = (struct probe *)device;
    uint64_t value = UINT64_MAX;

    probe_note(probe, access);
    memcpy(&value, &probe->bytes[access->region][access->offset], access->size);
    return value;
}

static void probe_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct probe *probe = (struct probe *)device;

    probe_note(probe, access);
    ck_assert(access->size == 8 || value >> (8 * access->size) == 0);
    memcpy(&probe->bytes[access->region][access->offset], &value, access->size);
}

static int probe_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO, .base = 0x10, .size = 8, .widest = 4, .name = "probe"};

    ((struct probe *)device)->lock_held = true;
    return device_claim(device, &claim, error);
}

static const struct property no_properties[] = {{0}};

static const struct device_type probe_type = {
    .name = "probe",
    .instance_size = sizeof(struct probe),
    .locking = DEVICE_LOCKED,
    .properties = no_properties,
    .create = probe_create,
    .read = probe_read,
    .write = probe_write,
};

static const struct device_type lock_free_type = {
    .name = "lock-free probe",
    .instance_size = sizeof(struct probe),
    .locking = DEVICE_LOCK_FREE,
    .properties = no_properties,
    .create = probe_create,
    .read = probe_read,
    .write = probe_write,
};

static int failing_create(struct device *device, struct error *error)
{
    const struct device_claim below = {.space = BUS_PIO, .base = 0, .size = 1, .name = "failing"};
    const struct device_claim above = {.space = BUS_MMIO,
                                       .base = GIB,
                                       .size = 1,
                                       .name = "failing"};

    ck_assert_int_eq(device_claim(device, &below, error), 0);
    ck_assert_int_eq(device_claim(device, &above, error), 0);
    return error_set(error, -ENOENT, "a file is not there");
}

static const struct device_type failing_type = {
    .name = "failing probe",
    .instance_size = sizeof(struct probe),
    .properties = no_properties,
    .create = failing_create,
};

/* One probe has all these regions; 0x1c..0x1f and all from 0x50 on are unclaimed. */
static const struct bus_region layout[] = {
    {.first = 0x10, .last = 0x17, .index = 1, .widest = 4, .name = "four"},
    {.first = 0x18, .last = 0x1b, .index = 2, .widest = 1, .registers = true, .name = "one"},
    {.first = 0x20,
     .last = 0x27,
     .index = 3,
     .widest = 8,
     .registers = true,
     .whole = true,
     .name = "whole"},
    {.first = 0x30, .last = 0x37, .index = 4, .widest = 2, .name = "two"},
    {.first = 0x40, .last = 0x47, .index = 5, .widest = 8, .name = "eight"},
    {.first = 0x48, .last = 0x4f, .index = 6, .widest = 2, .whole = true, .name = "narrow whole"},
};

static struct probe probe;
static struct bus bus;

static void setup(void)
{
    memset(&probe, 0, sizeof(probe));
    probe.device.type = &probe_type;
    bus_init(&bus, BUS_MMIO);
    for (size_t i = 0; i < COUNT(layout); i++) {
        struct bus_region region = layout[i];

        region.device = &probe.device;
        ck_assert_int_eq(bus_add(&bus, &region, NULL), 0);
    }
    bus_freeze(&bus);
}

static void teardown(void)
{
}

static const struct access_case {
    uint64_t address;
    unsigned size;
    bool registers;     /* a piece goes to a region that wants them */
    const char *pieces; /* as the probe writes them down */
} access_cases[] = {
    /* Inside a region, as it is. */
    {0x10, 1, false, "1@0/1"},
    {0x17, 1, false, "1@7/1"},
    {0x10, 2, false, "1@0/2"},
    {0x13, 4, false, "1@3/4"},
    {0x14, 4, false, "1@4/4"},
    {0x40, 8, false, "5@0/8"},
    {0x18, 1, true, "2@0/1"},
    {0x1b, 1, true, "2@3/1"},
    /* Wider than the region takes. */
    {0x10, 8, false, "1@0/4 1@4/4"},
    {0x18, 4, true, "2@0/1 2@1/1 2@2/1 2@3/1"},
    {0x30, 4, false, "4@0/2 4@2/2"},
    {0x31, 4, false, "4@1/2 4@3/2"},
    {0x30, 8, false, "4@0/2 4@2/2 4@4/2 4@6/2"},
    /* Sizes that no register has. */
    {0x10, 3, false, "1@0/1 1@1/1 1@2/1"},
    {0x11, 5, false, "1@1/1 1@2/1 1@3/1 1@4/1 1@5/1"},
    {0x12, 6, false, "1@2/1 1@3/1 1@4/1 1@5/1 1@6/1 1@7/1"},
    {0x40, 7, false, "5@0/1 5@1/1 5@2/1 5@3/1 5@4/1 5@5/1 5@6/1"},
    {0x18, 3, true, "2@0/1 2@1/1 2@2/1"},
    /* A region that is whole gets any size undivided. */
    {0x20, 1, true, "3@0/1"},
    {0x25, 3, true, "3@5/3"},
    {0x23, 5, true, "3@3/5"},
    {0x21, 6, true, "3@1/6"},
    {0x20, 7, true, "3@0/7"},
    {0x20, 8, true, "3@0/8"},
    {0x48, 4, false, "6@0/4"},
    {0x48, 8, false, "6@0/8"},
    {0x4d, 3, false, "6@5/3"},
    /* Across two regions. */
    {0x17, 2, true, "1@7/1 2@0/1"},
    {0x16, 4, true, "1@6/1 1@7/1 2@0/1 2@1/1"},
    {0x16, 3, true, "1@6/1 1@7/1 2@0/1"},
    {0x14, 8, true, "1@4/1 1@5/1 1@6/1 1@7/1 2@0/1 2@1/1 2@2/1 2@3/1"},
    {0x46, 4, false, "5@6/1 5@7/1 6@0/1 6@1/1"},
    /* Across the edge to nothing. */
    {0x0e, 4, false, "1@0/1 1@1/1"},
    {0x0f, 8, false, "1@0/1 1@1/1 1@2/1 1@3/1 1@4/1 1@5/1 1@6/1"},
    {0x1a, 4, true, "2@2/1 2@3/1"},
    {0x1b, 2, true, "2@3/1"},
    {0x26, 4, true, "3@6/1 3@7/1"},
    {0x1e, 4, true, "3@0/1 3@1/1"},
    {0x4f, 8, false, "6@7/1"},
    /* Over a gap: all of it is between two regions, or both edges are touched. */
    {0x1c, 4, false, ""},
    {0x1b, 6, true, "2@3/1 3@0/1"},
    /* Nobody's. */
    {0x50, 8, false, ""},
    {0x0f, 1, false, ""},
};

/* The byte of the probe that decodes (address), found without the bus; NULL: none. */
static uint8_t *byte_at(uint64_t address)
{
    for (size_t i = 0; i < COUNT(layout); i++)
        if (address >= layout[i].first && address <= layout[i].last)
            return &probe.bytes[layout[i].index][address - layout[i].first];
    return NULL;
}

START_TEST(a_read_takes_each_byte_from_who_decodes_it)
{
    const struct access_case *c = &access_cases[_i];
    struct bus_cycle cycle = {.address = c->address, .size = c->size, .value = 0x5555};
    uint64_t value = 0;

    for (unsigned region = 0; region < PROBE_REGIONS; region++)
        for (unsigned at = 0; at < PROBE_BYTES; at++)
            probe.bytes[region][at] = (uint8_t)(region << 4 | at);
    for (unsigned at = 0; at < c->size; at++)
        value |= (uint64_t)(byte_at(c->address + at) ? *byte_at(c->address + at) : 0xff)
                 << (8 * at);

    bus_access(&bus, &cycle);
    ck_assert_str_eq(probe.pieces, c->pieces);
    ck_assert_uint_eq(cycle.value, value);
    ck_assert_int_eq(cycle.claimed, c->pieces[0] != '\0');
}
END_TEST

START_TEST(a_write_gives_each_byte_to_who_decodes_it)
{
    const struct access_case *c = &access_cases[_i];
    struct bus_cycle cycle = {.address = c->address, .size = c->size, .write = true};
    unsigned written = 0;

    for (unsigned at = 0; at < c->size; at++)
        cycle.value |= (0xa1ULL + at) << (8 * at);

    bus_access(&bus, &cycle);
    ck_assert_str_eq(probe.pieces, c->pieces);
    ck_assert_int_eq(cycle.claimed, c->pieces[0] != '\0');
    for (uint64_t address = 0; address < 0x60; address++) {
        const uint8_t *byte = byte_at(address);
        bool inside = address >= c->address && address < c->address + c->size;

        if (byte)
            ck_assert_uint_eq(*byte, inside ? 0xa1 + (address - c->address) : 0);
        written += byte && inside;
    }
    ck_assert(cycle.claimed == (written > 0));
}
END_TEST

START_TEST(registers_are_needed_if_a_piece_goes_to_a_region_that_looks_at_them)
{
    const struct access_case *c = &access_cases[_i];
    struct bus_cycle cycle = {.address = c->address,
                              .size = c->size,
                              .write = true,
                              .no_registers = true};

    ck_assert_int_eq(bus_access(&bus, &cycle), !c->registers);
    ck_assert_str_eq(probe.pieces, c->registers ? "" : c->pieces);
}
END_TEST

START_TEST(an_unclaimed_read_gives_ones_of_its_size)
{
    static const uint64_t ones[] = {
        0xff,         0xffff,         0xffffff,         0xffffffff,
        0xffffffffff, 0xffffffffffff, 0xffffffffffffff, 0xffffffffffffffff,
    };
    struct bus empty;

    bus_init(&empty, BUS_MMIO);
    for (unsigned size = 1; size <= COUNT(ones); size++) {
        struct bus_cycle cycle = {.address = 0x1000, .size = size, .claimed = true};

        bus_access(&empty, &cycle);
        ck_assert_uint_eq(cycle.value, ones[size - 1]);
        ck_assert(!cycle.claimed);
    }
}
END_TEST

START_TEST(an_unclaimed_write_is_dropped)
{
    for (unsigned size = 1; size <= 8; size++) {
        struct bus_cycle cycle = {.address = 0x50, .size = size, .write = true, .claimed = true};

        bus_access(&bus, &cycle);
        ck_assert(!cycle.claimed);
    }
    ck_assert_str_eq(probe.pieces, "");
}
END_TEST

/* An access at the last port extends past it, where no device is: it does not wrap to port 0. */
START_TEST(a_port_access_past_the_last_port_does_not_wrap)
{
    const struct bus_region first = {
        .last = 0, .device = &probe.device, .index = 1, .widest = 1, .name = "first"};
    const struct bus_region last = {.first = 0xffff,
                                    .last = 0xffff,
                                    .device = &probe.device,
                                    .index = 2,
                                    .widest = 1,
                                    .name = "last"};
    struct bus_cycle cycle = {.address = 0xffff, .size = 4};
    struct bus ports;

    bus_init(&ports, BUS_PIO);
    ck_assert_int_eq(bus_add(&ports, &first, NULL), 0);
    ck_assert_int_eq(bus_add(&ports, &last, NULL), 0);
    bus_access(&ports, &cycle);
    ck_assert_str_eq(probe.pieces, "2@0/1");
    ck_assert_uint_eq(cycle.value, 0xffffff00);
}
END_TEST

START_TEST(a_lookup_finds_every_byte_of_a_region_and_none_beside_it)
{
    static const struct {
        uint64_t address;
        unsigned region; /* 0: none */
    } cases[] = {
        {0, 0},    {0xf, 0},  {0x10, 1}, {0x13, 1}, {0x17, 1}, {0x18, 2}, {0x1b, 2},
        {0x1c, 0}, {0x1f, 0}, {0x20, 3}, {0x27, 3}, {0x28, 0}, {0x2f, 0}, {0x30, 4},
        {0x37, 4}, {0x38, 0}, {0x40, 5}, {0x47, 5}, {0x48, 6}, {0x4f, 6}, {0x50, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct bus_region *region = found_at(&bus, cases[i].address);

        ck_assert_uint_eq(region ? region->index : 0, cases[i].region);
    }
    ck_assert_ptr_null(found_at(&bus, UINT64_MAX));
}
END_TEST

START_TEST(regions_are_sorted_whatever_the_order_they_came_in)
{
    static const uint64_t firsts[] = {0x300, 0x100, 0x500, 0x200, 0, 0x400, UINT64_MAX};
    struct bus any;

    bus_init(&any, BUS_MMIO);
    for (unsigned i = 0; i < COUNT(firsts); i++) {
        const struct bus_region region = {.first = firsts[i],
                                          .last = firsts[i],
                                          .index = i,
                                          .name = "any"};

        ck_assert_int_eq(bus_add(&any, &region, NULL), 0);
    }
    for (unsigned i = 1; i < any.region_count; i++)
        ck_assert_uint_lt(any.regions[i - 1].last, any.regions[i].first);
    for (unsigned i = 0; i < COUNT(firsts); i++) {
        ck_assert_ptr_nonnull(found_at(&any, firsts[i]));
        ck_assert_uint_eq(found_at(&any, firsts[i])->index, i);
    }
}
END_TEST

START_TEST(an_overlap_is_refused_and_names_both_devices)
{
    static const struct {
        uint64_t first, last;
        const char *sentence;
    } cases[] = {
        {0x100, 0x107, "0x100..0x107"}, {0x102, 0x103, "0x102..0x103"},
        {0xff, 0x108, "0xff..0x108"},   {0xff, 0x100, "0xff..0x100"},
        {0x107, 0x107, "0x107..0x107"}, {0, 0xffff, "0x0..0xffff"},
    };
    const struct bus_region old = {.first = 0x100, .last = 0x107, .name = "old"};
    struct bus ports;

    bus_init(&ports, BUS_PIO);
    ck_assert_int_eq(bus_add(&ports, &old, NULL), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct bus_region new = {.first = cases[i].first,
                                       .last = cases[i].last,
                                       .name = "new"};
        struct error error;
        char sentence[ERROR_TEXT_MAX];

        snprintf(sentence, sizeof(sentence),
                 "new: port range %s overlaps old at 0x100..0x107; move one of them",
                 cases[i].sentence);
        ck_assert_int_eq(bus_add(&ports, &new, &error), -EBUSY);
        ck_assert_str_eq(error.text, sentence);
        ck_assert_uint_eq(ports.region_count, 1);
    }
}
END_TEST

START_TEST(neighbours_do_not_overlap)
{
    const struct bus_region regions[] = {{.first = 0x100, .last = 0x107, .name = "middle"},
                                         {.first = 0x108, .last = 0x108, .name = "above"},
                                         {.first = 0xff, .last = 0xff, .name = "below"}};
    struct bus ports;

    bus_init(&ports, BUS_PIO);
    for (size_t i = 0; i < COUNT(regions); i++)
        ck_assert_int_eq(bus_add(&ports, &regions[i], NULL), 0);
}
END_TEST

static const struct range_case {
    enum bus_space space;
    uint64_t first, last;
    int result;
    const char *sentence;
} range_cases[] = {
    {BUS_PIO, 0, 0xffff, 0, NULL},
    {BUS_PIO, 0xffff, 0xffff, 0, NULL},
    {BUS_PIO, 0xffff, 0x10000, -EINVAL,
     "it: port range 0xffff..0x10000 is empty or passes the end; give a lower port"},
    {BUS_PIO, 0x10000, 0x10000, -EINVAL,
     "it: port range 0x10000..0x10000 is empty or passes the end; give a lower port"},
    {BUS_PIO, 0x100, 0xff, -EINVAL,
     "it: port range 0x100..0xff is empty or passes the end; give a lower port"},
    {BUS_MMIO, 0, UINT64_MAX, 0, NULL},
    {BUS_MMIO, UINT64_MAX, UINT64_MAX, 0, NULL},
    {BUS_MMIO, 0x10000, 0x10000, 0, NULL},
    {BUS_MMIO, UINT64_MAX, 0, -EINVAL,
     "it: address range 0xffffffffffffffff..0x0 is empty or passes the end; give a lower address"},
    {BUS_MMIO, 0x1000, 0xfff, -EINVAL,
     "it: address range 0x1000..0xfff is empty or passes the end; give a lower address"},
};

START_TEST(a_region_lies_inside_its_address_space)
{
    const struct range_case *c = &range_cases[_i];
    const struct bus_region region = {.first = c->first, .last = c->last, .name = "it"};
    struct error error;
    struct bus one;

    bus_init(&one, c->space);
    ck_assert_int_eq(bus_add(&one, &region, &error), c->result);
    ck_assert_uint_eq(one.region_count, c->result == 0);
    if (c->sentence)
        ck_assert_str_eq(error.text, c->sentence);
}
END_TEST

START_TEST(a_full_table_takes_no_more)
{
    struct bus_region region = {.name = "one too many"};
    struct error error;
    struct bus full;

    bus_init(&full, BUS_PIO);
    for (unsigned i = 0; i < BUS_REGIONS; i++) {
        region.first = region.last = i;
        ck_assert_int_eq(bus_add(&full, &region, NULL), 0);
    }
    region.first = region.last = BUS_REGIONS;
    ck_assert_int_eq(bus_add(&full, &region, &error), -ENOSPC);
    ck_assert_str_eq(error.text, "one too many: no room for another port range; use fewer devices");
    ck_assert_uint_eq(full.region_count, BUS_REGIONS);
    ck_assert_ptr_null(found_at(&full, BUS_REGIONS));
}
END_TEST

START_TEST(a_frozen_bus_takes_no_more)
{
    const struct bus_region region = {.first = 0x1000, .last = 0x1000, .name = "late"};

    ck_assert_int_eq(bus_add(&bus, &region, NULL), -ENOSPC);
    ck_assert_ptr_null(found_at(&bus, 0x1000));
}
END_TEST

static const struct claim_case {
    struct device_claim claim;
    int result;
} claim_cases[] = {
    {{.space = BUS_PIO, .base = 0x100, .size = 1, .name = "it"}, 0},
    {{.space = BUS_PIO, .base = 0x100, .size = 0, .name = "it"}, -EINVAL},
    {{.space = BUS_PIO, .base = 0, .size = 0, .name = "it"}, -EINVAL},
    {{.space = BUS_PIO, .base = 0xffff, .size = 2, .name = "it"}, -EINVAL},
    {{.space = BUS_PIO, .base = 2, .size = UINT64_MAX, .name = "it"}, -EINVAL},
    {{.space = BUS_MMIO, .base = GIB, .size = PAGE_SIZE, .name = "it"}, 0},
    {{.space = BUS_MMIO, .base = GIB, .size = 0, .name = "it"}, -EINVAL},
    {{.space = BUS_MMIO, .base = UINT64_MAX, .size = 2, .name = "it"}, -EINVAL},
    {{.space = BUS_MMIO, .base = GIB, .size = UINT64_MAX, .name = "it"}, -EINVAL},
    {{.space = BUS_MMIO, .base = 0, .size = 1, .name = "it"}, -EBUSY},            /* RAM */
    {{.space = BUS_MMIO, .base = 16 * MIB - 1, .size = 2, .name = "it"}, -EBUSY}, /* its end */
    {{.space = BUS_MMIO, .base = 16 * MIB, .size = 2, .name = "it"}, 0},
};

START_TEST(a_claim_has_bytes_and_none_of_them_is_ram_or_past_the_end)
{
    const struct claim_case *c = &claim_cases[_i];
    struct fixture fixture;
    struct error error = {""};

    fixture_setup(&fixture);
    probe.device.machine = &fixture.machine;
    ck_assert_int_eq(device_claim(&probe.device, &c->claim, &error), c->result);
    ck_assert_uint_eq(fixture.machine.bus[c->claim.space].region_count, c->result == 0);
    ck_assert(c->result == 0 || strncmp(error.text, "it: ", 4) == 0);
    fixture_teardown(&fixture);
}
END_TEST

START_TEST(a_device_that_cannot_be_made_leaves_no_regions)
{
    struct bus *ports;
    struct fixture fixture;

    fixture_setup(&fixture);
    ports = &fixture.machine.bus[BUS_PIO];
    ck_assert_int_eq(device_create(&fixture.machine, &probe_type, NULL, NULL), 0);
    ck_assert_int_eq(device_create(&fixture.machine, &failing_type, NULL, NULL), -ENOENT);
    ck_assert_uint_eq(ports->region_count, 1);
    ck_assert_ptr_null(found_at(ports, 0));
    ck_assert_ptr_nonnull(found_at(ports, 0x10));
    ck_assert_uint_eq(fixture.machine.bus[BUS_MMIO].region_count, 0);
    fixture_teardown(&fixture);
}
END_TEST

/* Regions that move: as PCI BARs do. */
static struct bus moving_bus;

static void let_move(unsigned key, uint64_t first, uint64_t last)
{
    const struct bus_region region = {.first = first,
                                      .last = last,
                                      .device = &probe.device,
                                      .index = key,
                                      .widest = 4,
                                      .name = "moving"};

    bus_move(&moving_bus, key, &region);
}

static void set_up_moving(void)
{
    const struct bus_region fixed = {
        .first = 0x100, .last = 0x1ff, .device = &probe.device, .index = 7, .name = "fixed"};

    bus_init(&moving_bus, BUS_MMIO);
    ck_assert_int_eq(bus_add(&moving_bus, &fixed, NULL), 0);
    bus_freeze(&moving_bus);
}

static void check_decoder(uint64_t address, unsigned want)
{
    const struct bus_region *region = found_at(&moving_bus, address);

    ck_assert_uint_eq(region ? region->index : PROBE_REGIONS, want);
}

START_TEST(a_region_moves_on_a_frozen_bus)
{
    set_up_moving();
    let_move(1, 0x1000, 0x1fff);
    check_decoder(0x1000, 1);
    check_decoder(0x1fff, 1);
    check_decoder(0x2000, PROBE_REGIONS);
    let_move(1, 0x8000, 0x8fff);
    check_decoder(0x1000, PROBE_REGIONS);
    check_decoder(0x8000, 1);
    bus_move(&moving_bus, 1, NULL);
    check_decoder(0x8000, PROBE_REGIONS);
    bus_finish(&moving_bus);
}
END_TEST

START_TEST(a_moving_region_yields_to_a_fixed_one)
{
    set_up_moving();
    let_move(1, 0, 0xfff);
    check_decoder(0xff, 1);
    check_decoder(0x100, 7);
    check_decoder(0x1ff, 7);
    check_decoder(0x200, 1);
    bus_finish(&moving_bus);
}
END_TEST

START_TEST(of_two_moving_regions_the_lower_key_decodes)
{
    set_up_moving();
    let_move(5, 0x1000, 0x1fff);
    let_move(2, 0x1800, 0x27ff);
    check_decoder(0x17ff, 5);
    check_decoder(0x1800, 2);
    check_decoder(0x1fff, 2);
    bus_move(&moving_bus, 2, NULL);
    check_decoder(0x1800, 5);
    bus_finish(&moving_bus);
}
END_TEST

START_TEST(a_moving_region_may_end_at_the_last_address)
{
    set_up_moving();
    let_move(BUS_MOVING - 1, UINT64_MAX - 0xfff, UINT64_MAX);
    check_decoder(UINT64_MAX, BUS_MOVING - 1);
    check_decoder(0, PROBE_REGIONS);
    bus_finish(&moving_bus);
}
END_TEST

static const struct lock_case {
    const struct device_type *type;
    unsigned vcpus;
    bool held;
} lock_cases[] = {
    {&probe_type, 1, false},
    {&probe_type, 2, true},
    {&lock_free_type, 2, false},
};

START_TEST(the_lock_of_a_locked_device_is_held_with_more_than_one_vcpu)
{
    const struct lock_case *c = &lock_cases[_i];
    struct bus_cycle read = {.address = 0x10, .size = 8};
    struct bus_cycle write = {.address = 0x16, .size = 4, .write = true};
    struct fixture fixture;
    struct probe *made;

    fixture_setup(&fixture);
    fixture.machine.config.vcpu_count = c->vcpus;
    ck_assert_int_eq(device_create(&fixture.machine, c->type, NULL, NULL), 0);
    made = (struct probe *)fixture.machine.devices;

    bus_access(&fixture.machine.bus[BUS_PIO], &read);
    bus_access(&fixture.machine.bus[BUS_PIO], &write);
    ck_assert_str_eq(made->pieces, "0@0/4 0@4/4 0@6/1 0@7/1");
    ck_assert_int_eq(made->lock_held, c->held);
    /* And it is free again. */
    ck_assert(lock_try(&made->device.lock));
    lock_release(&made->device.lock);
    fixture_teardown(&fixture);
}
END_TEST

Suite *bus_suite(void)
{
    Suite *suite = suite_create("bus");
    TCase *tcase = tcase_create("bus");
    const int accesses = (int)COUNT(access_cases);

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_read_takes_each_byte_from_who_decodes_it, 0, accesses);
    tcase_add_loop_test(tcase, a_write_gives_each_byte_to_who_decodes_it, 0, accesses);
    tcase_add_loop_test(tcase, registers_are_needed_if_a_piece_goes_to_a_region_that_looks_at_them,
                        0, accesses);
    tcase_add_test(tcase, an_unclaimed_read_gives_ones_of_its_size);
    tcase_add_test(tcase, an_unclaimed_write_is_dropped);
    tcase_add_test(tcase, a_port_access_past_the_last_port_does_not_wrap);
    tcase_add_test(tcase, a_lookup_finds_every_byte_of_a_region_and_none_beside_it);
    tcase_add_test(tcase, regions_are_sorted_whatever_the_order_they_came_in);
    tcase_add_test(tcase, an_overlap_is_refused_and_names_both_devices);
    tcase_add_test(tcase, neighbours_do_not_overlap);
    tcase_add_loop_test(tcase, a_region_lies_inside_its_address_space, 0, (int)COUNT(range_cases));
    tcase_add_test(tcase, a_full_table_takes_no_more);
    tcase_add_test(tcase, a_frozen_bus_takes_no_more);
    tcase_add_loop_test(tcase, a_claim_has_bytes_and_none_of_them_is_ram_or_past_the_end, 0,
                        (int)COUNT(claim_cases));
    tcase_add_test(tcase, a_device_that_cannot_be_made_leaves_no_regions);
    tcase_add_loop_test(tcase, the_lock_of_a_locked_device_is_held_with_more_than_one_vcpu, 0,
                        (int)COUNT(lock_cases));
    tcase_add_test(tcase, a_region_moves_on_a_frozen_bus);
    tcase_add_test(tcase, a_moving_region_yields_to_a_fixed_one);
    tcase_add_test(tcase, of_two_moving_regions_the_lower_key_decodes);
    tcase_add_test(tcase, a_moving_region_may_end_at_the_last_address);
    suite_add_tcase(suite, tcase);
    return suite;
}
