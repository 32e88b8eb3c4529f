/* The alarm: what a guest sees of it. Time stands still; tests fire the timer. */
#include "guest/abi/alarm.h"
#include "tests/unit/fixture.h"
#include "tests/unit/recording.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *alarm_suite(void);

#define ONCE        (ALARM_PORT + ALARM_ONCE)
#define EVERY       (ALARM_PORT + ALARM_EVERY)
#define COUNT       (ALARM_PORT + ALARM_COUNT)
#define ACKNOWLEDGE (ALARM_PORT + ALARM_ACKNOWLEDGE)
#define NOW         1000000u /* ns */

static struct fixture fixture;
static struct device *device;

static void setup(void)
{
    fixture_setup(&fixture);
    fixture.machine.config.clock = NOW;
    device = fixture_device(&fixture, "alarm", "irq=5");
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static bool fire(void)
{
    return device_timer_fire(fixture.machine.timers.first);
}

static uint64_t deadline(void)
{
    return device_timer_deadline(fixture.machine.timers.first);
}

static uint32_t count(void)
{
    return fixture_in(&fixture, COUNT, 4);
}

static bool is_up(void)
{
    return fixture.machine.irqs.raised[5];
}

START_TEST(once_is_one_call_after_so_many_microseconds)
{
    fixture_out(&fixture, ONCE, 4, 3);
    ck_assert_uint_eq(deadline(), NOW + 3000);
    ck_assert(fire());
    ck_assert_uint_eq(count(), 1);
    ck_assert(!fire());
}
END_TEST

START_TEST(every_counts_the_periods_that_went_by)
{
    fixture_out(&fixture, EVERY, 4, 3);
    fixture.machine.config.clock = NOW + 10000;
    ck_assert(fire());
    ck_assert_uint_eq(count(), 3);
    ck_assert_uint_eq(deadline(), NOW + 12000);
    fixture_out(&fixture, EVERY, 4, 0);
    ck_assert(!fire());
}
END_TEST

START_TEST(the_line_is_up_until_it_is_acknowledged)
{
    fixture_out(&fixture, ONCE, 4, 3);
    ck_assert(!is_up());
    fire();
    ck_assert(is_up());
    fixture_out(&fixture, ACKNOWLEDGE, 4, 0);
    ck_assert(!is_up());
}
END_TEST

START_TEST(a_reset_stops_it)
{
    fixture_out(&fixture, EVERY, 4, 3);
    fire();
    device_reset(device);
    ck_assert(!fire());
    ck_assert_uint_eq(count(), 0);
    ck_assert_uint_eq(fixture_in(&fixture, EVERY, 4), 0);
    ck_assert(!is_up());
}
END_TEST

static const struct {
    const char *state, *refused;
} states[] = {
    {"period=03000000\ncount=07000000\nup=01\ntimer.0=0100000000000000\n", NULL},
    {"period=00000000\ncount=07000000\nup=00\ntimer.0=ffffffffffffffff\n", NULL},
    {"period=03000000\ncount=07000000\nup=00\ntimer.0=ffffffffffffffff\n", "period"},
    {"period=00000000\ncount=07000000\nup=00\n", "timer.0"},
};

START_TEST(a_state_has_the_deadline)
{
    char text[200];
    struct error error = {""};
    const int length =
        snprintf(text, sizeof(text), "device alarm.0 version 1\n%s", states[_i].state);
    const int result = state_read(device, text, (size_t)length, &error);

    if (states[_i].refused) {
        ck_assert_int_eq(result, -EINVAL);
        ck_assert_ptr_nonnull(strstr(error.text, states[_i].refused));
        ck_assert_uint_eq(count(), 0);
        return;
    }
    ck_assert_msg(result == 0, "%s", error.text);
    ck_assert_uint_eq(count(), 7);
    ck_assert(is_up() == !_i);
}
END_TEST

START_TEST(a_recording_has_the_timer_and_replays)
{
    struct replay_result result;
    struct recording recording;
    struct machine *machine = &recording.machine;

    recording_begin(&recording, "device alarm,irq=5\n");
    recording_exit(&recording, "out 0xda4 4 1000000");
    ck_assert(device_timer_fire(machine->timers.first));
    recording_exit(&recording, "out 0xda4 4 0");
    recording_finish(&recording);
    ck_assert_ptr_nonnull(strstr(recording.text, "\n> timer alarm.0 "));
    ck_assert_ptr_nonnull(strstr(recording.text, "\ntimer alarm.0\n< clock "));
    ck_assert_ptr_nonnull(strstr(recording.text, "\n> irq 5 1\n"));
    ck_assert_ptr_nonnull(strstr(recording.text, "\n> timer alarm.0 off\n"));
    recording_check_replay(&recording, &result);
    recording_end(&recording);
}
END_TEST

Suite *alarm_suite(void)
{
    Suite *suite = suite_create("alarm");
    TCase *tcase = tcase_create("alarm");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, once_is_one_call_after_so_many_microseconds);
    tcase_add_test(tcase, every_counts_the_periods_that_went_by);
    tcase_add_test(tcase, the_line_is_up_until_it_is_acknowledged);
    tcase_add_test(tcase, a_reset_stops_it);
    tcase_add_loop_test(tcase, a_state_has_the_deadline, 0, sizeof(states) / sizeof(states[0]));
    tcase_add_test(tcase, a_recording_has_the_timer_and_replays);
    suite_add_tcase(suite, tcase);
    return suite;
}
