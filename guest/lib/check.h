/*
 * The checks of a test guest: one line each, `PASS what` or `FAIL what (got …, want …)`, and a
 * count.
 */
#ifndef GUEST_LIB_CHECK_H
#define GUEST_LIB_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Begin a group of checks: (group) is printed before their names. "" for no group. */
void check_group(const char *name);

void check(const char *what, bool passed);
void check_equal(const char *what, uint64_t got, uint64_t want);

/* For results of calls: small negative numbers are printed as such. */
void check_result(const char *what, int64_t got, int64_t want);

/* Print the last line. Returns the number of failures, at most 100, as the status for main(). */
int check_summary(void);

#endif
