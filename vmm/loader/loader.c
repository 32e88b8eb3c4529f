#include "vmm/loader.h"

#include "guest/abi/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define REAL_LAST 0xffffULL /* real mode starts with CS = 0: its first 64 KiB */

static int check_entry(const struct memory *memory, const struct loader_request *request,
                       uint64_t entry, struct error *error)
{
    if (request->mode == X86_REAL && entry > REAL_LAST)
        return error_set(error, -EINVAL,
                         "--entry 0x%" PRIx64 ": real mode begins below 0x10000; give a lower one",
                         entry);
    if (request->mode != X86_LONG && entry >= 4 * GIB)
        return error_set(error, -EINVAL, "--entry 0x%" PRIx64 ": only long mode begins above 4 GiB",
                         entry);
    if (!memory_at(memory, gpa(entry), 1))
        return error_set(error, -EINVAL,
                         "--entry 0x%" PRIx64 " is outside the guest's memory; give a lower one",
                         entry);
    return 0;
}

int loader_load(const struct memory *memory, const struct loader_request *request,
                struct x86_start *start, struct error *error)
{
    uint64_t load = request->mode == X86_REAL ? BOOT_LOAD_REAL : BOOT_LOAD;
    uint64_t end;
    int result;
    int fd = open(request->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(error, -errno, "%s: %s; give the image of a guest", request->path,
                         strerror(errno));
    if (request->has_load)
        load = request->load;
    result = loader_load_flat(memory, request->path, fd, load, &end, error);
    close(fd);
    if (result < 0)
        return result;

    *start = (struct x86_start){
        .mode = request->mode,
        .entry = request->has_entry ? request->entry : load,
        .stack = request->mode == X86_REAL ? BOOT_LOAD_REAL : memory_low_end(memory),
        .info = BOOT_INFO,
    };
    return check_entry(memory, request, start->entry, error);
}
