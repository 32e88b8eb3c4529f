/* Replaying an exit stream: exit by exit, its effects compared line by line. */
#include "vmm/replay.h"

#include "vmm/console.h"
#include "vmm/exit.h"
#include "vmm/vcpu.h"
#include "vmm/x86.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PRESET (16 * MIB)
#define RUN_SIZE      (2 * 4096 + STREAM_IO_MAX) /* struct kvm_run, then the data of port exits */

static int take_start(struct cursor *line, struct error *error)
{
    uint64_t start;
    int result = cursor_number(line, "nanoseconds since 1970", &start, error);

    return result < 0 ? result : cursor_finish(line, error);
}

/* Lines of a header; the next one that is none is held. */
static int read_plan(struct replay *replay, struct plan *plan, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = stream_next(&replay->stream, &line, error)) > 0) {
        if (!replay->begun && cursor_skip(&line, "recorded"))
            replay->recorded = replay->stream.whole = true;
        else if (cursor_skip(&line, "start"))
            result = take_start(&line, error);
        else if ((result = plan_take_line(plan, &line, error)) == 0) {
            stream_hold(&replay->stream);
            return 0;
        }
        if (result < 0)
            return result;
    }
    return result < 0 ? result : 0;
}

static int read_version(struct replay *replay, struct error *error)
{
    struct cursor line;
    uint64_t version;
    int result = stream_next(&replay->stream, &line, error);

    if (result < 0)
        return result;
    if (result == 0 || !cursor_skip(&line, "exits"))
        return error_set(error, -EINVAL,
                         "%s: this is no exit stream: its first line is not `exits %d`",
                         replay->stream.path, STREAM_VERSION);
    result = cursor_number(&line, "a version", &version, error);
    if (result == 0)
        result = cursor_finish(&line, error);
    if (result == 0 && version != STREAM_VERSION)
        return stream_refuse(&replay->stream, error,
                             "version %llu of the format; this minivmm reads version %d",
                             (unsigned long long)version, STREAM_VERSION);
    return result;
}

int replay_open(struct replay *replay, const char *path, struct error *error)
{
    int result;

    memset(replay, 0, sizeof(*replay));
    replay->plan.memory_size = MEMORY_PRESET;
    replay->plan.vcpu_count = 1;
    result = stream_open(&replay->stream, path, error);
    if (result < 0)
        return result;
    result = read_version(replay, error);
    if (result == 0)
        result = read_plan(replay, &replay->plan, error);
    if (result < 0)
        replay_close(replay);
    return result;
}

void replay_close(struct replay *replay)
{
    stream_close(&replay->stream);
    stream_event_free(&replay->event);
    plan_free(&replay->plan);
    text_free(&replay->word);
    text_free(&replay->difference);
}

/* A stream's vCPU runs 64-bit code with paging off until it is told otherwise. */
static int make_vcpu(struct vcpu *vcpu, struct error *error)
{
    vcpu->run = calloc(1, RUN_SIZE);
    if (!vcpu->run)
        return error_set(error, -ENOMEM, "out of memory for vCPU %u", vcpu->id);
    vcpu->run_size = RUN_SIZE;
    vcpu->registers_valid = true;
    vcpu_put_register(vcpu, VCPU_CR0, X86_CR0_PE);
    vcpu_put_register(vcpu, VCPU_EFER, X86_EFER_LME | X86_EFER_LMA);
    vcpu_put_register(vcpu, VCPU_CS_L, 1);
    return 0;
}

static void end_machine(struct replay *replay)
{
    for (unsigned id = 0; id < replay->machine.vcpu_count; id++) {
        free(replay->machine.vcpus[id].run);
        replay->machine.vcpus[id].run = NULL;
    }
    machine_destroy(&replay->machine);
    tape_destroy(&replay->tape);
    free(replay->rax);
    replay->rax = NULL;
}

static int make_machine(struct replay *replay, const struct plan *plan, struct error *error)
{
    struct machine_config config = {
        .console_fd = -1,
        .console_policy = OUTPUT_FULL,
        .out_dir = "/",
        .quiet = true,
    };
    struct machine *machine = &replay->machine;
    unsigned failed = UINT32_MAX; /* device */
    struct error cause;
    int result;

    plan_configure(plan, &config);
    tape_init(&replay->tape);
    replay->tape.replays = true;
    result = machine_create(machine, &config, &cause);
    if (result < 0) {
        tape_destroy(&replay->tape);
        return error_set(error, result, "%.200s: %.280s", replay->stream.path, cause.text);
    }
    machine_set_tape(machine, &replay->tape);
    replay->rax = calloc(machine->vcpu_count, sizeof(*replay->rax));
    if (!replay->rax)
        result = error_set(&cause, -ENOMEM, "out of memory");
    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++)
        result = make_vcpu(&machine->vcpus[id], &cause);
    if (result == 0)
        result = plan_make_devices(plan, machine, &failed, &cause);
    if (result < 0) {
        end_machine(replay);
        replay->stream.number = failed < plan->device_count ? plan->lines[failed] : 0;
        return stream_refuse(&replay->stream, error, "%s", cause.text);
    }
    bus_freeze(&machine->bus[BUS_PIO]);
    bus_freeze(&machine->bus[BUS_MMIO]);
    return 0;
}

/* Let the exit happen; what comes of it is in the tape's effects. */
static void run_exit(struct replay *replay)
{
    struct machine *machine = &replay->machine;
    struct vcpu *vcpu = &machine->vcpus[replay->event.vcpu];

    if (vcpu->run->kvm_dirty_regs) {
        vcpu_put_register(vcpu, VCPU_RAX, replay->rax[vcpu->id]);
        vcpu->run->kvm_dirty_regs = 0;
    }
    stream_set_exit(&replay->event, vcpu);
    tape_open(&replay->tape, vcpu, 0);
    vcpu_count_exit(vcpu);
    exit_handle(machine, vcpu);
    exit_remember(vcpu);
    stream_put_data(vcpu, &replay->tape.effects);
    tape_close(&replay->tape);
    replay->exits++;
}

/* The line of the event, though more has been read since. */
static int refuse_event(struct replay *replay, struct error *error, const char *what)
{
    replay->stream.number = replay->line;
    return stream_refuse(&replay->stream, error, "%s%s", what, replay->event.name);
}

static int run_typed(struct replay *replay, struct error *error)
{
    const struct text *text = &replay->event.text;
    struct console *console = &replay->machine.console;

    if (replay->event.name[0])
        for (console = replay->tape.consoles; console; console = console->next)
            if (console->name && strcmp(console->name, replay->event.name) == 0)
                break;
    if (!console)
        return refuse_event(replay, error, "there is no console of ");
    if (console_type(console, (const uint8_t *)text->bytes, text->used) != text->used)
        return refuse_event(replay, error, "there is no room for so much input at the console ");
    return 0;
}

static int check_done(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    replay->done = true;
    if (replay->event.value != replay->exits)
        return stream_refuse(&replay->stream, error, "the end of %llu exits, but there are %llu",
                             (unsigned long long)replay->event.value,
                             (unsigned long long)replay->exits);
    result = stream_next(&replay->stream, &line, error);
    if (result > 0)
        return stream_refuse(&replay->stream, error, "there is more behind the end");
    return result;
}

static int run_event(struct replay *replay, struct error *error)
{
    switch (replay->event.kind) {
    case STREAM_EXIT:
        run_exit(replay);
        return 0;
    case STREAM_TYPED:
        return run_typed(replay, error);
    case STREAM_DONE:
        return check_done(replay, error);
    default:
        return 0;
    }
}

/* The inputs below the event, up to the line that is none, which is held; 0 at the end of the file. */
static int take_inputs(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = stream_next(&replay->stream, &line, error)) > 0) {
        if (!cursor_skip(&line, "<")) {
            stream_hold(&replay->stream);
            return 1;
        }
        if (replay->event.kind != STREAM_EXIT)
            return stream_refuse(&replay->stream, error, "only an exit has inputs");
        result = replay_take_input(replay, &line, replay->event.vcpu, error);
        if (result < 0)
            return result;
    }
    return result;
}

/* The event that (line) begins, with its inputs and effects. As replay_next(), but 1: go on. */
static int replay_event(struct replay *replay, struct cursor *line, struct error *error)
{
    char head[128];
    const int head_length = (int)(line->end - line->next);
    int result;

    snprintf(head, sizeof(head), "%.*s", head_length < 100 ? head_length : 100, line->next);
    replay->line = replay->stream.number;
    result = stream_parse_event(line, &replay->event, error);
    if (result < 0)
        return result;
    if (replay->event.vcpu >= replay->machine.vcpu_count)
        return stream_refuse(&replay->stream, error, "there is no vCPU %u", replay->event.vcpu);
    replay_clear_inputs(replay);
    text_clear(&replay->tape.effects);
    if (replay->event.kind == STREAM_EXIT || replay->event.kind == STREAM_TYPED) {
        result = take_inputs(replay, error);
        if (result < 0 || (result == 0 && replay_is_broken_off(replay)))
            return result;
    }
    result = run_event(replay, error);
    if (result < 0 || replay->done)
        return result;
    return replay_compare(replay, head, error);
}

/* All events, to the end of the file or the next test, whose line is held. */
static int replay_events(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = stream_next(&replay->stream, &line, error)) > 0) {
        struct cursor look = line;

        if (cursor_skip(&look, "test")) {
            if (!replay->name[0])
                return stream_refuse(&replay->stream, error, "exits stand before the first test");
            stream_hold(&replay->stream);
            return 1;
        }
        result = replay_event(replay, &line, error);
        if (result <= 0)
            break;
    }
    return result < 0 ? result : 1;
}

static int take_name(struct replay *replay, struct cursor *line, struct error *error)
{
    size_t length = (size_t)(line->end - line->next);

    while (length > 0 && *line->next == ' ') {
        line->next++;
        length--;
    }
    if (length >= sizeof(replay->name))
        length = sizeof(replay->name) - 1;
    if (length == 0)
        return stream_refuse(&replay->stream, error, "a test has no name");
    for (size_t i = 0; i < length; i++)
        replay->name[i] = line->next[i] >= ' ' && line->next[i] != 127 ? line->next[i] : '?';
    replay->name[length] = '\0';
    return 1;
}

/* To the next test: 1, and its name; 1 for a stream without tests, once; 0: there is none. */
static int find_test(struct replay *replay, struct error *error)
{
    const bool first = !replay->begun;
    struct cursor line;
    int result;

    replay->begun = true;
    while ((result = stream_next(&replay->stream, &line, error)) > 0) {
        if (cursor_skip(&line, "test"))
            return take_name(replay, &line, error);
        if (first) {
            stream_hold(&replay->stream);
            return 1;
        }
    }
    return result < 0 ? result : first;
}

int replay_next(struct replay *replay, struct error *error)
{
    struct plan plan;
    int result = find_test(replay, error);

    if (result <= 0)
        return result;
    replay->exits = replay->effects = 0;
    text_clear(&replay->difference);
    result = plan_copy(&plan, &replay->plan, error);
    if (result < 0)
        return result;
    if (replay->name[0])
        result = read_plan(replay, &plan, error);
    if (result == 0)
        result = make_machine(replay, &plan, error);
    plan_free(&plan);
    if (result < 0)
        return result;
    result = replay_events(replay, error);
    end_machine(replay);
    replay->all_exits += replay->exits;
    replay->all_effects += replay->effects;
    return result;
}
