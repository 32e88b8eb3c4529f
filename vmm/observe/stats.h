/*
 * --stats: counts and times of exits by reason, and by port or address.
 *
 * Each vCPU has its own table, without locks; they are added after the run.
 */
#ifndef VMM_OBSERVE_STATS_H
#define VMM_OBSERVE_STATS_H

#include "vmm/base/error.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct stats;

/* Add an observer that counts the exits of (machine), which has its vCPUs. NULL: out of memory. */
struct stats *stats_create(struct machine *machine);

/* Remove it, after the last vCPU has stopped and before the machine is destroyed. May be NULL. */
void stats_destroy(struct stats *stats);

/*
 * Count the exit in (run) of vCPU (id): (run_ns) in KVM_RUN before it, (handle_ns) in its handler.
 */
void stats_count(struct stats *stats, unsigned id, const struct kvm_run *run, uint64_t run_ns,
                 uint64_t handle_ns);

/* Write the counts of all vCPUs, as a table or as JSON, to (fd). Negative errno. */
int stats_write(struct stats *stats, bool json, int fd);

#endif
