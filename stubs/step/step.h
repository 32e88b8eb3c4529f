/*
 * `--stub step`: a stub that simulates. docs/stubs.md says what it writes.
 *
 * Of the library it uses the public header, like any other stub, and besides: properties and errors for its
 * options, the output buffer and the disassembler, so that files and texts are as everywhere else, and
 * vmm/step/decode.h, because it has to know where an instruction ends. Only step_outfile.c looks behind a machine.
 *
 * The models (step_blocks.h, step_cache.h) and the texts (step_trace.h, step_stats.h) know no machine:
 * step.c gives them addresses and bytes.
 */
#ifndef STUBS_STEP_STEP_H
#define STUBS_STEP_STEP_H

#include "include/minivmm.h"

extern const struct minivmm_stub stub_type_step;

#endif
