/* api/create.c, load.c, run.c, domains.c: the life of a machine, and calls at the wrong time. */
#include "include/minivmm.h"

#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *api_suite(void);

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define MS           1000000u /* in nanoseconds */
#define PORT         0x500

static struct minivmm_error error;
static struct minivmm_machine *machine;
static struct minivmm_result result;

/* ---- Without KVM ---- */

static struct minivmm_config quiet(void)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    config.console_fd = config.message_fd = config.stats_fd = -1;
    config.memory_size = 2 << 20;
    return config;
}

static void create(const struct minivmm_config *config)
{
    ck_assert_msg(minivmm_create(config, &machine, &error) == 0, "%s", error.text);
}

static void create_quiet(void)
{
    const struct minivmm_config config = quiet();

    create(&config);
}

static void setup(void)
{
    memset(&error, 0, sizeof(error));
    machine = NULL;
}

static void teardown(void)
{
    ck_assert_int_eq(minivmm_destroy(machine, &error), 0);
}

/* The sentence begins with (words), and the outcome is a mistake of the program. */
static void check_refused(int code, int expected, const char *words)
{
    ck_assert_int_eq(code, expected);
    ck_assert_int_eq(error.outcome, MINIVMM_USAGE);
    ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
}

START_TEST(a_config_of_another_abi_is_refused)
{
    struct minivmm_config config = quiet();

    config.abi = MINIVMM_ABI + 1;
    check_refused(minivmm_create(&config, &machine, &error), -EPROTO, "this config is of ABI 2");
    ck_assert_ptr_null(machine);
}
END_TEST

START_TEST(a_config_that_cannot_be_meant_is_refused)
{
    static const char *const none[] = {NULL};
    struct minivmm_world *world = minivmm_world_create();
    struct minivmm_config configs[8];
    static const char *const words[] = {
        "1025 vCPUs",      "device_count", "device 0",     "statistics",
        "checkpoint_path", "not recorded", "console_name", "console_name",
    };
    char long_name[66];

    for (int i = 0; i < COUNT(configs); i++)
        configs[i] = quiet();
    configs[0].vcpu_count = 1025;
    configs[1].device_count = 1;
    configs[2].devices = none;
    configs[2].device_count = 1;
    configs[3].stats = (enum minivmm_stats)3;
    configs[4].checkpoint_at = 1;
    configs[5].world = world;
    configs[5].record = "file";
    memset(long_name, 'd', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    configs[6].console_name = long_name;
    configs[7].console_name = "d0\n";
    for (int i = 0; i < COUNT(configs); i++)
        check_refused(minivmm_create(&configs[i], &machine, &error), -EINVAL, words[i]);
    ck_assert_int_eq(minivmm_world_destroy(world, &error), 0);
}
END_TEST

START_TEST(what_the_caller_gave_may_go_after_the_call)
{
    struct minivmm_config config = quiet();
    const struct minivmm_image image = {.path = "/dev/null"};
    char device[] = "edu,colour=blue";
    const char *devices[] = {device};

    config.devices = devices;
    config.device_count = 1;
    create(&config);
    strcpy(device, "gone");
    devices[0] = NULL;
    check_refused(minivmm_load(machine, &image, &error), -EINVAL, "colour");
}
END_TEST

START_TEST(an_image_without_a_path_is_refused)
{
    const struct minivmm_image image = {.path = NULL};

    create_quiet();
    check_refused(minivmm_load(machine, &image, &error), -EINVAL, "there is no image");
    check_refused(minivmm_load(machine, NULL, &error), -EINVAL, "there is no image");
    check_refused(minivmm_restore(machine, NULL, false, &error), -EINVAL, "there is no checkpoint");
}
END_TEST

START_TEST(an_image_that_cannot_be_meant_is_refused)
{
    struct minivmm_image image = {.path = "/dev/null", .mode = (enum minivmm_mode)4};
    static const char *const none[] = {NULL};

    create_quiet();
    check_refused(minivmm_load(machine, &image, &error), -EINVAL, "no such mode");
    image = (struct minivmm_image){.path = "/dev/null", .word_count = 1};
    check_refused(minivmm_load(machine, &image, &error), -EINVAL, "without words");
    image.words = none;
    check_refused(minivmm_load(machine, &image, &error), -EINVAL, "is NULL");
}
END_TEST

START_TEST(an_image_that_is_not_there_has_the_outcome_of_images)
{
    const struct minivmm_image image = {.path = "/nowhere/guest.bin"};

    create_quiet();
    ck_assert_int_lt(minivmm_load(machine, &image, &error), 0);
    ck_assert_int_eq(error.outcome, MINIVMM_IMAGE);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/guest.bin"));
    ck_assert_int_lt(minivmm_load(machine, &image, NULL), 0);
}
END_TEST

START_TEST(a_machine_without_a_guest_does_not_run)
{
    create_quiet();
    ck_assert_int_eq(minivmm_take_kick_signal(&error), 0);
    ck_assert_int_eq(minivmm_run(machine, &result), -EINVAL);
    ck_assert_ptr_nonnull(strstr(result.text, "minivmm_load()"));
    ck_assert_int_eq(result.outcome, MINIVMM_USAGE);
    ck_assert_int_eq(result.exit_status, 200);
    ck_assert_ptr_null(result.report);
    ck_assert_int_eq(minivmm_run(machine, NULL), -EINVAL);
}
END_TEST

START_TEST(so_many_machines_do_not_run_at_a_time)
{
    struct minivmm_machine *machines[3] = {NULL};
    struct minivmm_result results[3];

    ck_assert_int_eq(minivmm_run_foreground(machines, 0, NULL, results), -EINVAL);
    ck_assert_int_eq(minivmm_run_foreground(machines, 3, NULL, results), -EINVAL);
    ck_assert_ptr_nonnull(strstr(results[2].text, "one or two machines"));
}
END_TEST

START_TEST(to_destroy_no_machine_is_nothing)
{
    ck_assert_int_eq(minivmm_destroy(NULL, NULL), 0);
    ck_assert_int_eq(minivmm_world_destroy(NULL, NULL), 0);
}
END_TEST

START_TEST(a_world_outlives_its_machines)
{
    struct minivmm_world *world = minivmm_world_create();
    struct minivmm_config config = quiet();

    config.world = world;
    create(&config);
    check_refused(minivmm_world_destroy(world, &error), -EBUSY, "the world has domains");
    check_refused(minivmm_restore(machine, "file", false, &error), -EINVAL, "not restored");
    ck_assert_int_eq(minivmm_destroy(machine, &error), 0);
    machine = NULL;
    ck_assert_int_eq(minivmm_world_destroy(world, &error), 0);
}
END_TEST

START_TEST(the_kick_signal_is_taken_once)
{
    ck_assert_int_eq(minivmm_take_kick_signal(&error), 0);
    check_refused(minivmm_take_kick_signal(&error), -EBUSY, "SIGRTMIN has a handler already");
}
END_TEST

static void on_signal(int number)
{
    (void)number;
}

START_TEST(a_handler_that_restarts_calls_does_not_serve)
{
    const struct sigaction restarting = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    create_quiet();
    sigaction(SIGRTMIN, &restarting, NULL);
    ck_assert_int_eq(minivmm_run(machine, &result), -EINVAL);
    ck_assert_ptr_nonnull(strstr(result.text, "SA_RESTART"));
    signal(SIGRTMIN, SIG_IGN);
    ck_assert_int_eq(minivmm_run(machine, &result), -EINVAL);
    ck_assert_ptr_nonnull(strstr(result.text, "SA_RESTART"));
}
END_TEST

START_TEST(every_outcome_has_a_meaning_and_a_status)
{
    for (unsigned outcome = MINIVMM_USAGE; outcome < MINIVMM_OUTCOMES; outcome++) {
        ck_assert_ptr_nonnull(minivmm_outcome_meaning((enum minivmm_outcome)outcome));
        ck_assert_int_eq(minivmm_exit_status((enum minivmm_outcome)outcome, 5),
                         200 + (int)(outcome - MINIVMM_USAGE));
    }
    ck_assert_int_eq(minivmm_exit_status(MINIVMM_GUEST, 5), 5);
    ck_assert_int_eq(minivmm_exit_status(MINIVMM_OUTCOMES, 5), 210);
    ck_assert_ptr_null(minivmm_outcome_meaning(MINIVMM_OUTCOMES));
    ck_assert_str_eq(minivmm_version(), MINIVMM_VERSION);
}
END_TEST

/* ---- With KVM ---- */

/* Guests in real mode, but for one; each is a flat image. */
static const uint8_t ends[] = {0xb0, 0x05, 0xe6, 0xf4};             /* mov al, 5; out 0xf4, al */
static const uint8_t asks[] = {0xba, PORT & 0xff, PORT >> 8, 0xee,  /* mov dx, PORT; out dx, al */
                               0xb0, 0x05,        0xe6,      0xf4}; /* and as above */
static const uint8_t spins[] = {0xeb, 0xfe};                        /* jmp . */
static const uint8_t halts[] = {0xfa, 0xf4};                        /* cli; hlt */
static const uint8_t crashes[] = {0x0f, 0x0b}; /* ud2, in long mode, where there is no IDT */

static char path[64];

/* (path) names an image of (bytes). */
static void write_image(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("image", 0);

    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static int try_load(const uint8_t *bytes, size_t size)
{
    const struct minivmm_image image = {.path = path,
                                        .mode = bytes == crashes ? MINIVMM_MODE_LONG
                                                                 : MINIVMM_MODE_REAL};

    write_image(bytes, size);
    return minivmm_load(machine, &image, &error);
}

#define LOAD(bytes) ck_assert_msg(try_load(bytes, sizeof(bytes)) == 0, "%s", error.text)

static void take_kick(void)
{
    ck_assert_int_eq(minivmm_take_kick_signal(&error), 0);
}

static void run(void)
{
    ck_assert_msg(minivmm_run(machine, &result) == 0, "%s", result.text);
}

START_TEST(a_run_gives_the_guests_status)
{
    create_quiet();
    LOAD(ends);
    take_kick();
    run();
    ck_assert_int_eq(result.outcome, MINIVMM_GUEST);
    ck_assert_int_eq(result.guest_status, 5);
    ck_assert_int_eq(result.exit_status, 5);
    ck_assert_str_eq(result.text, "");
    ck_assert_ptr_null(result.report);
}
END_TEST

START_TEST(a_machine_runs_once)
{
    create_quiet();
    LOAD(ends);
    take_kick();
    run();
    ck_assert_int_eq(minivmm_run(machine, &result), -EALREADY);
    ck_assert_ptr_nonnull(strstr(result.text, "the machine has run"));
    check_refused(try_load(ends, sizeof(ends)), -EALREADY, "the machine has run");
}
END_TEST

START_TEST(a_machine_is_loaded_once)
{
    create_quiet();
    LOAD(ends);
    check_refused(try_load(ends, sizeof(ends)), -EALREADY, "loaded already");
    check_refused(minivmm_restore(machine, "file", false, &error), -EALREADY, "loaded already");
}
END_TEST

START_TEST(a_load_that_failed_may_be_tried_again)
{
    static const uint8_t empty[1];
    const struct minivmm_image missing = {.path = "/nowhere"};

    create_quiet();
    ck_assert_int_lt(minivmm_load(machine, &missing, &error), 0);
    ck_assert_int_lt(try_load(empty, 0), 0);
    ck_assert_int_lt(minivmm_restore(machine, "/dev/null", false, &error), 0);
    LOAD(ends);
    take_kick();
    run();
    ck_assert_int_eq(result.guest_status, 5);
}
END_TEST

START_TEST(a_machine_that_nothing_could_interrupt_stays_loaded)
{
    create_quiet();
    LOAD(ends);
    ck_assert_int_eq(minivmm_run(machine, &result), -EINVAL);
    ck_assert_ptr_nonnull(strstr(result.text, "minivmm_take_kick_signal()"));
    take_kick();
    run();
    ck_assert_int_eq(result.guest_status, 5);
}
END_TEST

START_TEST(a_crash_comes_with_a_sentence_and_a_report)
{
    create_quiet();
    LOAD(crashes);
    take_kick();
    run();
    ck_assert_int_eq(result.outcome, MINIVMM_TRIPLE_FAULT);
    ck_assert_int_eq(result.exit_status, 204);
    ck_assert_str_eq(result.text, "the guest crashed with a triple fault");
    ck_assert_ptr_nonnull(result.report);
    ck_assert_ptr_eq(strstr(result.report, "vCPU 0: triple fault"), result.report);
    ck_assert_int_eq(result.report[strlen(result.report) - 1], '\n');
}
END_TEST

START_TEST(a_time_limit_ends_a_guest_that_never_exits)
{
    struct minivmm_config config = quiet();

    config.timeout_ns = 50 * MS;
    create(&config);
    LOAD(spins);
    take_kick();
    run();
    ck_assert_int_eq(result.outcome, MINIVMM_TIMEOUT);
    ck_assert_str_eq(result.text, "the guest did not end within 0.05 s; see --timeout");
}
END_TEST

START_TEST(a_guest_that_sleeps_for_ever_has_ended_itself)
{
    struct minivmm_config config = quiet();

    config.irqchip = true;
    create(&config);
    LOAD(halts);
    take_kick();
    run();
    ck_assert_int_eq(result.outcome, MINIVMM_GUEST);
    ck_assert_int_eq(result.guest_status, 0);
}
END_TEST

START_TEST(the_callers_signal_mask_stays_and_does_not_matter)
{
    struct minivmm_config config = quiet();
    sigset_t all, mask;

    config.timeout_ns = 50 * MS;
    create(&config);
    LOAD(spins);
    take_kick();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    run();
    ck_assert_int_eq(result.outcome, MINIVMM_TIMEOUT);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(sigismember(&mask, SIGRTMIN) && sigismember(&mask, SIGTERM));
}
END_TEST

/* Registers are refused as long as it runs. */
/*
 * By guest memory, which is refused while it runs. Registers would not do: KVM holds a request for them that
 * comes just as the run begins until KVM_RUN returns, and this guest spins.
 */
static void wait_until_it_runs(void)
{
    struct minivmm_error refusal;
    uint8_t byte;

    ck_assert(
        comes_true(minivmm_read_physical(machine, 0, &byte, sizeof(byte), &refusal) == -EBUSY));
}

static void *stop_soon(void *unused)
{
    (void)unused;
    wait_until_it_runs();
    minivmm_stop(machine);
    return NULL;
}

START_TEST(another_thread_stops_it)
{
    pthread_t thread;

    create_quiet();
    LOAD(spins);
    take_kick();
    minivmm_stop(machine); /* it does not run: nothing */
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_soon, NULL), 0);
    run();
    pthread_join(thread, NULL);
    ck_assert_int_eq(result.outcome, MINIVMM_INTERRUPTED);
    ck_assert_int_eq(result.exit_status, 207);
}
END_TEST

static bool asked;

/* Everything that a machine that runs refuses. */
static void ask_wrongly(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    const struct minivmm_image image = {.path = path};
    struct minivmm_result other;

    (void)opaque;
    (void)access;
    (void)value;
    ck_assert_int_eq(minivmm_run(machine, &other), -EBUSY);
    ck_assert_ptr_nonnull(strstr(other.text, "the machine runs"));
    check_refused(minivmm_load(machine, &image, &error), -EBUSY, "the machine runs");
    check_refused(minivmm_restore(machine, path, false, &error), -EBUSY, "the machine runs");
    check_refused(minivmm_destroy(machine, &error), -EBUSY, "a callback");
    asked = true;
}

static void add_asking_port(void)
{
    const struct minivmm_region region = {
        .name = "asks", .space = MINIVMM_PORTS, .base = PORT, .size = 1, .write = ask_wrongly};

    ck_assert_msg(minivmm_add_region(machine, &region, &error) == 0, "%s", error.text);
}

START_TEST(who_asks_wrongly_while_it_runs_does_not_disturb_it)
{
    create_quiet();
    add_asking_port();
    LOAD(asks);
    take_kick();
    run();
    ck_assert(asked);
    ck_assert_int_eq(result.guest_status, 5);
}
END_TEST

static void *destroy_soon(void *unused)
{
    struct minivmm_error refusal;

    (void)unused;
    wait_until_it_runs();
    ck_assert_int_eq(minivmm_destroy(machine, &refusal), -EBUSY);
    ck_assert_ptr_nonnull(strstr(refusal.text, "minivmm_stop()"));
    minivmm_stop(machine);
    return NULL;
}

START_TEST(another_thread_does_not_destroy_it_while_it_runs)
{
    pthread_t thread;

    create_quiet();
    LOAD(spins);
    take_kick();
    ck_assert_int_eq(pthread_create(&thread, NULL, destroy_soon, NULL), 0);
    run();
    pthread_join(thread, NULL);
    ck_assert_int_eq(result.outcome, MINIVMM_INTERRUPTED);
}
END_TEST

START_TEST(a_region_of_the_owners_cannot_be_recorded)
{
    struct minivmm_config config = quiet();

    config.record = "/dev/null";
    create(&config);
    add_asking_port();
    check_refused(try_load(asks, sizeof(asks)), -EINVAL, "the region asks");
}
END_TEST

static unsigned order[2], told;

static void hear_end(void *opaque, unsigned index, const struct minivmm_result *ended)
{
    ck_assert_ptr_eq(opaque, &told);
    ck_assert_int_eq(ended->outcome, index == 0 ? MINIVMM_TIMEOUT : MINIVMM_GUEST);
    order[told++] = index;
}

START_TEST(two_machines_run_at_a_time_and_each_end_is_told_as_it_comes)
{
    const struct minivmm_foreground foreground = {.ended = hear_end, .opaque = &told};
    struct minivmm_config config = quiet();
    struct minivmm_machine *machines[2];
    struct minivmm_result results[2];

    config.timeout_ns = 200 * MS;
    create(&config);
    LOAD(spins);
    machines[0] = machine;
    create(&config);
    LOAD(ends);
    machines[1] = machine;
    ck_assert_int_eq(minivmm_run_foreground(machines, 2, &foreground, results), 0);
    ck_assert_int_eq(results[0].exit_status, 206);
    ck_assert_int_eq(results[1].exit_status, 5);
    ck_assert_uint_eq(told, 2);
    ck_assert_uint_eq(order[0], 1);
    ck_assert_int_eq(minivmm_destroy(machines[0], &error), 0);
}
END_TEST

START_TEST(a_machine_cannot_run_beside_itself)
{
    struct minivmm_machine *machines[2];
    struct minivmm_result results[2];

    create_quiet();
    LOAD(ends);
    machines[0] = machines[1] = machine;
    ck_assert_int_eq(minivmm_run_foreground(machines, 2, NULL, results), -EBUSY);
    ck_assert_ptr_nonnull(strstr(results[0].text, "the machine runs"));
    run();
    ck_assert_int_eq(result.guest_status, 5);
}
END_TEST

START_TEST(in_the_foreground_signals_are_taken_for_that_long)
{
    struct sigaction now;

    create_quiet();
    LOAD(ends);
    ck_assert_int_eq(minivmm_run_foreground(&machine, 1, NULL, &result), 0);
    ck_assert_int_eq(result.guest_status, 5);
    sigaction(SIGPIPE, NULL, &now);
    ck_assert_ptr_eq(now.sa_handler, SIG_DFL);
}
END_TEST

static TCase *life_tests(void)
{
    TCase *tests = tcase_create("life");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_config_of_another_abi_is_refused);
    tcase_add_test(tests, a_config_that_cannot_be_meant_is_refused);
    tcase_add_test(tests, what_the_caller_gave_may_go_after_the_call);
    tcase_add_test(tests, an_image_without_a_path_is_refused);
    tcase_add_test(tests, an_image_that_cannot_be_meant_is_refused);
    tcase_add_test(tests, an_image_that_is_not_there_has_the_outcome_of_images);
    tcase_add_test(tests, a_machine_without_a_guest_does_not_run);
    tcase_add_test(tests, so_many_machines_do_not_run_at_a_time);
    tcase_add_test(tests, to_destroy_no_machine_is_nothing);
    tcase_add_test(tests, a_world_outlives_its_machines);
    tcase_add_test(tests, the_kick_signal_is_taken_once);
    tcase_add_test(tests, a_handler_that_restarts_calls_does_not_serve);
    tcase_add_test(tests, every_outcome_has_a_meaning_and_a_status);
    return tests;
}

static TCase *run_tests(void)
{
    TCase *tests = tcase_create("run");

    tcase_add_checked_fixture(tests, setup, teardown);
    kvm_test_add(tests, a_run_gives_the_guests_status, 1);
    kvm_test_add(tests, a_machine_runs_once, 1);
    kvm_test_add(tests, a_machine_is_loaded_once, 1);
    kvm_test_add(tests, a_load_that_failed_may_be_tried_again, 1);
    kvm_test_add(tests, a_machine_that_nothing_could_interrupt_stays_loaded, 1);
    kvm_test_add(tests, a_crash_comes_with_a_sentence_and_a_report, 1);
    kvm_test_add(tests, a_time_limit_ends_a_guest_that_never_exits, 1);
    kvm_test_add(tests, a_guest_that_sleeps_for_ever_has_ended_itself, 1);
    kvm_test_add(tests, the_callers_signal_mask_stays_and_does_not_matter, 1);
    kvm_test_add(tests, another_thread_stops_it, 1);
    kvm_test_add(tests, who_asks_wrongly_while_it_runs_does_not_disturb_it, 1);
    kvm_test_add(tests, another_thread_does_not_destroy_it_while_it_runs, 1);
    kvm_test_add(tests, a_region_of_the_owners_cannot_be_recorded, 1);
    kvm_test_add(tests, two_machines_run_at_a_time_and_each_end_is_told_as_it_comes, 1);
    kvm_test_add(tests, a_machine_cannot_run_beside_itself, 1);
    kvm_test_add(tests, in_the_foreground_signals_are_taken_for_that_long, 1);
    return tests;
}

Suite *api_suite(void)
{
    Suite *suite = suite_create("api");

    suite_add_tcase(suite, life_tests());
    suite_add_tcase(suite, run_tests());
    return suite;
}
