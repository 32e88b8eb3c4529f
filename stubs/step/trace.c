#include "stubs/step/trace.h"

#include "vmm/step/decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(3 * 20 + 2 * INSTRUCTION_MAX + DISASM_TEXT + 16 < STEP_TRACE_LINE,
               "three numbers, the bytes and the text fit in a line");

static size_t put_bytes(char *to, const uint8_t *bytes, unsigned count)
{
    static const char digits[] = "0123456789abcdef";

    if (!count)
        *to = '-';
    for (unsigned i = 0; i < count; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    return count ? 2 * count : 1;
}

size_t step_trace_line(char *line, unsigned vcpu, const struct minivmm_instruction *instruction,
                       const uint8_t *bytes, unsigned count, const struct disasm *disasm)
{
    size_t used = (size_t)snprintf(line, STEP_TRACE_LINE, "%" PRIu64 " %u 0x%" PRIx64 " ",
                                   instruction->number, vcpu, instruction->address);
    char text[DISASM_TEXT];

    used += put_bytes(line + used, bytes, count < INSTRUCTION_MAX ? count : INSTRUCTION_MAX);
    if (disasm) {
        if (disasm_instruction(disasm, bytes, count, instruction->address, instruction->bits, text,
                               sizeof(text)) < 0)
            strcpy(text, "(bad)");
        used += (size_t)snprintf(line + used, STEP_TRACE_LINE - used, " %s", text);
    }
    line[used++] = '\n';
    return used;
}
