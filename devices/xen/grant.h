/*
 * Grant tables, version 1: the pages that a domain lets another map, and those it has mapped.
 *
 * Plain C over guest memory, without KVM. The granter's entries are in its memory and may change at
 * any time: flags and domid are checked and changed as one 32-bit word by compare-and-swap, a
 * bounded number of times, and the frame is read only after that. An entry selects which of the
 * granter's own pages is granted; pins are counted here, and never read back from the entry.
 *
 * To map: grant_pin(), map the page for the mapper, grant_handle_add(). To unmap:
 * grant_handle_take(), unmap the page, grant_unpin(), so that the page is no longer used when the
 * granter sees it unused.
 *
 * Threads: every function but those ending in _init and _destroy may be called from any thread. The
 * locks of a table and of handles are taken last, and never both at a time.
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
#define GRANT_HANDLES       1024u /* of a domain; so no entry has more pins than that */
#define GRANT_TRIES         5 /* compare-and-swaps before an entry that keeps changing is refused */
#define GRANT_NO_FRAME      UINT64_MAX

/* How often an entry is mapped, read-only and writable. */
struct grant_pins {
    uint32_t readers, writers;
};

/* The granting side of a domain. */
struct grant_table {
    pthread_mutex_t lock;
    struct memory *memory; /* the granter's; NULL: it has none, or has died; no entry is accessed */
    gpa_t frames[GRANT_FRAMES]; /* pages of its memory that hold the entries, or GRANT_NO_FRAME */
    unsigned frame_count;       /* up to the last frame that has a page */
    struct grant_pins pins[GRANT_ENTRIES];
};

/* (memory) NULL: a domain without a guest, which grants nothing. */
void grant_table_init(struct grant_table *table, struct memory *memory);
void grant_table_finish(struct grant_table *table);

/*
 * Place the entries from index * GRANT_FRAME_ENTRIES on in the page at (frame); indices may come in
 * any order. Entries that were elsewhere move there; otherwise the page is cleared. -EINVAL: no
 * such index, or (frame) is not a page of RAM.
 */
int grant_table_place(struct grant_table *table, unsigned index, gpa_t frame);

/* GNTTABOP_query_size: the number of frames, up to the last that has a page. */
unsigned grant_table_size(struct grant_table *table);

/*
 * Pin entry (ref) for the domain (mapper): GNTST_okay, and *page is the address of the granted
 * page, which is in RAM; or another GNTST_ code, with nothing changed: GNTST_bad_gntref (beyond the
 * table, or one of the eight reserved entries), GNTST_general_error (no access granted to that
 * domain, a writable map of a read-only grant, an entry that keeps changing, a granter that has
 * died), GNTST_bad_page (the frame is not in RAM). A granted page is valid until the granter's
 * memory is freed.
 */
int grant_pin(struct grant_table *table, grant_ref_t ref, domid_t mapper, bool readonly,
              gpa_t *page);

/*
 * Release a pin, in the mode in which it was taken: the writing flag is cleared with the last
 * writable pin, the reading flag with the last of all, since a writable pin reads too. A pin that
 * does not exist is ignored.
 */
void grant_unpin(struct grant_table *table, grant_ref_t ref, bool readonly);

/* The granter dies: nothing more can be pinned, and its memory is not accessed any more. */
void grant_table_close(struct grant_table *table);

/* The mapping side: the mappings of a domain, by handle. */
struct grant_mapping {
    bool used;
    bool readonly;
    struct grant_table *table; /* the table of the entry; it outlives the mapping */
    grant_ref_t ref;
    gpa_t granted;    /* the page's address at the granter */
    uint64_t address; /* the page's address at the mapper: host_addr */
};

struct grant_handles {
    pthread_mutex_t lock;
    struct grant_mapping list[GRANT_HANDLES];
};

void grant_handles_init(struct grant_handles *handles);
void grant_handles_finish(struct grant_handles *handles);

/* Keep a copy of (mapping), whose (used) is ignored. Returns its handle, from 0, or -ENOSPC. */
int grant_handle_add(struct grant_handles *handles, const struct grant_mapping *mapping);

/*
 * Remove the mapping with (handle) at (address), into *mapping: GNTST_okay, GNTST_bad_handle (there
 * is no such mapping) or GNTST_bad_virt_addr (it is at another address, and stays). If two threads
 * remove one handle, one of them gets it.
 */
int grant_handle_take(struct grant_handles *handles, uint32_t handle, uint64_t address,
                      struct grant_mapping *mapping);

/* Remove any mapping that is left, at the mapper's end. False: no mapping is left. */
bool grant_handle_take_any(struct grant_handles *handles, struct grant_mapping *mapping);

#endif
