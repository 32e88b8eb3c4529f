/*
 * What the image formats share: one loading, and its steps. Only for vmm/boot/.
 *
 * A format parses the file into a list of segments and an entry, and does not touch guest memory.
 * Then everything is checked and copied in one place, loading.c, and the format writes its own
 * information block for the guest.
 */
#ifndef VMM_BOOT_LOADING_H
#define VMM_BOOT_LOADING_H

#include "vmm/base/error.h"
#include "vmm/boot/image_file.h"
#include "vmm/core/x86.h"
#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct loader_request {
    const char *path;
    enum x86_mode mode; /* of a flat image; the other formats define it themselves */
    bool has_mode, has_load, has_entry; /* --mode, --load, --entry were given */
    uint64_t load, entry;
    const char *initrd; /* a file for the guest, or NULL */
    const char *append; /* the command line of the formats that have one; NULL: none */
};

/* More than any linker makes; it bounds the work for one file. */
#define LOADER_SEGMENTS_MAX 64

struct loader_segment {
    uint64_t address;     /* gpa */
    uint64_t linked;      /* the address for which its code was linked */
    const uint8_t *bytes; /* (file_size) bytes in the image */
    uint64_t file_size;
    uint64_t size; /* in memory, at least (file_size) and not 0: the rest is zeroed */
};

struct loading {
    const struct memory *memory;
    const struct loader_request *request;
    const struct loader_format *format;
    const struct loader_file *image;
    const struct loader_file *initrd; /* NULL: no initrd */
    uint64_t initrd_address;          /* gpa, from loader_find_initrd_place() */
    struct loader_segment segments[LOADER_SEGMENTS_MAX];
    unsigned segment_count;
    struct x86_start start;
    struct error *error;
};

struct loader_format {
    const char *name;
    const char *elsewhere; /* what can move it, for sentences: "choose ..." */
    bool says_where;       /* the image itself defines its address, mode and entry */

    bool (*recognize)(const struct loader_file *image);

    /* Fill in the segments, and the start's mode, entry and registers. */
    int (*parse)(struct loading *loading);

    /* Write the format's own information block to BOOT_LOADER; NULL: it has no block. */
    int (*write_info)(const struct loading *loading);
};

/* -ENOEXEC: too many, more in the file than in memory, or not completely in the file. */
int loader_add_segment(struct loading *loading, const struct loader_segment *segment,
                       uint64_t file_offset);
/* Each must be in RAM and overlap neither the boot area, the BIOS area nor another segment. */
int loader_check_segments(const struct loading *loading);
/* Find the highest page below the end of low RAM where the initrd overlaps no segment. */
int loader_find_initrd_place(struct loading *loading);
void loader_copy_segments(const struct loading *loading);
/* Is there a byte of the image file at this gpa? */
bool loader_is_loaded(const struct loading *loading, uint64_t address);

/* The command line; it may be empty. */
const char *loader_command_line(const struct loading *loading);
/* Write the format's information block to BOOT_LOADER. */
int loader_write_block(const struct loading *loading, const void *block, uint64_t size);

#endif
