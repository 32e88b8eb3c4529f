/*
 * Parsing the inputs of an exit, the `<` lines of an exit stream.
 */
#ifndef VMM_REPLAY_GIVEN_PARSE_H
#define VMM_REPLAY_GIVEN_PARSE_H

#include "vmm/base/lines.h"
#include "vmm/replay/given.h"

/*
 * Parse the input that follows `<` in (line), for the exit of vCPU (id), which exists. Registers,
 * memory and typed text are set in the machine, the rest is added to (given). Returns 0 or a negative
 * errno with its sentence.
 */
int given_parse_input(struct given *given, struct cursor *line, unsigned id, struct error *error);

#endif
