/*
 * Images: a file becomes guest memory and an entry point.
 *
 * The format is recognised by content; docs/images.md says what is asked of each. Every format is
 * one file in vmm/boot/. Nothing that an image says is trusted.
 */
#ifndef VMM_BOOT_LOADER_H
#define VMM_BOOT_LOADER_H

#include "vmm/base/error.h"
#include "vmm/core/x86.h"
#include "vmm/io/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct loader_request {
    const char *path;
    enum x86_mode mode;                 /* of a flat image; the other formats say it themselves */
    bool has_mode, has_load, has_entry; /* --mode, --load, --entry were given */
    uint64_t load, entry;
    const char *initrd; /* a file for the guest, or NULL */
    const char *append; /* the command line of the formats that have one; NULL: none */
};

/*
 * Load the image and say how vCPU 0 starts. The memory is as memory_create() made it. Negative
 * errno: a file cannot be read, is empty or larger than the guest's memory, the image is malformed,
 * does not fit, touches the boot or the BIOS area, or the request contradicts it; the sentence
 * names the file.
 */
int loader_load(const struct memory *memory, const struct loader_request *request,
                struct x86_start *start, struct error *error);

/* A file that was read whole. */
struct loader_file {
    const char *path;
    uint8_t *bytes; /* freed by loader_free_file() */
    uint64_t size;
};

/* The same for files in memory, whose bytes are only read; (initrd) NULL: none. */
int loader_load_files(const struct memory *memory, const struct loader_request *request,
                      const struct loader_file *image, const struct loader_file *initrd,
                      struct x86_start *start, struct error *error);

/* vmm/boot/image_file.c: read (path), of at most (limit) bytes; it may be a pipe. */
int loader_read_file(const char *path, uint64_t limit, struct loader_file *file,
                     struct error *error);
void loader_free_file(struct loader_file *file);

#endif
