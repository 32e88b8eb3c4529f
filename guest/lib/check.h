/*
 * Checks of a guest: one line each, `PASS what` or `FAIL what (got …, want …)`, and a count.
 */
#ifndef GUEST_LIB_CHECK_H
#define GUEST_LIB_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* What the next checks belong to: it goes before their names. "" for nothing. */
void check_group(const char *name);

void check(const char *what, bool passed);
void check_equal(const char *what, uint64_t got, uint64_t want);

/* Results of a call: small negative numbers are shown as such. */
void check_result(const char *what, int64_t got, int64_t want);

/* Print the last line. The failures, at most 100, as the status for main() to return. */
int check_summary(void);

#endif
