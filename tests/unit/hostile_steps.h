/*
 * What a hostile guest does: bytes that are read as a sequence of exits of two vCPUs, with registers and
 * guest memory to match. The fuzzer makes up the bytes, and so do unit tests.
 */
#ifndef TESTS_UNIT_HOSTILE_STEPS_H
#define TESTS_UNIT_HOSTILE_STEPS_H

#include <stddef.h>
#include <stdint.h>

/* Run (size) bytes on a machine of their own. */
void hostile_run(const uint8_t *bytes, size_t size);

#endif
