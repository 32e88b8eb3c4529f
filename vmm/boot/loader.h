/*
 * Images: a file becomes guest memory and an entry point.
 *
 * The format is recognised by content; docs/images.md lists the requirements of each. Every format
 * is one file in vmm/boot/. No value in an image is trusted.
 */
#ifndef VMM_BOOT_LOADER_H
#define VMM_BOOT_LOADER_H

#include "vmm/boot/loading.h"

/*
 * Load the image and fill in how vCPU 0 starts. The memory is as memory_init() left it. Negative
 * errno: a file cannot be read, is empty or larger than the guest's memory; the image is malformed,
 * does not fit, or overlaps the boot or the BIOS area; or the request contradicts it. The sentence
 * names the file.
 */
int loader_load(const struct memory *memory, const struct loader_request *request,
                struct x86_start *start, struct error *error);

/* The same for files in memory, which are not changed; (initrd) NULL: no initrd. */
int loader_load_files(const struct memory *memory, const struct loader_request *request,
                      const struct loader_file *image, const struct loader_file *initrd,
                      struct x86_start *start, struct error *error);

#endif
