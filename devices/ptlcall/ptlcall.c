/*
 * The call itself, and what it leaves: the log and the session.
 *
 * A call is a const table entry per op; an error has no partial effect, and the guest goes on.
 * docs/ptlcall.md describes the protocol and the log.
 */
#include "devices/ptlcall/ptlcall.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/step/stub.h"

#include <inttypes.h>
#include <string.h>

#define ERRNO_MAX 4095 /* as in Linux: results from -4095 to -1 are errors */
#define LOW_32    UINT32_MAX

struct ptlcall_op_info {
    const char *name;
    int64_t (*handle)(struct ptlcall_call *call);
    void (*after)(struct ptlcall_call *call); /* once it succeeded; may be NULL */
};

int64_t ptlcall_refuse(struct ptlcall_call *call, int64_t code, const char *reason)
{
    call->reason = reason;
    return code;
}

int64_t ptlcall_check_range(struct ptlcall_call *call, uint64_t address, uint64_t length)
{
    const uint64_t last = call->wide ? UINT64_MAX : LOW_32;

    if (length > 0 && length - 1 > last - address)
        return ptlcall_refuse(call, -PTLCALL_EFAULT, "a pointer wraps around");
    return 0;
}

int64_t ptlcall_copy(struct ptlcall_call *call, uint64_t address, void *buffer, uint64_t length)
{
    const struct paging_registers registers = vcpu_paging(call->vcpu);
    int64_t result;

    if (!call->wide)
        address &= LOW_32;
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

static int64_t op_version(struct ptlcall_call *call)
{
    const bool simulating = ptlcall_is_simulating(&call->ptlcall->session);

    return (int64_t)(PTLCALL_VERSION_NUMBER | (simulating ? PTLCALL_SIMULATING : 0));
}

static int64_t op_marker(struct ptlcall_call *call)
{
    ptlcall_log_print(&call->ptlcall->log, " id=%" PRIu64, call->arguments[0]);
    return 0;
}

static void pass_marker(struct ptlcall_call *call)
{
    machine_pass_milestone(call->ptlcall->machine, MILESTONE_MARKER, call->arguments[0]);
    ptlcall_log_counters(call->ptlcall);
    stub_marker(stub_of(call->ptlcall->machine), call->vcpu, call->arguments[0]);
}

static int64_t op_log(struct ptlcall_call *call)
{
    struct ptlcall *ptlcall = call->ptlcall;
    const uint64_t length = call->arguments[1];
    int64_t result;

    if (length > PTLCALL_LOG_MAX)
        result = ptlcall_refuse(call, -PTLCALL_E2BIG, "the text is too long");
    else
        result = ptlcall_copy(call, call->arguments[0], ptlcall->text, length);
    if (result < 0) {
        ptlcall_log_print(&ptlcall->log, " length=%" PRIu64, length);
        return result;
    }
    ptlcall_log_text(&ptlcall->log, "text", ptlcall->text, length);
    return PTLCALL_OP_LOG;
}

static const struct ptlcall_op_info op_table[PTLCALL_OPS] = {
    [PTLCALL_OP_VERSION] = {"VERSION", op_version, NULL},
    [PTLCALL_OP_MARKER] = {"MARKER", op_marker, pass_marker},
    [PTLCALL_OP_ENQUEUE] = {"ENQUEUE", ptlcall_enqueue, ptlcall_enqueue_run},
    [PTLCALL_OP_CHECKPOINT] = {"CHECKPOINT", ptlcall_checkpoint, NULL},
    [PTLCALL_OP_CORE_DUMP] = {"CORE_DUMP", ptlcall_core_dump, NULL},
    [PTLCALL_OP_LOG] = {"LOG", op_log, NULL},
};

/* The call's registers: RAX is the result; outside 64-bit mode they count 32 bits. */
static uint64_t read_registers(struct ptlcall_call *call)
{
    static const enum vcpu_register registers[] = {VCPU_RDI, VCPU_RSI, VCPU_RDX, VCPU_R10, VCPU_R8};
    const uint64_t mask = call->wide ? UINT64_MAX : LOW_32;

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        call->arguments[i] = vcpu_register(call->vcpu, registers[i]) & mask;
    return vcpu_register(call->vcpu, VCPU_RAX);
}

/* Errors and small numbers in decimal, what has high bits in hexadecimal. */
static void log_result(struct ptlcall_call *call, int64_t result)
{
    struct ptlcall_log *log = &call->ptlcall->log;

    if (call->later)
        ptlcall_log_print(log, " result=later");
    else if (result >= -ERRNO_MAX)
        ptlcall_log_print(log, " result=%" PRId64, result);
    else
        ptlcall_log_print(log, " result=0x%" PRIx64, (uint64_t)result);
    if (call->reason)
        ptlcall_log_text(log, "reason", call->reason, strlen(call->reason));
}

/* What is known of the call before it is carried out. */
static void log_call(struct ptlcall_call *call)
{
    struct ptlcall *ptlcall = call->ptlcall;

    ptlcall_log_print(&ptlcall->log, "ptlcall %" PRIu64 " vcpu=%u via=%s op=", ptlcall->calls,
                      call->vcpu->id, call->via);
    if (call->info)
        ptlcall_log_print(&ptlcall->log, "%s", call->info->name);
    else
        ptlcall_log_print(&ptlcall->log, "%" PRId32, call->op);
}

/* What a call does without a stub, or when that asks for it: its line in the log too. Gives its result. */
static int64_t serve_call(void *opaque)
{
    struct ptlcall_call *call = opaque;

    const bool logged = call->ptlcall->log.on;

    if (logged)
        log_call(call);
    if (call->info)
        call->result = call->info->handle(call);
    else
        call->result = ptlcall_refuse(call, -PTLCALL_EINVAL, "no such op");
    if (logged)
        log_result(call, call->result);
    if (!call->reason && call->info && call->info->after)
        call->info->after(call);
    if (logged)
        ptlcall_log_print(&call->ptlcall->log, "\n");
    call->served = true;
    return call->result;
}

/* A stub has given another result than the default, or did not ask for that. */
static void log_stub(struct ptlcall_call *call, int64_t result)
{
    struct ptlcall_log *log = &call->ptlcall->log;

    if (call->served && result == call->result)
        return;
    if (call->served)
        ptlcall_log_print(log, "ptlcall %" PRIu64, call->ptlcall->calls);
    else
        log_call(call);
    ptlcall_log_print(log, " stub=%s", stub_of(call->ptlcall->machine)->type->name);
    call->later = false;
    call->reason = NULL;
    log_result(call, result);
    ptlcall_log_print(log, "\n");
}

/* The call goes to the stub, which has a ptlcall() of its own. */
static int64_t ask_stub(struct ptlcall_call *call)
{
    const uint64_t mask = call->wide ? UINT64_MAX : LOW_32;
    struct minivmm_call view = {.vcpu = (struct minivmm_vcpu *)call->vcpu, .op = call->op};
    int64_t result;

    memcpy(view.arguments, call->arguments, sizeof(call->arguments));
    view.arguments[5] = vcpu_register(call->vcpu, VCPU_R9) & mask;
    result = stub_call(stub_of(call->ptlcall->machine), &view, serve_call, call);
    log_stub(call, result);
    return result;
}

/* A guest that ends itself has its log on the disk first: a full disk is not a success. */
static void end_call(struct ptlcall_call *call, int64_t result)
{
    struct ptlcall *ptlcall = call->ptlcall;
    struct machine *machine = ptlcall->machine;

    vcpu_set_rax(call->vcpu, (uint64_t)result & (call->wide ? UINT64_MAX : LOW_32));
    if (call->ends)
        ptlcall_log_flush(&ptlcall->log);
    if (ptlcall->log.on && ptlcall_log_failure(&ptlcall->log) < 0)
        machine_end(machine, OUTCOME_OUTPUT, 0);
    if (call->ends)
        machine_end(machine, OUTCOME_GUEST, 0);
}

static void ptlcall_call(struct ptlcall *ptlcall, struct vcpu *vcpu, const char *via)
{
    struct ptlcall_call call = {
        .ptlcall = ptlcall,
        .vcpu = vcpu,
        .via = via,
        .wide = vcpu_in_64_bit_mode(vcpu),
    };
    int64_t result;

    call.op = (int32_t)read_registers(&call);
    call.info = call.op >= 0 && call.op < PTLCALL_OPS ? &op_table[call.op] : NULL;
    ptlcall->calls++;
    result = stub_takes_calls(stub_of(ptlcall->machine)) ? ask_stub(&call) : serve_call(&call);
    end_call(&call, result);
}

/* Any store in the page calls; of the ports only the first does, the others give it width. */
void ptlcall_store(struct ptlcall *ptlcall, const struct device_access *access,
                   const char *const vias[PTLCALL_REGIONS])
{
    if (access->region == PTLCALL_REGION_TRIGGER || access->offset == 0)
        ptlcall_call(ptlcall, access->vcpu, vias[access->region]);
}

uint64_t ptlcall_load(struct device *device, const struct device_access *access)
{
    (void)device;
    (void)access;
    return 0;
}

int ptlcall_open(struct ptlcall *ptlcall, struct machine *machine, const char *name,
                 struct error *error)
{
    int result;

    ptlcall->machine = machine;
    result = ptlcall_log_open(&ptlcall->log, ptlcall->log_path, machine->config.message_fd,
                              &machine->abandoned, error);
    ptlcall->log.on |= machine->tape != NULL; /* heard by the tape if by nobody else */
    output_set_tape(&ptlcall->log.output, machine->tape, TAPE_LOG, name);
    return result;
}

void ptlcall_close(struct ptlcall *ptlcall)
{
    ptlcall_log_close(&ptlcall->log);
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

void ptlcall_resume(struct ptlcall *ptlcall)
{
    const struct stub_session session = ptlcall_session_of(ptlcall);

    if (ptlcall->session.simulating)
        stub_resume(ptlcall->machine, &session);
}

void ptlcall_clear(struct ptlcall *ptlcall)
{
    ptlcall->session = (struct ptlcall_session){0};
}

int ptlcall_finish_log(struct ptlcall *ptlcall, struct error *error)
{
    int result;

    ptlcall_log_flush(&ptlcall->log);
    result = ptlcall_log_failure(&ptlcall->log);
    if (result < 0)
        return error_set(error, result, "ptlcall log %s: %s; its end is lost, make room for it",
                         ptlcall->log_path ? ptlcall->log_path : "on stderr", strerror(-result));
    return 0;
}
