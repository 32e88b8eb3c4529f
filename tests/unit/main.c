/* Runs every suite of tests/unit/suites.def; TAP goes to the file named as the argument. */
#include "tests/unit/kvm_tests.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SUITE(name) Suite *name##_suite(void);
#include "tests/unit/suites.def"
#undef SUITE

/* Check knows no skipped tests: they go behind what it wrote. */
static void report_skipped(const char *tap_path)
{
    FILE *tap = fopen(tap_path, "a");

    if (!tap)
        return;
    kvm_tests_print_skipped(tap);
    fclose(tap);
}

int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    int failed;

#define SUITE(name) srunner_add_suite(runner, name##_suite());
#include "tests/unit/suites.def"
#undef SUITE
    if (argc > 1)
        srunner_set_tap(runner, argv[1]);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kvm_tests_print_skipped(stdout);
    if (argc > 1)
        report_skipped(argv[1]);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
