/*
 * One event of an exit stream: an exit of a vCPU, or what comes from outside.
 */
#ifndef VMM_RECORD_EXIT_PARSE_H
#define VMM_RECORD_EXIT_PARSE_H

#include "vmm/base/lines.h"

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

#define STREAM_IO_MAX 4096 /* bytes of a string I/O: KVM has one page for them */

enum stream_kind {
    STREAM_EXIT,
    STREAM_TYPED,  /* (text) at the console (name) */
    STREAM_ENDED,  /* outcome (value) */
    STREAM_REPORT, /* (text) */
    STREAM_WAITS,  /* (value) */
    STREAM_DONE,   /* (value) exits */
};

struct stream_event {
    enum stream_kind kind;
    unsigned vcpu;
    uint32_t reason; /* KVM_EXIT_… */
    bool write, string;
    unsigned size;    /* bytes of an element, 0: no access */
    uint32_t count;   /* elements */
    uint64_t address; /* port, gpa, MSR; type of a system event */
    uint64_t value;
    bool timed, measured; /* (delta) is given; (handle_ns) too */
    int64_t delta;        /* ns since the exit before it */
    uint64_t handle_ns;
    char name[32];    /* of a console; empty: the machine's */
    struct text text; /* the bytes of OUTS, or a text; the event's own, kept from use to use */
};

/* Parse the event that (line) is; (event) is zero, or was used before. */
int stream_parse_event(struct cursor *line, struct stream_event *event, struct error *error);
void stream_event_free(struct stream_event *event);

/* Put the exit into the run page of (vcpu), whose run_size has room for STREAM_IO_MAX bytes. */
void stream_set_exit(const struct stream_event *event, struct vcpu *vcpu);

/*
 * Append to (text) the line of the exit that (vcpu) has handled, without a newline, and to (effects)
 * what it gave to the guest.
 */
void stream_put_exit(const struct vcpu *vcpu, struct text *text);
void stream_put_data(const struct vcpu *vcpu, struct text *effects);

#endif
