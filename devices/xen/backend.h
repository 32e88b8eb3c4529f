/*
 * The back end's side of a shared ring: requests are taken, answered and published.
 *
 * Plain C over one page that a hostile front end may write at any time: every access to it is
 * atomic, a request is copied once, and only the back end's own indices locate the next one. Layout
 * and rules are those of Xen's io/ring.h, with requests and responses of 12 bytes.
 *
 * Threads: one at a time serves a ring.
 */
#ifndef DEVICES_XEN_BACKEND_H
#define DEVICES_XEN_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#define BACKEND_SLOTS 256u /* the largest power of two that fits a page, after 64 bytes */

/* A request, and the response to it. */
struct backend_entry {
    uint32_t id, status, operation;
};

/* The shared page. */
struct backend_ring {
    uint32_t request_producer, request_event;
    uint32_t response_producer, response_event;
    uint32_t reserved[12];
    struct backend_entry entries[BACKEND_SLOTS];
};

struct backend {
    struct backend_ring *ring; /* shared */
    uint32_t consumed;         /* requests so far; all of them are answered */
    uint32_t published;        /* responses published to the front end */
    bool broken;               /* the front end broke the protocol: no more requests are served */

    /* Returns the response to (request), a copy that cannot change. */
    struct backend_entry (*answer)(void *opaque, const struct backend_entry *request);
    void *opaque;
};

enum backend_result {
    BACKEND_EMPTY,  /* all requests are answered; an event announces the next one */
    BACKEND_MORE,   /* more requests wait, and no event announces them */
    BACKEND_BROKEN, /* more requests than the ring holds: see (broken) */
};

/*
 * Begin with a ring that the front end has initialised, at its response producer: requests answered
 * before stay answered.
 */
void backend_attach(struct backend *backend, struct backend_ring *ring,
                    struct backend_entry (*answer)(void *, const struct backend_entry *),
                    void *opaque);

/*
 * Answer the requests that wait, at most BACKEND_SLOTS, and publish the responses together. Sets
 * *notify if the front end wants an event; otherwise *notify is unchanged. Call it again at once
 * after BACKEND_MORE, and at each event.
 */
enum backend_result backend_serve(struct backend *backend, bool *notify);

#endif
