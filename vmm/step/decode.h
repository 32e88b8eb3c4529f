/*
 * x86 instructions, as far as one who steps through them must know them: how long one is, whether it may
 * go elsewhere, whether it repeats. What it does is nobody's business here.
 */
#ifndef VMM_STEP_DECODE_H
#define VMM_STEP_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#define INSTRUCTION_MAX 15 /* bytes of an instruction; Intel SDM volume 2A, 2.3.11 */

/* All 0: the bytes end before the instruction does, or begin with none. */
struct instruction {
    unsigned length; /* bytes; also of some that the processor refuses */
    bool ends_block; /* a jump, call, return, loop or interrupt, conditional or not */
    bool repeats;    /* a string instruction with a rep prefix: stepping stops in each iteration */
    uint8_t
        opcode;   /* of one byte; 0 also stands for longer ones, and for those with a LOCK prefix */
    bool wide;    /* REX.W */
    bool operand; /* prefix 66 */
};

/* The instruction that (bytes), (count) of them, begin with; (bits) of the code: 16, 32 or 64. */
struct instruction instruction_decode(const uint8_t *bytes, unsigned count, unsigned bits);

#endif
