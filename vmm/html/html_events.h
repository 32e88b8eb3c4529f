/*
 * What a page shows in words: the flags of the timeline, and the last events with their lines.
 *
 * Lines of the stream are kept as they are, cut where they are longer than a page has room for.
 */
#ifndef VMM_HTML_HTML_EVENTS_H
#define VMM_HTML_HTML_EVENTS_H

#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_FLAGS_FIRST 1000 /* are shown, */
#define PAGE_FLAGS_LAST  1000 /* and so are these */
#define PAGE_FLAG_TEXT   64
#define PAGE_LAST        64   /* events */
#define PAGE_LINE_MAX    400  /* bytes of an event's line */
#define PAGE_DETAILS_MAX 4096 /* bytes of the lines below it */

enum page_flag_kind { PAGE_MARKER, PAGE_POST, PAGE_TYPED, PAGE_TEST, PAGE_END, PAGE_FLAG_KINDS };

struct page_flag {
    enum page_flag_kind kind;
    uint64_t time, exit;
    unsigned vcpu;
    unsigned char length;
    bool cut;
    char text[PAGE_FLAG_TEXT];
};

struct page_event {
    uint64_t number; /* of the exit; 0: it is none */
    uint64_t time, handle_ns;
    unsigned vcpu;
    bool measured;
    bool cut; /* (details) is not all */
    struct text line, details;
};

struct page_events {
    uint64_t flag_count, event_count;
    struct page_flag *flags; /* the first, then a ring of the last */
    struct page_event last[PAGE_LAST];
};

/* (events) is zero. -ENOMEM. */
int page_events_init(struct page_events *events);
void page_events_free(struct page_events *events);

/* (text) is what stands behind the kind's word in the stream. */
void page_events_flag(struct page_events *events, const struct page_flag *flag, const char *text,
                      size_t length);

/* An event with its line; (event) has no texts. */
void page_events_add(struct page_events *events, const struct page_event *event, const char *line,
                     size_t length);

/* A line that belongs to the event added last, if there is one. */
void page_events_detail(struct page_events *events, const char *line, size_t length);

/* "flag_count", "flags" and "last" as JSON. */
void page_events_put(const struct page_events *events, struct text *json);

#endif
