/*
 * Unit tests that need real KVM: run where /dev/kvm can be used, else skipped by name and counted.
 */
#ifndef TESTS_UNIT_KVM_TESTS_H
#define TESTS_UNIT_KVM_TESTS_H

#include <check.h>
#include <stdio.h>

/* As tcase_add_loop_test() from 0 to (loops); 1 for a test that is no loop. */
void kvm_test_add(TCase *tcase, const TTest *test, int loops);

/* One TAP line for each test that kvm_test_add() left out. */
void kvm_tests_print_skipped(FILE *tap);

#endif
