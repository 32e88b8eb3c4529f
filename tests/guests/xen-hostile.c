/*
 * A hostile front end, domain 1: what it does must affect nobody but itself. Domain 0's back end, the
 * monitor's own or another guest, keeps running, and this guest ends with status 0.
 *
 * Guest arguments: one word, the attack; and `second`: use the second grant and port, 9 and 2.
 *
 *     overflow   req_prod is 257 further: no more requests are served
 *     flip       another vCPU writes to requests while they are handled
 *     pushes     two vCPUs push, so that one does while the back end serves the other: nothing stalls
 *     scribble   the whole page, with its header, is overwritten again and again
 *     grants     the entry grants pages that cannot be mapped
 *     toggle     another vCPU toggles the entry's flags
 *     revoke     the grant is ended while it is mapped
 *     storm      events without end, and the port closed among them
 *     reset      all ports closed at once, with requests in the ring
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"
#include "guest/xen/start.h"
#include "guest/xen/test_ring.h"

#define WAIT_ROUNDS  200000u
#define QUIET_ROUNDS 2000u /* enough time for a back end to make a mistake */
#define REQUESTS     500u
#define SCRIBBLES    300u
#define EVENTS       20000u
#define PUSHES       20000u
#define BEYOND_FRAME 0x00ffffffu
#define STRANGER     5u

static struct as_front front;

static void prepare(void)
{
    as_front_init(&front, (struct as_sring *)__get_free_pages(GFP_KERNEL, 0), 0);
}

static void connect(void)
{
    prepare();
    check_result("granted and allocated", as_front_connect(&front, 0), 0);
    check("the back end binds", as_front_wait_bound(&front, WAIT_ROUNDS));
    as_front_send(&front, 1);
    check("it answers", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("with status + 1", front.wrong, 0);
}

static void stay_quiet(void)
{
    for (unsigned i = 0; i < QUIET_ROUNDS; i++)
        events_allow();
}

static void try_overflow(void)
{
    connect();
    front.sring->req_prod += AS_SLOTS + 1;
    notify_remote_via_evtchn(front.port);
    stay_quiet();
    check_equal("nothing more is answered", front.sring->rsp_prod, 1);
    front.sring->req_prod = 2;
    notify_remote_via_evtchn(front.port);
    stay_quiet();
    check_equal("not after that either", front.sring->rsp_prod, 1);
    for (unsigned i = 0; i < WAIT_ROUNDS && as_port_status(front.port) != EVTCHNSTAT_unbound; i++)
        xen_yield();
    check_result("the port is unbound", as_port_status(front.port), EVTCHNSTAT_unbound);
}

/* The second vCPU, until it must stop: it writes to this. */
static struct {
    volatile bool running, stop;
} second;

static void second_start(void (*run)(void *argument))
{
    check("a second vCPU starts", smp_start(1, run, NULL));
    while (!second.running)
        xen_yield();
}

static void second_end(void)
{
    second.stop = true;
    while (second.running)
        xen_yield();
}

static void run_flip(void *unused)
{
    (void)unused;
    second.running = true;
    for (unsigned i = 0; !second.stop; i++)
        *(volatile uint32_t *)&front.sring->ring[i % AS_SLOTS].req.operation = i | 1;
    second.running = false;
}

/* Only the operations can be wrong: they may be those of any moment. */
static void try_flip(void)
{
    unsigned wrong = 0;

    connect();
    second_start(run_flip);
    mask_evtchn(front.port);
    for (unsigned n = 1; n < REQUESTS; n++) {
        const struct as_response *response;

        as_front_send(&front, 1);
        for (unsigned i = 0; i < WAIT_ROUNDS && front.sring->rsp_prod != n + 1; i++)
            xen_yield();
        response = RING_GET_RESPONSE(&front.ring, n);
        wrong += response->id != n || response->status != n + 1;
        as_front_take(&front);
    }
    second_end();
    check_equal("id and status are right", wrong, 0);
    check_equal("all are answered", as_front_open(&front), 0);
}

static bool pushing; /* a lock: one vCPU at a time is in (front) */

/* False: there is no room. Events are taken outside of the lock, while the other vCPU pushes. */
static bool push_one(void)
{
    bool notify = false, room;

    while (__atomic_test_and_set(&pushing, __ATOMIC_ACQUIRE))
        __asm__ volatile("pause");
    as_front_take(&front);
    room = !RING_FULL(&front.ring);
    if (room) {
        as_front_fill(&front);
        notify = as_front_push(&front);
    }
    __atomic_clear(&pushing, __ATOMIC_RELEASE);
    if (notify)
        notify_remote_via_evtchn(front.port);
    return room;
}

static void run_pushes(void *unused)
{
    (void)unused;
    second.running = true;
    while (!second.stop)
        if (!push_one())
            xen_yield();
    second.running = false;
}

static void try_pushes(void)
{
    unsigned pushed = 0;

    connect();
    mask_evtchn(front.port);
    second_start(run_pushes);
    for (unsigned stuck = 0; pushed < PUSHES && stuck < WAIT_ROUNDS; stuck++) {
        if (!push_one()) {
            xen_yield();
            continue;
        }
        pushed++;
        stuck = 0;
    }
    second_end();
    check_equal("there is always room again", pushed, PUSHES);
    for (unsigned i = 0; i < WAIT_ROUNDS && as_front_open(&front) != 0; i++) {
        as_front_take(&front);
        xen_yield();
    }
    check_equal("all are answered", as_front_open(&front), 0);
    check_equal("with status + 1", front.wrong, 0);
}

/* Marsaglia's xorshift. */
static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void try_scribble(void)
{
    uint32_t state = 1;

    connect();
    mask_evtchn(front.port);
    for (unsigned i = 0; i < SCRIBBLES; i++) {
        volatile uint32_t *words = (volatile uint32_t *)front.sring;

        for (unsigned word = 0; word < PAGE_SIZE / sizeof(*words); word += 1 + i % 61)
            words[word] = random_next(&state);
        words[0] = i % 2 ? words[2] + random_next(&state) % (AS_SLOTS + 2) : words[0];
        notify_remote_via_evtchn(front.port);
    }
    stay_quiet();
}

/* The back end finds each of these entries when it is notified of a request. */
static void try_grants(void)
{
    static const grant_entry_v1_t entries[] = {
        {GTF_permit_access, 0, BEYOND_FRAME},
        {GTF_permit_access, 0, ~0u},
        {GTF_permit_access | GTF_readonly, 0, 0},
        {GTF_permit_access, STRANGER, 0},
        {GTF_accept_transfer, 0, 0},
        {GTF_transitive, 0, 0},
        {GTF_permit_access | GTF_sub_page, 0, 0},
        {GTF_invalid, 0, 0},
        {0xffff, 0xffff, ~0u},
    };

    prepare();
    check_result("granted", as_front_grant(&front, 0), 0);
    *gnttab_entry((grant_ref_t)front.gref) = entries[0];
    check_result("allocated", as_front_allocate(&front, 0), 0);
    as_front_fill(&front);
    as_front_push(&front);
    for (unsigned i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        grant_entry_v1_t entry = entries[i];

        entry.frame = entry.frame ? entry.frame : (uint32_t)xen_frame(front.sring);
        *gnttab_entry((grant_ref_t)front.gref) = entry;
        notify_remote_via_evtchn(front.port);
        stay_quiet();
        check_equal("nothing is answered", front.sring->rsp_prod, 0);
    }
}

static void run_toggle(void *unused)
{
    static const uint16_t flags[] = {
        GTF_permit_access,
        0,
        GTF_permit_access | GTF_readonly,
        GTF_permit_access | GTF_reading | GTF_writing,
        GTF_transitive,
    };
    volatile grant_entry_v1_t *entry = gnttab_entry(GNTTAB_NR_RESERVED_ENTRIES);

    (void)unused;
    second.running = true;
    for (unsigned i = 0; !second.stop; i++)
        entry->flags = flags[i % (sizeof(flags) / sizeof(flags[0]))];
    second.running = false;
}

static void try_toggle(void)
{
    prepare();
    second_start(run_toggle);
    check_result("granted and allocated", as_front_connect(&front, 0), 0);
    as_front_wait_bound(&front, WAIT_ROUNDS);
    for (unsigned i = 0; i < REQUESTS && !RING_FULL(&front.ring); i++) {
        as_front_send(&front, 1);
        events_allow();
    }
    second_end();
    gnttab_entry((grant_ref_t)front.gref)->flags = GTF_permit_access;
    notify_remote_via_evtchn(front.port);
    stay_quiet();
    check_equal("what was answered is right", front.wrong, 0);
}

/* The page that the back end has mapped does not change, whatever the entry says now. */
static void try_revoke(void)
{
    static uint8_t other[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    volatile grant_entry_v1_t *entry;

    connect();
    entry = gnttab_entry((grant_ref_t)front.gref);
    entry->flags = 0;
    entry->frame = (uint32_t)xen_frame(other);
    as_front_send(&front, AS_SLOTS);
    check("the old page is still served", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("with status + 1", front.wrong, 0);
    entry->flags = GTF_permit_access | GTF_reading | GTF_writing;
    as_front_send(&front, AS_SLOTS);
    check("and again", as_front_wait_answered(&front, WAIT_ROUNDS));
    for (unsigned i = 0; i < sizeof(other); i++)
        if (other[i] != 0)
            check("the other page is untouched", false);
}

static void try_storm(void)
{
    struct evtchn_close close;
    unsigned refused = 0;

    connect();
    for (unsigned i = 0; i < EVENTS; i++)
        refused += notify_remote_via_evtchn(front.port) != 0;
    check_equal("all are taken", refused, 0);
    as_front_send(&front, 1);
    check("a request is still answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    as_front_fill(&front);
    as_front_push(&front);
    notify_remote_via_evtchn(front.port);
    close.port = front.port;
    check_result("closed", HYPERVISOR_event_channel_op(EVTCHNOP_close, &close), 0);
    check_result("then refused", notify_remote_via_evtchn(front.port), -XEN_EINVAL);
    stay_quiet();
}

static void try_reset(void)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    connect();
    as_front_fill(&front);
    as_front_push(&front);
    check_result("reset", HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset), 0);
    check_result("the port is closed", as_port_status(front.port), EVTCHNSTAT_closed);
    stay_quiet();
    check_equal("nothing was sent, nothing is answered", front.sring->rsp_prod, 1);
}

static const struct attack {
    const char *name;
    void (*run)(void);
} attacks[] = {
    {"pushes", try_pushes},     {"overflow", try_overflow}, {"flip", try_flip},
    {"scribble", try_scribble}, {"grants", try_grants},     {"toggle", try_toggle},
    {"revoke", try_revoke},     {"storm", try_storm},       {"reset", try_reset},
};

/* The first grant and the first port cannot be used again. */
static void begin_with_second(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = STRANGER};

    gnttab_grant_foreign_access(STRANGER, 0, 0);
    HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    if (argument_given(boot, "second"))
        begin_with_second();
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (!argument_given(boot, attacks[i].name))
            continue;
        check_group(attacks[i].name);
        attacks[i].run();
        return check_summary();
    }
    printf("what is to be tried?\n");
    return 2;
}
