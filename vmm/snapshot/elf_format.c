#include "vmm/snapshot/elf_format.h"

#include "vmm/base/fnv.h"

#include <string.h>

#define NOTE_ALIGN 4 /* as in Linux's own core files, also 64-bit ones */

static const uint8_t no_sum[ELF_SUM_BYTES];

Elf64_Ehdr elf_file_header(unsigned extents)
{
    return (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (Elf64_Half)(1 + extents),
    };
}

Elf64_Phdr elf_note_header(unsigned extents, uint64_t notes_size)
{
    return (Elf64_Phdr){
        .p_type = PT_NOTE,
        .p_offset = sizeof(Elf64_Ehdr) + (1 + extents) * sizeof(Elf64_Phdr),
        .p_filesz = notes_size,
        .p_align = NOTE_ALIGN,
    };
}

Elf64_Phdr elf_memory_header(const struct memory_extent *extent)
{
    return (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_offset = extent->offset,
        .p_vaddr = extent->address.value,
        .p_paddr = extent->address.value,
        .p_filesz = extent->size,
        .p_memsz = extent->size,
        .p_align = PAGE_SIZE,
    };
}

uint64_t elf_memory_offset(uint64_t headers_size)
{
    return (headers_size + PAGE_MASK) & ~PAGE_MASK;
}

uint64_t elf_note_padded(uint64_t size)
{
    return (size + (NOTE_ALIGN - 1)) & ~(uint64_t)(NOTE_ALIGN - 1);
}

uint64_t elf_note_space(const struct elf_note *note)
{
    return sizeof(Elf64_Nhdr) + elf_note_padded(strlen(note->owner) + 1) +
           elf_note_padded(note->size);
}

struct elf_note elf_sum_note(void)
{
    return (struct elf_note){ELF_OWNER, ELF_NOTE_SUM, no_sum, sizeof(no_sum)};
}

uint64_t elf_sum(const uint8_t *headers, size_t size)
{
    return fnv_add(fnv_add(FNV_START, headers, size - ELF_SUM_BYTES), no_sum, sizeof(no_sum));
}
