/*
 * One instruction as text, for reports and traces.
 *
 * Debian's libzydis disassembles. It is loaded only when it is needed, so start-up does not pay for
 * it, and a host without it still gets the bytes.
 */
#ifndef VMM_OBSERVE_DISASM_H
#define VMM_OBSERVE_DISASM_H

#include <stddef.h>
#include <stdint.h>

#define DISASM_TEXT 128 /* bytes: room for every instruction's text */

/* The library: zero before it is opened. */
struct disasm {
    void *library;          /* of dlopen() */
    void (*function)(void); /* its type is in the library's header only */
};

/* -ENOENT: the library is absent. */
int disasm_open(struct disasm *disasm);

/* Does nothing if it is not open. */
void disasm_close(struct disasm *disasm);

/*
 * Disassemble the instruction in (bytes), (length) of them, at (address); (bits) is 16, 32 or 64.
 * 0: (text) holds it, cut to (size). -EINVAL: not an instruction.
 */
int disasm_instruction(const struct disasm *disasm, const uint8_t *bytes, size_t length,
                       uint64_t address, unsigned bits, char *text, size_t size);

#endif
