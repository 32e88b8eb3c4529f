/*
 * What every guest has: its main(), its start values and its end.
 *
 * The start code zeroes .bss, calls main() and ends the guest with the result of main().
 */
#ifndef GUEST_LIB_GUEST_H
#define GUEST_LIB_GUEST_H

#include "guest/abi/boot.h"

#include <stdbool.h>
#include <stdint.h>

#define DEBUG_EXIT_PORT 0xf4

/* The status of a guest that ended by an exception that it did not catch. */
#define STATUS_EXCEPTION 126

/* Real mode: (boot) is a gpa that segment 0 does not reach; see boot_read() in cpu.h. */
int main(const struct boot_info *boot);

/* The initial stack pointer, set by the monitor. */
extern uintptr_t start_stack;

/* End the machine with (status), 0..127. */
_Noreturn void guest_exit(int status);

/* Is (word) one of the space-separated guest arguments? */
bool argument_given(const struct boot_info *boot, const char *word);

/* The number at the start of (text), decimal or 0x hexadecimal; 0 if there is no number. */
uint64_t number_read(const char *text);

#endif
