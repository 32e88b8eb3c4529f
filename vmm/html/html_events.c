#include "vmm/html/html_events.h"

#include "vmm/html/html_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6"; /* U+2026 in UTF-8 */

static const char *const flag_names[HTML_FLAG_KINDS] = {
    [HTML_MARKER] = "marker", [HTML_POST] = "post", [HTML_TYPED] = "typed",
    [HTML_TEST] = "test",     [HTML_END] = "end",
};

int html_events_init(struct html_events *events)
{
    events->flags = calloc(HTML_FLAGS_FIRST + HTML_FLAGS_LAST, sizeof(*events->flags));
    return events->flags ? 0 : -ENOMEM;
}

void html_events_finish(struct html_events *events)
{
    for (unsigned i = 0; i < HTML_LAST; i++) {
        text_free(&events->last[i].line);
        text_free(&events->last[i].details);
    }
    free(events->flags);
}

/* The index of flag (number), which counts from 0. */
static size_t place_of(uint64_t number)
{
    if (number < HTML_FLAGS_FIRST)
        return number;
    return HTML_FLAGS_FIRST + (number - HTML_FLAGS_FIRST) % HTML_FLAGS_LAST;
}

void html_events_flag(struct html_events *events, const struct html_flag *flag, const char *text,
                      size_t length)
{
    struct html_flag *kept = &events->flags[place_of(events->flag_count++)];

    *kept = *flag;
    kept->cut = length > HTML_FLAG_TEXT;
    kept->length = (unsigned char)(kept->cut ? HTML_FLAG_TEXT : length);
    memcpy(kept->text, text, kept->length);
}

void html_events_add(struct html_events *events, const struct html_event *event, const char *line,
                     size_t length)
{
    struct html_event *kept = &events->last[events->event_count++ % HTML_LAST];
    struct text own = kept->line, details = kept->details;

    text_clear(&own);
    text_clear(&details);
    text_append(&own, line, length < HTML_LINE_MAX ? length : HTML_LINE_MAX);
    if (length > HTML_LINE_MAX)
        text_append_string(&own, ellipsis);
    *kept = *event;
    kept->line = own;
    kept->details = details;
}

void html_events_detail(struct html_events *events, const char *line, size_t length)
{
    struct html_event *last = &events->last[(events->event_count - 1) % HTML_LAST];
    struct text *details = &last->details;
    size_t room;

    if (!events->event_count || last->cut)
        return;
    if (details->used)
        text_append(details, "\n", 1);
    room = HTML_DETAILS_MAX > details->used ? HTML_DETAILS_MAX - details->used : 0;
    last->cut = length > room;
    text_append(details, line, last->cut ? room : length);
    if (last->cut)
        text_append_string(details, ellipsis);
}

static void write_flag(const struct html_flag *flag, struct text *json)
{
    html_json_separate(json);
    text_append(json, "{", 1);
    html_json_key(json, "kind");
    html_json_string(json, flag_names[flag->kind], strlen(flag_names[flag->kind]));
    html_json_add(json, "time", flag->time);
    html_json_add(json, "exit", flag->exit);
    html_json_add(json, "vcpu", flag->vcpu);
    html_json_key(json, "text");
    html_json_string(json, flag->text, flag->length);
    html_json_add(json, "cut", flag->cut);
    text_append(json, "}", 1);
}

static void write_flags(const struct html_events *events, struct text *json)
{
    const uint64_t kept = HTML_FLAGS_FIRST + HTML_FLAGS_LAST;

    html_json_add(json, "flag_count", events->flag_count);
    html_json_key(json, "flags");
    text_append(json, "[", 1);
    for (uint64_t i = 0; i < events->flag_count; i++) {
        if (i == HTML_FLAGS_FIRST && events->flag_count > kept)
            i = events->flag_count - HTML_FLAGS_LAST;
        write_flag(&events->flags[place_of(i)], json);
    }
    text_append(json, "]", 1);
}

static void write_event(const struct html_event *event, struct text *json)
{
    html_json_separate(json);
    text_append(json, "{", 1);
    html_json_add(json, "number", event->number);
    html_json_add(json, "vcpu", event->vcpu);
    html_json_add(json, "time", event->time);
    if (event->measured)
        html_json_add(json, "handled", event->handle_ns);
    html_json_add_text(json, "line", &event->line);
    html_json_add_text(json, "details", &event->details);
    text_append(json, "}", 1);
    json->failed |= event->line.failed || event->details.failed;
}

void html_events_write(const struct html_events *events, struct text *json)
{
    const uint64_t kept = events->event_count < HTML_LAST ? events->event_count : HTML_LAST;

    write_flags(events, json);
    html_json_key(json, "last");
    text_append(json, "[", 1);
    for (uint64_t i = events->event_count - kept; i < events->event_count; i++)
        write_event(&events->last[i % HTML_LAST], json);
    text_append(json, "]", 1);
}
