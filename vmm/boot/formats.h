/* The image formats: each in the file of its name. */
#ifndef VMM_BOOT_FORMATS_H
#define VMM_BOOT_FORMATS_H

#include "vmm/boot/loading.h"

extern const struct loader_format loader_multiboot, loader_pvh, loader_elf, loader_flat;

#endif
