/*
 * Basic-block vectors: how often each block of code ran, interval by interval, for SimPoint.
 *
 * A block begins after an instruction that may branch, at the target of a branch, and where an interrupt
 * or exception enters or returns: wherever an instruction does not follow the one before. It is identified by the
 * virtual address of its first instruction. Its ID counts from 1 in the order of first appearance.
 *
 * A vector is one line, of the blocks of that interval in the order of their first appearance in it:
 *
 *   T:1:45 :2:12
 *
 * means that 45 instructions of block 1 were executed, and 12 of block 2. The counts of an interval add up to its
 * instructions; only the last interval may be shorter than asked for. A block that crosses the end of an
 * interval is counted in both.
 */
#ifndef STUBS_STEP_BLOCKS_H
#define STUBS_STEP_BLOCKS_H

#include "vmm/io/output.h"
#include "vmm/step/decode.h"

#include <stdbool.h>
#include <stdint.h>

#define STEP_BLOCKS_MAX (1u << 20) /* blocks, of 24 bytes each, and 8 bytes to find it */
#define STEP_VCPUS_MAX  1024

struct step_block {
    uint64_t address;
    uint64_t count; /* instructions in this interval; 0: not in its list */
    uint32_t next;  /* ID of the next in the interval's list; 0: none */
};

/* The position of a vCPU. */
struct step_flow {
    uint64_t next;  /* the address after the last instruction */
    uint32_t block; /* ID; 0: the next instruction begins one */
};

struct step_blocks {
    struct step_block *blocks; /* block ID is blocks[ID - 1] */
    uint32_t used, room;
    uint32_t *slots; /* IDs by address, 2 * (room) of them, by open addressing; 0: free */
    uint32_t limit;  /* blocks, at least 2 */
    bool full;       /* the last block stands for all that came later */

    uint32_t first, last; /* IDs: the interval's list; (last) 0: it is empty */
    uint64_t interval;    /* instructions */
    uint64_t in_interval; /* so far */
    uint64_t intervals;   /* written */
    struct step_flow flows[STEP_VCPUS_MAX];
};

/*
 * Initialise for vectors of (interval) instructions, and at most (limit) blocks: a power of two.
 * -ENOMEM.
 */
int step_blocks_init(struct step_blocks *blocks, uint64_t interval, uint32_t limit);
void step_blocks_free(struct step_blocks *blocks);

/* vCPU (vcpu) executes the instruction at (address). True: the interval is complete and must be written. */
bool step_blocks_execute(struct step_blocks *blocks, unsigned vcpu, uint64_t address,
                         const struct instruction *code);

/* The next instructions are not stepped: every vCPU's next instruction begins a block. */
void step_blocks_cut(struct step_blocks *blocks);

/* Write the interval's vector and begin the next interval. Does nothing if it is empty. */
void step_blocks_write(struct step_blocks *blocks, struct output *output);

#endif
