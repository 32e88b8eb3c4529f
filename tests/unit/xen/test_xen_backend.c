/* devices/xen/backend.c: a ring served by the rules, also against a front end that keeps to none. */
#include "devices/xen/backend.h"

#include "vmm/base/clock.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

Suite *xen_backend_suite(void);

#define WRAP_INDEX   0xfffffff0u
#define ROUNDS       1000000u
#define STALL_NS     20000000000u /* a wait this long counts as endless */
#define SPINS        256u
#define ENOUGH       1000u /* rounds that must be seen of a kind */
#define FLIPPED      0xbadu
#define CANARY       0xcafef00du
#define CANARY_WORDS 64

/* The shared page, on its own: whatever is written around it is seen. */
static struct {
    uint32_t before[CANARY_WORDS];
    struct backend_ring ring;
    uint32_t behind[CANARY_WORDS];
} page;

static struct backend_ring *const ring = &page.ring;
static struct backend backend;

/* The front end's own indices. */
static struct {
    uint32_t filled;   /* requests written */
    uint32_t consumed; /* responses taken */
} front;

static struct backend_entry add_one(void *opaque, const struct backend_entry *request)
{
    struct backend_entry response = *request;

    (void)opaque;
    response.status++;
    return response;
}

/* Both sides begin at (index). */
static void connect(uint32_t index)
{
    memset(&page, 0, sizeof(page));
    for (unsigned i = 0; i < CANARY_WORDS; i++)
        page.before[i] = page.behind[i] = CANARY;
    ring->request_producer = ring->response_producer = index;
    ring->request_event = ring->response_event = index + 1;
    front.filled = front.consumed = index;
    backend_attach(&backend, ring, add_one, NULL);
}

static void setup(void)
{
    connect(0);
}

static void teardown(void)
{
    for (unsigned i = 0; i < CANARY_WORDS; i++) {
        ck_assert_uint_eq(page.before[i], CANARY);
        ck_assert_uint_eq(page.behind[i], CANARY);
    }
}

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static struct backend_entry *slot(uint32_t index)
{
    return &ring->entries[index % BACKEND_SLOTS];
}

static bool front_is_full(void)
{
    return front.filled - front.consumed == BACKEND_SLOTS;
}

/* Request n is {n, n, n | 1}. */
static void front_fill(unsigned count)
{
    while (count--) {
        struct backend_entry *entry = slot(front.filled);

        __atomic_store_n(&entry->id, front.filled, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->status, front.filled, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->operation, front.filled | 1, __ATOMIC_RELAXED);
        front.filled++;
    }
}

/* Publish what was filled: must the back end be notified? */
static bool front_push(void)
{
    const uint32_t fresh = front.filled - ring->request_producer; /* only we write it */

    store(&ring->request_producer, front.filled);
    return front.filled - load(&ring->request_event) < fresh;
}

/* Take all responses that are there: how many. */
static uint32_t front_take(void)
{
    const uint32_t first = front.consumed;
    const uint32_t end = load(&ring->response_producer);

    for (; front.consumed != end; front.consumed++) {
        const struct backend_entry *entry = slot(front.consumed);

        ck_assert_uint_eq(__atomic_load_n(&entry->id, __ATOMIC_RELAXED), front.consumed);
        ck_assert_uint_eq(__atomic_load_n(&entry->status, __ATOMIC_RELAXED), front.consumed + 1);
        ck_assert_uint_eq(__atomic_load_n(&entry->operation, __ATOMIC_RELAXED), front.consumed | 1);
    }
    return end - first;
}

START_TEST(case_1_one_request_is_answered_with_status_plus_one)
{
    bool notify = false;

    front_fill(1);
    ck_assert(front_push());
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
    ck_assert(notify);
    ck_assert_uint_eq(front_take(), 1);
}
END_TEST

START_TEST(an_event_without_a_request_changes_nothing)
{
    bool notify = false;

    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
    ck_assert(!notify);
    ck_assert_uint_eq(ring->response_producer, 0);
}
END_TEST

START_TEST(case_2_a_full_ring_is_one_notification_each_way)
{
    bool notify = false;

    front_fill(BACKEND_SLOTS);
    ck_assert(front_push());
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
    ck_assert(notify);
    ck_assert_uint_eq(front_take(), BACKEND_SLOTS);
}
END_TEST

START_TEST(case_3_the_ring_is_full_until_responses_are_taken)
{
    bool notify = false;

    front_fill(BACKEND_SLOTS);
    ck_assert(front_is_full());
    front_push();
    backend_serve(&backend, &notify);
    ck_assert(front_is_full());
    front_take();
    ck_assert(!front_is_full());
}
END_TEST

START_TEST(case_4_indices_wrap)
{
    connect(WRAP_INDEX);
    for (unsigned i = 0; i < 8; i++) {
        bool notify = false;

        front_fill(7);
        ck_assert(front_push());
        ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
        ck_assert_uint_eq(front_take(), 7);
        store(&ring->response_event, front.consumed + 1);
        ck_assert(notify);
    }
    ck_assert_uint_eq(ring->response_producer, WRAP_INDEX + 56);
}
END_TEST

/* How far the producer goes beyond what was answered. */
static const uint32_t too_far[] = {BACKEND_SLOTS + 1, 2 * BACKEND_SLOTS, 0x80000000u, UINT32_MAX};

START_TEST(case_5_more_requests_than_slots_stop_the_ring)
{
    const struct backend_ring before = *ring;
    bool notify = false;

    ring->request_producer += too_far[_i];
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_BROKEN);
    ck_assert(!notify);
    ck_assert_uint_eq(ring->response_producer, before.response_producer);
    ck_assert_int_eq(memcmp(ring->entries, before.entries, sizeof(before.entries)), 0);
}
END_TEST

START_TEST(a_ring_that_was_stopped_stays_so)
{
    bool notify = false;

    ring->request_producer = BACKEND_SLOTS + 1;
    backend_serve(&backend, &notify);
    ring->request_producer = 1;
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_BROKEN);
    ck_assert(!notify);
    ck_assert_uint_eq(ring->response_producer, 0);
}
END_TEST

START_TEST(what_was_answered_before_the_ring_broke_is_published)
{
    bool notify = false;

    front_fill(2);
    front_push();
    backend.answer = add_one;
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
    ring->request_producer = BACKEND_SLOTS + 3;
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_BROKEN);
    ck_assert_uint_eq(front_take(), 2);
}
END_TEST

/* The front end writes where it should not any more, between the copy and the answer. */
static struct backend_entry flip_and_add(void *opaque, const struct backend_entry *request)
{
    struct backend_entry *shared = slot(backend.consumed);

    shared->operation = shared->status = shared->id = FLIPPED;
    return add_one(opaque, request);
}

START_TEST(case_6_a_request_that_changes_is_answered_as_it_was_copied)
{
    bool notify = false;

    backend.answer = flip_and_add;
    front_fill(3);
    front_push();
    backend_serve(&backend, &notify);
    ck_assert_uint_eq(front_take(), 3);
}
END_TEST

static unsigned told; /* pushes that wanted a notification */

/* Meanwhile the front end pushes three more, one at a time. */
static struct backend_entry push_and_add(void *opaque, const struct backend_entry *request)
{
    if (front.filled < 4) {
        front_fill(1);
        told += front_push();
    }
    return add_one(opaque, request);
}

START_TEST(case_7_a_push_while_the_back_end_drains_sends_and_loses_nothing)
{
    enum backend_result result;
    unsigned calls = 0;
    bool notify = false;

    backend.answer = push_and_add;
    told = 0;
    front_fill(1);
    ck_assert(front_push());
    do {
        result = backend_serve(&backend, &notify);
        calls++;
    } while (result == BACKEND_MORE && calls < 10);
    ck_assert_int_eq(result, BACKEND_EMPTY);
    ck_assert_uint_eq(told, 0);
    ck_assert_uint_eq(front_take(), 4);
    front_fill(1);
    ck_assert(front_push());
}
END_TEST

/* Responses old + 1 to new are published: is the front end, which waits for (event), notified? */
static const struct {
    uint32_t index, count, event;
    bool notify;
} notify_cases[] = {
    {0, 1, 1, true},           {0, 1, 2, false},
    {0, 3, 2, true},           {0, 3, 3, true},
    {0, 3, 4, false},          {5, 1, 5, false},
    {5, 1, 6, true},           {5, 1, 0, false},
    {WRAP_INDEX, 32, 0, true}, {WRAP_INDEX, 32, WRAP_INDEX, false},
    {0, 1, UINT32_MAX, false}, {0, BACKEND_SLOTS, BACKEND_SLOTS, true},
};

START_TEST(the_front_end_is_told_if_it_waits_for_one_of_the_responses)
{
    bool notify = false;

    connect(notify_cases[_i].index);
    ring->response_event = notify_cases[_i].event;
    front_fill(notify_cases[_i].count);
    front_push();
    backend_serve(&backend, &notify);
    ck_assert_int_eq(notify, notify_cases[_i].notify);
}
END_TEST

START_TEST(a_ring_that_was_served_before_goes_on_where_it_was)
{
    bool notify = false;

    front_fill(5);
    front_push();
    backend_serve(&backend, &notify);
    front_take();
    front_fill(2);
    front_push();
    backend_attach(&backend, ring, add_one, NULL);
    ck_assert_int_eq(backend_serve(&backend, &notify), BACKEND_EMPTY);
    ck_assert_uint_eq(front_take(), 2);
}
END_TEST

/* Event channels between two threads: how many events were sent each way, and the end. */
static atomic_uint to_back, to_front;
static atomic_bool over;

static void *serve_events(void *unused)
{
    unsigned seen = 0;

    (void)unused;
    while (!atomic_load(&over)) {
        enum backend_result result;

        if (atomic_load(&to_back) == seen) {
            sched_yield();
            continue;
        }
        seen = atomic_load(&to_back);
        do {
            bool notify = false;

            result = backend_serve(&backend, &notify);
            if (notify)
                atomic_fetch_add(&to_front, 1);
        } while (result == BACKEND_MORE);
    }
    return NULL;
}

/* The first ones without giving the processor away, so that the two sides really meet. */
static void wait_a_little(unsigned turn)
{
    if (turn % SPINS == SPINS - 1)
        sched_yield();
}

/* Without an event nothing is looked at: one that is lost is a stall. */
static void wait_for_event(unsigned seen)
{
    const uint64_t begin = clock_now();

    for (unsigned turn = 0; atomic_load(&to_front) == seen; turn++) {
        wait_a_little(turn);
        ck_assert_msg(turn % 65536 != 65535 || clock_now() - begin < STALL_NS, "the ring stalls");
    }
}

/* Until no more than (left) requests are open. */
static void wait_for_answers(uint32_t left)
{
    while (front.filled - front.consumed > left) {
        const unsigned seen = atomic_load(&to_front);

        store(&ring->response_event, front.consumed + 1);
        if (front_take() == 0)
            wait_for_event(seen);
    }
}

/*
 * Each push comes at another moment of the back end, which has a request at a time if it is quick. An
 * event that is lost there is never made up for: then the ring fills, and all wait.
 */
START_TEST(case_8_the_final_check_loses_no_event)
{
    pthread_t thread;

    atomic_store(&over, false);
    atomic_store(&to_back, 0);
    atomic_store(&to_front, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve_events, NULL), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned delay = round % 64; delay > 0; delay--)
            __asm__ volatile("pause");
        front_fill(1);
        if (front_push())
            atomic_fetch_add(&to_back, 1);
        wait_for_answers(round % 1024 ? BACKEND_SLOTS - 1 : 0);
    }
    wait_for_answers(0);
    atomic_store(&over, true);
    pthread_join(thread, NULL);
}
END_TEST

/* It writes anything anywhere in the page, indices most of all. */
static void *write_wildly(void *unused)
{
    uint32_t *words = &ring->request_producer;
    unsigned seed = 1;

    (void)unused;
    while (!atomic_load(&over)) {
        const unsigned choice = (unsigned)rand_r(&seed);
        const uint32_t value = (uint32_t)rand_r(&seed);
        const unsigned index = choice % 4 ? 0 : choice / 4 % (sizeof(*ring) / sizeof(uint32_t));

        /* Near what is there, or no round would get past the check of the index. */
        store(&words[index], value % 8 ? load(&ring->response_producer) + value % 300 : value);
    }
    return NULL;
}

START_TEST(a_hostile_front_end_breaks_its_own_ring_and_nothing_else)
{
    unsigned broken = 0, answered = 0;
    pthread_t thread;

    atomic_store(&over, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, write_wildly, NULL), 0);
    for (unsigned round = 0; round < ROUNDS || broken < ENOUGH || answered < ENOUGH; round++) {
        const uint32_t before = backend.consumed;
        bool notify = false;

        wait_a_little(round);
        if (backend_serve(&backend, &notify) == BACKEND_BROKEN) {
            broken++;
            backend_attach(&backend, ring, add_one, NULL);
            continue;
        }
        answered += backend.consumed - before;
        ck_assert_uint_le(backend.consumed - before, BACKEND_SLOTS);
        ck_assert_uint_eq(backend.published, backend.consumed);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
}
END_TEST

Suite *xen_backend_suite(void)
{
    Suite *suite = suite_create("xen_backend");
    TCase *tcase = tcase_create("xen_backend");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, case_1_one_request_is_answered_with_status_plus_one);
    tcase_add_test(tcase, an_event_without_a_request_changes_nothing);
    tcase_add_test(tcase, case_2_a_full_ring_is_one_notification_each_way);
    tcase_add_test(tcase, case_3_the_ring_is_full_until_responses_are_taken);
    tcase_add_test(tcase, case_4_indices_wrap);
    tcase_add_loop_test(tcase, case_5_more_requests_than_slots_stop_the_ring, 0,
                        sizeof(too_far) / sizeof(too_far[0]));
    tcase_add_test(tcase, a_ring_that_was_stopped_stays_so);
    tcase_add_test(tcase, what_was_answered_before_the_ring_broke_is_published);
    tcase_add_test(tcase, case_6_a_request_that_changes_is_answered_as_it_was_copied);
    tcase_add_test(tcase, case_7_a_push_while_the_back_end_drains_sends_and_loses_nothing);
    tcase_add_loop_test(tcase, the_front_end_is_told_if_it_waits_for_one_of_the_responses, 0,
                        sizeof(notify_cases) / sizeof(notify_cases[0]));
    tcase_add_test(tcase, a_ring_that_was_served_before_goes_on_where_it_was);
    suite_add_tcase(suite, tcase);

    tcase_set_timeout(threads, 300); /* under ThreadSanitizer, on one processor */
    tcase_add_checked_fixture(threads, setup, teardown);
    tcase_add_test(threads, case_8_the_final_check_loses_no_event);
    tcase_add_test(threads, a_hostile_front_end_breaks_its_own_ring_and_nothing_else);
    suite_add_tcase(suite, threads);
    return suite;
}
