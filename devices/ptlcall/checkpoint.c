/*
 * CHECKPOINT: the machine into the file NAME.core, and what comes of it then.
 *
 * The call only asks: it is over, and its line in the log written, before the machine is saved. How
 * that went is a second line.
 */
#include "devices/ptlcall/ptlcall.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/snapshot/checkpoint.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(PTLCALL_NAME_MAX < sizeof(((struct checkpoint_request *)0)->name),
               "a request holds every name that is allowed");

/* All vCPUs rest: the log is nobody else's. */
static void checkpoint_done(void *opaque, uint64_t number, const char *file, int result)
{
    struct ptlcall *ptlcall = opaque;

    ptlcall_log_print(&ptlcall->log, "ptlcall %" PRIu64, number);
    ptlcall_log_text(&ptlcall->log, "checkpoint", file, strlen(file));
    ptlcall_log_print(&ptlcall->log, " result=%d\n",
                      result < 0 ? -PTLCALL_EIO : PTLCALL_OP_CHECKPOINT);
    ptlcall_log_flush(&ptlcall->log);
}

int64_t ptlcall_checkpoint(struct ptlcall_call *call)
{
    struct vcpu *vcpu = call->vcpu;
    const uint64_t action = call->arguments[2];
    const char *unsaved = part_unsaved(vcpu->machine->parts);
    struct checkpoint_request request = {
        .action = (enum checkpoint_action)action,
        .restored_flag = call->wide ? PTLCALL_RESTORED : PTLCALL_RESTORED_32,
        .failed = (uint64_t)-PTLCALL_EIO & (call->wide ? UINT64_MAX : UINT32_MAX),
        .number = call->ptlcall->calls,
        .done = checkpoint_done,
        .opaque = call->ptlcall,
    };
    int64_t result = ptlcall_copy_name(call, call->arguments[0], call->arguments[1], request.name);

    ptlcall_log_print(&call->ptlcall->log, " action=%" PRIu64, action);
    if (result < 0)
        return result;
    if (action >= CHECKPOINT_ACTIONS)
        return ptlcall_refuse(call, -PTLCALL_EINVAL, "no such action");
    if (unsaved && action != CHECKPOINT_PAUSE_ONLY)
        return ptlcall_refuse(call, -PTLCALL_EIO, unsaved);
    if (checkpoint_requested(vcpu))
        return ptlcall_refuse(call, -PTLCALL_EIO, "a checkpoint was asked for already");
    if (checkpoint_request(vcpu, &request) < 0)
        return ptlcall_refuse(call, -PTLCALL_EIO, "out of memory for a checkpoint");
    call->later = action != CHECKPOINT_PAUSE_ONLY;
    return PTLCALL_OP_CHECKPOINT;
}
