/* PVH: an ELF file with a note that gives its entry in 32-bit protected mode. */
#include "guest/abi/pvh.h"
#include "guest/abi/boot.h"
#include "vmm/boot/boot_info.h"
#include "vmm/boot/elf.h"
#include "vmm/boot/formats.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define NOTES_MAX (64 * KIB) /* bytes of one note segment: it bounds the search */

struct block {
    struct pvh_info info;
    struct pvh_range map[BOOT_MAP_MAX];
    struct pvh_module module;
    char command[4096];
};

_Static_assert(sizeof(struct block) <= BOOT_TABLES - BOOT_LOADER, "it fits its place");

static uint64_t align_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* Read the entry from a description of (size) bytes. */
static int take_entry(const struct loader_file *image, const uint8_t *bytes, uint64_t size,
                      uint64_t *entry, struct error *error)
{
    uint32_t narrow;

    if (size == sizeof(*entry)) {
        memcpy(entry, bytes, sizeof(*entry));
        return 0;
    }
    if (size != sizeof(narrow))
        return error_set(error, -ENOEXEC,
                         "%s: its PVH note has %" PRIu64 " bytes of entry; give it 4 or 8",
                         image->path, size);
    memcpy(&narrow, bytes, sizeof(narrow));
    *entry = narrow;
    return 0;
}

/* Search the notes of one segment. -ENOENT: not found; -ENOEXEC: they are malformed. */
static int search_notes(const struct loader_file *image, const struct elf_program *program,
                        uint64_t *entry, struct error *error)
{
    const struct loader_file notes = {.bytes = image->bytes + program->offset,
                                      .size = program->file_size};
    const uint64_t align = program->align == 8 ? 8 : 4;
    uint64_t at = 0;
    Elf64_Nhdr note; /* the same in both widths */

    while (at + sizeof(note) <= notes.size) {
        uint64_t description;
        const uint8_t *bytes;

        memcpy(&note, notes.bytes + at, sizeof(note));
        description = align_up(at + sizeof(note) + note.n_namesz, align);
        bytes = loader_file_at(&notes, description, note.n_descsz);
        if (!bytes)
            return error_set(error, -ENOEXEC,
                             "%s: a note reaches past the end of its segment; link it again",
                             image->path);
        if (note.n_type == PVH_NOTE_TYPE && note.n_namesz == sizeof(PVH_NOTE_NAME) &&
            memcmp(notes.bytes + at + sizeof(note), PVH_NOTE_NAME, sizeof(PVH_NOTE_NAME)) == 0)
            return take_entry(image, bytes, note.n_descsz, entry, error);
        at = align_up(description + note.n_descsz, align);
    }
    return -ENOENT;
}

/* -ENOENT: the file has no such note; -ENOEXEC: its notes cannot be read. */
static int find_entry(const struct loader_file *image, const struct elf_header *header,
                      uint64_t *entry, struct error *error)
{
    int result = -ENOENT;

    for (unsigned i = 0; result == -ENOENT && i < header->count; i++) {
        const struct elf_program program = elf_read_program(image, header, i);

        if (program.type != PT_NOTE)
            continue;
        if (!loader_file_at(image, program.offset, program.file_size))
            return error_set(error, -ENOEXEC,
                             "%s: its notes reach past the end of the file; the file is damaged",
                             image->path);
        if (program.file_size > NOTES_MAX)
            return error_set(error, -ENOEXEC,
                             "%s: its notes have %" PRIu64 " bytes; %llu is the most", image->path,
                             program.file_size, NOTES_MAX);
        result = search_notes(image, &program, entry, error);
    }
    return result;
}

/* A file whose notes cannot be read is recognised too, so that parse() reports the error. */
static bool recognize(const struct loader_file *image)
{
    struct elf_header header;
    uint64_t entry;

    return elf_recognize(image) && elf_read_header(image, &header, NULL) == 0 &&
           find_entry(image, &header, &entry, NULL) != -ENOENT;
}

static int parse(struct loading *loading)
{
    struct elf_header header;
    int result = elf_read_header(loading->image, &header, loading->error);

    if (result == 0)
        result = elf_add_segments(loading, &header);
    if (result == 0)
        result = find_entry(loading->image, &header, &loading->start.entry, loading->error);
    loading->start.mode = X86_PROTECTED;
    loading->start.bare = true;
    loading->start.info = BOOT_LOADER;
    return result;
}

#define BLOCK_AT(field) (BOOT_LOADER + offsetof(struct block, field))

static void write_memory(const struct memory *memory, struct block *block)
{
    struct boot_range map[BOOT_MAP_MAX];

    block->info.map_count = boot_memory_map(memory, map);
    block->info.map = BLOCK_AT(map);
    for (unsigned i = 0; i < block->info.map_count; i++)
        block->map[i] = (struct pvh_range){
            .base = map[i].base,
            .size = map[i].size,
            .type = map[i].usable ? PVH_RANGE_USABLE : PVH_RANGE_RESERVED,
        };
}

static int write_info(const struct loading *loading)
{
    const char *command = loader_command_line(loading);
    struct block block = {.info = {.magic = PVH_MAGIC, .version = PVH_VERSION}};

    if (strlen(command) >= sizeof(block.command))
        return error_set(loading->error, -E2BIG,
                         "%s: the command line passes %zu bytes; shorten --append",
                         loading->image->path, sizeof(block.command) - 1);
    strcpy(block.command, command);
    block.info.command = BLOCK_AT(command);
    write_memory(loading->memory, &block);
    if (loading->initrd) {
        block.module =
            (struct pvh_module){.address = loading->initrd_address, .size = loading->initrd->size};
        block.info.modules = BLOCK_AT(module);
        block.info.module_count = 1;
    }
    return loader_write_block(loading, &block, sizeof(block));
}

const struct loader_format loader_pvh = {
    .name = "PVH image",
    .elsewhere = "another link address",
    .says_where = true,
    .recognize = recognize,
    .parse = parse,
    .write_info = write_info,
};
