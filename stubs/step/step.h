/*
 * `--stub step`: a stub that simulates. docs/stubs.md says what it writes.
 *
 * Of the library it uses the public header, like any other stub, and besides: properties and errors for its
 * options, the output buffer and the disassembler, so that files and texts are as everywhere else, and
 * vmm/step/decode.h, because it has to know where an instruction ends. Only files.c looks behind a machine.
 *
 * The models (blocks.h, cache.h) and the texts below know no machine: the callbacks give them addresses and bytes.
 */
#ifndef STUBS_STEP_STEP_H
#define STUBS_STEP_STEP_H

#include "include/minivmm.h"
#include "vmm/observe/disasm.h"

#include <stddef.h>
#include <stdint.h>

extern const struct minivmm_stub stub_type_step;

#define STEP_STATS_TEXT   512       /* bytes: room for the line, with a 0 */
#define STEP_STATS_NAME   (200 + 1) /* bytes: OUTFILE_NAME_MAX and a 0 */
#define STEP_STATS_ENDING ".stats"

struct step_stats {
    uint64_t instructions;   /* given to the models */
    uint64_t fast_forwarded; /* stepped, but not given to them */
    uint64_t blocks;         /* basic blocks that are different from each other */
    uint64_t intervals;      /* vectors of them */
    uint64_t cache_hits, cache_misses;
    uint64_t switches; /* to simulation */
    uint64_t markers;  /* in simulation or not */
};

/*
 * All of them as a line of JSON in (text), which has STEP_STATS_TEXT bytes; gives its length. The miss rate is
 * that of misses among all accesses, 0 if there was none.
 */
size_t step_stats_format(const struct step_stats *stats, char *text);

/*
 * What the guest's (value), which may be NULL, is as a name: in (name), which has STEP_STATS_NAME bytes,
 * without the ending that the file gets. What the log says of it: "kept: ..." or "refused: ...", when (name) stays
 * as it was.
 */
const char *step_stats_name(char *name, const char *value);

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
#define STEP_TRACE_LINE 256 /* bytes: room for every line */

/*
 * The line of (instruction) of vCPU (vcpu), with its newline, in (line), which has STEP_TRACE_LINE bytes;
 * gives its length. (bytes) are (count), at most 15. (disasm) NULL: without the text.
 */
size_t step_trace_line(char *line, unsigned vcpu, const struct minivmm_instruction *instruction,
                       const uint8_t *bytes, unsigned count, const struct disasm *disasm);

#endif
