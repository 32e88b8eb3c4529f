#include "tests/unit/kvm_tests.h"

#include "vmm/core/kvm.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#define SKIPPED_MAX 256

/* Suites are made before any test runs, in one thread. */
static const TTest *skipped[SKIPPED_MAX];
static unsigned skipped_count;

static bool kvm_is_here(void)
{
    int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void kvm_test_add(TCase *tcase, const TTest *test, int loops)
{
    if (kvm_is_here())
        tcase_add_loop_test(tcase, test, 0, loops);
    else if (skipped_count < SKIPPED_MAX)
        skipped[skipped_count++] = test;
}

void kvm_tests_print_skipped(FILE *tap)
{
    for (unsigned i = 0; i < skipped_count; i++)
        fprintf(tap, "ok - %s:%s # SKIP /dev/kvm cannot be used\n", skipped[i]->file,
                skipped[i]->name);
}
