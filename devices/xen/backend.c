#include "devices/xen/backend.h"

#include "vmm/io/memory.h"

#include <stddef.h>

_Static_assert(offsetof(struct backend_ring, entries) == 64, "as io/ring.h has it");
_Static_assert(sizeof(struct backend_ring) <= PAGE_SIZE, "the ring is one page");

/*
 * Indices are read and written with SEQ_CST: this is the full barrier that the rules require
 * between writing the producer and reading the event, on both sides.
 */
static uint32_t index_load(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_SEQ_CST);
}

static void index_store(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_SEQ_CST);
}

static struct backend_entry entry_copy(const struct backend_entry *entry)
{
    return (struct backend_entry){
        .id = __atomic_load_n(&entry->id, __ATOMIC_RELAXED),
        .status = __atomic_load_n(&entry->status, __ATOMIC_RELAXED),
        .operation = __atomic_load_n(&entry->operation, __ATOMIC_RELAXED),
    };
}

static void entry_put(struct backend_entry *entry, const struct backend_entry *from)
{
    __atomic_store_n(&entry->id, from->id, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->status, from->status, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->operation, from->operation, __ATOMIC_RELAXED);
}

void backend_attach(struct backend *backend, struct backend_ring *ring,
                    struct backend_entry (*answer)(void *, const struct backend_entry *),
                    void *opaque)
{
    const uint32_t begin = index_load(&ring->response_producer);

    *backend = (struct backend){
        .ring = ring, .consumed = begin, .published = begin, .answer = answer, .opaque = opaque};
}

/* The response overwrites its request. */
static void answer_next(struct backend *backend)
{
    struct backend_entry *entry = &backend->ring->entries[backend->consumed % BACKEND_SLOTS];
    const struct backend_entry request = entry_copy(entry);
    const struct backend_entry response = backend->answer(backend->opaque, &request);

    entry_put(entry, &response);
    backend->consumed++;
}

/* Publish the responses to the front end. True: it wants an event. */
static bool publish(struct backend *backend)
{
    const uint32_t fresh = backend->consumed - backend->published;

    index_store(&backend->ring->response_producer, backend->consumed);
    backend->published = backend->consumed;
    return backend->published - index_load(&backend->ring->response_event) < fresh;
}

/* The number of requests that wait; more than the ring's size breaks the protocol. */
static uint32_t count_waiting(struct backend *backend)
{
    const uint32_t waiting = index_load(&backend->ring->request_producer) - backend->consumed;

    backend->broken |= waiting > BACKEND_SLOTS;
    return backend->broken ? 0 : waiting;
}

/* No request waits: request an event for the next one, and check whether it has just arrived. */
static bool is_empty(struct backend *backend)
{
    index_store(&backend->ring->request_event, backend->consumed + 1);
    return count_waiting(backend) == 0;
}

enum backend_result backend_serve(struct backend *backend, bool *notify)
{
    const uint32_t waiting = count_waiting(backend);
    bool empty;

    for (uint32_t i = 0; i < waiting; i++)
        answer_next(backend);
    if (waiting > 0 && publish(backend))
        *notify = true;
    empty = !backend->broken && is_empty(backend);
    if (backend->broken)
        return BACKEND_BROKEN;
    return empty ? BACKEND_EMPTY : BACKEND_MORE;
}
