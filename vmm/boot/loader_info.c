/* What every format tells its guests, each in its own words. */
#include "vmm/boot/loading.h"

#include "guest/abi/boot.h"

#include <errno.h>

unsigned loader_memory_map(const struct memory *memory, struct loader_range *map)
{
    const uint64_t low_end = memory_low_end(memory);
    unsigned count = 0;

    map[count++] = (struct loader_range){0, BOOT_AREA, true};
    map[count++] = (struct loader_range){BOOT_AREA, BOOT_BIOS_END - BOOT_AREA, false};
    if (low_end > BOOT_BIOS_END)
        map[count++] = (struct loader_range){BOOT_BIOS_END, low_end - BOOT_BIOS_END, true};
    for (unsigned i = 1; i < memory->slot_count; i++)
        map[count++] =
            (struct loader_range){memory->slots[i].base.value, memory->slots[i].size, true};
    return count;
}

unsigned loader_e820(const struct memory *memory, struct e820_entry *map)
{
    enum { RAM = 1, RESERVED = 2 };
    struct loader_range ranges[LOADER_MAP_MAX];
    const unsigned count = loader_memory_map(memory, ranges);

    for (unsigned i = 0; i < count; i++)
        map[i] =
            (struct e820_entry){ranges[i].base, ranges[i].size, ranges[i].usable ? RAM : RESERVED};
    return count;
}

const char *loader_command_line(const struct loading *loading)
{
    return loading->request->append ? loading->request->append : "";
}

int loader_write_block(const struct loading *loading, const void *block, uint64_t size)
{
    if (memory_write(loading->memory, gpa(BOOT_LOADER), block, size) < 0)
        return error_set(loading->error, -EFAULT,
                         "no RAM for the boot information; give more with -m");
    return 0;
}
