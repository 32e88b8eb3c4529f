/*
 * The call itself, all ops but ENQUEUE, and the life of an instance.
 *
 * Each op is an entry of a const table. An error has no partial effect, and the guest continues.
 * docs/ptlcall.md describes the protocol and the log.
 */
#include "devices/ptlcall/ptlcall.h"

#include "devices/ptlcall/counters.h"
#include "devices/ptlcall/enqueue.h"
#include "vmm/core/vcpu.h"
#include "vmm/snapshot/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#define CORE_ENDING "-core"
#define ERRNO_MAX   4095 /* as in Linux: results from -4095 to -1 are errors */
#define LOW_32      UINT32_MAX

struct ptlcall_op_info {
    const char *name;
    int64_t (*handle)(struct ptlcall_call *call);
    void (*after)(struct ptlcall_call *call); /* called after success; may be NULL */
};

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

/* CORE_DUMP: a range of guest-virtual memory, unchanged, into the file NAME-core. */
struct core_dump {
    uint64_t buffer, size, name, name_length, signal;
    char file_name[PTLCALL_NAME_MAX + 1];
};

/* A long dump stops when the machine ends, since its result is not used any more. */
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

    if (machine_begin_file(call->ptlcall->machine, &file, dump->file_name, CORE_ENDING) < 0)
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

static int64_t op_core_dump(struct ptlcall_call *call)
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

/*
 * CHECKPOINT: the machine into the file NAME.core, and what comes of it then.
 *
 * The call only asks: it is over, and its line in the log written, before the machine is saved. How
 * that went is a second line.
 */
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

static int64_t op_checkpoint(struct ptlcall_call *call)
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

static const struct ptlcall_op_info op_table[PTLCALL_OPS] = {
    [PTLCALL_OP_VERSION] = {"VERSION", op_version, NULL},
    [PTLCALL_OP_MARKER] = {"MARKER", op_marker, pass_marker},
    [PTLCALL_OP_ENQUEUE] = {"ENQUEUE", ptlcall_enqueue, ptlcall_enqueue_run},
    [PTLCALL_OP_CHECKPOINT] = {"CHECKPOINT", op_checkpoint, NULL},
    [PTLCALL_OP_CORE_DUMP] = {"CORE_DUMP", op_core_dump, NULL},
    [PTLCALL_OP_LOG] = {"LOG", op_log, NULL},
};

/* Read the call's registers, 32 bits wide outside 64-bit mode. Returns RAX, the op. */
static uint64_t read_registers(struct ptlcall_call *call)
{
    static const enum vcpu_register registers[] = {VCPU_RDI, VCPU_RSI, VCPU_RDX, VCPU_R10, VCPU_R8};
    const uint64_t mask = call->wide ? UINT64_MAX : LOW_32;

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        call->arguments[i] = vcpu_register(call->vcpu, registers[i]) & mask;
    return vcpu_register(call->vcpu, VCPU_RAX);
}

/* Log errors and small numbers in decimal, numbers with high bits in hexadecimal. */
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

/* Log what is known before the call is carried out. */
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

/* The default of a call, also when a stub asks for it: carry it out, log it, return its result. */
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

/* Log that a stub returned a result other than the default's, or did not ask for the default. */
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

/* Pass the call to the stub, which has a ptlcall() of its own. */
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

/* The log is written out before the guest ends, so that a full disk is not reported as success. */
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

/*
 * Any store to the page is a call. Of the ports only a store to the first is; the others give it
 * width.
 */
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
    ptlcall->log.on |= machine->journal != NULL; /* for a recording, even without another reader */
    output_set_journal(&ptlcall->log.output, machine->journal, JOURNAL_LOG, name);
    return result;
}

void ptlcall_close(struct ptlcall *ptlcall)
{
    ptlcall_log_close(&ptlcall->log);
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
