/* Timers of devices: when they fire, under which locks, and when they do not. */
#include "tests/unit/fixture.h"
#include "tests/unit/patience.h"
#include "vmm/base/clock.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/machine_timer.h"

#include <string.h>
#include <time.h>

Suite *timer_suite(void);

#define MS 1000000u

struct probe {
    struct device device;
    struct device_timer timers[2];
    atomic_uint fired[2];
    uint64_t deadline; /* of the last call */
    bool unlocked;     /* a call came without the device's lock */
    bool again;        /* set for now in each call */
};

static struct fixture fixture;
static struct probe *probe;

static void expire(struct device_timer *timer, uint64_t deadline)
{
    struct probe *self = (struct probe *)timer->device;

    self->deadline = deadline;
    self->unlocked |= lock_try(&self->device.lock);
    if (self->again)
        device_timer_set(timer, 0);
    atomic_fetch_add(&self->fired[timer - self->timers], 1);
}

static int probe_create(struct device *device, struct error *error)
{
    struct probe *self = (struct probe *)device;

    (void)error;
    for (unsigned i = 0; i < 2; i++)
        device_timer_init(&device->machine->timers, &self->timers[i], device, expire);
    return 0;
}

static const struct property no_properties[] = {{0}};
static const struct device_type probe_type = {
    .name = "probe",
    .instance_size = sizeof(struct probe),
    .properties = no_properties,
    .create = probe_create,
};

static void setup(void)
{
    fixture_setup(&fixture);
    ck_assert_int_eq(device_create(&fixture.machine, &probe_type, NULL, NULL), 0);
    probe = (struct probe *)fixture.machine.devices;
}

static void teardown(void)
{
    machine_timers_stop(&fixture.machine);
    fixture_teardown(&fixture);
}

static void start(void)
{
    ck_assert_int_eq(machine_timers_start(&fixture.machine), 0);
}

/* As an op of the device does. */
static void set(unsigned index, uint64_t deadline)
{
    lock_take(&probe->device.lock);
    device_timer_set(&probe->timers[index], deadline);
    lock_release(&probe->device.lock);
}

static uint64_t in_ms(unsigned ms)
{
    return machine_clock(&fixture.machine) + (uint64_t)ms * MS;
}

static unsigned fired(unsigned index)
{
    return atomic_load(&probe->fired[index]);
}

static void wait_ms(unsigned ms)
{
    usleep(ms * 1000);
}

START_TEST(a_machine_without_timers_has_no_thread)
{
    device_destroy(fixture.machine.devices);
    fixture.machine.devices = NULL;
    start();
    ck_assert(!fixture.machine.has_timer_thread);
}
END_TEST

START_TEST(a_device_with_a_timer_is_locked_with_one_vcpu_too)
{
    ck_assert_uint_eq(fixture.machine.vcpu_count, 1);
    ck_assert(probe->device.locked);
}
END_TEST

START_TEST(a_timer_fires_once_not_before_its_deadline_and_under_the_lock)
{
    const uint64_t deadline = in_ms(5);

    start();
    set(0, deadline);
    ck_assert(comes_true(fired(0)));
    ck_assert_uint_ge(machine_clock(&fixture.machine), deadline);
    ck_assert_uint_eq(probe->deadline, deadline);
    ck_assert(!probe->unlocked);
    ck_assert(!device_timer_is_set(&probe->timers[0]));
    wait_ms(5);
    ck_assert_uint_eq(fired(0), 1);
    ck_assert_uint_eq(fired(1), 0);
}
END_TEST

START_TEST(a_deadline_that_was_set_before_the_run_counts)
{
    set(1, 1);
    start();
    ck_assert(comes_true(fired(1)));
}
END_TEST

START_TEST(an_earlier_deadline_wakes_the_thread)
{
    start();
    set(0, in_ms(3600000));
    wait_ms(2);
    set(1, in_ms(1));
    ck_assert(comes_true(fired(1)));
    set(0, 0);
    ck_assert(comes_true(fired(0)));
}
END_TEST

START_TEST(a_cancelled_timer_does_not_fire)
{
    start();
    set(0, in_ms(10));
    set(0, TIMER_NEVER);
    set(1, in_ms(15));
    ck_assert(comes_true(fired(1)));
    ck_assert_uint_eq(fired(0), 0);
}
END_TEST

/* The op holds the lock while the deadline comes, and sets it again. */
START_TEST(a_timer_that_is_due_but_set_again_does_not_fire)
{
    start();
    lock_take(&probe->device.lock);
    device_timer_set(&probe->timers[0], 1);
    wait_ms(5);
    device_timer_set(&probe->timers[0], in_ms(3600000));
    lock_release(&probe->device.lock);
    wait_ms(5);
    ck_assert_uint_eq(fired(0), 0);
}
END_TEST

START_TEST(a_timer_that_is_always_due_fires_at_a_bounded_rate)
{
    uint64_t began, took;
    unsigned count;

    probe->again = true;
    began = clock_now();
    set(0, 0);
    start();
    ck_assert(comes_true(fired(0) > 20));
    wait_ms(20);
    machine_timers_stop(&fixture.machine);
    count = fired(0);
    took = clock_now() - began;
    ck_assert_uint_le(count, took / TIMER_INTERVAL_NS + 1);
}
END_TEST

START_TEST(no_timer_fires_during_a_pause_but_after_it)
{
    pause_start(&fixture.machine.pause, 0);
    start();
    ck_assert(pause_begin(&fixture.machine, 1000, false));
    set(0, 0);
    wait_ms(10);
    ck_assert_uint_eq(fired(0), 0);
    pause_end(&fixture.machine, false);
    ck_assert(comes_true(fired(0)));
}
END_TEST

START_TEST(a_paused_machine_can_be_stopped)
{
    pause_start(&fixture.machine.pause, 0);
    start();
    ck_assert(pause_begin(&fixture.machine, 1000, false));
    set(0, 0);
    wait_ms(2);
    machine_timers_stop(&fixture.machine);
    pause_end(&fixture.machine, false);
    ck_assert_uint_eq(fired(0), 0);
}
END_TEST

START_TEST(no_timer_fires_after_the_end)
{
    start();
    machine_stop(&fixture.machine, OUTCOME_TIMEOUT);
    set(0, 0);
    wait_ms(5);
    machine_timers_stop(&fixture.machine);
    ck_assert_uint_eq(fired(0), 0);
}
END_TEST

START_TEST(a_reset_of_the_device_cancels_its_timers)
{
    set(0, 7);
    set(1, 8);
    device_reset(&probe->device);
    ck_assert(!device_timer_is_set(&probe->timers[0]));
    ck_assert(!device_timer_is_set(&probe->timers[1]));
}
END_TEST

START_TEST(timers_have_the_names_of_their_device)
{
    ck_assert_ptr_eq(timer_list_find(&fixture.machine.timers, "probe.0"), &probe->timers[0]);
    ck_assert_ptr_eq(timer_list_find(&fixture.machine.timers, "probe.0.1"), &probe->timers[1]);
    ck_assert_ptr_null(timer_list_find(&fixture.machine.timers, "probe.1"));
}
END_TEST

START_TEST(deadlines_are_saved_and_loaded_with_the_device)
{
    static const char state[] = "device probe.0 version 0\ntimer.0=0102030000000000\n"
                                "timer.1=ffffffffffffffff\n";
    struct text text = {0};

    ck_assert_int_eq(state_read(&probe->device, state, strlen(state), NULL), 0);
    ck_assert_uint_eq(device_timer_deadline(&probe->timers[0]), 0x030201);
    ck_assert(!device_timer_is_set(&probe->timers[1]));
    state_write(&probe->device, &text);
    ck_assert_uint_eq(text.used, strlen(state));
    ck_assert_mem_eq(text.bytes, state, text.used);
    text_free(&text);
    ck_assert_int_lt(state_read(&probe->device, state, strlen(state) - 1, NULL), 0);
}
END_TEST

START_TEST(the_clock_can_go_on_from_another_machines)
{
    const uint64_t there = 77 * 1000000000ull;

    timer_list_set_clock(&fixture.machine.timers, there);
    ck_assert_uint_ge(machine_clock(&fixture.machine), there);
    ck_assert_uint_lt(machine_clock(&fixture.machine), there + patience_ms() * (uint64_t)MS);
    set(0, there + 3600 * 1000000000ull);
    set(1, there);
    start();
    ck_assert(comes_true(fired(1)));
    ck_assert_uint_eq(fired(0), 0);
}
END_TEST

Suite *timer_suite(void)
{
    Suite *suite = suite_create("timer");
    TCase *tcase = tcase_create("timer");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_machine_without_timers_has_no_thread);
    tcase_add_test(tcase, a_device_with_a_timer_is_locked_with_one_vcpu_too);
    tcase_add_test(tcase, a_timer_fires_once_not_before_its_deadline_and_under_the_lock);
    tcase_add_test(tcase, a_deadline_that_was_set_before_the_run_counts);
    tcase_add_test(tcase, an_earlier_deadline_wakes_the_thread);
    tcase_add_test(tcase, a_cancelled_timer_does_not_fire);
    tcase_add_test(tcase, a_timer_that_is_due_but_set_again_does_not_fire);
    tcase_add_test(tcase, a_timer_that_is_always_due_fires_at_a_bounded_rate);
    tcase_add_test(tcase, no_timer_fires_during_a_pause_but_after_it);
    tcase_add_test(tcase, a_paused_machine_can_be_stopped);
    tcase_add_test(tcase, no_timer_fires_after_the_end);
    tcase_add_test(tcase, a_reset_of_the_device_cancels_its_timers);
    tcase_add_test(tcase, timers_have_the_names_of_their_device);
    tcase_add_test(tcase, deadlines_are_saved_and_loaded_with_the_device);
    tcase_add_test(tcase, the_clock_can_go_on_from_another_machines);
    suite_add_tcase(suite, tcase);
    return suite;
}
