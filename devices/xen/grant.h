/*
 * Grant tables, version 1: what one domain lets another map, and what the other has mapped.
 *
 * Plain C over guest memory: no KVM in it. The granter's entries lie in its memory and change while
 * they are looked at: flags and domid are checked and changed as one 32-bit word by compare-and-swap,
 * a bounded number of times, and only then is the frame read. What an entry holds decides which of the
 * granter's own pages is lent; pins are counted here, and never read back from it.
 *
 * To map: grant_pin(), give the mapper the page, grant_handle_add(). To unmap: grant_handle_take(),
 * take the page away, grant_unpin(), so that nobody can use the page when the granter sees it free.
 *
 * Threads: every function but those ending in _init and _destroy may be called from any thread. The
 * locks of a table and of handles are taken last, and never two of them at a time.
 */
#ifndef DEVICES_XEN_GRANT_H
#define DEVICES_XEN_GRANT_H

#include "devices/xen/public.h"
#include "vmm/io/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define GRANT_FRAMES        4u
#define GRANT_FRAME_ENTRIES (PAGE_SIZE / sizeof(grant_entry_v1_t)) /* 512 */
#define GRANT_ENTRIES       (GRANT_FRAMES * GRANT_FRAME_ENTRIES)
#define GRANT_HANDLES       1024u /* a domain's: it can pin an entry no more often */
#define GRANT_TRIES         5     /* compare-and-swaps before a flickering entry is refused */
#define GRANT_NO_FRAME      UINT64_MAX

/* How often an entry is mapped, readonly and writable. */
struct grant_pins {
    uint32_t readers, writers;
};

/* The granting side: of each domain. */
struct grant_table {
    pthread_mutex_t lock;
    struct memory
        *memory; /* the granter's; NULL: it has none, or it has died; no entry is touched */
    gpa_t frames[GRANT_FRAMES]; /* pages of its memory that hold the entries, or GRANT_NO_FRAME */
    unsigned frame_count;       /* up to the last that has a page */
    struct grant_pins pins[GRANT_ENTRIES];
};

/* (memory) NULL: a domain without a guest, which grants nothing. */
void grant_table_init(struct grant_table *table, struct memory *memory);
void grant_table_destroy(struct grant_table *table);

/*
 * Let the page at (frame) hold entries from index * GRANT_FRAME_ENTRIES on, in any order of (index).
 * Entries that were elsewhere move there; otherwise the page is cleared. -EINVAL: no such index, or
 * (frame) is not a page of RAM.
 */
int grant_table_place(struct grant_table *table, unsigned index, gpa_t frame);

/* GNTTABOP_query_size: frames, up to the last that has a page. */
unsigned grant_table_size(struct grant_table *table);

/*
 * Pin entry (ref) for the domain (mapper): GNTST_okay, and *page is where the granted page is, all in
 * RAM; or another GNTST_ code, with nothing changed and *page untouched: GNTST_bad_gntref (beyond the
 * table, or one of the eight that are reserved), GNTST_general_error (no access granted to that domain,
 * a writable map of a readonly grant, an entry that keeps changing, a granter that has died),
 * GNTST_bad_page (the frame is not in RAM). A granted page stays until the granter's memory goes.
 */
int grant_pin(struct grant_table *table, grant_ref_t ref, domid_t mapper, bool readonly,
              gpa_t *page);

/*
 * Give a pin back, in the mode it was taken in: writing is cleared with the last writable pin, reading
 * with the last of all, as a writable pin reads too. A pin that is not there is ignored.
 */
void grant_unpin(struct grant_table *table, grant_ref_t ref, bool readonly);

/* The granter dies: nothing more can be pinned, and its memory is not touched any more. */
void grant_table_close(struct grant_table *table);

/* The mapping side: what a domain has mapped, by handle. */
struct grant_mapping {
    bool used;
    bool readonly;
    struct grant_table *table; /* whose entry it is: it outlives the mapping */
    grant_ref_t ref;
    gpa_t granted;    /* where the page is at the granter */
    uint64_t address; /* where the mapper has it: host_addr */
};

struct grant_handles {
    pthread_mutex_t lock;
    struct grant_mapping list[GRANT_HANDLES];
};

void grant_handles_init(struct grant_handles *handles);
void grant_handles_destroy(struct grant_handles *handles);

/* Keep a copy of (mapping), whose (used) does not matter: its handle, from 0, or -ENOSPC. */
int grant_handle_add(struct grant_handles *handles, const struct grant_mapping *mapping);

/*
 * Take the mapping with (handle) at (address) back out, into *mapping: GNTST_okay,
 * GNTST_bad_handle (there is none, or it was taken already) or GNTST_bad_virt_addr (it is elsewhere,
 * and stays). Of two that take one handle at a time, one gets it.
 */
int grant_handle_take(struct grant_handles *handles, uint32_t handle, uint64_t address,
                      struct grant_mapping *mapping);

/* A mapping that is still there, taken out: for the mapper's end. False: there is none. */
bool grant_handle_take_any(struct grant_handles *handles, struct grant_mapping *mapping);

#endif
