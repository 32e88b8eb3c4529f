/*
 * The API from several threads at a time, at random but for the seed: what may be asked by any thread, and an owner who
 * pauses, looks, steps and resumes, until one of them ends the run.
 */
#include "tests/unit/api_guest.h"
#include "tests/unit/needs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Suite *api_stress_suite(void);

#define PATH    api_guest_core() /* a checkpoint */
#define ROUNDS  6
#define RUN_MS  150
#define ASKERS  2
#define REBOOTS 25

/* The region's OUT, for ever. */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_asks:\n"
        "    movl $0x700, %edx\n"
        "1:  outb %al, %dx\n"
        "    jmp 1b\n"
        "image_asks_end:\n"
        ".popsection\n");

GUEST(image_asks);

static struct api_guest guest;
static struct minivmm_error error;
static atomic_bool over;
static atomic_uint calls;

static unsigned choose(unsigned *seed, unsigned bound)
{
    return (unsigned)rand_r(seed) % bound;
}

/* Whether it is 0 or one of two errors that the header names. */
static void check(int result, int first, int second)
{
    ck_assert_msg(result == 0 || result == first || result == second, "%d", result);
}

/* Any thread, any time. */
static void *ask(void *argument)
{
    unsigned seed = *(const unsigned *)argument;
    struct minivmm_error sentence;
    uint64_t counts[64];

    while (!atomic_load(&over)) {
        struct minivmm_vcpu *vcpu = minivmm_vcpu(guest.machine, choose(&seed, 2));

        if (!vcpu)
            continue;
        ck_assert_ptr_eq(minivmm_vcpu_machine(vcpu), guest.machine);
        switch (choose(&seed, 7)) {
        case 0:
            ck_assert_uint_gt(minivmm_count_exits(guest.machine, counts, 64), 0);
            break;
        case 1:
            check(minivmm_set_interrupt(guest.machine, choose(&seed, 24), choose(&seed, 2),
                                        &sentence),
                  -EINVAL, 0);
            break;
        case 2:
            minivmm_notice(guest.machine, "vCPU %u", minivmm_vcpu_id(vcpu));
            break;
        case 3:
            minivmm_continue(guest.machine);
            break;
        case 4:
            check(minivmm_save(vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &sentence), -EINVAL,
                  -EBUSY);
            break;
        case 5:
            minivmm_end(vcpu, 3); /* it is not for here */
            break;
        default: /* -EALREADY after the end */
            check(minivmm_run(guest.machine, NULL) == 0 ? 1 : 0, 0, 0);
            break;
        }
        usleep(choose(&seed, 500));
    }
    return NULL;
}

/* The owner: one thread. */
static void *own(void *argument)
{
    unsigned seed = *(const unsigned *)argument;
    struct minivmm_registers registers;
    struct minivmm_error sentence;

    while (!atomic_load(&over)) {
        struct minivmm_vcpu *vcpu = minivmm_vcpu(guest.machine, choose(&seed, 2));
        const int paused = minivmm_pause(guest.machine, &sentence);

        check(paused, -EINVAL, -ETIMEDOUT);
        if (paused < 0)
            continue;
        ck_assert_int_eq(minivmm_get_registers(vcpu, &registers, &sentence), 0);
        ck_assert_int_eq(minivmm_set_registers(vcpu, &registers, &sentence), 0);
        for (unsigned steps = choose(&seed, 4); steps > 0; steps--) {
            const int result = minivmm_step(vcpu, &sentence);

            ck_assert_msg(result >= 0 || result == -EINVAL || result == -EAGAIN, "%d: %s", result,
                          sentence.text);
        }
        ck_assert_int_eq(minivmm_resume(guest.machine, &sentence), 0);
        usleep(choose(&seed, 300));
    }
    return NULL;
}

static void start_threads(pthread_t threads[], unsigned seeds[], void *(*last)(void *))
{
    atomic_store(&over, false);
    for (unsigned i = 0; i <= ASKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, i < ASKERS ? ask : last, &seeds[i]), 0);
}

static void join_threads(pthread_t threads[])
{
    atomic_store(&over, true);
    for (unsigned i = 0; i <= ASKERS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(whatever_threads_ask_a_stop_ends_the_run)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned seeds[] = {1 + 3 * round, 2 + 3 * round, 3 + 3 * round};
        pthread_t threads[ASKERS + 1];

        api_guest_spin(&guest, NULL);
        start_threads(threads, seeds, own);
        usleep(RUN_MS * 1000);
        minivmm_stop(guest.machine);
        join_threads(threads); /* some requests come after the end */
        api_guest_join(&guest);
        ck_assert_int_eq(guest.result.outcome, MINIVMM_INTERRUPTED);
        api_guest_destroy(&guest);
    }
    unlink(PATH);
}
END_TEST

/* Each boot ends with another after a while, and the last one ends the guest. */
static void reboot(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    const unsigned count = atomic_fetch_add(&calls, 1) + 1;

    (void)opaque;
    (void)value;
    if (count >= 50 * REBOOTS)
        minivmm_end(access->vcpu, 3);
    else if (count % 50 == 0)
        minivmm_save(access->vcpu, PATH, MINIVMM_CHECKPOINT_REBOOT, NULL);
}

static const struct minivmm_region region = {.name = "reboot",
                                             .space = MINIVMM_PORTS,
                                             .base = GUEST_PORT,
                                             .size = 1,
                                             .registers = true,
                                             .write = reboot};

START_TEST(whatever_threads_ask_a_machine_boots_again)
{
    unsigned seeds[] = {101, 102, 103};
    pthread_t threads[ASKERS + 1];
    char path[64];
    const int fd = memfd_create("image", 0);
    const struct minivmm_image image = {
        .path = path, .has_load = true, .has_entry = true, .load = GUEST_LOAD, .entry = GUEST_LOAD};

    atomic_store(&calls, 0);
    ck_assert_int_eq(write(fd, image_asks, (size_t)(image_asks_end - image_asks)),
                     image_asks_end - image_asks);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    api_guest_create(&guest, 2, &region);
    ck_assert_msg(minivmm_load(guest.machine, &image, &error) == 0, "%s", error.text);
    api_guest_start(&guest);
    while (atomic_load(&calls) == 0) /* or one of the threads would run it */
        usleep(100);
    start_threads(threads, seeds, own);
    api_guest_join(&guest);
    join_threads(threads);
    ck_assert_msg(guest.result.outcome == MINIVMM_GUEST, "%s", guest.result.text);
    ck_assert_int_eq(guest.result.guest_status, 3);
    api_guest_destroy(&guest);
    unlink(PATH);
    close(fd);
}
END_TEST

Suite *api_stress_suite(void)
{
    Suite *suite = suite_create("api_stress");
    TCase *tcase = tcase_create("stress");

    kvm_test_add(tcase, whatever_threads_ask_a_stop_ends_the_run, 1);
    kvm_test_add(tcase, whatever_threads_ask_a_machine_boots_again, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
