/*
 * Unit tests that need something of the host: run where it is there, else skipped by name with the reason
 * and counted. Each need is probed once.
 */
#ifndef TESTS_NEEDS_H
#define TESTS_NEEDS_H

#include <check.h>
#include <stdio.h>

enum need {
    NEED_KVM,   /* /dev/kvm, for this user */
    NEED_FULL,  /* /dev/full, as a device */
    NEED_ZYDIS, /* the library that disassembles */
    NEEDS,
};

/* As tcase_add_loop_test() from 0 to (loops); 1 for a test that is no loop. */
void needs_test_add(TCase *tcase, enum need need, const TTest *test, int loops);

static inline void kvm_test_add(TCase *tcase, const TTest *test, int loops)
{
    needs_test_add(tcase, NEED_KVM, test, loops);
}

/* One TAP line for each test that was left out. */
void needs_print_skipped(FILE *tap);

#endif
