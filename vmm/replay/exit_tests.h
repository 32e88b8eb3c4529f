/*
 * --replay and --exits: exit streams from the command line, and what is said of them.
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
 * --replay: all of the stream (path). The (parts) of its machine must be those of (wanted). What was
 * replayed is said on stdout, a difference on stderr: then OUTCOME_DIFFERS. OUTCOME_STREAM: (error).
 */
enum outcome exits_replay(const char *path, const struct device_type *const *types,
                          const struct machine_plan *wanted, unsigned parts, struct error *error);

/*
 * --exits: each of the (count) streams as tests, on stdout in TAP, and a line that counts them.
 * OUTCOME_DIFFERS: one failed.
 */
enum outcome exits_test(char *const *paths, unsigned count, const struct device_type *const *types);

#endif
