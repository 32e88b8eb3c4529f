#include "vmm/html/html_recording.h"

#include "vmm/html/html_json.h"

#include <errno.h>
#include <string.h>

#define HEADER_MAX       4096 /* bytes of each text of the header; of all devices together */
#define CRASH_REPORT_MAX (64 * 1024)
#define NS_PER_MS        1000000

int html_recording_init(struct html_recording *recording)
{
    recording->classes = html_classes_create();
    if (!recording->classes || html_timeline_init(&recording->timeline) < 0 ||
        html_events_init(&recording->events) < 0)
        return -ENOMEM;
    return 0;
}

void html_recording_finish(struct html_recording *recording)
{
    text_free(&recording->recorded);
    text_free(&recording->machine);
    text_free(&recording->devices);
    text_free(&recording->outcome);
    text_free(&recording->report);
    html_events_finish(&recording->events);
    html_timeline_finish(&recording->timeline);
    html_classes_destroy(recording->classes);
}

static void append_limited(struct text *text, const char *bytes, size_t length, size_t limit)
{
    const size_t room = text->used < limit ? limit - text->used : 0;

    text_append(text, bytes, length < room ? length : room);
}

void html_recording_keep(struct text *text, const char *bytes, size_t length)
{
    append_limited(text, bytes, length, HEADER_MAX);
}

void html_recording_add_device(struct html_recording *recording, const char *bytes, size_t length)
{
    if (recording->devices.used > HEADER_MAX)
        return;
    html_json_separate(&recording->devices);
    html_json_string(&recording->devices, bytes, length < HEADER_MAX ? length : HEADER_MAX);
}

void html_recording_add_report(struct html_recording *recording, const struct text *line)
{
    append_limited(&recording->report, line->bytes, line->used, CRASH_REPORT_MAX);
    append_limited(&recording->report, "\n", 1, CRASH_REPORT_MAX);
}

/* Times are sums of untrusted numbers: they are limited to JavaScript's exact integers. */
static uint64_t add_time(uint64_t time, int64_t delta)
{
    if (delta < 0)
        return time > -(uint64_t)delta ? time - -(uint64_t)delta : 0;
    return (uint64_t)delta < HTML_JSON_MAX - time ? time + (uint64_t)delta : HTML_JSON_MAX;
}

/* The place of the exit on the timeline: its time, or without times its number. */
static void pass_time(struct html_recording *recording, const struct exit_event *event,
                      uint64_t *start, uint64_t *end)
{
    if (recording->exits == 0)
        recording->timed = event->timed;
    recording->mixed |= recording->timed != event->timed;
    if (recording->timed) {
        const uint64_t handled = event->measured ? event->handle_ns : 0;

        *start = add_time(recording->now, event->timed ? event->delta : 0);
        *end = add_time(*start, handled < INT64_MAX ? (int64_t)handled : INT64_MAX);
    } else {
        *start = recording->exits;
        *end = *start + 1;
    }
    recording->now = *start;
    if (*end > recording->end)
        recording->end = *end;
}

/* The page shows the times in columns. */
static size_t length_without_times(const struct exit_event *event, const char *line, size_t length)
{
    const char *at = event->timed ? memrchr(line, ';', length) : NULL;

    while (at && at > line && at[-1] == ' ')
        at--;
    return at ? (size_t)(at - line) : length;
}

void html_recording_add_exit(struct html_recording *recording, const struct exit_event *event,
                             const char *line, size_t length)
{
    struct html_event shown = {
        .number = recording->exits + 1,
        .vcpu = event->vcpu,
        .measured = event->measured,
        .handle_ns = event->handle_ns,
    };
    const char *space = memchr(line, ' ', length);
    uint64_t end;
    unsigned class;

    pass_time(recording, event, &shown.time, &end);
    recording->exits++;
    class = html_classes_count(recording->classes, event, line,
                               space ? (size_t)(space - line) : length);
    html_timeline_add(&recording->timeline, event->vcpu, shown.time, end, class);
    html_events_add(&recording->events, &shown, line, length_without_times(event, line, length));
}

void html_recording_add_event(struct html_recording *recording, const struct exit_event *event,
                              const char *line, size_t length)
{
    const struct html_event shown = {.time = recording->now, .vcpu = event->vcpu};

    html_events_add(&recording->events, &shown, line, length);
}

void html_recording_flag(struct html_recording *recording, enum html_flag_kind kind, unsigned vcpu,
                         const char *text, size_t length)
{
    const struct html_flag flag = {
        .kind = kind,
        /* A test begins at the next exit; every other flag is at the exit that caused it. */
        .time = kind == HTML_TEST && !recording->timed ? recording->exits : recording->now,
        .exit = recording->exits,
        .vcpu = vcpu,
    };

    html_events_flag(&recording->events, &flag, text, length);
}

static void write_texts(const struct html_recording *recording, struct text *data)
{
    html_json_add_text(data, "recorded", &recording->recorded);
    html_json_add_text(data, "machine", &recording->machine);
    html_json_add_text(data, "outcome", &recording->outcome);
    html_json_add_text(data, "report", &recording->report);
    html_json_key(data, "devices");
    text_append(data, "[", 1);
    text_append(data, recording->devices.bytes, recording->devices.used);
    text_append(data, "]", 1);
    data->failed |= recording->recorded.failed || recording->machine.failed ||
                    recording->outcome.failed || recording->report.failed ||
                    recording->devices.failed;
}

static void write_numbers(const struct html_recording *recording, struct text *data)
{
    html_json_add(data, "is_recording", recording->is_recording);
    html_json_add(data, "partial", recording->is_recording && !recording->done);
    html_json_add(data, "done", recording->done);
    html_json_add(data, "announced", recording->announced);
    html_json_add(data, "start_ms", recording->start / NS_PER_MS);
    html_json_add(data, "waits", recording->waits);
    html_json_add(data, "tests", recording->tests);
    html_json_add(data, "exits", recording->exits);
    html_json_add(data, "timed", recording->timed);
    html_json_add(data, "mixed", recording->mixed);
    html_json_add(data, "end", recording->end);
}

void html_recording_write(struct html_recording *recording, struct text *data)
{
    write_texts(recording, data);
    write_numbers(recording, data);
    html_classes_write(recording->classes, data);
    html_timeline_write(&recording->timeline, data);
    html_events_write(&recording->events, data);
}
