#include "vmm/html/html_reader.h"

#include "vmm/base/lines.h"
#include "vmm/html/html_json.h"
#include "vmm/html/html_recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct lines lines;
    struct exit_event event; /* the last one */
    struct html_recording recording;
};

/* The rest of a line, without the spaces before it. */
static size_t rest_of(struct cursor line, const char **rest)
{
    cursor_word(&line, rest);
    return (size_t)(line.end - *rest);
}

static void keep_rest(const struct cursor *line, struct text *text)
{
    const char *rest;
    const size_t length = rest_of(*line, &rest);

    text_clear(text);
    html_recording_keep(text, rest, length);
}

static void flag(struct reader *reader, enum html_flag_kind kind, const struct cursor *line)
{
    const char *rest;
    const size_t length = rest_of(*line, &rest);

    html_recording_flag(&reader->recording, kind, reader->event.vcpu, rest, length);
}

/* Parse the lines that are not events. */

static int read_recorded(struct reader *reader, struct cursor *line, struct error *error)
{
    (void)error;
    reader->recording.is_recording = true;
    reader->lines.whole = true; /* the recording may end within a line */
    keep_rest(line, &reader->recording.recorded);
    return 0;
}

/* A test has its own machine; the page has the stream's. */
static int read_machine(struct reader *reader, struct cursor *line, struct error *error)
{
    (void)error;
    if (!reader->recording.tests)
        keep_rest(line, &reader->recording.machine);
    return 0;
}

static int read_device(struct reader *reader, struct cursor *line, struct error *error)
{
    const char *rest;
    const size_t length = rest_of(*line, &rest);

    (void)error;
    if (!reader->recording.tests)
        html_recording_add_device(&reader->recording, rest, length);
    return 0;
}

static int read_start(struct reader *reader, struct cursor *line, struct error *error)
{
    return cursor_number(line, "nanoseconds since 1970", &reader->recording.start, error);
}

static int read_test(struct reader *reader, struct cursor *line, struct error *error)
{
    (void)error;
    reader->recording.tests++;
    reader->event.vcpu = 0;
    flag(reader, HTML_TEST, line);
    return 0;
}

/* Parse the lines of an event that are inputs and effects; (line) is after their sign. */

static int read_input(struct reader *reader, struct cursor *line, struct error *error)
{
    (void)error;
    html_events_detail(&reader->recording.events, line->next - 1,
                       (size_t)(line->end - line->next) + 1);
    return 0;
}

static int read_effect(struct reader *reader, struct cursor *line, struct error *error)
{
    read_input(reader, line, error);
    if (cursor_skip(line, "marker"))
        flag(reader, HTML_MARKER, line);
    else if (cursor_skip(line, "post"))
        flag(reader, HTML_POST, line);
    else if (cursor_skip(line, "end")) {
        flag(reader, HTML_END, line);
        keep_rest(line, &reader->recording.outcome);
    }
    return 0;
}

/* Parse events. (line) is the whole line. */

static void use_exit(struct reader *reader, struct cursor line)
{
    const char *word;

    if (*line.next == '@')
        cursor_word(&line, &word);
    cursor_word(&line, &word);
    html_recording_add_exit(&reader->recording, &reader->event, word, (size_t)(line.end - word));
}

static void use_typed(struct reader *reader, struct cursor line)
{
    html_recording_add_event(&reader->recording, &reader->event, line.next,
                             (size_t)(line.end - line.next));
    if (cursor_skip(&line, "typed"))
        flag(reader, HTML_TYPED, &line);
}

static void use_timer(struct reader *reader, struct cursor line)
{
    html_recording_add_event(&reader->recording, &reader->event, line.next,
                             (size_t)(line.end - line.next));
}

/* An effect may have reported the end before, with the status. */
static void use_ended(struct reader *reader, struct cursor line)
{
    if (reader->recording.outcome.used || !cursor_skip(&line, "ended"))
        return;
    flag(reader, HTML_END, &line);
    keep_rest(&line, &reader->recording.outcome);
}

static void use_event(struct reader *reader, struct cursor line)
{
    switch (reader->event.kind) {
    case EVENT_EXIT:
        use_exit(reader, line);
        break;
    case EVENT_TYPED:
        use_typed(reader, line);
        break;
    case EVENT_TIMER:
        use_timer(reader, line);
        break;
    case EVENT_ENDED:
        use_ended(reader, line);
        break;
    case EVENT_REPORT:
        html_recording_add_report(&reader->recording, &reader->event.text);
        break;
    case EVENT_WAITS:
        reader->recording.waits = reader->event.value;
        break;
    case EVENT_DONE:
        reader->recording.done = true;
        reader->recording.announced = reader->event.value;
        break;
    }
}

static const struct {
    const char *word;
    int (*read)(struct reader *reader, struct cursor *line, struct error *error);
} line_forms[] = {
    {">", read_effect},      {"<", read_input},         {"test", read_test},
    {"device", read_device}, {"machine", read_machine}, {"recorded", read_recorded},
    {"start", read_start},
};

static int read_line(struct reader *reader, struct cursor *line, struct error *error)
{
    const struct cursor whole = *line;
    int result;

    for (size_t i = 0; i < sizeof(line_forms) / sizeof(line_forms[0]); i++)
        if (cursor_skip(line, line_forms[i].word))
            return line_forms[i].read(reader, line, error);
    result = exit_parse_event(line, &reader->event, error);
    if (result == 0)
        use_event(reader, whole);
    return result;
}

static int read_stream(struct reader *reader, struct error *error)
{
    struct cursor line;
    int result = exit_parse_version(&reader->lines, error);

    while (result == 0 && (result = lines_next(&reader->lines, &line, error)) == 1)
        result = read_line(reader, &line, error);
    return result;
}

static int write_data(struct reader *reader, struct text *data, struct error *error)
{
    const char *slash = strrchr(reader->lines.path, '/');
    const char *name = slash && slash[1] ? slash + 1 : reader->lines.path;

    text_append(data, "{", 1);
    html_json_key(data, "file");
    html_json_string(data, name, strlen(name));
    html_recording_write(&reader->recording, data);
    text_append(data, "}", 1);
    if (data->failed)
        return error_set(error, -ENOMEM, "%s: out of memory", reader->lines.path);
    return 0;
}

int html_read(const char *path, struct text *data, struct error *error)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    int result;

    if (!reader)
        return error_set(error, -ENOMEM, "%s: out of memory", path);
    if (html_recording_init(&reader->recording) < 0)
        result = error_set(error, -ENOMEM, "%s: out of memory", path);
    else
        result = lines_open(&reader->lines, path, error);
    if (result == 0) {
        result = read_stream(reader, error);
        if (result == 0)
            result = write_data(reader, data, error);
        lines_close(&reader->lines);
    }
    html_recording_finish(&reader->recording);
    exit_event_free(&reader->event);
    free(reader);
    return result;
}
