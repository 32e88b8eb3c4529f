/*
 * The timeline of a page: when each vCPU was in the monitor, and for what.
 *
 * The number of slices is bounded. Where exits lie denser than the bound allows, neighbours of one
 * vCPU become one slice that knows how many they were, how long the handler ran and for which classes.
 * No such slice is longer than (resolution); the first and the last PAGE_EXACT exits stay alone.
 */
#ifndef VMM_HTML_HTML_TIMELINE_H
#define VMM_HTML_HTML_TIMELINE_H

#include "vmm/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SLICES 65536 /* of all tracks; beyond, the resolution gets coarser */
#define PAGE_EXACT  4096
#define PAGE_TRACKS 64 /* vCPUs with a track of their own; all further share one */
#define PAGE_MIX    4  /* classes that a slice tells apart */

struct page_share {
    unsigned class;
    uint64_t weight; /* ns in the handler, at least 1 an exit; 0: free */
};

struct page_slice {
    uint64_t start, end; /* ns */
    uint64_t busy;       /* ns in the handler */
    uint64_t count;      /* exits */
    struct page_share mix[PAGE_MIX];
    uint64_t rest; /* weight of all other classes */
};

struct page_track {
    unsigned vcpu;
    uint64_t exits, busy;
    uint64_t last_end; /* slices of a track never overlap */
    struct page_slice *slices;
    size_t count, room;
    size_t exact; /* the first slices, which stay alone */
};

/* An exit that may be one of the last. */
struct page_recent {
    unsigned track;
    struct page_slice slice;
};

struct page_timeline {
    struct page_track tracks[PAGE_TRACKS + 1];
    unsigned track_count;
    uint64_t exits;
    size_t slices;
    uint64_t resolution;        /* ns; 0: every exit is a slice */
    struct page_recent *recent; /* PAGE_EXACT of them, a ring */
    bool failed;                /* out of memory */
};

/* (timeline) is zero. -ENOMEM. */
int page_timeline_init(struct page_timeline *timeline);
void page_timeline_free(struct page_timeline *timeline);

/* An exit of (class) on (vcpu), in the handler from (start) to (end) >= (start). */
void page_timeline_add(struct page_timeline *timeline, unsigned vcpu, uint64_t start, uint64_t end,
                       unsigned class);

/* Nothing is added any more: "resolution" and "tracks" as JSON. */
void page_timeline_put(struct page_timeline *timeline, struct text *json);

#endif
