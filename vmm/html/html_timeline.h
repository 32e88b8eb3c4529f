/*
 * The timeline of a page: when each vCPU was in the monitor, and for what.
 *
 * The number of slices is bounded. Where exits lie denser than the bound allows, neighbours of one
 * vCPU become one slice that knows how many they were, how long the handler ran and for which classes.
 * No such slice is longer than (resolution); the first and the last HTML_EXACT exits stay alone.
 */
#ifndef VMM_HTML_HTML_TIMELINE_H
#define VMM_HTML_HTML_TIMELINE_H

#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_SLICES 65536 /* of all tracks; beyond, the resolution gets coarser */
#define HTML_EXACT  4096
#define HTML_TRACKS 64 /* vCPUs with a track of their own; all further share one */
#define HTML_MIX    4  /* classes that a slice tells apart */

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
    size_t exact; /* the first slices, which stay alone */
};

/* An exit that may be one of the last. */
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
void html_timeline_free(struct html_timeline *timeline);

/* An exit of (class) on (vcpu), in the handler from (start) to (end) >= (start). */
void html_timeline_add(struct html_timeline *timeline, unsigned vcpu, uint64_t start, uint64_t end,
                       unsigned class);

/* Nothing is added any more: "resolution" and "tracks" as JSON. */
void html_timeline_write(struct html_timeline *timeline, struct text *json);

#endif
