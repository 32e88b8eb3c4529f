/* A flat image: the bytes of the file, unchanged, at one address in the guest's memory. */
#include "guest/abi/boot.h"
#include "vmm/boot/formats.h"

#include <errno.h>
#include <string.h>

#define LINUX_MAGIC_AT 0x202 /* in a bzImage, by the Linux x86 boot protocol */

static bool recognize(const struct loader_file *image)
{
    (void)image;
    return true;
}

/* A bzImage has another boot contract: as a flat image it would crash. */
static bool is_linux(const struct loader_file *image)
{
    return image->size >= LINUX_MAGIC_AT + 4 &&
           memcmp(image->bytes + LINUX_MAGIC_AT, "HdrS", 4) == 0;
}

static int parse(struct loading *loading)
{
    const struct loader_request *request = loading->request;
    const bool real = request->mode == X86_REAL;
    struct loader_segment all = {
        .address = real ? BOOT_LOAD_REAL : BOOT_LOAD,
        .file_size = loading->image->size,
        .size = loading->image->size,
    };

    if (is_linux(loading->image))
        return error_set(loading->error, -ENOEXEC,
                         "%s: this is a Linux bzImage, which minivmm does not start; give an ELF, "
                         "Multiboot, PVH or flat image",
                         loading->image->path);
    if (request->has_load)
        all.address = request->load;
    all.linked = all.address;
    loading->start.mode = request->mode;
    loading->start.entry = request->has_entry ? request->entry : all.address;
    loading->start.info = BOOT_INFO;
    if (real)
        loading->start.stack = BOOT_LOAD_REAL;
    return loader_add_segment(loading, &all, 0);
}

const struct loader_format loader_flat = {
    .name = "flat image",
    .elsewhere = "another --load",
    .recognize = recognize,
    .parse = parse,
};
