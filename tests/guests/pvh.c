/* What a PVH image gets from the loader: the same here as with other monitors. */
#include "guest/abi/pvh.h"
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/image.h"

#define BIOS 0xf0000u

static uint32_t in_bss;

static bool is_ram(const struct pvh_info *info, uint64_t address)
{
    const struct pvh_range *range = (const struct pvh_range *)(uintptr_t)info->map;

    for (uint32_t i = 0; i < info->map_count; i++)
        if (address - range[i].base < range[i].size)
            return range[i].type == PVH_RANGE_USABLE;
    return false;
}

static void check_processor(void)
{
    check_equal("protection is on, paging off", cr0_read() & (CR0_PE | CR0_PG), CR0_PE);
    check_equal("CR4 is clear", cr4_read(), 0);
    check_equal("interrupts are off", flags_read() & RFLAGS_IF, 0);
    check_equal("what the file does not have is zero", in_bss, 0);
}

static void check_info(const struct pvh_info *info)
{
    check_equal("EBX points to the magic number", info->magic, PVH_MAGIC);
    check_equal("version", info->version, PVH_VERSION);
    check("there is RAM at 0", is_ram(info, 0));
    check("there is none where the BIOS is", !is_ram(info, BIOS));
    check("there is where this image is", is_ram(info, (uintptr_t)check_info));
}

static void show_modules(const struct pvh_info *info)
{
    const struct pvh_module *module = (const struct pvh_module *)(uintptr_t)info->modules;

    printf("modules: %u\n", info->module_count);
    for (uint32_t i = 0; i < info->module_count; i++, module++) {
        check_equal("the module begins at a page", module->address % 4096, 0);
        check("the module lies in RAM", is_ram(info, module->address));
        for (uint64_t at = 0; at < module->size; at++)
            console_put(*(const char *)(uintptr_t)(module->address + at));
    }
}

int image_main(uint32_t eax, const void *block)
{
    const struct pvh_info *info = block;

    (void)eax;
    check_processor();
    check_info(info);
    printf("command line: %s\n", (const char *)(uintptr_t)info->command);
    show_modules(info);
    return check_summary();
}
