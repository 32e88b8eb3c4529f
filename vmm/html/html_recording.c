#include "vmm/html/html_recording.h"

#include "vmm/html/html_json.h"

#include <errno.h>
#include <string.h>

#define HEADER_MAX       4096 /* bytes of each text of the header; of all devices together */
#define CRASH_REPORT_MAX (64 * 1024)
#define NS_PER_MS        1000000

int page_recording_init(struct page_recording *recording)
{
    recording->classes = page_classes_create();
    if (!recording->classes || page_timeline_init(&recording->timeline) < 0 ||
        page_events_init(&recording->events) < 0)
        return -ENOMEM;
    return 0;
}

void page_recording_free(struct page_recording *recording)
{
    text_free(&recording->recorded);
    text_free(&recording->machine);
    text_free(&recording->devices);
    text_free(&recording->outcome);
    text_free(&recording->report);
    page_events_free(&recording->events);
    page_timeline_free(&recording->timeline);
    page_classes_destroy(recording->classes);
}

static void put_limited(struct text *text, const char *bytes, size_t length, size_t limit)
{
    const size_t room = text->used < limit ? limit - text->used : 0;

    text_put(text, bytes, length < room ? length : room);
}

void page_recording_keep(struct text *text, const char *bytes, size_t length)
{
    put_limited(text, bytes, length, HEADER_MAX);
}

void page_recording_add_device(struct page_recording *recording, const char *bytes, size_t length)
{
    if (recording->devices.used > HEADER_MAX)
        return;
    page_json_separate(&recording->devices);
    page_json_string(&recording->devices, bytes, length < HEADER_MAX ? length : HEADER_MAX);
}

void page_recording_add_report(struct page_recording *recording, const struct text *line)
{
    put_limited(&recording->report, line->bytes, line->used, CRASH_REPORT_MAX);
    put_limited(&recording->report, "\n", 1, CRASH_REPORT_MAX);
}

/* Times are sums of untrusted numbers: they stay within what JavaScript counts exactly. */
static uint64_t add_time(uint64_t time, int64_t delta)
{
    if (delta < 0)
        return time > -(uint64_t)delta ? time - -(uint64_t)delta : 0;
    return (uint64_t)delta < PAGE_JSON_MAX - time ? time + (uint64_t)delta : PAGE_JSON_MAX;
}

/* Where on the timeline the exit lies. Without times it has the place of its number. */
static void pass_time(struct page_recording *recording, const struct exit_event *event,
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

void page_recording_add_exit(struct page_recording *recording, const struct exit_event *event,
                             const char *line, size_t length)
{
    struct page_event shown = {
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
    class = page_classes_count(recording->classes, event, line,
                               space ? (size_t)(space - line) : length);
    page_timeline_add(&recording->timeline, event->vcpu, shown.time, end, class);
    page_events_add(&recording->events, &shown, line, length_without_times(event, line, length));
}

void page_recording_add_event(struct page_recording *recording, const struct exit_event *event,
                              const char *line, size_t length)
{
    const struct page_event shown = {.time = recording->now, .vcpu = event->vcpu};

    page_events_add(&recording->events, &shown, line, length);
}

void page_recording_flag(struct page_recording *recording, enum page_flag_kind kind, unsigned vcpu,
                         const char *text, size_t length)
{
    const struct page_flag flag = {
        .kind = kind,
        /* A test begins where the next exit stands; of all else an exit was the cause. */
        .time = kind == PAGE_TEST && !recording->timed ? recording->exits : recording->now,
        .exit = recording->exits,
        .vcpu = vcpu,
    };

    page_events_flag(&recording->events, &flag, text, length);
}

static void put_texts(const struct page_recording *recording, struct text *data)
{
    page_json_add_text(data, "recorded", &recording->recorded);
    page_json_add_text(data, "machine", &recording->machine);
    page_json_add_text(data, "outcome", &recording->outcome);
    page_json_add_text(data, "report", &recording->report);
    page_json_key(data, "devices");
    text_put(data, "[", 1);
    text_put(data, recording->devices.bytes, recording->devices.used);
    text_put(data, "]", 1);
    data->failed |= recording->recorded.failed || recording->machine.failed ||
                    recording->outcome.failed || recording->report.failed ||
                    recording->devices.failed;
}

static void put_numbers(const struct page_recording *recording, struct text *data)
{
    page_json_add(data, "is_recording", recording->is_recording);
    page_json_add(data, "partial", recording->is_recording && !recording->done);
    page_json_add(data, "done", recording->done);
    page_json_add(data, "announced", recording->announced);
    page_json_add(data, "start_ms", recording->start / NS_PER_MS);
    page_json_add(data, "waits", recording->waits);
    page_json_add(data, "tests", recording->tests);
    page_json_add(data, "exits", recording->exits);
    page_json_add(data, "timed", recording->timed);
    page_json_add(data, "mixed", recording->mixed);
    page_json_add(data, "end", recording->end);
}

void page_recording_put(struct page_recording *recording, struct text *data)
{
    put_texts(recording, data);
    put_numbers(recording, data);
    page_classes_put(recording->classes, data);
    page_timeline_put(&recording->timeline, data);
    page_events_put(&recording->events, data);
}
