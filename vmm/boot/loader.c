/* Loading one image of any format: recognise, check, copy. */
#include "vmm/boot/loader.h"

#include "vmm/boot/formats.h"

#include <errno.h>
#include <inttypes.h>

#define REAL_LAST 0xffffULL /* real mode starts with CS = 0: the first 64 KiB */

/* The first format that recognises the file loads it. The order is that of QEMU's -kernel. */
static const struct loader_format *const formats[] = {
    &loader_multiboot,
    &loader_pvh,
    &loader_elf,
    &loader_flat,
};

static const struct loader_format *find_format(const struct loader_file *image)
{
    size_t i = 0;

    while (!formats[i]->recognize(image))
        i++;
    return formats[i];
}

/* Refuse options that the format leaves no choice for. */
static int check_request(const struct loading *loading)
{
    const struct loader_request *request = loading->request;
    const struct loader_format *format = loading->format;

    if (format->says_where && request->has_load)
        return error_set(loading->error, -EINVAL,
                         "%s: this %s says where it goes; leave out --load", loading->image->path,
                         format->name);
    if (format->says_where && request->has_entry)
        return error_set(loading->error, -EINVAL,
                         "%s: this %s says where it begins; leave out --entry",
                         loading->image->path, format->name);
    if (loading->initrd && !format->write_info)
        return error_set(loading->error, -EINVAL,
                         "%s: this %s is not told of an --initrd; give a Multiboot or PVH image",
                         loading->image->path, format->name);
    return 0;
}

static int check_mode(const struct loading *loading)
{
    if (!loading->request->has_mode || loading->request->mode == loading->start.mode)
        return 0;
    return error_set(loading->error, -EINVAL, "%s: this %s begins in %s mode; leave out --mode",
                     loading->image->path, loading->format->name,
                     loading->start.mode == X86_LONG ? "long" : "protected");
}

static int check_flat_entry(const struct loading *loading)
{
    const uint64_t entry = loading->start.entry;

    if (loading->start.mode == X86_REAL && entry > REAL_LAST)
        return error_set(loading->error, -EINVAL,
                         "--entry 0x%" PRIx64 ": real mode begins below 0x10000; give a lower one",
                         entry);
    if (loading->start.mode != X86_LONG && entry >= 4 * GIB)
        return error_set(loading->error, -EINVAL,
                         "--entry 0x%" PRIx64 ": only long mode begins above 4 GiB", entry);
    if (!memory_at(loading->memory, gpa(entry), 1))
        return error_set(loading->error, -EINVAL,
                         "--entry 0x%" PRIx64 " is outside the guest's memory; give a lower one",
                         entry);
    return 0;
}

static int check_entry(const struct loading *loading)
{
    const uint64_t entry = loading->start.entry;

    if (!loading->format->says_where)
        return check_flat_entry(loading);
    if (!loader_is_loaded(loading, entry))
        return error_set(loading->error, -ENOEXEC,
                         "%s: its entry 0x%" PRIx64 " is in none of its segments; link it again",
                         loading->image->path, entry);
    if (entry >= 4 * GIB) /* the start tables map no RAM there, and 32-bit code does not reach it */
        return error_set(loading->error, -ENOEXEC,
                         "%s: its entry 0x%" PRIx64 " is above 4 GiB; link it lower",
                         loading->image->path, entry);
    return 0;
}

/* The stack grows down from the end of low RAM, or from the initrd if there is one. */
static int place_initrd(struct loading *loading)
{
    int result = 0;

    if (loading->initrd)
        result = loader_find_initrd_place(loading);
    if (loading->start.stack == 0)
        loading->start.stack =
            loading->initrd ? loading->initrd_address : memory_low_end(loading->memory);
    return result;
}

int loader_load_files(const struct memory *memory, const struct loader_request *request,
                      const struct loader_file *image, const struct loader_file *initrd,
                      struct x86_start *start, struct error *error)
{
    struct loading loading = {
        .memory = memory,
        .request = request,
        .format = find_format(image),
        .image = image,
        .initrd = initrd,
        .error = error,
    };
    int result = check_request(&loading);

    if (result == 0)
        result = loading.format->parse(&loading);
    if (result == 0)
        result = check_mode(&loading);
    if (result == 0)
        result = loader_check_segments(&loading);
    if (result == 0)
        result = check_entry(&loading);
    if (result == 0)
        result = place_initrd(&loading);
    if (result < 0)
        return result;
    loader_copy_segments(&loading);
    if (loading.format->write_info)
        result = loading.format->write_info(&loading);
    if (result == 0)
        *start = loading.start;
    return result;
}

int loader_load(const struct memory *memory, const struct loader_request *request,
                struct x86_start *start, struct error *error)
{
    struct loader_file image, initrd = {0};
    int result = loader_read_file(request->path, memory_size(memory), &image, error);

    if (result < 0)
        return result;
    if (request->initrd)
        result = loader_read_file(request->initrd, memory_low_end(memory), &initrd, error);
    if (result == 0)
        result = loader_load_files(memory, request, &image, request->initrd ? &initrd : NULL, start,
                                   error);
    loader_free_file(&image);
    loader_free_file(&initrd);
    return result;
}
