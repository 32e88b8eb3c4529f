/* vmm/core/pause.c: vCPUs pause, resume and leave; no call waits for ever. */
#include "vmm/core/pause.h"

#include "tests/unit/fixture.h"
#include "tests/unit/patience.h"
#include "vmm/core/kick.h"
#include "vmm/core/machine_pause.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *pause_suite(void);

#define PLAYERS  3
#define PAUSERS  2
#define PAUSES   3000
#define SHORT_MS 20

/* A thread that plays a vCPU: it counts where a vCPU would run its guest. */
struct player {
    struct machine *machine;
    struct vcpu *vcpu; /* NULL: it runs all the time; else it sleeps until it is kicked */
    pthread_t thread;
    unsigned long turns; /* not atomic: to be read during a pause only */
    atomic_ulong seen;   /* the same for all times */
    atomic_bool busy;    /* in the middle of something: does not look up */
};

static struct fixture fixture;
static struct player players[PLAYERS];

static void setup(void)
{
    fixture_setup(&fixture);
    memset(players, 0, sizeof(players));
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

/* What KVM_RUN is to a vCPU whose guest sleeps: it returns after a kick. */
static void sleep_until_kicked(struct vcpu *vcpu)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigdelset(&mask, VCPU_KICK_SIGNAL);
    while (!__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST))
        ppoll(NULL, 0, NULL, &mask);
    __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

static void set_thread(struct vcpu *vcpu, bool in_thread)
{
    pthread_mutex_lock(&vcpu->kick_lock);
    vcpu->thread = pthread_self();
    vcpu->in_thread = in_thread;
    pthread_mutex_unlock(&vcpu->kick_lock);
}

static void *play(void *argument)
{
    struct player *player = argument;
    struct machine *machine = player->machine;

    if (player->vcpu)
        set_thread(player->vcpu, true);
    while (machine_outcome(machine) == OUTCOME_NONE) {
        if (player->vcpu)
            sleep_until_kicked(player->vcpu);
        player->turns++;
        atomic_fetch_add(&player->seen, 1);
        if (!atomic_load(&player->busy) && atomic_load(&machine->pause.wanted))
            pause_rest(&machine->pause);
    }
    if (player->vcpu)
        set_thread(player->vcpu, false);
    pause_leave(&machine->pause);
    return NULL;
}

static void start_players(unsigned count)
{
    pause_start(&fixture.machine.pause, count);
    for (unsigned i = 0; i < count; i++) {
        players[i].machine = &fixture.machine;
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
}

static void end_players(unsigned count)
{
    machine_end(&fixture.machine, OUTCOME_GUEST, 0);
    machine_kick(&fixture.machine);
    for (unsigned i = 0; i < count; i++)
        pthread_join(players[i].thread, NULL);
}

/* Does the player still get turns? Waits for one. */
static void wait_for_turn(struct player *player)
{
    unsigned long before = atomic_load(&player->seen);

    while (atomic_load(&player->seen) == before)
        sched_yield();
}

static unsigned long all_turns(void)
{
    unsigned long turns = 0;

    for (unsigned i = 0; i < PLAYERS; i++)
        turns += players[i].turns;
    return turns;
}

/* Pauses many times: NULL, or what was wrong. */
static void *pause_often(void *argument)
{
    struct machine *machine = argument;
    const char *wrong = NULL;

    for (unsigned i = 0; !wrong && i < PAUSES; i++) {
        unsigned long turns;

        if (!pause_begin(machine, patience_ms(), false))
            return (void *)(uintptr_t) "a vCPU did not come to rest";
        turns = all_turns();
        if (i % 16 == 0)
            sched_yield();
        if (all_turns() != turns)
            wrong = "a vCPU ran during a pause";
        pause_end(machine, false);
    }
    return (void *)(uintptr_t)wrong;
}

static void pause_from_threads(void)
{
    pthread_t pausers[PAUSERS];

    for (unsigned i = 0; i < PAUSERS; i++)
        ck_assert_int_eq(pthread_create(&pausers[i], NULL, pause_often, &fixture.machine), 0);
    for (unsigned i = 0; i < PAUSERS; i++) {
        void *wrong;

        pthread_join(pausers[i], &wrong);
        ck_assert_msg(!wrong, "%s", (const char *)wrong);
    }
}

START_TEST(no_vcpu_runs_during_thousands_of_pauses_from_two_threads)
{
    start_players(PLAYERS);
    pause_from_threads();
    end_players(PLAYERS);
}
END_TEST

static void do_nothing(int number)
{
    (void)number;
}

START_TEST(a_vcpu_that_sleeps_is_kicked_for_every_pause)
{
    struct sigaction kick = {.sa_handler = do_nothing};
    sigset_t mask;

    sigaction(VCPU_KICK_SIGNAL, &kick, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, VCPU_KICK_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    players[0].vcpu = fixture.vcpu;
    start_players(1);
    pause_from_threads();
    end_players(1);
}
END_TEST

START_TEST(a_vcpu_that_does_not_come_to_rest_ends_the_wait)
{
    atomic_store(&players[1].busy, true);
    start_players(2);
    ck_assert(!pause_begin(&fixture.machine, SHORT_MS, false));
    end_players(2);
}
END_TEST

START_TEST(after_a_pause_that_failed_all_vcpus_run_on)
{
    atomic_store(&players[1].busy, true);
    start_players(2);
    ck_assert(!pause_begin(&fixture.machine, SHORT_MS, false));
    wait_for_turn(&players[0]);
    wait_for_turn(&players[1]);
    end_players(2);
}
END_TEST

START_TEST(after_a_pause_that_failed_the_next_one_succeeds)
{
    atomic_store(&players[1].busy, true);
    start_players(2);
    ck_assert(!pause_begin(&fixture.machine, SHORT_MS, false));
    atomic_store(&players[1].busy, false);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    pause_end(&fixture.machine, false);
    end_players(2);
}
END_TEST

START_TEST(after_a_pause_all_vcpus_run_on)
{
    start_players(2);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    pause_end(&fixture.machine, false);
    wait_for_turn(&players[0]);
    wait_for_turn(&players[1]);
    end_players(2);
}
END_TEST

START_TEST(a_vcpu_that_left_is_not_waited_for)
{
    start_players(2);
    end_players(2);
    ck_assert(pause_begin(&fixture.machine, SHORT_MS, false));
    pause_end(&fixture.machine, false);
}
END_TEST

START_TEST(a_vcpu_that_leaves_ends_the_wait_for_it)
{
    atomic_store(&players[0].busy, true);
    start_players(1);
    machine_end(&fixture.machine, OUTCOME_GUEST, 0);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    pause_end(&fixture.machine, false);
    end_players(1);
}
END_TEST

START_TEST(a_machine_that_ends_during_a_pause_rests_until_its_end)
{
    unsigned long turns;

    start_players(PLAYERS);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    turns = all_turns();
    machine_end(&fixture.machine, OUTCOME_GUEST, 0);
    machine_kick(&fixture.machine);
    poll(NULL, 0, SHORT_MS);
    ck_assert_uint_eq(all_turns(), turns);
    pause_end(&fixture.machine, false);
    end_players(PLAYERS);
    ck_assert_uint_eq(fixture.machine.pause.running, 0);
}
END_TEST

START_TEST(pauses_overlap_and_the_vcpus_rest_until_the_last_has_ended)
{
    unsigned long turns;

    start_players(PLAYERS);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    turns = all_turns();
    pause_end(&fixture.machine, false);
    poll(NULL, 0, SHORT_MS);
    ck_assert_uint_eq(all_turns(), turns);
    pause_end(&fixture.machine, false);
    wait_for_turn(&players[0]);
    end_players(PLAYERS);
}
END_TEST

START_TEST(a_hold_does_not_wait_and_lasts_until_its_end)
{
    unsigned long turns;

    start_players(2);
    pause_hold(&fixture.machine);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), false));
    pause_end(&fixture.machine, false);
    turns = all_turns();
    poll(NULL, 0, SHORT_MS);
    ck_assert_uint_eq(all_turns(), turns);
    pause_end(&fixture.machine, false);
    wait_for_turn(&players[0]);
    wait_for_turn(&players[1]);
    end_players(2);
}
END_TEST

static unsigned running(void)
{
    unsigned count;

    pthread_mutex_lock(&fixture.machine.pause.lock);
    count = fixture.machine.pause.running;
    pthread_mutex_unlock(&fixture.machine.pause.lock);
    return count;
}

/* This thread plays a vCPU between two KVM_RUNs, beside the players. */
static void start_players_and_self(unsigned players_count)
{
    start_players(players_count);
    pthread_mutex_lock(&fixture.machine.pause.lock);
    fixture.machine.pause.running++;
    pthread_mutex_unlock(&fixture.machine.pause.lock);
}

static void end_players_and_self(unsigned players_count)
{
    pause_leave(&fixture.machine.pause);
    end_players(players_count);
    ck_assert_uint_eq(running(), 0);
}

START_TEST(a_vcpu_that_pauses_rests_itself)
{
    unsigned long turns;

    start_players_and_self(2);
    ck_assert(pause_begin(&fixture.machine, patience_ms(), true));
    turns = all_turns();
    poll(NULL, 0, SHORT_MS);
    ck_assert_uint_eq(all_turns(), turns);
    pause_end(&fixture.machine, true);
    ck_assert_uint_ge(running(), 1);
    end_players_and_self(2);
}
END_TEST

START_TEST(a_vcpu_whose_pause_failed_runs_on)
{
    atomic_store(&players[0].busy, true);
    start_players_and_self(1);
    ck_assert(!pause_begin(&fixture.machine, SHORT_MS, true));
    ck_assert_uint_eq(running(), 2);
    ck_assert_uint_eq(atomic_load(&fixture.machine.pause.wanted), 0);
    end_players_and_self(1);
}
END_TEST

/* Two vCPUs pause at once, from two threads, and each counts for the other as one that rests. */
static void *pause_itself(void *argument)
{
    struct machine *machine = argument;
    bool paused = true;

    for (unsigned i = 0; paused && i < PAUSES; i++) {
        paused = pause_begin(machine, patience_ms(), true);
        if (paused)
            pause_end(machine, true);
    }
    pause_leave(&machine->pause);
    return paused ? machine : NULL;
}

START_TEST(vcpus_that_pause_at_once_do_not_wait_for_each_other)
{
    pthread_t pausers[PAUSERS];

    pause_start(&fixture.machine.pause, PAUSERS);
    for (unsigned i = 0; i < PAUSERS; i++)
        ck_assert_int_eq(pthread_create(&pausers[i], NULL, pause_itself, &fixture.machine), 0);
    for (unsigned i = 0; i < PAUSERS; i++) {
        void *paused;

        pthread_join(pausers[i], &paused);
        ck_assert_ptr_nonnull(paused);
    }
    ck_assert_uint_eq(running(), 0);
}
END_TEST

Suite *pause_suite(void)
{
    Suite *suite = suite_create("pause");
    TCase *tests = tcase_create("pause");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, no_vcpu_runs_during_thousands_of_pauses_from_two_threads);
    tcase_add_test(tests, a_vcpu_that_sleeps_is_kicked_for_every_pause);
    tcase_add_test(tests, a_vcpu_that_does_not_come_to_rest_ends_the_wait);
    tcase_add_test(tests, after_a_pause_that_failed_all_vcpus_run_on);
    tcase_add_test(tests, after_a_pause_that_failed_the_next_one_succeeds);
    tcase_add_test(tests, after_a_pause_all_vcpus_run_on);
    tcase_add_test(tests, a_vcpu_that_left_is_not_waited_for);
    tcase_add_test(tests, a_vcpu_that_leaves_ends_the_wait_for_it);
    tcase_add_test(tests, a_machine_that_ends_during_a_pause_rests_until_its_end);
    tcase_add_test(tests, pauses_overlap_and_the_vcpus_rest_until_the_last_has_ended);
    tcase_add_test(tests, a_hold_does_not_wait_and_lasts_until_its_end);
    tcase_add_test(tests, a_vcpu_that_pauses_rests_itself);
    tcase_add_test(tests, a_vcpu_whose_pause_failed_runs_on);
    tcase_add_test(tests, vcpus_that_pause_at_once_do_not_wait_for_each_other);
    suite_add_tcase(suite, tests);
    return suite;
}
