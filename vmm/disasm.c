#include "vmm/disasm.h"

#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

typedef ZyanStatus (*disassemble)(ZydisMachineMode mode, ZyanU64 address, const void *bytes,
                                  ZyanUSize length, ZydisDisassembledInstruction *instruction);

/* The library whose structures this was compiled with: its soname has the same two numbers. */
static void *open_library(void)
{
    char name[32];

    snprintf(name, sizeof(name), "libZydis.so.%u.%u", (unsigned)ZYDIS_VERSION_MAJOR(ZYDIS_VERSION),
             (unsigned)ZYDIS_VERSION_MINOR(ZYDIS_VERSION));
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

static ZydisMachineMode mode_of(unsigned bits)
{
    if (bits == 64)
        return ZYDIS_MACHINE_MODE_LONG_64;
    return bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_REAL_16;
}

int disasm_instruction(const uint8_t *bytes, size_t length, uint64_t address, unsigned bits,
                       char *text, size_t size)
{
    ZydisDisassembledInstruction instruction;
    void *library = open_library();
    disassemble function;
    int result = -EINVAL;

    if (!library)
        return -ENOENT;
    function = (disassemble)dlsym(library, "ZydisDisassembleIntel");
    if (!function)
        result = -ENOENT;
    else if (ZYAN_SUCCESS(function(mode_of(bits), address, bytes, length, &instruction))) {
        snprintf(text, size, "%s", instruction.text);
        result = 0;
    }
    dlclose(library);
    return result;
}
