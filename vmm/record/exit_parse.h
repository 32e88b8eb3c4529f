/*
 * Parsing exit streams: one line becomes an event, and an event that is an exit becomes the content of
 * a run page. docs/exits.md specifies the lines; vmm/record/exit_print.h is the opposite direction.
 */
#ifndef VMM_RECORD_EXIT_PARSE_H
#define VMM_RECORD_EXIT_PARSE_H

#include "vmm/base/lines.h"

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

#define EXIT_STREAM_VERSION 1
#define EXIT_IO_MAX         4096 /* bytes of one string I/O: KVM has one page for them */

enum exit_event_kind {
    EVENT_EXIT,
    EVENT_TYPED,  /* (text) was typed at the console (name) */
    EVENT_TIMER,  /* the timer (name) fired */
    EVENT_ENDED,  /* the run ended with outcome (value) */
    EVENT_REPORT, /* (text): a line of the crash report */
    EVENT_WAITS,  /* the recording made vCPUs wait (value) times */
    EVENT_DONE,   /* the recording is complete and has (value) exits */
};

struct exit_event {
    enum exit_event_kind kind;
    unsigned vcpu;
    uint32_t reason; /* KVM_EXIT_… */
    bool write, string;
    unsigned size;    /* bytes of an element; 0: the exit is not an access */
    uint32_t count;   /* elements */
    uint64_t address; /* port, guest-physical address or MSR */
    uint64_t value;   /* that is written; type of a system event; number of an unnamed reason */
    bool timed;       /* (delta) is valid */
    bool measured;    /* (handle_ns) is valid */
    int64_t delta;    /* ns since the previous exit */
    uint64_t handle_ns;
    char name[32];    /* of a timer or a device's console; empty: the machine's console */
    struct text text; /* bytes of OUTS, or a text; owned, and reused by the next event */
};

/*
 * Read the first line of a stream, `exits VERSION`. Returns 0, or -EINVAL with a sentence if this is no exit stream,
 * or one of another version.
 */
int exit_parse_version(struct lines *lines, struct error *error);

/*
 * Parse an event. (event) is zeroed or holds an earlier event. Returns -EINVAL with a sentence if the
 * line is not a valid event.
 */
int exit_parse_event(struct cursor *line, struct exit_event *event, struct error *error);
void exit_event_free(struct exit_event *event);

/*
 * Fill the run page of (vcpu) as KVM does for the exit. (event->kind) is EVENT_EXIT; the run page is
 * followed by one page with room for EXIT_IO_MAX bytes of data, see EXIT_RUN_SIZE.
 */
void exit_event_fill_run(const struct exit_event *event, struct vcpu *vcpu);

#define EXIT_IO_OFFSET 4096                               /* of the data of a port exit */
#define EXIT_RUN_SIZE  (2 * EXIT_IO_OFFSET + EXIT_IO_MAX) /* bytes of such a run page */

#endif
