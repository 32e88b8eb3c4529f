/*
 * All that a page shows of a stream, gathered while it is read; its size is bounded.
 */
#ifndef VMM_HTML_HTML_RECORDING_H
#define VMM_HTML_HTML_RECORDING_H

#include "vmm/base/text.h"
#include "vmm/html/html_classes.h"
#include "vmm/html/html_events.h"
#include "vmm/html/html_timeline.h"
#include "vmm/record/exit_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_recording {
    struct page_classes *classes;
    struct page_timeline timeline;
    struct page_events events;

    /* As in the stream, cut where too long; (devices): JSON strings with commas. */
    struct text recorded, machine, devices, outcome, report;
    bool is_recording; /* it should have an end */
    bool done;
    uint64_t announced; /* exits, if done */
    uint64_t start;     /* ns since 1970 */
    uint64_t waits, tests;

    uint64_t exits;
    bool timed;   /* the first exit has times */
    bool mixed;   /* and another has none, or the other way round */
    uint64_t now; /* ns since the start, of the last exit; without times its number, from 0 */
    uint64_t end; /* of the last handler */
};

/* (recording) is zero, and to be freed in any case. -ENOMEM. */
int page_recording_init(struct page_recording *recording);
void page_recording_free(struct page_recording *recording);

/* Append (length) bytes to a text of the header, or as much as has room. */
void page_recording_keep(struct text *text, const char *bytes, size_t length);

/* Another device of the machine. */
void page_recording_add_device(struct page_recording *recording, const char *bytes, size_t length);

/* A line of the crash report. */
void page_recording_add_report(struct page_recording *recording, const struct text *line);

/* An exit with its (line) in the stream, where the vCPU does not stand any more. */
void page_recording_add_exit(struct page_recording *recording, const struct exit_event *event,
                             const char *line, size_t length);

/* An event from outside with its line: it happens now. */
void page_recording_add_event(struct page_recording *recording, const struct exit_event *event,
                              const char *line, size_t length);

/* A flag of the timeline, now; page_events_flag() tells of (text). */
void page_recording_flag(struct page_recording *recording, enum page_flag_kind kind, unsigned vcpu,
                         const char *text, size_t length);

/* Everything, as members of a JSON object. data->failed: out of memory. */
void page_recording_put(struct page_recording *recording, struct text *data);

#endif
