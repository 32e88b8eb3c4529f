/*
 * x86 instructions, decoded as far as stepping needs: their length, and whether they may jump or
 * repeat.
 */
#ifndef VMM_STEP_DECODE_H
#define VMM_STEP_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define INSTRUCTION_MAX 15 /* bytes of an instruction; Intel SDM volume 2A, 2.3.11 */

/* All 0: no bytes, or the bytes end before the instruction does. */
struct instruction {
    unsigned length; /* in bytes; also of some instructions that the processor refuses */
    bool ends_block; /* a jump, call, return, loop or interrupt, conditional or not */
    bool repeats;    /* a string instruction with a rep prefix: stepping stops in each iteration */
    uint8_t opcode;  /* if it has one byte and no LOCK prefix; else 0 */
    bool wide;       /* REX.W */
    bool operand;    /* prefix 66 */
};

/*
 * Decode the instruction at the start of (bytes), (count) of them; (bits) of the code: 16, 32 or
 * 64.
 */
struct instruction instruction_decode(const uint8_t *bytes, unsigned count, unsigned bits);

#endif
