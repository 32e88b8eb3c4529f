/* Replaying an exit stream: exit by exit, its effects compared line by line. */
#include "vmm/replay/replay_parts.h"

#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    vcpu_drop_work(vcpu); /* a replay takes no checkpoints */
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
    struct machine_plan plan;
    int result = find_test(replay, error);

    if (result <= 0)
        return result;
    replay->exits = replay->effects = 0;
    text_clear(&replay->difference);
    result = machine_plan_copy(&plan, &replay->plan, error);
    if (result < 0)
        return result;
    if (replay->name[0])
        result = replay_read_plan(replay, &plan, error);
    if (result == 0)
        result = replay_make_machine(replay, &plan, error);
    machine_plan_free(&plan);
    if (result < 0)
        return result;
    result = replay_events(replay, error);
    replay_end_machine(replay);
    replay->all_exits += replay->exits;
    replay->all_effects += replay->effects;
    return result;
}
