/*
 * --stats: exits by reason, and by port or address, with counts and times.
 *
 * Each vCPU has a table of its own, without locks; they are added up when the run is over.
 */
#ifndef VMM_OBSERVE_STATS_H
#define VMM_OBSERVE_STATS_H

#include "vmm/base/error.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct stats;

/* Count the exits of (machine), which has its vCPUs, as an observer of it. NULL: out of memory. */
struct stats *stats_create(struct machine *machine);

/* Once no vCPU runs, and before its machine goes. NULL is fine. */
void stats_destroy(struct stats *stats);

/* Count the exit in (run) of vCPU (id): (run_ns) in KVM_RUN before it, (handle_ns) in its handler. */
void stats_count(struct stats *stats, unsigned id, const struct kvm_run *run, uint64_t run_ns,
                 uint64_t handle_ns);

/* Write the counts of all vCPUs, as a table or as JSON, to (fd). Negative errno. */
int stats_write(struct stats *stats, bool json, int fd);

#endif
