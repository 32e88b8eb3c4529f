/*
 * The ring, cases 1 to 8: one guest is front end and back end, over a page that it grants to itself
 * and ports that it binds to each other.
 *
 * In case 8 the second vCPU works against the first; without it, the case is skipped. Guest
 * argument rounds=N: of that case, 1000 unless given.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"
#include "guest/xen/start.h"
#include "tests/guests/xen-ring-back.h"

#define WRAP_INDEX  0xfffffff0u
#define WAIT_ROUNDS 20000u
#define PUSHED_MORE 3u
#define RACE_POLLS  2000000u
#define RACE_DELAYS 64u

#define OPERATION_FLIPPED 0xbadu

static struct as_sring *page;
static struct as_front front;
static struct as_back back;

static void connect(RING_IDX index)
{
    as_front_init(&front, page, index);
    check_result("the front end grants and allocates", as_front_connect(&front, xen_domid()), 0);
    check_result("the back end maps and binds", as_back_connect(&back, &front, index), 0);
    events_allow(); /* the event of the binding itself */
    back.called = 0;
    front.called = 0;
}

static void disconnect(void)
{
    check_result("both let go", as_disconnect(&front, &back), 0);
}

static void check_one(void)
{
    check_group("1 one request");
    connect(0);
    as_front_send(&front, 1);
    check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("with status + 1", front.wrong, 0);
    check_equal("events at the back end", back.called, 1);
    check_equal("events at the front end", front.called, 1);
    disconnect();
}

static void check_full(void)
{
    check_group("2 256 requests");
    connect(0);
    as_front_send(&front, AS_SLOTS);
    check_equal("one notification", front.notified, 1);
    check_group("3 the 257th");
    check("the ring is full", RING_FULL(&front.ring));
    check_group("2 256 requests");
    check("all answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("in order, each with status + 1", front.wrong, 0);
    check_equal("events at the back end", back.called, 1);
    check_equal("notifications of the back end", back.notified, 1);
    check_equal("events at the front end", front.called, 1);
    check_group("3 the 257th");
    check("there is room again", !RING_FULL(&front.ring));
    disconnect();
}

static void check_wrap(void)
{
    check_group("4 indices wrap");
    connect(WRAP_INDEX);
    for (unsigned i = 0; i < 8; i++) {
        as_front_send(&front, 7);
        check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    }
    check_equal("each with status + 1", front.wrong, 0);
    check_equal("the index", front.ring.rsp_cons, WRAP_INDEX + 56);
    disconnect();
}

static void check_overflow(void)
{
    check_group("5 req_prod += 257");
    connect(0);
    front.sring->req_prod += AS_SLOTS + 1;
    notify_remote_via_evtchn(front.port);
    events_allow();
    check("the back end stops", back.stopped);
    check_equal("nothing is served", back.served, 0);
    check_equal("nothing is answered", front.sring->rsp_prod, 0);
    disconnect();
}

/* The front end writes to places that are not its own any more. */
static void flip_operation(struct as_back *of, struct as_request *slot)
{
    (void)of;
    slot->operation = OPERATION_FLIPPED;
}

static void check_flip(void)
{
    check_group("6 operation flips");
    connect(0);
    back.copied = flip_operation;
    as_front_send(&front, 3);
    check("answered", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("by what was copied", front.wrong, 0);
    disconnect();
}

static unsigned held_off;

/* Push one more when all are answered, and before the final check. */
static void push_more(struct as_back *of)
{
    (void)of;
    if (held_off < PUSHED_MORE) {
        held_off++;
        as_front_fill(&front);
        as_front_push(&front);
    }
}

static void check_hold_off(void)
{
    check_group("7 hold-off");
    connect(0);
    back.drained = push_more;
    as_front_send(&front, 1);
    check("nothing is lost", as_front_wait_answered(&front, WAIT_ROUNDS));
    check_equal("nothing is sent but the first", front.notified, 1);
    check_equal("requests served", back.served, 1 + PUSHED_MORE);
    check_equal("events at the back end", back.called, 1);
    disconnect();
}

/* Case 8's front end, on the second vCPU: it polls for responses. */
static struct {
    unsigned rounds;
    unsigned answered;
    bool done;
} race;

static bool poll_for_answer(void)
{
    for (unsigned i = 0; as_front_open(&front) != 0; i++) {
        if (i == RACE_POLLS)
            return false;
        __asm__ volatile("pause");
        as_front_take(&front);
    }
    return true;
}

/* A request each time the last is answered, with varying delay. */
static void race_front(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < race.rounds; i++) {
        for (unsigned delay = i % RACE_DELAYS; delay > 0; delay--)
            __asm__ volatile("pause");
        as_front_send(&front, 1);
        if (!poll_for_answer())
            break;
        race.answered++;
    }
    __atomic_store_n(&race.done, true, __ATOMIC_RELEASE);
    notify_remote_via_evtchn(front.port); /* so that the other vCPU checks again */
}

static void check_race(unsigned rounds)
{
    check_group("8 final check");
    connect(0);
    mask_evtchn(front.port);
    race.rounds = rounds;
    check("the second vCPU starts", smp_start(1, race_front, NULL));
    while (!__atomic_load_n(&race.done, __ATOMIC_ACQUIRE))
        events_wait();
    check_equal("rounds without a stall", race.answered, rounds);
    check_equal("each with status + 1", front.wrong, 0);
    disconnect();
}

int main(const struct boot_info *boot)
{
    if (xen_init() < 0) {
        printf("no Xen here\n");
        return 1;
    }
    page = (struct as_sring *)__get_free_pages(GFP_KERNEL, 0);
    check_one();
    check_full();
    check_wrap();
    check_overflow();
    check_flip();
    check_hold_off();
    if (boot->vcpu_count > 1)
        check_race((unsigned)module_parameter(boot, "rounds", 1000));
    return check_summary();
}
