/*
 * CORE_DUMP: a range of guest-virtual memory, as it is, into the file NAME-core.
 */
#include "devices/ptlcall/ptlcall.h"

#include "vmm/core/machine.h"

#include <inttypes.h>

#define NAME_ENDING "-core"

struct core_dump {
    uint64_t buffer, size, name, name_length, signal;
    char file_name[PTLCALL_NAME_MAX + 1];
};

/* Long dumps stop when the machine ends: nobody waits for them any more. */
static int64_t write_memory(struct ptlcall_call *call, struct outfile *file,
                            const struct core_dump *dump)
{
    struct ptlcall *ptlcall = call->ptlcall;
    uint64_t done = 0;

    while (done < dump->size) {
        const uint64_t left = dump->size - done;
        const uint64_t step = left < PTLCALL_CHUNK ? left : PTLCALL_CHUNK;
        int64_t result;

        if (machine_wants_end(ptlcall->machine))
            return ptlcall_refuse(call, -PTLCALL_EIO, "the machine ended");
        result = ptlcall_copy(call, dump->buffer + done, ptlcall->chunk, step);
        if (result < 0)
            return result;
        if (outfile_write(file, ptlcall->chunk, step) < 0)
            return ptlcall_refuse(call, -PTLCALL_EIO, "the file could not be written");
        done += step;
    }
    return 0;
}

static int64_t write_file(struct ptlcall_call *call, const struct core_dump *dump)
{
    struct outfile file = {.fd = -1};
    int64_t result;

    if (machine_begin_file(call->ptlcall->machine, &file, dump->file_name, NAME_ENDING) < 0)
        return ptlcall_refuse(call, -PTLCALL_EIO, "the file could not be made");
    result = write_memory(call, &file, dump);
    if (result < 0) {
        outfile_discard(&file);
        return result;
    }
    if (outfile_commit(&file) < 0)
        return ptlcall_refuse(call, -PTLCALL_EIO, "the file could not be completed");
    return PTLCALL_OP_CORE_DUMP;
}

int64_t ptlcall_core_dump(struct ptlcall_call *call)
{
    struct core_dump dump = {
        .buffer = call->arguments[0],
        .size = call->arguments[1],
        .name = call->arguments[2],
        .name_length = call->arguments[3],
        .signal = call->arguments[4],
    };
    int64_t result = ptlcall_copy_name(call, dump.name, dump.name_length, dump.file_name);

    ptlcall_log_print(&call->ptlcall->log, " size=%" PRIu64 " signal=%" PRIu64, dump.size,
                      dump.signal);
    if (result < 0)
        return result;
    if (dump.size > PTLCALL_CORE_MAX)
        return ptlcall_refuse(call, -PTLCALL_E2BIG, "the dump is too large");
    result = ptlcall_check_range(call, dump.buffer, dump.size);
    if (result < 0)
        return result;
    return write_file(call, &dump);
}
