#include "vmm/snapshot/machine_note.h"

#include "include/minivmm.h"
#include "vmm/base/clock.h"
#include "vmm/base/lines.h"
#include "vmm/core/exit_reason.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void write_number(struct text *text, const char *word, uint64_t number)
{
    text_append_string(text, word);
    text_append_decimal(text, number);
    text_append_string(text, "\n");
}

void machine_note_write(struct machine *machine, struct text *text)
{
    uint64_t counts[EXIT_REASONS];
    uint64_t exits = 0;

    machine_count_exits(machine, counts);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
        exits += counts[reason];
    write_number(text, "checkpoint ", MACHINE_NOTE_VERSION);
    text_append_string(text, "by " MINIVMM_VERSION "\n");
    write_number(text, "saved ", clock_read(CLOCK_REALTIME));
    write_number(text, "exits ", exits);
    if (machine->timers.first)
        write_number(text, "clock ", timer_list_clock(&machine->timers));
    machine_plan_print(machine->plan, text);
}

static int parse_version(struct machine_note *note, struct cursor *line, struct error *error)
{
    uint64_t version = 0;
    int result = cursor_number(line, "a version", &version, error);

    note->version = version;
    if (result == 0 && version != MACHINE_NOTE_VERSION)
        return lines_refuse(line->lines, error,
                            "version %" PRIu64 " of the machine's note; this minivmm reads %d",
                            version, MACHINE_NOTE_VERSION);
    return result;
}

static int parse_by(struct machine_note *note, struct cursor *line, struct error *error)
{
    const char *word;
    size_t length = cursor_word(line, &word);

    (void)error;
    if (length >= sizeof(note->by))
        length = sizeof(note->by) - 1;
    memcpy(note->by, word, length);
    note->by[length] = '\0';
    return 0;
}

static int parse_saved(struct machine_note *note, struct cursor *line, struct error *error)
{
    return cursor_number(line, "nanoseconds", &note->saved, error);
}

static int parse_exits(struct machine_note *note, struct cursor *line, struct error *error)
{
    return cursor_number(line, "a number of exits", &note->exits, error);
}

static int parse_clock(struct machine_note *note, struct cursor *line, struct error *error)
{
    note->has_clock = true;
    return cursor_number(line, "nanoseconds", &note->clock, error);
}

static const struct {
    const char *word;
    int (*take)(struct machine_note *note, struct cursor *line, struct error *error);
} forms[] = {
    {"checkpoint", parse_version}, {"by", parse_by},       {"saved", parse_saved},
    {"exits", parse_exits},        {"clock", parse_clock},
};

static int parse_line(struct machine_note *note, struct cursor *line, struct error *error)
{
    int result;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!cursor_skip(line, forms[i].word))
            continue;
        result = forms[i].take(note, line, error);
        return result < 0 ? result : cursor_finish(line, error);
    }
    result = machine_plan_parse_line(&note->plan, line, error);
    if (result == 0)
        return lines_refuse(line->lines, error, "a line of the machine's note is unknown");
    return result < 0 ? result : 0;
}

int machine_note_read(struct machine_note *note, const struct elf_file *elf,
                      const struct device_type *const *types, struct error *error)
{
    const struct elf_note *text = elf_file_find(elf, ELF_NOTE_MACHINE, 0);
    struct lines lines = {.path = elf->path, .fd = -1};
    int result = 0;

    *note = (struct machine_note){.plan = {.types = types}};
    if (!text)
        return error_set(error, -EINVAL, "%s: it does not describe its machine", elf->path);
    for (const char *next = text->bytes, *end = next + text->size; result == 0 && next < end;) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        const char *line_end = newline ? newline : end;
        struct cursor line = {&lines, next, line_end};

        lines.number++;
        if (line_end > next)
            result = parse_line(note, &line, error);
        next = line_end + 1;
    }
    if (result == 0 && (note->plan.memory_size == 0 || note->version == 0))
        return error_set(error, -EINVAL, "%s: it does not describe its machine", elf->path);
    return result;
}

void machine_note_free(struct machine_note *note)
{
    machine_plan_free(&note->plan);
}
