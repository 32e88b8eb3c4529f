/*
 * A file, read completely into the monitor's memory, so that it cannot change while it is parsed.
 */
#ifndef VMM_BOOT_IMAGE_FILE_H
#define VMM_BOOT_IMAGE_FILE_H

#include "vmm/base/error.h"

#include <stdint.h>

struct loader_file {
    const char *path;
    uint8_t *bytes; /* freed by loader_free_file() */
    uint64_t size;
};

/* Read (path), of at most (limit) bytes; it may be a pipe. */
int loader_read_file(const char *path, uint64_t limit, struct loader_file *file,
                     struct error *error);
void loader_free_file(struct loader_file *file);

/* (length) bytes at (offset), or NULL unless all of them lie in the file. */
const uint8_t *loader_file_at(const struct loader_file *file, uint64_t offset, uint64_t length);

#endif
