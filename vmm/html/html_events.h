/*
 * The texts of a page: the flags of the timeline, and the last events with their lines.
 *
 * Lines of the stream are kept unchanged, but cut to a maximum length.
 */
#ifndef VMM_HTML_HTML_EVENTS_H
#define VMM_HTML_HTML_EVENTS_H

#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_FLAGS_FIRST 1000 /* kept, and */
#define HTML_FLAGS_LAST  1000 /* kept, too */
#define HTML_FLAG_TEXT   64
#define HTML_LAST        64   /* events */
#define HTML_LINE_MAX    400  /* bytes of an event's line */
#define HTML_DETAILS_MAX 4096 /* bytes of the lines below it */

enum html_flag_kind { HTML_MARKER, HTML_POST, HTML_TYPED, HTML_TEST, HTML_END, HTML_FLAG_KINDS };

struct html_flag {
    enum html_flag_kind kind;
    uint64_t time, exit;
    unsigned vcpu;
    unsigned char length;
    bool cut;
    char text[HTML_FLAG_TEXT];
};

struct html_event {
    uint64_t number; /* of the exit; 0: not an exit */
    uint64_t time, handle_ns;
    unsigned vcpu;
    bool measured;
    bool cut; /* (details) is incomplete */
    struct text line, details;
};

struct html_events {
    uint64_t flag_count, event_count;
    struct html_flag *flags; /* the first, then a ring of the last */
    struct html_event last[HTML_LAST];
};

/* (events) is zero. -ENOMEM. */
int html_events_init(struct html_events *events);
void html_events_finish(struct html_events *events);

/* (text) follows the kind's word in the stream. */
void html_events_flag(struct html_events *events, const struct html_flag *flag, const char *text,
                      size_t length);

/* Add an event with its line; (event) has no texts. */
void html_events_add(struct html_events *events, const struct html_event *event, const char *line,
                     size_t length);

/* Add a line to the event that was added last, if there is one. */
void html_events_detail(struct html_events *events, const char *line, size_t length);

/* "flag_count", "flags" and "last" as JSON. */
void html_events_write(const struct html_events *events, struct text *json);

#endif
