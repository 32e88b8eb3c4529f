/* The checks of a test guest. */
#include "guest/lib/check.h"

#include "guest/lib/console.h"

#define STATUS_FAILURES_MAX 100u

static const char *group = "";
static unsigned passed_count, failed_count;

void check_group(const char *name)
{
    group = name;
}

static void count(const char *what, bool passed)
{
    if (passed)
        passed_count++;
    else
        failed_count++;
    printf("%s %s%s%s", passed ? "PASS" : "FAIL", group, *group != '\0' ? ": " : "", what);
}

void check(const char *what, bool passed)
{
    count(what, passed);
    printf(passed ? "\n" : " (got false, want true)\n");
}

void check_equal(const char *what, uint64_t got, uint64_t want)
{
    count(what, got == want);
    if (got != want)
        printf(" (got 0x%llx, want 0x%llx)", (unsigned long long)got, (unsigned long long)want);
    printf("\n");
}

void check_result(const char *what, int64_t got, int64_t want)
{
    count(what, got == want);
    if (got != want)
        printf(" (got %lld, want %lld)", (long long)got, (long long)want);
    printf("\n");
}

int check_summary(void)
{
    printf("%u passed, %u failed\n", passed_count, failed_count);
    return (int)(failed_count < STATUS_FAILURES_MAX ? failed_count : STATUS_FAILURES_MAX);
}
