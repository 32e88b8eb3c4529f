#include "vmm/record/recorder.h"

#include "vmm/base/clock.h"
#include "vmm/core/machine.h"
#include "vmm/record/recorder_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct recorder {
    struct tape tape;
    struct tape_recording recording;
};

struct recorder *recorder_create(int fd, unsigned vcpu_count, const atomic_bool *abandoned)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    struct tape_recording *recording;

    if (!recorder)
        return NULL;
    tape_init(&recorder->tape);
    recording = recorder->tape.recording = &recorder->recording;
    recording->registers = calloc(vcpu_count, sizeof(*recording->registers));
    recording->shadow = known_pages_create();
    recording->spool = async_file_create(fd, abandoned);
    if (recording->registers && recording->shadow && recording->spool)
        return recorder;
    recorder_destroy(recorder);
    return NULL;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder)
        return;
    async_file_finish(recorder->recording.spool);
    known_pages_destroy(recorder->recording.shadow);
    free(recorder->recording.registers);
    tape_destroy(&recorder->tape);
    free(recorder);
}

struct tape *recorder_tape(struct recorder *recorder)
{
    return &recorder->tape;
}

void recorder_begin(struct recorder *recorder, const struct text *header)
{
    recorder->recording.last_exited = clock_now();
    async_file_put(recorder->recording.spool, header->bytes, header->used);
}

/* The lines of (report), each as one of the stream. */
static void put_report(struct text *text, const struct text *report)
{
    const char *line = report->bytes;
    const char *end = report->bytes + report->used;

    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const size_t length = (size_t)((newline ? newline : end) - line);

        text_put_string(text, "report \"");
        text_put_escaped(text, line, length);
        text_put_string(text, "\"\n");
        line += length + 1;
    }
}

static void put_counted(struct text *text, const char *word, uint64_t number)
{
    text_put_string(text, word);
    text_put_decimal(text, number);
    text_put(text, "\n", 1);
}

int recorder_finish(struct recorder *recorder, struct machine *machine, const struct text *report)
{
    struct tape_recording *recording = &recorder->recording;
    const uint64_t waits = async_file_waits(recording->spool);
    struct text text = {0};
    int result;

    text_put_string(&text, "ended ");
    text_put_string(&text, outcome_table[machine_outcome(machine)].name);
    text_put(&text, "\n", 1);
    put_report(&text, report);
    if (waits)
        put_counted(&text, "waits ", waits);
    put_counted(&text, "done ", recording->exits);
    async_file_put(recording->spool, text.bytes, text.used);
    result = text.failed || recording->failed ? -ENOMEM : 0;
    text_free(&text);
    if (result == 0)
        result = async_file_finish(recording->spool);
    else
        async_file_finish(recording->spool);
    recording->spool = NULL;
    return result;
}

uint64_t recorder_waits(const struct recorder *recorder)
{
    return async_file_waits(recorder->recording.spool);
}
