/*
 * Check's record of the last assertion that held: for a test that crashes or does not end, it says where
 * that was. Check writes to a file for each of them, which takes seconds in a test with a million. So
 * after the first MARKS_MAX of a thread only one is recorded in each tick of the kernel's clock: the place
 * is then at most a tick older than the crash.
 *
 * The linker puts this between the tests and Check: --wrap=_mark_point, in the Makefile.
 */
#include <check.h>
#include <time.h>

#define MARKS_MAX 1000

void __wrap__mark_point(const char *file, int line);
void __real__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
    static __thread unsigned marks;
    static __thread struct timespec tick;

    if (marks == MARKS_MAX) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        if (now.tv_nsec == tick.tv_nsec && now.tv_sec == tick.tv_sec)
            return;
        tick = now;
    } else {
        marks++;
    }
    __real__mark_point(file, line);
}
