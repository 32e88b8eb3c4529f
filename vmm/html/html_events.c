#include "vmm/html/html_events.h"

#include "vmm/html/html_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6"; /* U+2026 in UTF-8 */

static const char *const flag_names[PAGE_FLAG_KINDS] = {
    [PAGE_MARKER] = "marker", [PAGE_POST] = "post", [PAGE_TYPED] = "typed",
    [PAGE_TEST] = "test",     [PAGE_END] = "end",
};

int page_events_init(struct page_events *events)
{
    events->flags = calloc(PAGE_FLAGS_FIRST + PAGE_FLAGS_LAST, sizeof(*events->flags));
    return events->flags ? 0 : -ENOMEM;
}

void page_events_free(struct page_events *events)
{
    for (unsigned i = 0; i < PAGE_LAST; i++) {
        text_free(&events->last[i].line);
        text_free(&events->last[i].details);
    }
    free(events->flags);
}

/* Flag (number), counted from 0, is at. */
static size_t place_of(uint64_t number)
{
    if (number < PAGE_FLAGS_FIRST)
        return number;
    return PAGE_FLAGS_FIRST + (number - PAGE_FLAGS_FIRST) % PAGE_FLAGS_LAST;
}

void page_events_flag(struct page_events *events, const struct page_flag *flag, const char *text,
                      size_t length)
{
    struct page_flag *kept = &events->flags[place_of(events->flag_count++)];

    *kept = *flag;
    kept->cut = length > PAGE_FLAG_TEXT;
    kept->length = (unsigned char)(kept->cut ? PAGE_FLAG_TEXT : length);
    memcpy(kept->text, text, kept->length);
}

void page_events_add(struct page_events *events, const struct page_event *event, const char *line,
                     size_t length)
{
    struct page_event *kept = &events->last[events->event_count++ % PAGE_LAST];
    struct text own = kept->line, details = kept->details;

    text_clear(&own);
    text_clear(&details);
    text_put(&own, line, length < PAGE_LINE_MAX ? length : PAGE_LINE_MAX);
    if (length > PAGE_LINE_MAX)
        text_put_string(&own, ellipsis);
    *kept = *event;
    kept->line = own;
    kept->details = details;
}

void page_events_detail(struct page_events *events, const char *line, size_t length)
{
    struct page_event *last = &events->last[(events->event_count - 1) % PAGE_LAST];
    struct text *details = &last->details;
    size_t room;

    if (!events->event_count || last->cut)
        return;
    if (details->used)
        text_put(details, "\n", 1);
    room = PAGE_DETAILS_MAX > details->used ? PAGE_DETAILS_MAX - details->used : 0;
    last->cut = length > room;
    text_put(details, line, last->cut ? room : length);
    if (last->cut)
        text_put_string(details, ellipsis);
}

static void put_flag(const struct page_flag *flag, struct text *json)
{
    page_json_separate(json);
    text_put(json, "{", 1);
    page_json_key(json, "kind");
    page_json_string(json, flag_names[flag->kind], strlen(flag_names[flag->kind]));
    page_json_add(json, "time", flag->time);
    page_json_add(json, "exit", flag->exit);
    page_json_add(json, "vcpu", flag->vcpu);
    page_json_key(json, "text");
    page_json_string(json, flag->text, flag->length);
    page_json_add(json, "cut", flag->cut);
    text_put(json, "}", 1);
}

static void put_flags(const struct page_events *events, struct text *json)
{
    const uint64_t kept = PAGE_FLAGS_FIRST + PAGE_FLAGS_LAST;

    page_json_add(json, "flag_count", events->flag_count);
    page_json_key(json, "flags");
    text_put(json, "[", 1);
    for (uint64_t i = 0; i < events->flag_count; i++) {
        if (i == PAGE_FLAGS_FIRST && events->flag_count > kept)
            i = events->flag_count - PAGE_FLAGS_LAST;
        put_flag(&events->flags[place_of(i)], json);
    }
    text_put(json, "]", 1);
}

static void put_event(const struct page_event *event, struct text *json)
{
    page_json_separate(json);
    text_put(json, "{", 1);
    page_json_add(json, "number", event->number);
    page_json_add(json, "vcpu", event->vcpu);
    page_json_add(json, "time", event->time);
    if (event->measured)
        page_json_add(json, "handled", event->handle_ns);
    page_json_add_text(json, "line", &event->line);
    page_json_add_text(json, "details", &event->details);
    text_put(json, "}", 1);
    json->failed |= event->line.failed || event->details.failed;
}

void page_events_put(const struct page_events *events, struct text *json)
{
    const uint64_t kept = events->event_count < PAGE_LAST ? events->event_count : PAGE_LAST;

    put_flags(events, json);
    page_json_key(json, "last");
    text_put(json, "[", 1);
    for (uint64_t i = events->event_count - kept; i < events->event_count; i++)
        put_event(&events->last[i % PAGE_LAST], json);
    text_put(json, "]", 1);
}
