/*
 * ELF executables, 64-bit for x86-64 and 32-bit for i386: System V gABI, chapters 4 and 5.
 *
 * An ELF file follows minivmm's own boot contract unless Multiboot or PVH recognises it. Those
 * formats load their segments with the functions here.
 */
#include "vmm/boot/elf.h"

#include "guest/abi/boot.h"
#include "vmm/boot/formats.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* No linker makes more program headers; a file may claim 65535. */
#define PROGRAMS_MAX 128

static int refuse(const struct loader_file *image, struct error *error, const char *why)
{
    return error_set(error, -ENOEXEC, "%s: %s", image->path, why);
}

bool elf_recognize(const struct loader_file *image)
{
    return image->size >= SELFMAG && memcmp(image->bytes, ELFMAG, SELFMAG) == 0;
}

/* Both widths have all fields that are used here. */
struct raw_header {
    unsigned type, machine, program_size;
    struct elf_header header;
};

static void take_header32(const uint8_t *bytes, struct raw_header *raw)
{
    Elf32_Ehdr from;

    memcpy(&from, bytes, sizeof(from));
    *raw = (struct raw_header){from.e_type,
                               from.e_machine,
                               from.e_phentsize,
                               {false, from.e_entry, from.e_phoff, from.e_phnum}};
}

static void take_header64(const uint8_t *bytes, struct raw_header *raw)
{
    Elf64_Ehdr from;

    memcpy(&from, bytes, sizeof(from));
    *raw = (struct raw_header){from.e_type,
                               from.e_machine,
                               from.e_phentsize,
                               {true, from.e_entry, from.e_phoff, from.e_phnum}};
}

/* Check the identification, and convert the header. */
static int take_header(const struct loader_file *image, struct raw_header *raw, struct error *error)
{
    const uint8_t *ident = loader_file_at(image, 0, EI_NIDENT);
    const bool wide = ident && ident[EI_CLASS] == ELFCLASS64;
    const uint8_t *bytes = loader_file_at(image, 0, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));

    if (!bytes)
        return refuse(image, error, "the ELF header is not whole; the file is damaged");
    if (!wide && ident[EI_CLASS] != ELFCLASS32)
        return refuse(image, error, "the ELF file is neither 64-bit nor 32-bit; link it again");
    if (ident[EI_DATA] != ELFDATA2LSB)
        return refuse(image, error, "the ELF file is not little-endian; build it for x86");
    if (wide)
        take_header64(bytes, raw);
    else
        take_header32(bytes, raw);
    return 0;
}

static int check_table(const struct loader_file *image, const struct raw_header *raw,
                       struct error *error)
{
    const struct elf_header *header = &raw->header;
    const uint64_t size = header->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    if (header->count == 0)
        return refuse(image, error, "the ELF file has no program headers; link it first");
    if (header->count > PROGRAMS_MAX)
        return error_set(error, -ENOEXEC,
                         "%s: the ELF file claims %u program headers; %d is the most", image->path,
                         header->count, PROGRAMS_MAX);
    if (raw->program_size != size)
        return error_set(error, -ENOEXEC,
                         "%s: the ELF file has program headers of %u bytes, not %" PRIu64
                         "; link it again",
                         image->path, raw->program_size, size);
    if (header->table_offset % (header->wide ? 8 : 4))
        return refuse(image, error, "the program headers are not aligned; link it again");
    if (!loader_file_at(image, header->table_offset, header->count * size))
        return refuse(image, error,
                      "the program headers reach past the end of the file; the file is damaged");
    return 0;
}

int elf_read_header(const struct loader_file *image, struct elf_header *header, struct error *error)
{
    struct raw_header raw = {0};
    int result = take_header(image, &raw, error);

    if (result < 0)
        return result;
    if (raw.machine != (raw.header.wide ? EM_X86_64 : EM_386))
        return refuse(image, error,
                      "the ELF file is for another processor; build it for x86-64 or i386");
    if (raw.type != ET_EXEC && raw.type != ET_DYN)
        return refuse(image, error, "the ELF file is no executable; link it first");
    result = check_table(image, &raw, error);
    if (result < 0)
        return result;
    *header = raw.header;
    return 0;
}

struct elf_program elf_read_program(const struct loader_file *image,
                                    const struct elf_header *header, unsigned index)
{
    const uint8_t *table = image->bytes + header->table_offset;

    if (header->wide) {
        Elf64_Phdr from;

        memcpy(&from, table + index * sizeof(from), sizeof(from));
        return (struct elf_program){from.p_type,  from.p_offset, from.p_filesz, from.p_vaddr,
                                    from.p_paddr, from.p_memsz,  from.p_align};
    }
    Elf32_Phdr from;

    memcpy(&from, table + index * sizeof(from), sizeof(from));
    return (struct elf_program){from.p_type,  from.p_offset, from.p_filesz, from.p_vaddr,
                                from.p_paddr, from.p_memsz,  from.p_align};
}

int elf_add_segments(struct loading *loading, const struct elf_header *header)
{
    int result = 0;

    for (unsigned i = 0; result == 0 && i < header->count; i++) {
        const struct elf_program program = elf_read_program(loading->image, header, i);
        const struct loader_segment segment = {
            .address = program.address,
            .linked = program.linked,
            .file_size = program.file_size,
            .size = program.size,
        };

        if (program.type == PT_INTERP)
            return refuse(loading->image, loading->error,
                          "the ELF file is a program of an operating system, it asks for a dynamic "
                          "linker; give a guest that runs on the bare machine");
        if (program.type == PT_LOAD)
            result = loader_add_segment(loading, &segment, program.offset);
    }
    if (result == 0 && loading->segment_count == 0)
        return refuse(loading->image, loading->error,
                      "the ELF file has no segment to load; link it first");
    return result;
}

uint64_t elf_entry(const struct loading *loading, const struct elf_header *header)
{
    for (unsigned i = 0; i < loading->segment_count; i++) {
        const struct loader_segment *segment = &loading->segments[i];

        if (header->entry - segment->linked < segment->file_size)
            return segment->address + (header->entry - segment->linked);
    }
    return header->entry;
}

static int parse(struct loading *loading)
{
    struct elf_header header;
    int result = elf_read_header(loading->image, &header, loading->error);

    if (result == 0)
        result = elf_add_segments(loading, &header);
    if (result < 0)
        return result;
    loading->start.mode = header.wide ? X86_LONG : X86_PROTECTED;
    loading->start.entry = elf_entry(loading, &header);
    loading->start.info = BOOT_INFO;
    return 0;
}

const struct loader_format loader_elf = {
    .name = "ELF file",
    .elsewhere = "another link address",
    .says_where = true,
    .recognize = elf_recognize,
    .parse = parse,
};
