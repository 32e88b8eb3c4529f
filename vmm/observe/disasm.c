#include "vmm/observe/disasm.h"

#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

typedef ZyanStatus (*disassemble)(ZydisMachineMode mode, ZyanU64 address, const void *bytes,
                                  ZyanUSize length, ZydisDisassembledInstruction *instruction);

int disasm_open(struct disasm *disasm)
{
    char name[32];

    /*
     * The library that belongs to the headers of this build: its soname has the same two numbers.
     */
    snprintf(name, sizeof(name), "libZydis.so.%u.%u", (unsigned)ZYDIS_VERSION_MAJOR(ZYDIS_VERSION),
             (unsigned)ZYDIS_VERSION_MINOR(ZYDIS_VERSION));
    disasm->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!disasm->library)
        return -ENOENT;
    disasm->function = (void (*)(void))dlsym(disasm->library, "ZydisDisassembleIntel");
    if (disasm->function)
        return 0;
    disasm_close(disasm);
    return -ENOENT;
}

void disasm_close(struct disasm *disasm)
{
    if (disasm->library)
        dlclose(disasm->library);
    *disasm = (struct disasm){0};
}

static ZydisMachineMode mode_of(unsigned bits)
{
    if (bits == 64)
        return ZYDIS_MACHINE_MODE_LONG_64;
    return bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_REAL_16;
}

int disasm_instruction(const struct disasm *disasm, const uint8_t *bytes, size_t length,
                       uint64_t address, unsigned bits, char *text, size_t size)
{
    const disassemble function = (disassemble)disasm->function;
    ZydisDisassembledInstruction instruction;

    if (!ZYAN_SUCCESS(function(mode_of(bits), address, bytes, length, &instruction)))
        return -EINVAL;
    snprintf(text, size, "%s", instruction.text);
    return 0;
}
