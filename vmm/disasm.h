/*
 * One instruction as text, for reports.
 *
 * Debian's libzydis does it. It is loaded only here, when a report is written, so that start-up
 * does not pay for it and a machine without it still gets the bytes.
 */
#ifndef VMM_DISASM_H
#define VMM_DISASM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The instruction in (bytes), (length) of them, which lies at (address); (bits) is 16, 32 or 64.
 * 0: (text) holds it. -ENOENT: the library is absent; -EINVAL: no instruction.
 */
int disasm_instruction(const uint8_t *bytes, size_t length, uint64_t address, unsigned bits,
                       char *text, size_t size);

#endif
