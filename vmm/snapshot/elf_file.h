/*
 * A checkpoint as a file: an ELF core, which gdb and readelf read. docs/checkpoint.md specifies it.
 *
 * ELF header, program headers, notes, then guest memory, page-aligned, without its zero pages: one
 * PT_LOAD for each range (p_paddr its gpa, p_vaddr the same). Notes of the owner CORE are for gdb;
 * notes of the owner "minivmm" have a version each. The last note is a sum over all headers and
 * notes.
 */
#ifndef VMM_SNAPSHOT_ELF_FILE_H
#define VMM_SNAPSHOT_ELF_FILE_H

#include "vmm/base/error.h"
#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_OWNER     "minivmm"
#define ELF_GDB_OWNER "CORE"
#define ELF_NOTES     2200 /* of a file: two for each vCPU, one for each device, a few more */
#define ELF_EXTENTS   1024 /* ranges of memory: near ranges are joined to stay within this */
#define ELF_NOTES_MAX (64u * 1024 * 1024) /* bytes of all notes; both without the sum */

/*
 * Notes of the owner "minivmm". Readers of core files check the type only, not the owner, so these
 * are numbers that they do not use: "MVM" and a counter.
 */
enum elf_note_type {
    ELF_NOTE_MACHINE = 0x4d564d01, /* text: the plan of the machine, and when it was saved */
    ELF_NOTE_CPUID,                /* of vCPU 0 */
    ELF_NOTE_VCPU,                 /* KVM's state of a vCPU */
    ELF_NOTE_VM,                   /* KVM's state of the VM: interrupt controllers, PIT, clock */
    ELF_NOTE_DEVICE,               /* text: the state of a device, see vmm/io/device_state.h */
    ELF_NOTE_SUM, /* 8 bytes, FNV-1a of headers and notes with these bytes 0; the last one */
};

#define ELF_CPUID_VERSION 1 /* in the padding of struct kvm_cpuid2 */

struct elf_note {
    const char *owner;
    uint32_t type;
    const void *bytes; /* of a file: aligned to 4 bytes only, so copied before it is read */
    size_t size;
};

/*
 * Write (count) notes, their sum, and the pages of (memory) that are not zero, to (name) in the
 * directory (dir_fd), completely or not at all. The file is written under a temporary name,
 * fsynced, then renamed (vmm/io/outfile.h), so it may replace the file that (memory) is mapped
 * from. Memory that was never touched is not read. No vCPU may run, and no other thread may write
 * to memory. SIGXFSZ must be ignored. -E2BIG: too many notes, or too long ones; -EBUSY: memory was
 * written to meanwhile; -EIO: the file that it is mapped from has become shorter; else the host's
 * errno, such as -ENOSPC.
 */
int elf_file_write(int dir_fd, const char *name, const struct elf_note *notes, unsigned count,
                   const struct memory *memory, struct error *error);

struct elf_file {
    const char *path; /* the caller's */
    int fd;
    uint8_t *headers; /* all headers and notes; notes point into it */
    size_t headers_size;
    struct elf_note *notes; /* all but the sum */
    unsigned note_count;
    struct memory_extent *extents; /* sorted by address, no overlaps */
    unsigned extent_count;
};

/*
 * Open and check the file, which is untrusted: headers, notes, their sum, and that the extents lie
 * in the file. The contents of the notes are not checked. A negative errno with the sentence "PATH:
 * …"; -EINVAL: it is not a checkpoint. The caller closes it after success.
 */
int elf_file_open(struct elf_file *elf, const char *path, struct error *error);
void elf_file_close(struct elf_file *elf);

/* Note (index), from 0, of the owner "minivmm" and (type), or NULL. */
const struct elf_note *elf_file_find(const struct elf_file *elf, enum elf_note_type type,
                                     unsigned index);

/*
 * Map the file's contents into (memory), which is new: privately, so a page is read when the guest
 * first touches it, and the file is never written. -EINVAL: an extent is outside of memory. The
 * file may be closed, replaced or removed afterwards, but must not be truncated, see
 * memory_map_file().
 */
int elf_file_map(const struct elf_file *elf, struct memory *memory, struct error *error);

#endif
