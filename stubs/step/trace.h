/*
 * The instruction trace: a line for each simulated instruction.
 *
 *   NUMBER VCPU ADDRESS BYTES [INSTRUCTION]
 *   1 0 0x100000 48c7c001000000 mov rax, 0x01
 *
 * NUMBER counts the instructions since the start, those of -fast-fwd-insns too, which have no line. ADDRESS
 * is virtual, with the base of its segment. BYTES are two digits each: those of the instruction; or what
 * could be read, up to 15 bytes, where they are none; or -, where nothing is mapped. INSTRUCTION, with
 * disasm=on, is in Intel's notation, or (bad).
 */
#ifndef STUBS_STEP_TRACE_H
#define STUBS_STEP_TRACE_H

#include "include/minivmm.h"
#include "vmm/observe/disasm.h"

#include <stddef.h>
#include <stdint.h>

#define STEP_TRACE_LINE 256 /* bytes: room for every line */

/*
 * The line of (instruction) of vCPU (vcpu), with its newline, in (line), which has STEP_TRACE_LINE bytes;
 * gives its length. (bytes) are (count), at most 15. (disasm) NULL: without the text.
 */
size_t step_trace_line(char *line, unsigned vcpu, const struct minivmm_instruction *instruction,
                       const uint8_t *bytes, unsigned count, const struct disasm *disasm);

#endif
