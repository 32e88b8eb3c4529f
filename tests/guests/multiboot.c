/* What a Multiboot image gets from the loader: the same here as with other monitors. */
#include "guest/abi/multiboot.h"
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/image.h"

#include <stddef.h>

#define BIOS 0xf0000u
#define MIB  0x100000u
#define KIB  1024u

static uint32_t in_bss;

static void check_processor(uint32_t eax)
{
    check_equal("EAX has the magic number", eax, MULTIBOOT_BOOTED);
    check_equal("protection is on, paging off", cr0_read() & (CR0_PE | CR0_PG), CR0_PE);
    check_equal("CR4 is clear", cr4_read(), 0);
    check_equal("interrupts are off", flags_read() & RFLAGS_IF, 0);
    check_equal("what the file does not have is zero", in_bss, 0);
}

/* The map's entry that contains (address), or NULL. */
static const struct multiboot_range *range_of(const struct multiboot_info *info, uint64_t address)
{
    const uint32_t end = info->mmap_addr + info->mmap_length;
    const struct multiboot_range *range;

    for (uint32_t at = info->mmap_addr; at < end; at += range->size + sizeof(range->size)) {
        range = (const struct multiboot_range *)at;
        if (address - range->base < range->length)
            return range;
    }
    return NULL;
}

static bool is_ram(const struct multiboot_info *info, uint64_t address)
{
    const struct multiboot_range *range = range_of(info, address);

    return range != NULL && range->type == MULTIBOOT_RANGE_USABLE;
}

static void check_memory(const struct multiboot_info *info)
{
    const struct multiboot_range *upper = range_of(info, MIB);

    check_group("memory");
    check("its sizes are given", info->flags & MULTIBOOT_INFO_MEMORY);
    check("its map is given", info->flags & MULTIBOOT_INFO_MAP);
    check("there is RAM at 0", is_ram(info, 0));
    check("there is none where the BIOS is", !is_ram(info, BIOS));
    check("there is where this image is", is_ram(info, (uintptr_t)check_memory));
    check("lower memory is at least 512 KiB", info->mem_lower >= 512 && info->mem_lower <= 640);
    check("upper memory is in the map",
          upper != NULL && info->mem_upper > 0 &&
              MIB + (uint64_t)info->mem_upper * KIB <= upper->base + upper->length);
    check_group("");
}

/* It begins with the path of the file, which differs and may contain spaces. */
static void show_command(const struct multiboot_info *info)
{
    const char *text = info->flags & MULTIBOOT_INFO_COMMAND ? (const char *)info->cmdline : "";

    for (const char *next = text; *next != '\0'; next++)
        if (*next == '/')
            text = next;
    while (*text != '\0' && *text != ' ')
        text++;
    printf("command line:%s\n", text);
}

static void show_modules(const struct multiboot_info *info)
{
    const struct multiboot_module *module = (const struct multiboot_module *)info->mods_addr;

    printf("modules: %u\n", info->mods_count);
    for (uint32_t i = 0; i < info->mods_count; i++, module++) {
        check_equal("the module begins at a page", module->start % 4096, 0);
        check("the module lies in RAM", is_ram(info, module->start));
        for (const char *byte = (const char *)module->start; byte < (const char *)module->end;
             byte++)
            console_put(*byte);
    }
}

int image_main(uint32_t eax, const void *block)
{
    const struct multiboot_info *info = block;

    check_processor(eax);
    check_memory(info);
    show_command(info);
    show_modules(info);
    check("the loader has a name", (info->flags & MULTIBOOT_INFO_LOADER) != 0 &&
                                       *(const char *)info->boot_loader_name != '\0');
    return check_summary();
}
