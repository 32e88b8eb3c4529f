/*
 * ENQUEUE: the guest's strings are copied once, parsed as a whole, and run in order.
 *
 * Everything that can fail comes first: copying, parsing, and the snapshot files. Commands take
 * effect only after that, so a refused list has no effect. With a stub that handles commands, a
 * snapshot file is written when its command runs.
 */
#include "devices/ptlcall/enqueue.h"

#include "devices/ptlcall/counters.h"

#include <inttypes.h>
#include <string.h>

#define SNAPSHOT_ENDING ".stats"

/* Does (command) end the guest? Its effect on the session is applied to (session), a copy. */
static bool foresee(struct ptlcall_session *session, const struct ptlcall_command *command)
{
    bool ends = false;

    switch (command->info->kind) {
    case PTLCALL_RUN:
        session->simulating = true;
        break;
    case PTLCALL_STOP:
        ends = session->simulating && session->kill_after_run;
        session->simulating = false;
        break;
    case PTLCALL_KILL:
        ends = true;
        break;
    case PTLCALL_KILL_AFTER_RUN:
        session->kill_after_run = true;
        break;
    case PTLCALL_LIMIT:
    case PTLCALL_SNAPSHOT:
    case PTLCALL_NOTED:
        break;
    }
    return ends;
}

/* The number of commands that run: all, or up to the one that ends the guest. */
static unsigned commands_that_run(const struct ptlcall *ptlcall)
{
    struct ptlcall_session session = ptlcall->session;

    session.simulating = ptlcall_is_simulating(&ptlcall->session);
    for (unsigned i = 0; i < ptlcall->command_count; i++)
        if (foresee(&session, &ptlcall->commands[i]))
            return i + 1;
    return ptlcall->command_count;
}

/* Copy the strings one after the other, each on a line of its own. */
static int64_t copy_strings(struct ptlcall_call *call, size_t *length)
{
    struct ptlcall *ptlcall = call->ptlcall;
    const uint64_t count = call->arguments[1];
    uint64_t total = 0;
    int64_t result;

    *length = 0;
    if (count == 0)
        return 0;
    if (count > PTLCALL_DESCRIPTORS_MAX)
        return ptlcall_refuse(call, -PTLCALL_E2BIG, "too many descriptors");
    result = ptlcall_copy(call, call->arguments[0], ptlcall->descriptors,
                          count * sizeof(ptlcall->descriptors[0]));
    if (result < 0)
        return result;
    for (uint64_t i = 0; i < count; i++) {
        total += i > 0;
        if (ptlcall->descriptors[i].length > PTLCALL_COMMANDS_MAX ||
            (total += ptlcall->descriptors[i].length) > PTLCALL_COMMANDS_MAX)
            return ptlcall_refuse(call, -PTLCALL_E2BIG, "the command list is too long");
    }
    for (uint64_t i = 0; i < count; i++) {
        const struct ptlcall_descriptor *descriptor = &ptlcall->descriptors[i];

        if (i > 0)
            ptlcall->text[(*length)++] = '\n';
        result =
            ptlcall_copy(call, descriptor->string, &ptlcall->text[*length], descriptor->length);
        if (result < 0)
            return result;
        *length += descriptor->length;
    }
    return 0;
}

static int write_snapshot(struct ptlcall *ptlcall, struct outfile *file,
                          const struct ptlcall_span *value)
{
    char name[PTLCALL_NAME_MAX + 1] = {0};
    int result;

    memcpy(name, value->text, value->length);
    result = machine_begin_file(ptlcall->machine, file, name, SNAPSHOT_ENDING);
    if (result < 0)
        return result;
    result = outfile_write(file, ptlcall->chunk, ptlcall_report_counters(ptlcall, name));
    if (result < 0)
        outfile_discard(file);
    return result;
}

static bool names_file(const struct ptlcall_command *command)
{
    return command->info->kind == PTLCALL_SNAPSHOT && command->value.text;
}

/* Complete (count) files, or discard them all if one fails. */
static int64_t commit_files(struct ptlcall_call *call, unsigned count, int result)
{
    for (unsigned i = 0; i < count; i++) {
        if (result == 0)
            result = outfile_commit(&call->ptlcall->files[i]);
        else
            outfile_discard(&call->ptlcall->files[i]);
    }
    if (result < 0)
        return ptlcall_refuse(call, -PTLCALL_EIO, "a snapshot could not be written");
    return 0;
}

static int64_t write_snapshots(struct ptlcall_call *call)
{
    struct ptlcall *ptlcall = call->ptlcall;
    const unsigned running = commands_that_run(ptlcall);
    unsigned wanted = 0, written = 0;
    int result = 0;

    if (!stub_is_plain(stub_of(ptlcall->machine)))
        return 0;
    for (unsigned i = 0; i < running; i++)
        wanted += names_file(&ptlcall->commands[i]);
    if (wanted > PTLCALL_SNAPSHOTS_MAX)
        return ptlcall_refuse(call, -PTLCALL_E2BIG, "too many snapshots");
    for (unsigned i = 0; i < running && result == 0; i++) {
        if (!names_file(&ptlcall->commands[i]))
            continue;
        result = write_snapshot(ptlcall, &ptlcall->files[written], &ptlcall->commands[i].value);
        if (result == 0)
            written++;
    }
    return commit_files(call, written, result);
}

int64_t ptlcall_enqueue(struct ptlcall_call *call)
{
    struct ptlcall *ptlcall = call->ptlcall;
    const char *reason = NULL;
    size_t length;
    int64_t result = copy_strings(call, &length);

    ptlcall->command_count = 0;
    if (result == 0)
        result = ptlcall_command_parse(ptlcall->text, length, ptlcall->commands,
                                       &ptlcall->command_count, &reason);
    if (reason)
        call->reason = reason;
    if (result == 0)
        result = write_snapshots(call);
    if (result < 0) {
        ptlcall_log_print(&ptlcall->log, " count=%" PRIu64, call->arguments[1]);
        return result;
    }
    ptlcall_log_print(&ptlcall->log, " commands=%u", ptlcall->command_count);
    return PTLCALL_OP_ENQUEUE;
}

static void log_command(struct ptlcall *ptlcall, const struct ptlcall_command *command,
                        const char *effect)
{
    struct ptlcall_log *log = &ptlcall->log;

    ptlcall_log_print(log, "ptlcall %" PRIu64, ptlcall->calls);
    ptlcall_log_word(log, "command", command->name.text, command->name.length);
    if (command->value.text)
        ptlcall_log_text(log, "value", command->value.text, command->value.length);
    if (command->info->value == PTLCALL_VALUE_NUMBER && command->number == PTLCALL_NUMBER_INF)
        ptlcall_log_print(log, " number=inf");
    else if (command->info->value == PTLCALL_VALUE_NUMBER)
        ptlcall_log_print(log, " number=%" PRIu64, command->number);
    ptlcall_log_text(log, "effect", effect, strlen(effect));
}

/*
 * Pass (command) to the stub. Returns the effect it reports, or NULL for the default. The chunk
 * holds the zero-terminated copies.
 */
static const char *ask_stub(struct ptlcall_call *call, const struct ptlcall_command *command)
{
    char *name = call->ptlcall->chunk, *value = name + command->name.length + 1;
    struct minivmm_command view = {.name = name};

    _Static_assert(PTLCALL_CHUNK > PTLCALL_COMMANDS_MAX + 2, "a command fits the chunk");
    memcpy(name, command->name.text, command->name.length);
    name[command->name.length] = '\0';
    if (command->value.text) {
        memcpy(value, command->value.text, command->value.length);
        value[command->value.length] = '\0';
        view.value = value;
    }
    if (command->info->value == PTLCALL_VALUE_NUMBER)
        view.number = command->number;
    return stub_command(stub_of(call->ptlcall->machine), call->vcpu, &view);
}

static const char *run_stop(struct ptlcall_call *call, const struct ptlcall_command *command)
{
    struct ptlcall *ptlcall = call->ptlcall;
    const struct stub_session session = ptlcall_session_of(ptlcall);

    call->ends = ptlcall->session.kill_after_run && ptlcall_is_simulating(&ptlcall->session);
    stub_switch(stub_of(ptlcall->machine), call->vcpu, false, &session);
    return call->ends ? "simulation off, guest ends" : command->info->effect;
}

static const char *run_snapshot(struct ptlcall_call *call, const struct ptlcall_command *command)
{
    struct ptlcall *ptlcall = call->ptlcall;

    if (!command->value.text || stub_is_plain(stub_of(ptlcall->machine)))
        return command->info->effect;
    if (write_snapshot(ptlcall, &ptlcall->files[0], &command->value) < 0 ||
        outfile_commit(&ptlcall->files[0]) < 0)
        return "refused: the file cannot be written";
    return command->info->effect;
}

/* Carry out (command) and return its effect, for the log. */
static const char *run_command(struct ptlcall_call *call, const struct ptlcall_command *command)
{
    struct ptlcall_session *session = &call->ptlcall->session;
    const struct stub_session stub_session = ptlcall_session_of(call->ptlcall);

    switch (command->info->kind) {
    case PTLCALL_RUN:
        if (!stub_switch(stub_of(call->ptlcall->machine), call->vcpu, true, &stub_session))
            return "refused by the stub";
        break;
    case PTLCALL_STOP:
        return run_stop(call, command);
    case PTLCALL_KILL:
        call->ends = true;
        break;
    case PTLCALL_KILL_AFTER_RUN:
        __atomic_store_n(&session->kill_after_run, true, __ATOMIC_SEQ_CST);
        break;
    case PTLCALL_LIMIT:
        session->limits[command->info->limit] = command->number;
        break;
    case PTLCALL_SNAPSHOT:
        return run_snapshot(call, command);
    case PTLCALL_NOTED:
        break;
    }
    return command->info->effect;
}

void ptlcall_enqueue_run(struct ptlcall_call *call)
{
    struct ptlcall *ptlcall = call->ptlcall;

    for (unsigned i = 0; i < ptlcall->command_count; i++) {
        const struct ptlcall_command *command = &ptlcall->commands[i];
        const char *effect;

        /* End the line before: what a stub prints on stderr comes between lines. */
        ptlcall_log_print(&ptlcall->log, "\n");
        if (call->ends) {
            log_command(ptlcall, command, "not run: the guest has ended");
            continue;
        }
        effect = ask_stub(call, command);
        if (effect) {
            log_command(ptlcall, command, effect);
            continue;
        }
        log_command(ptlcall, command, run_command(call, command));
        if (command->info->kind == PTLCALL_SNAPSHOT && !command->value.text)
            ptlcall_log_counters(ptlcall);
    }
}
