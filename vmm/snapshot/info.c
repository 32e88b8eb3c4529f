#include "vmm/snapshot/info.h"

#include "vmm/snapshot/info_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int info_read_vcpu(const struct info *info, unsigned id, struct kvm_vcpu_state *state,
                   struct error *error)
{
    const struct core_note *note = core_find(&info->file.core, CORE_VCPU, id);
    struct error cause;
    int result;

    if (!note)
        return error_set(error, -EINVAL, "%s: the state of vCPU %u is missing", info->path, id);
    result = kvm_parse_vcpu_state(note->bytes, note->size, state, &cause);
    if (result < 0)
        return error_set(error, result, "%.200s: %.300s", info->path, cause.text);
    if (state->id != id)
        return error_set(error, -EINVAL, "%s: the states of vCPUs are not in their order",
                         info->path);
    return 0;
}

enum info_place info_find(const struct info *info, gpa_t address, uint64_t *offset)
{
    const struct core *core = &info->file.core;

    for (unsigned i = 0; i < core->extent_count; i++) {
        const struct memory_extent *extent = &core->extents[i];

        /* Below the extent this wraps round to a number larger than any extent. */
        if (address.value - extent->address.value < extent->size) {
            *offset = extent->offset + (address.value - extent->address.value);
            return INFO_IN_FILE;
        }
    }
    return memory_at(&info->memory, address, 1) ? INFO_ZERO : INFO_NO_RAM;
}

static int write_summary(const struct info *info, struct error *error)
{
    int result = info_write_machine(info, error);

    if (result == 0)
        result = info_write_devices(info, error);
    if (result < 0)
        return result;
    info_write_memory(info);
    result = info_write_vcpus(info, error);
    if (result == 0)
        info_write_notes(info);
    return result;
}

static int write_out(const struct info *info, const char *bytes, size_t size, int fd,
                     struct error *error)
{
    while (size > 0) {
        const ssize_t count = write(fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set(error, -errno, "%s: what is in it cannot be written out: %s",
                             info->path, strerror(errno));
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

/* All text is put together before any is written: a file that is refused shows none of it. */
static int write_info(struct info *info, const uint64_t *gva_wanted, int fd, struct error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    int result;

    info->out = open_memstream(&bytes, &size);
    if (!info->out)
        return error_set(error, -ENOMEM, "%s: out of memory", info->path);
    result = gva_wanted ? info_write_translation(info, gva(*gva_wanted), error)
                        : write_summary(info, error);
    if (fclose(info->out) != 0 && result == 0)
        result = error_set(error, -ENOMEM, "%s: out of memory", info->path);
    if (result == 0)
        result = write_out(info, bytes, size, fd, error);
    free(bytes);
    return result;
}

int info_print(const char *path, const struct device_type *const *types, const uint64_t *gva_wanted,
               int fd, struct error *error)
{
    struct info info = {.path = path};
    int result = restore_open(&info.file, path, types, error);

    if (result < 0)
        return result;
    result = memory_create(&info.memory, info.file.note.plan.memory_size, error);
    if (result == 0)
        result = core_map(&info.file.core, &info.memory, error);
    if (result == 0)
        result = write_info(&info, gva_wanted, fd, error);
    memory_destroy(&info.memory);
    restore_close(&info.file);
    return result;
}
