/*
 * --replay and --exits: replaying exit streams from the command line, and printing the results.
 *
 * (types) are the device types that streams may name.
 */
#ifndef VMM_REPLAY_EXIT_TESTS_H
#define VMM_REPLAY_EXIT_TESTS_H

#include "vmm/base/error.h"
#include "vmm/base/outcome.h"
#include "vmm/core/machine_plan.h"
#include "vmm/io/device.h"

/*
 * --replay: run the whole stream (path). The (parts) of its machine must be those of (wanted). Prints
 * the number of exits and effects to stdout. Returns OUTCOME_DIFFERS after a difference, which is
 * printed to stderr, and OUTCOME_STREAM with a sentence in (error).
 */
enum outcome exits_replay(const char *path, const struct device_type *const *types,
                          const struct machine_plan *wanted, unsigned parts, struct error *error);

/*
 * --exits: run the (count) streams as tests. Prints their results as TAP to stdout, and a line that
 * counts them. Returns OUTCOME_DIFFERS if a test failed.
 */
enum outcome exits_test(char *const *paths, unsigned count, const struct device_type *const *types);

#endif
