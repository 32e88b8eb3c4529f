/*
 * Images: a file becomes guest memory and an entry point.
 *
 * Each format is one file in vmm/loader/. Nothing that an image says is trusted.
 */
#ifndef VMM_LOADER_H
#define VMM_LOADER_H

#include "vmm/error.h"
#include "vmm/memory.h"
#include "vmm/x86.h"

#include <stdbool.h>
#include <stdint.h>

struct loader_request {
    const char *path;
    enum x86_mode mode;
    bool has_load, has_entry; /* --load, --entry were given */
    uint64_t load, entry;
};

/*
 * Load the image and say how vCPU 0 starts. Negative errno: the file cannot be read, is empty, does
 * not fit, or touches the boot area; the sentence names the file.
 */
int loader_load(const struct memory *memory, const struct loader_request *request,
                struct x86_start *start, struct error *error);

/* vmm/loader/flat.c: raw bytes for one place; *end is the gpa behind the last one. */
int loader_load_flat(const struct memory *memory, const char *path, int fd, uint64_t load,
                     uint64_t *end, struct error *error);

#endif
