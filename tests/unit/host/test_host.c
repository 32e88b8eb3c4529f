/* vmm/host/host.c: signals, the time limit, and what is typed at a terminal or comes by a pipe. */
#include "vmm/base/clock.h"
#include "vmm/core/kick.h"
#include "vmm/core/machine_pause.h"
#include "vmm/host/host.h"
#include "vmm/snapshot/checkpoint.h"

#include "tests/unit/fixture.h"
#include "tests/unit/patience.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *host_suite(void);

#define MS         1000000u /* in nanoseconds */
#define SETTLE     100      /* milliseconds in which something would have happened */
#define LIMIT      50       /* milliseconds */
#define PIPE_BYTES 10000

static struct fixture fixture;
static struct host host;
static int terminal; /* where a human types, once there is one */

/*
 * Every test gets a session of its own, so that a terminal can become its controlling one. That
 * takes a process that leads no group: a child, whose end is ours.
 */
static void enter_session(void)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child > 0) {
        waitpid(child, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ck_assert_int_ge(setsid(), 0);
}

static void setup(void)
{
    enter_session();
    fixture_setup(&fixture);
}

static void teardown(void)
{
    fixture_teardown(&fixture);
}

static void set_stdin(int fd)
{
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
}

/* A terminal on stdin, with us in its foreground. */
static void stdin_is_terminal(void)
{
    int ours;

    ck_assert_int_eq(openpty(&terminal, &ours, NULL, NULL, NULL), 0);
    set_stdin(ours);
    ck_assert_int_eq(ioctl(STDIN_FILENO, TIOCSCTTY, 0), 0);
    ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, getpgrp()), 0);
}

static void stdin_is_null(void)
{
    set_stdin(open("/dev/null", O_RDONLY));
}

static void begin_with(const struct host_options *options)
{
    struct machine *const machine = &fixture.machine;
    struct error error;

    ck_assert_msg(host_begin(&host, &machine, 1, options, &error) == 0, "%s", error.text);
}

static void begin(uint64_t timeout_ns)
{
    const struct host_options options = {.deadlines = {timeout_ns ? clock_now() + timeout_ns : 0},
                                         .foreground = true};

    begin_with(&options);
}

static void begin_on_terminal(void)
{
    stdin_is_terminal();
    begin(0);
}

static void type(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(terminal, bytes, length);

        ck_assert_int_gt(written, 0);
        bytes += written;
        length -= (size_t)written;
    }
}

static enum outcome outcome_within(unsigned ms)
{
    while (machine_outcome(&fixture.machine) == OUTCOME_NONE && ms--)
        poll(NULL, 0, 1);
    return machine_outcome(&fixture.machine);
}

/* The next byte at the console, as a guest would poll for it; -1 if none comes. */
static int take(void)
{
    int byte;

    for (unsigned ms = 0; ms < patience_ms(); ms++) {
        byte = console_read(&fixture.machine.console);
        if (byte >= 0)
            return byte;
        poll(NULL, 0, 1);
    }
    return -1;
}

static struct termios terminal_state(void)
{
    struct termios state;

    ck_assert_int_eq(tcgetattr(STDIN_FILENO, &state), 0);
    return state;
}

START_TEST(a_terminal_is_raw_during_the_run)
{
    struct termios state;

    begin_on_terminal();
    state = terminal_state();
    host_end(&host);
    ck_assert_uint_eq(state.c_lflag & (ICANON | ECHO | ISIG), 0);
}
END_TEST

START_TEST(a_terminal_still_begins_lines_where_they_begin)
{
    struct termios state;

    begin_on_terminal();
    state = terminal_state();
    host_end(&host);
    ck_assert_uint_eq(state.c_oflag & (OPOST | ONLCR), OPOST | ONLCR);
}
END_TEST

START_TEST(a_terminal_is_given_back_as_it_was)
{
    struct termios before, after;

    stdin_is_terminal();
    before = terminal_state();
    begin(0);
    host_end(&host);
    after = terminal_state();
    ck_assert_uint_eq(after.c_iflag, before.c_iflag);
    ck_assert_uint_eq(after.c_oflag, before.c_oflag);
    ck_assert_uint_eq(after.c_cflag, before.c_cflag);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
    ck_assert_mem_eq(after.c_cc, before.c_cc, sizeof(after.c_cc));
}
END_TEST

/* Another group of our session has the terminal. */
static pid_t leave_foreground(void)
{
    pid_t other = fork();

    ck_assert_int_ge(other, 0);
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    ck_assert_int_eq(setpgid(other, other), 0);
    ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, other), 0);
    return other;
}

START_TEST(a_terminal_in_whose_background_we_are_is_left_alone)
{
    struct termios before, during;
    pid_t other;

    stdin_is_terminal();
    before = terminal_state();
    other = leave_foreground();
    signal(SIGTTOU, SIG_IGN); /* the kernel would let us */
    begin(0);
    during = terminal_state();
    type("x\n", 2);
    poll(NULL, 0, SETTLE);
    ck_assert_int_eq(console_read(&fixture.machine.console), -1);
    host_end(&host);
    kill(other, SIGKILL);
    ck_assert_uint_eq(during.c_lflag, before.c_lflag);
}
END_TEST

START_TEST(what_is_typed_comes_to_the_console)
{
    static const char bytes[] = "a\r\003\032\0\xff~";

    begin_on_terminal();
    type(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ck_assert_int_eq(take(), (unsigned char)bytes[i]);
    host_end(&host);
}
END_TEST

START_TEST(ctrl_a_x_ends_the_machine)
{
    begin_on_terminal();
    type("\001x", 2);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
}
END_TEST

START_TEST(the_two_keys_may_come_apart)
{
    begin_on_terminal();
    type("\001", 1);
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    type("x", 1);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
}
END_TEST

START_TEST(an_x_alone_is_typed)
{
    begin_on_terminal();
    type("x", 1);
    ck_assert_int_eq(take(), 'x');
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

START_TEST(ctrl_a_twice_types_one)
{
    begin_on_terminal();
    type("\001\001x", 3);
    ck_assert_int_eq(take(), 1);
    ck_assert_int_eq(take(), 'x');
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

START_TEST(ctrl_a_before_another_key_types_that_key)
{
    begin_on_terminal();
    type("\001bc", 3);
    ck_assert_int_eq(take(), 'b');
    ck_assert_int_eq(take(), 'c');
    host_end(&host);
}
END_TEST

START_TEST(ctrl_a_x_ends_a_machine_that_takes_no_input)
{
    char bytes[5000];

    memset(bytes, 'y', sizeof(bytes));
    begin_on_terminal();
    type(bytes, sizeof(bytes));
    type("\001x", 2);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
}
END_TEST

START_TEST(a_terminal_that_hangs_up_ends_the_machine)
{
    begin_on_terminal();
    close(terminal);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
}
END_TEST

START_TEST(the_end_of_input_does_not_end_the_machine)
{
    stdin_is_null();
    begin(0);
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    ck_assert_int_eq(console_read(&fixture.machine.console), -1);
    host_end(&host);
}
END_TEST

START_TEST(the_end_of_input_leaves_the_thread_asleep)
{
    struct timespec busy;
    clockid_t clock;

    stdin_is_null();
    begin(0);
    poll(NULL, 0, 2 * SETTLE);
    ck_assert_int_eq(pthread_getcpuclockid(host.thread, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &busy), 0);
    host_end(&host);
    ck_assert_int_lt(busy.tv_nsec, (long)SETTLE / 2 * (long)MS);
}
END_TEST

START_TEST(a_closed_stdin_is_no_input)
{
    close(STDIN_FILENO);
    begin(0);
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

/* stdin is a pipe with the numbers 0 to PIPE_BYTES - 1, modulo a prime; the other end is closed. */
static void stdin_is_full_pipe(void)
{
    uint8_t bytes[PIPE_BYTES];
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    for (unsigned i = 0; i < PIPE_BYTES; i++)
        bytes[i] = (uint8_t)(i % 251);
    ck_assert_int_eq(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
    close(ends[1]);
    set_stdin(ends[0]);
}

START_TEST(a_pipe_loses_nothing_on_the_way_through_a_small_ring)
{
    stdin_is_full_pipe();
    begin(0);
    for (unsigned i = 0; i < PIPE_BYTES; i++)
        ck_assert_msg(take() == (int)(i % 251), "byte %u is wrong", i);
    ck_assert_int_eq(console_read(&fixture.machine.console), -1);
    host_end(&host);
}
END_TEST

START_TEST(a_pipe_is_read_no_further_than_there_is_room)
{
    int left;

    stdin_is_full_pipe();
    begin(0);
    poll(NULL, 0, SETTLE);
    ck_assert_int_eq(ioctl(STDIN_FILENO, FIONREAD, &left), 0);
    host_end(&host);
    ck_assert_int_ge(left, PIPE_BYTES - HOST_PENDING - CONSOLE_INPUT);
}
END_TEST

START_TEST(ctrl_a_x_from_a_pipe_is_typed)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "\001x", 2), 2);
    set_stdin(ends[0]);
    begin(0);
    ck_assert_int_eq(take(), 1);
    ck_assert_int_eq(take(), 'x');
    ck_assert_int_eq(outcome_within(SETTLE), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

START_TEST(a_signal_ends_the_machine)
{
    stdin_is_null();
    begin(0);
    kill(getpid(), endings[_i]);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    ck_assert(atomic_load(&fixture.machine.abandoned));
    host_end(&host);
}
END_TEST

START_TEST(after_the_run_a_signal_ends_the_process_again)
{
    int status = 0;
    pid_t child;

    stdin_is_null();
    begin(0);
    host_end(&host);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(endings[_i], SIG_DFL); /* not as the test library has it */
        kill(getpid(), endings[_i]);
        _exit(0);
    }
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status));
}
END_TEST

/* A supervisor may leave every signal blocked; a kick still ends what a vCPU waits in. */
START_TEST(a_kick_comes_through_whatever_mask_we_inherit)
{
    sigset_t all, mask;

    stdin_is_null();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    begin(0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(!sigismember(&mask, VCPU_KICK_SIGNAL));
    host_end(&host);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(sigismember(&mask, VCPU_KICK_SIGNAL));
}
END_TEST

START_TEST(a_reader_that_is_gone_does_not_end_the_process)
{
    int ends[2];

    stdin_is_null();
    begin(0);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    host_end(&host);
}
END_TEST

START_TEST(the_time_limit_ends_the_machine)
{
    stdin_is_null();
    begin(LIMIT * (uint64_t)MS);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_TIMEOUT);
    ck_assert(atomic_load(&fixture.machine.abandoned));
    host_end(&host);
}
END_TEST

START_TEST(the_time_limit_does_not_come_early)
{
    uint64_t start = machine_clock(&fixture.machine);

    stdin_is_null();
    begin(LIMIT * (uint64_t)MS);
    outcome_within(patience_ms());
    ck_assert_uint_ge(machine_clock(&fixture.machine) - start, LIMIT * (uint64_t)MS);
    host_end(&host);
}
END_TEST

START_TEST(without_a_time_limit_the_machine_runs_on)
{
    stdin_is_null();
    begin(0);
    ck_assert_int_eq(outcome_within(2 * LIMIT), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

static struct fixture second;

static void listen_nothing(void *opaque)
{
    (void)opaque;
}

static void listen_to(struct machine *machine)
{
    ck_assert_int_eq(console_listen(&machine->console, listen_nothing, NULL), 0);
}

/* Two machines, both with a device that listens. */
static void begin_two(uint64_t first_ns, uint64_t second_ns)
{
    const struct host_options options = {
        .deadlines = {first_ns ? clock_now() + first_ns : 0,
                      second_ns ? clock_now() + second_ns : 0},
        .foreground = true,
    };
    struct machine *const machines[] = {&fixture.machine, &second.machine};
    struct error error;

    fixture_setup(&second);
    listen_to(&fixture.machine);
    listen_to(&second.machine);
    ck_assert_msg(host_begin(&host, machines, 2, &options, &error) == 0, "%s", error.text);
}

static void end_two(void)
{
    host_end(&host);
    fixture_teardown(&second);
}

/* Bytes that come to the console of (machine), soon. */
static size_t come_to(struct machine *machine)
{
    comes_true(console_waiting(&machine->console) > 0);
    return console_waiting(&machine->console);
}

/* The other's limit is later than any test ends. */
START_TEST(each_machine_has_a_time_limit_of_its_own)
{
    const uint64_t never = 1000ull * patience_ms() * MS;
    struct machine *const ends = _i == 0 ? &fixture.machine : &second.machine;
    struct machine *const runs = _i == 0 ? &second.machine : &fixture.machine;

    stdin_is_null();
    begin_two(_i == 0 ? LIMIT * MS : never, _i == 0 ? never : LIMIT * MS);
    ck_assert(comes_true(machine_outcome(ends) == OUTCOME_TIMEOUT));
    ck_assert_int_eq(machine_outcome(runs), OUTCOME_NONE);
    end_two();
}
END_TEST

START_TEST(a_machine_that_ends_leaves_the_other_running)
{
    stdin_is_null();
    begin_two(0, 0);
    machine_end(&fixture.machine, OUTCOME_GUEST, 3);
    poll(NULL, 0, SETTLE);
    ck_assert_int_eq(machine_outcome(&second.machine), OUTCOME_NONE);
    kill(getpid(), SIGINT);
    ck_assert(comes_true(machine_outcome(&second.machine) == OUTCOME_INTERRUPTED));
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_GUEST);
    end_two();
}
END_TEST

START_TEST(input_goes_to_the_first_machine_that_listens_and_runs)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    set_stdin(ends[0]);
    begin_two(0, 0);
    ck_assert_int_eq(write(ends[1], "a", 1), 1);
    ck_assert_uint_eq(come_to(&fixture.machine), 1);
    machine_end(&fixture.machine, OUTCOME_GUEST, 0);
    ck_assert_int_eq(write(ends[1], "b", 1), 1);
    ck_assert_uint_eq(come_to(&second.machine), 1);
    end_two();
}
END_TEST

START_TEST(a_machine_that_has_ended_keeps_its_outcome)
{
    stdin_is_null();
    begin(0);
    machine_end(&fixture.machine, OUTCOME_GUEST, 3);
    kill(getpid(), SIGTERM);
    poll(NULL, 0, SETTLE);
    host_end(&host);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_GUEST);
}
END_TEST

/* Waits until a machine that was held continues. */
static void check_it_goes_on(void)
{
    ck_assert(comes_true(!atomic_load(&fixture.machine.held)));
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
}

START_TEST(ctrl_a_c_lets_a_machine_that_waits_go_on)
{
    machine_hold(&fixture.machine);
    begin_on_terminal();
    type("\001c", 2);
    check_it_goes_on();
    ck_assert_int_eq(console_read(&fixture.machine.console), -1);
    host_end(&host);
}
END_TEST

START_TEST(sigcont_lets_a_machine_that_waits_go_on)
{
    machine_hold(&fixture.machine);
    stdin_is_null();
    begin(0);
    kill(getpid(), SIGCONT);
    check_it_goes_on();
    host_end(&host);
}
END_TEST

START_TEST(a_machine_that_waits_can_be_ended)
{
    machine_hold(&fixture.machine);
    stdin_is_null();
    begin(0);
    kill(getpid(), SIGTERM);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
    ck_assert(!atomic_load(&fixture.machine.held));
}
END_TEST

static volatile sig_atomic_t heard;

static void hear(int number)
{
    heard = number;
}

START_TEST(out_of_the_foreground_signals_and_input_stay_the_programs)
{
    const struct host_options options = {.foreground = false};
    int ends[2];
    char byte;

    ck_assert_int_eq(pipe(ends), 0);
    set_stdin(ends[0]);
    ck_assert_int_eq(write(ends[1], "a", 1), 1);
    signal(SIGTERM, hear);
    signal(SIGPIPE, hear);
    begin_with(&options);
    kill(getpid(), SIGTERM);
    ck_assert(comes_true(heard == SIGTERM));
    raise(SIGPIPE);
    ck_assert_int_eq(heard, SIGPIPE);
    ck_assert_int_eq(read(STDIN_FILENO, &byte, 1), 1);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

START_TEST(what_ends_a_machine_between_two_boots_ends_the_next)
{
    stdin_is_null();
    begin(0);
    host_remove_machine(&host, 0);
    kill(getpid(), SIGTERM);
    poll(NULL, 0, SETTLE);
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
    host_add_machine(&host, 0);
    ck_assert_int_eq(outcome_within(patience_ms()), OUTCOME_INTERRUPTED);
    host_end(&host);
}
END_TEST

START_TEST(what_signals_did_is_given_back_at_the_end)
{
    struct sigaction now;

    stdin_is_null();
    signal(SIGPIPE, hear);
    begin(0);
    host_end(&host);
    sigaction(SIGPIPE, NULL, &now);
    ck_assert_ptr_eq(now.sa_handler, SIG_IGN); /* what is left is written yet */
    host_restore_signals(&host);
    sigaction(SIGPIPE, NULL, &now);
    ck_assert_ptr_eq(now.sa_handler, hear);
}
END_TEST

static bool was_kicked(void)
{
    return __atomic_load_n(&fixture.vcpu->run->immediate_exit, __ATOMIC_SEQ_CST);
}

START_TEST(the_signal_of_a_checkpoint_asks_vcpu_0_for_its_file)
{
    static const int signals[] = {SIGUSR1, SIGUSR2};
    const struct host_options options = {.foreground = true,
                                         .checkpoint_signal = signals[_i],
                                         .checkpoint_path = "roi.core"};

    stdin_is_null();
    begin_with(&options);
    kill(getpid(), signals[_i]);
    ck_assert(comes_true(checkpoint_pending(&fixture.machine) != NULL));
    ck_assert_ptr_eq(checkpoint_pending(&fixture.machine), options.checkpoint_path);
    ck_assert(comes_true(was_kicked()));
    ck_assert_int_eq(machine_outcome(&fixture.machine), OUTCOME_NONE);
    host_end(&host);
}
END_TEST

static TCase *terminal_tests(void)
{
    TCase *tests = tcase_create("terminal");

    tcase_add_test(tests, a_terminal_is_raw_during_the_run);
    tcase_add_test(tests, a_terminal_still_begins_lines_where_they_begin);
    tcase_add_test(tests, a_terminal_is_given_back_as_it_was);
    tcase_add_test(tests, a_terminal_in_whose_background_we_are_is_left_alone);
    tcase_add_test(tests, what_is_typed_comes_to_the_console);
    tcase_add_test(tests, ctrl_a_x_ends_the_machine);
    tcase_add_test(tests, the_two_keys_may_come_apart);
    tcase_add_test(tests, an_x_alone_is_typed);
    tcase_add_test(tests, ctrl_a_twice_types_one);
    tcase_add_test(tests, ctrl_a_before_another_key_types_that_key);
    tcase_add_test(tests, ctrl_a_x_ends_a_machine_that_takes_no_input);
    tcase_add_test(tests, a_terminal_that_hangs_up_ends_the_machine);
    tcase_add_test(tests, ctrl_a_c_lets_a_machine_that_waits_go_on);
    return tests;
}

static TCase *other_input_tests(void)
{
    TCase *tests = tcase_create("other input");

    tcase_add_test(tests, the_end_of_input_does_not_end_the_machine);
    tcase_add_test(tests, the_end_of_input_leaves_the_thread_asleep);
    tcase_add_test(tests, a_closed_stdin_is_no_input);
    tcase_add_test(tests, a_pipe_loses_nothing_on_the_way_through_a_small_ring);
    tcase_add_test(tests, a_pipe_is_read_no_further_than_there_is_room);
    tcase_add_test(tests, ctrl_a_x_from_a_pipe_is_typed);
    return tests;
}

static TCase *ending_tests(void)
{
    const int count = sizeof(endings) / sizeof(endings[0]);
    TCase *tests = tcase_create("endings");

    tcase_add_loop_test(tests, a_signal_ends_the_machine, 0, count);
    tcase_add_loop_test(tests, after_the_run_a_signal_ends_the_process_again, 0, count);
    tcase_add_test(tests, out_of_the_foreground_signals_and_input_stay_the_programs);
    tcase_add_test(tests, what_ends_a_machine_between_two_boots_ends_the_next);
    tcase_add_test(tests, what_signals_did_is_given_back_at_the_end);
    tcase_add_test(tests, a_kick_comes_through_whatever_mask_we_inherit);
    tcase_add_test(tests, a_reader_that_is_gone_does_not_end_the_process);
    tcase_add_test(tests, the_time_limit_ends_the_machine);
    tcase_add_test(tests, the_time_limit_does_not_come_early);
    tcase_add_test(tests, without_a_time_limit_the_machine_runs_on);
    tcase_add_test(tests, a_machine_that_has_ended_keeps_its_outcome);
    tcase_add_loop_test(tests, each_machine_has_a_time_limit_of_its_own, 0, 2);
    tcase_add_test(tests, a_machine_that_ends_leaves_the_other_running);
    tcase_add_test(tests, input_goes_to_the_first_machine_that_listens_and_runs);
    tcase_add_test(tests, sigcont_lets_a_machine_that_waits_go_on);
    tcase_add_test(tests, a_machine_that_waits_can_be_ended);
    tcase_add_loop_test(tests, the_signal_of_a_checkpoint_asks_vcpu_0_for_its_file, 0, 2);
    return tests;
}

Suite *host_suite(void)
{
    TCase *(*const cases[])(void) = {terminal_tests, other_input_tests, ending_tests};
    Suite *suite = suite_create("host");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TCase *tests = cases[i]();

        tcase_add_checked_fixture(tests, setup, teardown);
        suite_add_tcase(suite, tests);
    }
    return suite;
}
