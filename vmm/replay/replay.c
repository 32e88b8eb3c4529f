#include "vmm/replay/replay.h"

#include "vmm/core/exit.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/core/x86.h"
#include "vmm/io/console.h"
#include "vmm/replay/compare.h"
#include "vmm/replay/given_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PRESET (16 * MIB) /* where the stream does not say */
#define HEAD_MAX      100        /* bytes of an event's line in the description of a difference */

/* ---- the header, and the machine that it describes ---- */

static int take_start(struct cursor *line, struct error *error)
{
    uint64_t start;
    int result = cursor_number(line, "nanoseconds since 1970", &start, error);

    return result < 0 ? result : cursor_finish(line, error);
}

/* Read header lines into (plan), and push the first other line back. */
static int read_plan(struct replay *replay, struct machine_plan *plan, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = lines_next(&replay->lines, &line, error)) > 0) {
        if (!replay->begun && cursor_skip(&line, "recorded"))
            replay->recorded = replay->lines.whole = true;
        else if (cursor_skip(&line, "start"))
            result = take_start(&line, error);
        else if ((result = machine_plan_parse_line(plan, &line, error)) == 0) {
            lines_hold(&replay->lines);
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
    int result = lines_next(&replay->lines, &line, error);

    if (result < 0)
        return result;
    if (result == 0 || !cursor_skip(&line, "exits"))
        return error_set(error, -EINVAL,
                         "%s: this is no exit stream: its first line is not `exits %d`",
                         replay->lines.path, EXIT_STREAM_VERSION);
    result = cursor_number(&line, "a version", &version, error);
    if (result == 0)
        result = cursor_finish(&line, error);
    if (result == 0 && version != EXIT_STREAM_VERSION)
        return lines_refuse(&replay->lines, error,
                            "version %llu of the format; this minivmm reads version %d",
                            (unsigned long long)version, EXIT_STREAM_VERSION);
    return result;
}

int replay_open(struct replay *replay, const char *path, const struct device_type *const *types,
                struct error *error)
{
    int result;

    memset(replay, 0, sizeof(*replay));
    replay->plan.types = types;
    replay->plan.memory_size = MEMORY_PRESET;
    replay->plan.vcpu_count = 1;
    result = lines_open(&replay->lines, path, error);
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
    lines_close(&replay->lines);
    exit_event_free(&replay->event);
    machine_plan_free(&replay->plan);
    text_free(&replay->difference);
}

/* Without inputs that say otherwise, a vCPU runs 64-bit code with paging off. */
static int make_vcpu(struct vcpu *vcpu, struct error *error)
{
    vcpu->run = calloc(1, EXIT_RUN_SIZE);
    if (!vcpu->run)
        return error_set(error, -ENOMEM, "out of memory for vCPU %u", vcpu->id);
    vcpu->run_size = EXIT_RUN_SIZE;
    vcpu->registers_valid = true;
    vcpu_set_register(vcpu, VCPU_CR0, X86_CR0_PE);
    vcpu_set_register(vcpu, VCPU_EFER, X86_EFER_LME | X86_EFER_LMA);
    vcpu_set_register(vcpu, VCPU_CS_L, 1);
    return 0;
}

static void end_machine(struct replay *replay)
{
    for (unsigned id = 0; id < replay->machine.vcpu_count; id++) {
        free(replay->machine.vcpus[id].run);
        replay->machine.vcpus[id].run = NULL;
    }
    machine_finish(&replay->machine);
    given_finish(&replay->given);
}

static int make_machine(struct replay *replay, const struct machine_plan *plan, struct error *error)
{
    struct machine_config config = {
        .console_fd = -1,
        .console_policy = OUTPUT_FULL,
        .out_dir = "/",
        .message_fd = -1,
    };
    struct machine *machine = &replay->machine;
    unsigned failed = UINT32_MAX; /* device */
    struct error cause;
    int result;

    machine_plan_configure(plan, &config);
    if (given_init(&replay->given, machine, config.vcpu_count) < 0)
        return error_set(error, -ENOMEM, "%s: out of memory", replay->lines.path);
    result = machine_init(machine, &config, &cause);
    if (result < 0) {
        given_finish(&replay->given);
        return error_set(error, result, "%.200s: %.280s", replay->lines.path, cause.text);
    }
    machine_set_journal(machine, &replay->given.lines.journal);
    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++)
        result = make_vcpu(&machine->vcpus[id], &cause);
    if (result == 0)
        result = machine_plan_make_devices(plan, machine, &failed, &cause);
    if (result < 0) {
        end_machine(replay);
        replay->lines.number = failed < plan->device_count ? plan->lines[failed] : 0;
        return lines_refuse(&replay->lines, error, "%s", cause.text);
    }
    bus_freeze(&machine->bus[BUS_PIO]);
    bus_freeze(&machine->bus[BUS_MMIO]);
    return 0;
}

/* ---- events ---- */

static void run_exit(struct replay *replay)
{
    struct journal *journal = &replay->given.lines.journal;
    struct machine *machine = &replay->machine;
    struct vcpu *vcpu = &machine->vcpus[replay->event.vcpu];

    exit_event_fill_run(&replay->event, vcpu);
    journal_begin_exit(journal, vcpu, 0);
    vcpu_count_exit(vcpu);
    exit_handle(machine, vcpu);
    vcpu_drop_work(vcpu); /* a replay takes no checkpoints */
    exit_remember(vcpu);
    journal_end_exit(journal, 0);
    replay->exits++;
}

/* Refuse the line of the event: more lines were read since. */
static int refuse_event(struct replay *replay, struct error *error, const char *what)
{
    replay->lines.number = replay->line;
    return lines_refuse(&replay->lines, error, "%s%s", what, replay->event.name);
}

static int run_typed(struct replay *replay, struct error *error)
{
    const struct text *text = &replay->event.text;
    struct console *console = &replay->machine.console;

    if (replay->event.name[0])
        console = given_console(&replay->given, replay->event.name, strlen(replay->event.name));
    if (!console)
        return refuse_event(replay, error, "there is no console of ");
    if (console_type(console, (const uint8_t *)text->bytes, text->used) != text->used)
        return refuse_event(replay, error, "there is no room for so much input at the console ");
    return 0;
}

/* The stream says when timers fire: a replay has no time. */
static int run_timer(struct replay *replay, struct error *error)
{
    const char *name = replay->event.name;
    struct device_timer *timer = timer_list_find(&replay->machine.timers, name);
    struct text *text = &replay->difference;

    if (!timer)
        return refuse_event(replay, error, "there is no timer ");
    if (device_timer_fire(timer))
        return 0;
    text_append_string(text, replay->lines.path);
    text_append_string(text, ":");
    text_append_decimal(text, replay->line);
    text_append_string(text, ": the timer ");
    text_append_string(text, name);
    text_append_string(text, " fires in the stream, but its device has not set it\n");
    return -EDOM;
}

static int check_done(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    replay->done = true;
    if (replay->event.value != replay->exits)
        return lines_refuse(&replay->lines, error, "the end of %llu exits, but there are %llu",
                            (unsigned long long)replay->event.value,
                            (unsigned long long)replay->exits);
    result = lines_next(&replay->lines, &line, error);
    if (result > 0)
        return lines_refuse(&replay->lines, error, "there is text after the end");
    return result;
}

static int run_event(struct replay *replay, struct error *error)
{
    switch (replay->event.kind) {
    case EVENT_EXIT:
        run_exit(replay);
        return 0;
    case EVENT_TYPED:
        return run_typed(replay, error);
    case EVENT_TIMER:
        return run_timer(replay, error);
    case EVENT_DONE:
        return check_done(replay, error);
    default:
        return 0;
    }
}

/*
 * Read the inputs of the event, and push the first line that is not an input back. Returns 1, 0 at the
 * end of the file, or a negative errno.
 */
static int take_inputs(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = lines_next(&replay->lines, &line, error)) > 0) {
        if (!cursor_skip(&line, "<")) {
            lines_hold(&replay->lines);
            return 1;
        }
        if (replay->event.kind == EVENT_TYPED)
            return lines_refuse(&replay->lines, error, "only exits and timers have inputs");
        result = given_parse_input(&replay->given, &line, replay->event.vcpu, error);
        if (result < 0)
            return result;
    }
    return result;
}

static int compare(struct replay *replay, const char *head, struct error *error)
{
    struct comparison comparison = {
        .lines = &replay->lines,
        .effects = &replay->given.lines.effects,
        .head = head,
        .line = replay->line,
        .may_break_off = replay->recorded,
        .unused = given_unused(&replay->given),
        .difference = &replay->difference,
    };
    const int result = compare_effects(&comparison, error);

    replay->effects += comparison.agreed;
    return result;
}

/* Run the event of (line), with its inputs and effects. Returns as replay_next(), but 1: go on. */
static int replay_event(struct replay *replay, struct cursor *line, struct error *error)
{
    const int length = (int)(line->end - line->next);
    char head[HEAD_MAX + 1];
    int result;

    snprintf(head, sizeof(head), "%.*s", length < HEAD_MAX ? length : HEAD_MAX, line->next);
    replay->line = replay->lines.number;
    result = exit_parse_event(line, &replay->event, error);
    if (result < 0)
        return result;
    if (replay->event.vcpu >= replay->machine.vcpu_count)
        return lines_refuse(&replay->lines, error, "there is no vCPU %u", replay->event.vcpu);
    given_clear(&replay->given);
    if (replay->event.kind <= EVENT_TIMER) { /* events that can have inputs or effects */
        result = take_inputs(replay, error);
        if (result < 0 || (result == 0 && replay_is_broken_off(replay)))
            return result;
    }
    result = run_event(replay, error);
    if (result < 0 || replay->done)
        return result;
    return compare(replay, head, error);
}

/* Run all events up to the end of the file or the next test, whose line is pushed back. */
static int replay_events(struct replay *replay, struct error *error)
{
    struct cursor line;
    int result;

    while ((result = lines_next(&replay->lines, &line, error)) > 0) {
        struct cursor look = line;

        if (cursor_skip(&look, "test")) {
            if (!replay->name[0])
                return lines_refuse(&replay->lines, error, "exits stand before the first test");
            lines_hold(&replay->lines);
            return 1;
        }
        result = replay_event(replay, &line, error);
        if (result <= 0)
            break;
    }
    return result < 0 ? result : 1;
}

/* ---- tests ---- */

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
        return lines_refuse(&replay->lines, error, "a test has no name");
    for (size_t i = 0; i < length; i++)
        replay->name[i] = line->next[i] >= ' ' && line->next[i] != 127 ? line->next[i] : '?';
    replay->name[length] = '\0';
    return 1;
}

/*
 * Find the next test and take its name. A stream without tests counts as one. Returns 1, 0 if there is
 * no further test, or a negative errno.
 */
static int find_test(struct replay *replay, struct error *error)
{
    const bool first = !replay->begun;
    struct cursor line;
    int result;

    replay->begun = true;
    while ((result = lines_next(&replay->lines, &line, error)) > 0) {
        if (cursor_skip(&line, "test"))
            return take_name(replay, &line, error);
        if (first) {
            lines_hold(&replay->lines);
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
        result = read_plan(replay, &plan, error);
    if (result == 0)
        result = make_machine(replay, &plan, error);
    machine_plan_free(&plan);
    if (result < 0)
        return result;
    result = replay_events(replay, error);
    end_machine(replay);
    replay->all_exits += replay->exits;
    replay->all_effects += replay->effects;
    return result;
}
