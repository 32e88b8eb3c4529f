/*
 * The timeline of a page: when each vCPU was in the monitor, and for what.
 *
 * The number of slices is bounded. Where exits are denser than the bound allows, neighbours of one
 * vCPU become one slice with the number of exits, the handler's time, and its share for each class.
 * No such slice is longer than (resolution); the first and the last HTML_EXACT exits are not
 * merged.
 */
#ifndef VMM_HTML_HTML_TIMELINE_H
#define VMM_HTML_HTML_TIMELINE_H

#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_SLICES 65536 /* of all tracks; above that the resolution gets coarser */
#define HTML_EXACT  4096
#define HTML_TRACKS 64 /* vCPUs with their own track; all others share one */
#define HTML_MIX    4  /* classes that a slice distinguishes */

struct html_share {
    unsigned class;
    uint64_t weight; /* ns in the handler, at least 1 an exit; 0: free */
};

struct html_slice {
    uint64_t start, end; /* ns */
    uint64_t busy;       /* ns in the handler */
    uint64_t count;      /* exits */
    struct html_share mix[HTML_MIX];
    uint64_t rest; /* weight of all other classes */
};

struct html_track {
    unsigned vcpu;
    uint64_t exits, busy;
    uint64_t last_end; /* slices of a track never overlap */
    struct html_slice *slices;
    size_t count, room;
    size_t exact; /* the first slices, which are never merged */
};

/* An exit that may be among the last. */
struct html_recent {
    unsigned track;
    struct html_slice slice;
};

struct html_timeline {
    struct html_track tracks[HTML_TRACKS + 1];
    unsigned track_count;
    uint64_t exits;
    size_t slices;
    uint64_t resolution;        /* ns; 0: every exit is a slice */
    struct html_recent *recent; /* HTML_EXACT of them, a ring */
    bool failed;                /* out of memory */
};

/* (timeline) is zero. -ENOMEM. */
int html_timeline_init(struct html_timeline *timeline);
void html_timeline_finish(struct html_timeline *timeline);

/* Add an exit of (class) on (vcpu), in the handler from (start) to (end) >= (start). */
void html_timeline_add(struct html_timeline *timeline, unsigned vcpu, uint64_t start, uint64_t end,
                       unsigned class);

/* Append "resolution" and "tracks" as JSON; nothing may be added afterwards. */
void html_timeline_write(struct html_timeline *timeline, struct text *json);

#endif
