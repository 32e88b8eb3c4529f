/* Multiboot 1: ELF files with a Multiboot header, and raw files whose header has the addresses. */
#include "guest/abi/multiboot.h"
#include "guest/abi/boot.h"
#include "vmm/boot/boot_info.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/formats.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define REQUIRED_SIZE offsetof(struct multiboot_header, header_addr)
#define KNOWN         (MULTIBOOT_ALIGN_MODULES | MULTIBOOT_WANT_MEMORY)
#define MAP_MAX       BOOT_MAP_MAX

/* The complete information, as written to BOOT_LOADER. */
struct block {
    struct multiboot_info info;
    struct multiboot_range map[MAP_MAX];
    struct multiboot_module module;
    char loader[12];
    char module_name[2048];
    char command[5120]; /* the image's path and --append */
};

_Static_assert(sizeof(struct block) <= BOOT_TABLES - BOOT_LOADER, "it fits its place");

static int refuse(const struct loading *loading, const char *why)
{
    return error_set(loading->error, -ENOEXEC, "%s: %s", loading->image->path, why);
}

/* Find the header. Its address fields may be missing. */
static bool find_header(const struct loader_file *image, uint64_t *offset)
{
    const uint64_t end = image->size < MULTIBOOT_SEARCH ? image->size : MULTIBOOT_SEARCH;

    for (*offset = 0; *offset + REQUIRED_SIZE <= end; *offset += MULTIBOOT_ALIGN) {
        uint32_t fields[REQUIRED_SIZE / sizeof(uint32_t)];

        memcpy(fields, image->bytes + *offset, sizeof(fields));
        if (fields[0] == MULTIBOOT_MAGIC && fields[0] + fields[1] + fields[2] == 0)
            return true;
    }
    return false;
}

static bool recognize(const struct loader_file *image)
{
    uint64_t offset;

    return find_header(image, &offset);
}

/* Load the file by the addresses in its Multiboot header, whatever its format; section 3.1.3. */
static int add_by_addresses(struct loading *loading, const struct multiboot_header *header,
                            uint64_t header_offset)
{
    const uint64_t before = (uint64_t)header->header_addr - header->load_addr;
    const uint64_t offset = header_offset - before;
    struct loader_segment segment = {.address = header->load_addr, .linked = header->load_addr};

    if (header->header_addr < header->load_addr || before > header_offset)
        return refuse(loading, "the Multiboot header says that the file begins before its first "
                               "byte; correct header_addr and load_addr");
    if (header->load_end_addr != 0 && header->load_end_addr < header->load_addr)
        return refuse(loading, "the Multiboot header has load_end_addr below load_addr");
    segment.file_size = header->load_end_addr != 0 ? header->load_end_addr - header->load_addr
                                                   : loading->image->size - offset;
    segment.size = segment.file_size;
    if (header->bss_end_addr != 0) {
        if (header->bss_end_addr < header->load_addr + segment.file_size)
            return refuse(loading, "the Multiboot header has bss_end_addr below the end of the "
                                   "bytes to load");
        segment.size = header->bss_end_addr - header->load_addr;
    }
    loading->start.entry = header->entry_addr;
    return loader_add_segment(loading, &segment, offset);
}

/* A 64-bit file is accepted too: its code begins with 32-bit instructions. */
static int add_by_elf(struct loading *loading)
{
    struct elf_header header;
    int result;

    if (!elf_recognize(loading->image))
        return refuse(loading, "the Multiboot header has no address fields, and the file is no ELF "
                               "file; set bit 16 of its flags, or link an ELF file");
    result = elf_read_header(loading->image, &header, loading->error);
    if (result == 0)
        result = elf_add_segments(loading, &header);
    if (result == 0)
        loading->start.entry = elf_entry(loading, &header);
    return result;
}

static int parse(struct loading *loading)
{
    struct multiboot_header header = {0};
    const uint8_t *bytes;
    uint64_t offset;

    loading->start.mode = X86_PROTECTED;
    loading->start.bare = true;
    loading->start.rax = MULTIBOOT_BOOTED;
    loading->start.info = BOOT_LOADER;

    if (!find_header(loading->image, &offset))
        return refuse(loading, "there is no Multiboot header");
    memcpy(&header, loading->image->bytes + offset, REQUIRED_SIZE);
    if (header.flags & MULTIBOOT_MUST_KNOW & ~KNOWN)
        return error_set(loading->error, -ENOEXEC,
                         "%s: the Multiboot header asks for what is not offered here, flags 0x%x; "
                         "only bits 0, 1 and 16 are",
                         loading->image->path, header.flags & MULTIBOOT_MUST_KNOW & ~KNOWN);
    if (!(header.flags & MULTIBOOT_HAS_ADDRESSES))
        return add_by_elf(loading);
    bytes = loader_file_at(loading->image, offset, sizeof(header));
    if (!bytes)
        return refuse(loading, "the Multiboot header is not whole; the file is damaged");
    memcpy(&header, bytes, sizeof(header));
    return add_by_addresses(loading, &header, offset);
}

#define BLOCK_AT(field) (BOOT_LOADER + (uint32_t)offsetof(struct block, field))

static void write_memory(const struct memory *memory, struct block *block)
{
    struct boot_range map[MAP_MAX];
    const unsigned count = boot_memory_map(memory, map);

    for (unsigned i = 0; i < count; i++)
        block->map[i] = (struct multiboot_range){
            .size = sizeof(block->map[i]) - sizeof(block->map[i].size),
            .base = map[i].base,
            .length = map[i].size,
            .type = map[i].usable ? MULTIBOOT_RANGE_USABLE : MULTIBOOT_RANGE_RESERVED,
        };
    block->info.mmap_addr = BLOCK_AT(map);
    block->info.mmap_length = count * (uint32_t)sizeof(block->map[0]);
    block->info.mem_lower = BOOT_AREA / KIB;
    block->info.mem_upper = (uint32_t)((memory_low_end(memory) - MIB) / KIB);
    block->info.flags |= MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MAP;
}

static int write_modules(const struct loading *loading, struct block *block)
{
    block->info.flags |= MULTIBOOT_INFO_MODULES;
    if (!loading->initrd)
        return 0;
    if ((size_t)snprintf(block->module_name, sizeof(block->module_name), "%s",
                         loading->initrd->path) >= sizeof(block->module_name))
        return error_set(loading->error, -E2BIG, "%s: its name is too long for the guest",
                         loading->initrd->path);
    block->module = (struct multiboot_module){
        .start = (uint32_t)loading->initrd_address,
        .end = (uint32_t)(loading->initrd_address + loading->initrd->size),
        .string = BLOCK_AT(module_name),
    };
    block->info.mods_count = 1;
    block->info.mods_addr = BLOCK_AT(module);
    return 0;
}

/* The image's path comes first, as with other loaders: guests use it as argv[0]. */
static int write_command(const struct loading *loading, struct block *block)
{
    const int length = snprintf(block->command, sizeof(block->command), "%s %s",
                                loading->image->path, loader_command_line(loading));

    if ((size_t)length >= sizeof(block->command))
        return error_set(loading->error, -E2BIG,
                         "%s: the command line passes %zu bytes; shorten --append",
                         loading->image->path, sizeof(block->command) - 1);
    block->info.cmdline = BLOCK_AT(command);
    block->info.flags |= MULTIBOOT_INFO_COMMAND;
    return 0;
}

static int write_info(const struct loading *loading)
{
    struct block block = {.loader = "minivmm"};
    int result = write_modules(loading, &block);

    if (result == 0)
        result = write_command(loading, &block);
    if (result < 0)
        return result;
    write_memory(loading->memory, &block);
    block.info.boot_loader_name = BLOCK_AT(loader);
    block.info.flags |= MULTIBOOT_INFO_LOADER;
    return loader_write_block(loading, &block, sizeof(block));
}

const struct loader_format loader_multiboot = {
    .name = "Multiboot image",
    .elsewhere = "another link address",
    .says_where = true,
    .recognize = recognize,
    .parse = parse,
    .write_info = write_info,
};
