#include "stubs/step/blocks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 1024 /* blocks */

static struct step_block *block_of(struct step_blocks *blocks, uint32_t id)
{
    return &blocks->blocks[id - 1];
}

/* The index in (slots), of 2 * (room), of the block at (address), or of the free slot for it. */
static uint32_t find_slot(struct step_blocks *blocks, const uint32_t *slots, uint32_t room,
                          uint64_t address)
{
    /* 2^64 by the golden ratio: Knuth, The Art of Computer Programming, 6.4. */
    uint32_t slot = (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (2 * room - 1);

    while (slots[slot] && block_of(blocks, slots[slot])->address != address)
        slot = (slot + 1) & (2 * room - 1);
    return slot;
}

/* Double the room; if memory is out, nothing changes. */
static int grow(struct step_blocks *blocks, uint32_t room)
{
    uint32_t *slots = calloc(2 * (size_t)room, sizeof(slots[0]));
    struct step_block *moved = realloc(blocks->blocks, room * sizeof(moved[0]));

    if (moved)
        blocks->blocks = moved;
    if (!slots || !moved) {
        free(slots);
        return -ENOMEM;
    }
    for (uint32_t id = 1; id <= blocks->used; id++)
        slots[find_slot(blocks, slots, room, block_of(blocks, id)->address)] = id;
    free(blocks->slots);
    blocks->slots = slots;
    blocks->room = room;
    return 0;
}

int step_blocks_init(struct step_blocks *blocks, uint64_t interval, uint32_t limit)
{
    *blocks = (struct step_blocks){.limit = limit, .interval = interval};
    return grow(blocks, limit < FIRST_ROOM ? limit : FIRST_ROOM);
}

void step_blocks_free(struct step_blocks *blocks)
{
    free(blocks->blocks);
    free(blocks->slots);
    blocks->blocks = NULL;
    blocks->slots = NULL;
}

/*
 * The ID of the block at (address), which may be new. The last ID is shared by all blocks without
 * room.
 */
static uint32_t find_block(struct step_blocks *blocks, uint64_t address)
{
    uint32_t slot = find_slot(blocks, blocks->slots, blocks->room, address);

    if (blocks->slots[slot])
        return blocks->slots[slot];
    if (blocks->full)
        return blocks->used;
    if (blocks->used + 1 == blocks->room) {
        blocks->full = blocks->room == blocks->limit || grow(blocks, 2 * blocks->room) < 0;
        if (!blocks->full)
            slot = find_slot(blocks, blocks->slots, blocks->room, address);
    }
    blocks->used++;
    *block_of(blocks, blocks->used) = (struct step_block){.address = address};
    if (!blocks->full)
        blocks->slots[slot] = blocks->used;
    return blocks->used;
}

static void count_in(struct step_blocks *blocks, uint32_t id)
{
    struct step_block *block = block_of(blocks, id);

    if (block->count++ > 0)
        return;
    block->next = 0;
    if (blocks->last)
        block_of(blocks, blocks->last)->next = id;
    else
        blocks->first = id;
    blocks->last = id;
}

bool step_blocks_execute(struct step_blocks *blocks, unsigned vcpu, uint64_t address,
                         const struct instruction *code)
{
    struct step_flow *flow = &blocks->flows[vcpu % STEP_VCPUS_MAX];

    if (!flow->block || flow->next != address)
        flow->block = find_block(blocks, address);
    count_in(blocks, flow->block);
    flow->next = address + code->length;
    if (code->ends_block)
        flow->block = 0;
    return ++blocks->in_interval == blocks->interval;
}

void step_blocks_cut(struct step_blocks *blocks)
{
    for (unsigned vcpu = 0; vcpu < STEP_VCPUS_MAX; vcpu++)
        blocks->flows[vcpu].block = 0;
}

void step_blocks_write(struct step_blocks *blocks, struct output *output)
{
    char text[48];

    if (!blocks->in_interval)
        return;
    output_write(output, "T", 1);
    for (uint32_t id = blocks->first; id; id = block_of(blocks, id)->next) {
        struct step_block *block = block_of(blocks, id);
        int length = snprintf(text, sizeof(text), "%s:%" PRIu32 ":%" PRIu64,
                              id == blocks->first ? "" : " ", id, block->count);

        output_write(output, text, (size_t)length);
        block->count = 0;
    }
    output_write(output, "\n", 1);
    blocks->last = 0;
    blocks->in_interval = 0;
    blocks->intervals++;
}
