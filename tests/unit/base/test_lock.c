/* A lock: one holder at a time, and each waiter is woken. */
#include "vmm/base/lock.h"

#include <check.h>
#include <pthread.h>
#include <unistd.h>

Suite *lock_suite(void);

#define ROUNDS  20000u
#define THREADS 4u

static struct shared {
    struct lock lock;
    unsigned long count; /* under the lock */
} shared;

static void *count_up(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        lock_take(&shared.lock);
        shared.count++;
        lock_release(&shared.lock);
    }
    return NULL;
}

START_TEST(a_zeroed_lock_is_free)
{
    struct lock lock = {0};

    ck_assert(lock_try(&lock));
}
END_TEST

START_TEST(a_lock_that_is_held_cannot_be_had)
{
    struct lock lock = {0};

    lock_take(&lock);
    ck_assert(!lock_try(&lock));
    lock_release(&lock);
    ck_assert(lock_try(&lock));
}
END_TEST

START_TEST(threads_hold_it_one_at_a_time)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(shared.count, ROUNDS * THREADS);
}
END_TEST

/* All of them sleep when it is released: each hands it on to the next. */
START_TEST(all_who_sleep_are_woken)
{
    pthread_t threads[THREADS];

    lock_take(&shared.lock);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    usleep(50000);
    ck_assert_uint_eq(shared.count, 0);
    lock_release(&shared.lock);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(shared.count, ROUNDS * THREADS);
}
END_TEST

Suite *lock_suite(void)
{
    Suite *suite = suite_create("lock");
    TCase *tests = tcase_create("lock");

    tcase_add_test(tests, a_zeroed_lock_is_free);
    tcase_add_test(tests, a_lock_that_is_held_cannot_be_had);
    tcase_add_test(tests, threads_hold_it_one_at_a_time);
    tcase_add_test(tests, all_who_sleep_are_woken);
    suite_add_tcase(suite, tests);
    return suite;
}
