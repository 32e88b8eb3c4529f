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

struct html_recording {
    struct html_classes *classes;
    struct html_timeline timeline;
    struct html_events events;

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
int html_recording_init(struct html_recording *recording);
void html_recording_free(struct html_recording *recording);

/* Append (length) bytes to a text of the header, or as much as has room. */
void html_recording_keep(struct text *text, const char *bytes, size_t length);

/* Another device of the machine. */
void html_recording_add_device(struct html_recording *recording, const char *bytes, size_t length);

/* A line of the crash report. */
void html_recording_add_report(struct html_recording *recording, const struct text *line);

/* An exit with its (line) in the stream, where the vCPU does not stand any more. */
void html_recording_add_exit(struct html_recording *recording, const struct exit_event *event,
                             const char *line, size_t length);

/* An event from outside with its line: it happens now. */
void html_recording_add_event(struct html_recording *recording, const struct exit_event *event,
                              const char *line, size_t length);

/* A flag of the timeline, now; html_events_flag() tells of (text). */
void html_recording_flag(struct html_recording *recording, enum html_flag_kind kind, unsigned vcpu,
                         const char *text, size_t length);

/* Everything, as members of a JSON object. data->failed: out of memory. */
void html_recording_write(struct html_recording *recording, struct text *data);

#endif
