/*
 * The back end's side of a shared ring: requests are taken, answered and published.
 *
 * Plain C over one page that an enemy, the front end, writes at any time: every access to it is
 * atomic, a request is copied once, and only indices of our own say where the next one is. Layout and
 * rules are those of Xen's io/ring.h, with requests and responses of 12 bytes.
 *
 * Threads: one at a time serves a ring.
 */
#ifndef DEVICES_XEN_BACKEND_H
#define DEVICES_XEN_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#define BACKEND_SLOTS 256u /* the power of two that a page has room for, behind 64 bytes */

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
    uint32_t consumed;         /* requests so far: as many were answered */
    uint32_t published;        /* responses that the front end was shown */
    bool broken;               /* the front end broke the protocol: nothing is served any more */

    /* What is to be answered to (request), a copy that nobody changes. */
    struct backend_entry (*answer)(void *opaque, const struct backend_entry *request);
    void *opaque;
};

enum backend_result {
    BACKEND_EMPTY,  /* all requests are answered; the next one will be notified */
    BACKEND_MORE,   /* there is more, and no notification will come for it */
    BACKEND_BROKEN, /* more requests than the ring holds: see (broken) */
};

/*
 * Begin with a ring that the front end has initialised, at its response producer: what was answered
 * before stays answered.
 */
void backend_attach(struct backend *backend, struct backend_ring *ring,
                    struct backend_entry (*answer)(void *, const struct backend_entry *),
                    void *opaque);

/*
 * Answer what is there now, at most BACKEND_SLOTS requests, and publish it at once. *notify becomes
 * true if the front end wants to hear of it, and stays as it was if not. To be called again at once
 * after BACKEND_MORE, and at each event.
 */
enum backend_result backend_serve(struct backend *backend, bool *notify);

#endif
