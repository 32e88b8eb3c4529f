#include "devices/ptlcall/session.h"

#include "vmm/core/vcpu.h"

#include <inttypes.h>

int64_t ptlcall_refuse(struct ptlcall_call *call, int64_t code, const char *reason)
{
    call->reason = reason;
    return code;
}

int64_t ptlcall_check_range(struct ptlcall_call *call, uint64_t address, uint64_t length)
{
    const uint64_t last = call->wide ? UINT64_MAX : UINT32_MAX;

    if (length > 0 && length - 1 > last - address)
        return ptlcall_refuse(call, -PTLCALL_EFAULT, "a pointer wraps around");
    return 0;
}

int64_t ptlcall_copy(struct ptlcall_call *call, uint64_t address, void *buffer, uint64_t length)
{
    const struct paging_registers registers = vcpu_paging(call->vcpu);
    int64_t result;

    if (!call->wide)
        address &= UINT32_MAX;
    result = ptlcall_check_range(call, address, length);
    if (result < 0)
        return result;
    if (paging_read(&call->ptlcall->machine->memory, &registers, gva(address), buffer, length) < 0)
        return ptlcall_refuse(call, -PTLCALL_EFAULT, "a pointer cannot be read");
    return 0;
}

int64_t ptlcall_copy_name(struct ptlcall_call *call, uint64_t address, uint64_t length, char *name)
{
    int64_t result;

    if (length == 0)
        return ptlcall_refuse(call, -PTLCALL_EINVAL, "the name is empty");
    if (length > PTLCALL_NAME_MAX)
        return ptlcall_refuse(call, -PTLCALL_E2BIG, "the name is too long");
    result = ptlcall_copy(call, address, name, length);
    if (result < 0)
        return result;
    name[length] = '\0';
    ptlcall_log_text(&call->ptlcall->log, "name", name, length);
    if (!outfile_name_allowed(name, length))
        return ptlcall_refuse(call, -PTLCALL_EINVAL, "the name is not allowed");
    return 0;
}

bool ptlcall_is_simulating(const struct ptlcall_session *session)
{
    return __atomic_load_n(&session->simulating, __ATOMIC_SEQ_CST);
}

struct stub_session ptlcall_session_of(struct ptlcall *ptlcall)
{
    return (struct stub_session){
        .simulating = &ptlcall->session.simulating,
        .kill_after_run = &ptlcall->session.kill_after_run,
    };
}
