/*
 * Runs the suites of tests/unit/suites.def: unit [TAP-FILE [SUITE]], all of them or one.
 *
 * tests/run gives each suite a process of its own: Check forks for every test, which takes the
 * longer the more this process has in memory, under ASan above all.
 */
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(name) Suite *name##_suite(void);
#include "tests/unit/suites.def"
#undef SUITE

static const struct {
    const char *name;
    Suite *(*make)(void);
} suites[] = {
#define SUITE(name) {#name, name##_suite},
#include "tests/unit/suites.def"
#undef SUITE
};

/* Add all suites, or the one called (name). How many that were. */
static unsigned add_suites(SRunner *runner, const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (name && strcmp(name, suites[i].name) != 0)
            continue;
        srunner_add_suite(runner, suites[i].make());
        count++;
    }
    return count;
}

/* Check has no skipped tests: they are appended to its output. */
static void report_skipped(const char *tap_path)
{
    FILE *tap = fopen(tap_path, "a");

    if (!tap)
        return;
    needs_print_skipped(tap);
    fclose(tap);
}

int main(int argc, char **argv)
{
    SRunner *runner;
    unsigned added;
    int failed;

    patience_init();
    runner = srunner_create(NULL);
    added = add_suites(runner, argc > 2 ? argv[2] : NULL);
    if (argc > 1)
        srunner_set_tap(runner, argv[1]);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    needs_print_skipped(stdout);
    if (argc > 1)
        report_skipped(argv[1]);
    return failed == 0 && added > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
