/* All data of a page, gathered while the stream is read; its size is bounded. */
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

    /* From the stream, cut if too long; (devices): JSON strings with commas. */
    struct text recorded, machine, devices, outcome, report;
    bool is_recording; /* a recording, which should have an end */
    bool done;
    uint64_t announced; /* number of exits in the stream, once complete */
    uint64_t start;     /* ns since 1970 */
    uint64_t waits, tests;

    uint64_t exits;
    bool timed;   /* the first exit has times */
    bool mixed;   /* another exit has no times, or the reverse */
    uint64_t now; /* ns since the start, of the last exit; without times its number, from 0 */
    uint64_t end; /* of the last handler */
};

/* (recording) is zero, and must always be freed. -ENOMEM. */
int html_recording_init(struct html_recording *recording);
void html_recording_finish(struct html_recording *recording);

/* Append (length) bytes to a text of the header, as far as there is room. */
void html_recording_keep(struct text *text, const char *bytes, size_t length);

/* Add a device of the machine. */
void html_recording_add_device(struct html_recording *recording, const char *bytes, size_t length);

/* Add a line of the crash report. */
void html_recording_add_report(struct html_recording *recording, const struct text *line);

/* Add an exit with its (line) of the stream, without the vCPU. */
void html_recording_add_exit(struct html_recording *recording, const struct exit_event *event,
                             const char *line, size_t length);

/* Add an event from outside with its line; its time is now. */
void html_recording_add_event(struct html_recording *recording, const struct exit_event *event,
                              const char *line, size_t length);

/* Add a flag to the timeline, now; html_events_flag() specifies (text). */
void html_recording_flag(struct html_recording *recording, enum html_flag_kind kind, unsigned vcpu,
                         const char *text, size_t length);

/* Append all data, as members of a JSON object. data->failed: out of memory. */
void html_recording_write(struct html_recording *recording, struct text *data);

#endif
