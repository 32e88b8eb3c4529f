/*
 * A program that uses the library as its owner would, and then as nobody should: embedder GUEST-IMAGE. Prints
 * TAP. It is compiled out of the tree, against what is installed.
 */
#include <errno.h>
#include <minivmm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATUS 42 /* what the guest is to end with */

/* The guest of library-ports.c adds at port 0, takes its status at 1, and waits at 2. */
struct board {
    uint64_t sum;
    atomic_uint asked; /* reads of the waiting guest so far */
    atomic_bool go;
    int refused; /* of what a callback may not do: how much was refused */
    uint64_t rip;
};

static unsigned number;
static bool failed;

static void check(const char *what, bool good)
{
    number++;
    failed |= !good;
    printf("%s %u - library embedder: %s\n", good ? "ok" : "not ok", number, what);
}

/* (result) is (wanted), and a sentence says why. */
static void check_refused(const char *what, int result, int wanted, const char *text)
{
    check(what, result == wanted && *text);
    if (result != wanted || !*text)
        printf("#   gave %d, not %d: '%s'\n", result, wanted, text);
}

static void misuse(struct board *board, struct minivmm_vcpu *vcpu)
{
    struct minivmm_machine *machine = minivmm_vcpu_machine(vcpu);
    struct minivmm_result result;
    struct minivmm_error error;

    board->refused =
        (minivmm_run(machine, &result) == -EBUSY) + (minivmm_pause(machine, &error) == -EDEADLK) +
        (minivmm_destroy(machine, &error) == -EBUSY) + (minivmm_step(vcpu, &error) == -EBUSY);
}

static uint64_t board_read(void *opaque, const struct minivmm_access *access)
{
    struct board *board = opaque;
    struct minivmm_registers registers;

    if (access->offset == 2) {
        atomic_fetch_add(&board->asked, 1);
        return atomic_load(&board->go);
    }
    misuse(board, access->vcpu);
    if (minivmm_get_registers(access->vcpu, &registers, NULL) == 0)
        board->rip = registers.rip;
    return STATUS;
}

static void board_write(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    struct board *board = opaque;

    (void)access;
    board->sum += value;
}

static struct minivmm_machine *make(const char *path, struct board *board, const char *word)
{
    struct minivmm_config config = MINIVMM_CONFIG;
    const struct minivmm_image image = {.path = path, .words = &word, .word_count = word != NULL};
    const struct minivmm_region region = {.name = "board",
                                          .space = MINIVMM_PORTS,
                                          .base = 0x510c,
                                          .size = 4,
                                          .registers = true,
                                          .read = board_read,
                                          .write = board_write,
                                          .opaque = board};
    struct minivmm_machine *machine = NULL;
    struct minivmm_error error = {.text = ""};

    if (minivmm_create(&config, &machine, &error) < 0 ||
        minivmm_add_region(machine, &region, &error) < 0 ||
        minivmm_load(machine, &image, &error) < 0) {
        printf("#   %s\n", error.text);
        minivmm_destroy(machine, NULL);
        return NULL;
    }
    return machine;
}

static void test_run(const char *path)
{
    struct board board = {0};
    struct minivmm_machine *machine = make(path, &board, NULL);
    struct minivmm_result result;
    struct minivmm_error error;
    uint64_t counts[64] = {0};
    unsigned reasons = minivmm_count_exits(machine, counts, 64);

    check("a machine is made", machine != NULL);
    if (!machine)
        return;
    check("it runs", minivmm_run(machine, &result) == 0);
    check("the guest's status comes from the device",
          result.outcome == MINIVMM_GUEST && result.exit_status == STATUS);
    check("the device heard the guest", board.sum == 55);
    check("a callback sees its vCPU's registers", board.rip >= 0x100000);
    check("what is not for callbacks is refused there", board.refused == 4);
    reasons = minivmm_count_exits(machine, counts, 64);
    for (unsigned i = 0; i < reasons && i < 64; i++)
        if (strcmp(minivmm_exit_name(i), "io") == 0)
            check("exits are counted", counts[i] >= 11);
    check_refused("it runs once", minivmm_run(machine, &result), -EALREADY, result.text);
    check("it can be looked at when it has ended",
          minivmm_read_physical(machine, 0x100000, counts, 8, &error) == 0);
    check("it is destroyed", minivmm_destroy(machine, &error) == 0);
}

struct runner {
    struct minivmm_machine *machine;
    struct minivmm_result result;
};

static void *run_thread(void *argument)
{
    struct runner *runner = argument;

    minivmm_run(runner->machine, &runner->result);
    return NULL;
}

/* While it runs on another thread. */
static void test_control(struct minivmm_machine *machine, struct board *board)
{
    struct minivmm_vcpu *vcpu = minivmm_vcpu(machine, 0);
    struct minivmm_registers registers, later;
    struct minivmm_result result;
    struct minivmm_error error;
    unsigned asked;

    error.text[0] = '\0';
    check_refused("no second run at a time", minivmm_run(machine, &result), -EBUSY, result.text);
    check_refused("no end while it runs", minivmm_destroy(machine, &error), -EBUSY, error.text);
    check_refused("no registers while it runs", minivmm_get_registers(vcpu, &registers, &error),
                  -EBUSY, error.text);
    check_refused("no steps while it runs", minivmm_step(vcpu, &error), -EBUSY, error.text);
    check("it is paused", minivmm_pause(machine, &error) == 0);
    asked = atomic_load(&board->asked);
    usleep(20000);
    check("then nothing runs", asked == atomic_load(&board->asked));
    check_refused("but once", minivmm_pause(machine, &error), -EALREADY, error.text);
    check("registers are read", minivmm_get_registers(vcpu, &registers, &error) == 0);
    check("an instruction is stepped", minivmm_step(vcpu, &error) == 0 &&
                                           minivmm_get_registers(vcpu, &later, &error) == 0 &&
                                           later.rip != registers.rip);
    check("registers are written", minivmm_set_registers(vcpu, &later, &error) == 0);
    check("it goes on", minivmm_resume(machine, &error) == 0);
    check_refused("but once", minivmm_resume(machine, &error), -EINVAL, error.text);
}

static void test_threads(const char *path)
{
    struct board board = {0};
    struct runner runner = {.machine = make(path, &board, "wait")};
    struct minivmm_error error;
    pthread_t thread;

    check("a second machine is made", runner.machine != NULL);
    if (!runner.machine)
        return;
    pthread_create(&thread, NULL, run_thread, &runner);
    while (atomic_load(&board.asked) == 0)
        usleep(1000);
    test_control(runner.machine, &board);
    atomic_store(&board.go, true);
    pthread_join(thread, NULL);
    check("the guest kept its state", runner.result.exit_status == STATUS && board.sum == 55);
    check("it is destroyed, too", minivmm_destroy(runner.machine, &error) == 0);
}

static void test_stop(const char *path)
{
    struct board board = {0};
    struct runner runner = {.machine = make(path, &board, "wait")};
    pthread_t thread;

    if (!runner.machine)
        return;
    pthread_create(&thread, NULL, run_thread, &runner);
    while (atomic_load(&board.asked) == 0)
        usleep(1000);
    minivmm_stop(runner.machine);
    pthread_join(thread, NULL);
    check("a run is ended from outside", runner.result.outcome == MINIVMM_INTERRUPTED);
    minivmm_destroy(runner.machine, NULL);
}

static void test_refusals(const char *path)
{
    struct minivmm_config config = MINIVMM_CONFIG;
    const struct minivmm_image none = {.path = "no-such-image"}, image = {.path = path};
    struct minivmm_machine *machine = NULL;
    struct minivmm_result result;
    struct minivmm_error error;

    config.abi++;
    check_refused("another ABI", minivmm_create(&config, &machine, &error), -EPROTO, error.text);
    config.abi--;
    if (minivmm_create(&config, &machine, &error) < 0)
        return;
    check_refused("no run before an image", minivmm_run(machine, &result), -EINVAL, result.text);
    check_refused("no memory before an image",
                  minivmm_read_physical(machine, 0, &config, 1, &error), -EINVAL, error.text);
    check_refused("an image that is not there", minivmm_load(machine, &none, &error), -ENOENT,
                  error.text);
    check("which has the exit status of its own", minivmm_exit_status(error.outcome, 0) == 201);
    check("another image can be tried", minivmm_load(machine, &image, &error) == 0);
    check_refused("a second image", minivmm_load(machine, &image, &error), -EALREADY, error.text);
    minivmm_destroy(machine, NULL);
}

int main(int argc, char **argv)
{
    struct board board = {0};
    struct minivmm_machine *machine;
    struct minivmm_result result;
    struct minivmm_error error;

    if (argc < 2)
        return 2;
    machine = make(argv[1], &board, NULL);
    if (machine) {
        check_refused("no run without the kick signal", minivmm_run(machine, &result), -EINVAL,
                      result.text);
        minivmm_destroy(machine, NULL);
    }
    check("the kick signal is taken", minivmm_take_kick_signal(&error) == 0);
    test_run(argv[1]);
    test_threads(argv[1]);
    test_stop(argv[1]);
    test_refusals(argv[1]);
    return failed;
}
