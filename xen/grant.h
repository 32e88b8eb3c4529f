/*
 * Grant tables, version 1: what one domain lets another map, and what the other has mapped.
 *
 * Plain C over guest memory: no KVM in it. The granter's entries lie in guest memory and change under
 * us: flags and domid are read and changed as one 32-bit word by compare-and-swap, a bounded number of
 * times, and only then is the frame read. Facts: shared/xen.md of the project's papers, Xen 4.17's
 * grant_table.h.
 *
 * Locks: a table's lock is the last but the memory's own; two tables' locks are never held at a time.
 */
#ifndef XEN_GRANT_H
#define XEN_GRANT_H

#include "vmm/memory.h"
#include "xen/public.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define GRANT_FRAMES        4u
#define GRANT_FRAME_ENTRIES (PAGE_SIZE / sizeof(grant_entry_v1_t)) /* 512 */
#define GRANT_ENTRIES       (GRANT_FRAMES * GRANT_FRAME_ENTRIES)
#define GRANT_HANDLES       1024u
#define GRANT_TRIES         5 /* compare-and-swaps before a flickering entry is refused */

/* How often an entry is mapped. */
struct grant_pins {
    uint32_t readers, writers;
};

/* The granting side: of each domain. */
struct grant_table {
    pthread_mutex_t lock;
    struct memory *memory;       /* the granter's; NULL once it has died: then nothing can be mapped */
    gpa_t frames[GRANT_FRAMES];  /* pages of its memory that hold the entries */
    unsigned frame_count;
    struct grant_pins pins[GRANT_ENTRIES];
};

void grant_table_init(struct grant_table *table, struct memory *memory);
void grant_table_destroy(struct grant_table *table);

/*
 * Let the page at (frame) hold entries from index * GRANT_FRAME_ENTRIES on: it is cleared.
 * -EINVAL: no such index, or the page is not all in RAM.
 */
int grant_table_place(struct grant_table *table, unsigned index, gpa_t frame);

/*
 * Pin entry (ref) for the domain (mapper): GNTST_okay, and *page is where the granted page is, or
 * another GNTST_ code and nothing is changed: GNTST_bad_gntref (beyond the table, or the eight that are
 * reserved), GNTST_general_error (no access granted to that domain, a writable map of a readonly
 * grant, an entry that keeps changing), GNTST_bad_page (the frame is not in RAM).
 */
int grant_pin(struct grant_table *table, grant_ref_t ref, domid_t mapper, bool readonly,
              gpa_t *page);

/* Give a pin back; reading and writing are cleared with the last pin of their kind. */
void grant_unpin(struct grant_table *table, grant_ref_t ref, bool readonly);

/* The granter dies: nothing more can be pinned, and entries are not written any more. */
void grant_table_close(struct grant_table *table);

/* The mapping side: what a domain has mapped, by handle. */
struct grant_mapping {
    bool used;
    bool readonly;
    struct grant_table *table; /* whose entry it is */
    grant_ref_t ref;
    gpa_t granted;   /* where the page is at the granter */
    uint64_t address; /* where the mapper has it: host_addr */
};

struct grant_handles {
    pthread_mutex_t lock;
    struct grant_mapping list[GRANT_HANDLES];
};

void grant_handles_init(struct grant_handles *handles);
void grant_handles_destroy(struct grant_handles *handles);

/* Keep (mapping): its handle, or -ENOSPC. */
int grant_handle_add(struct grant_handles *handles, const struct grant_mapping *mapping);

/*
 * Take the mapping with (handle) at (address) back out, into *mapping: GNTST_okay,
 * GNTST_bad_handle (there is none, or it was taken already) or GNTST_bad_virt_addr (it is elsewhere).
 */
int grant_handle_take(struct grant_handles *handles, uint32_t handle, uint64_t address,
                      struct grant_mapping *mapping);

/* The next mapping that is still there, taken out: for the mapper's end. False: there is none. */
bool grant_handle_take_any(struct grant_handles *handles, struct grant_mapping *mapping);

#endif
