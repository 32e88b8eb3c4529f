/*
 * --trace: the run in Chrome's trace-event format, which Perfetto and chrome://tracing open.
 *
 * One track for each vCPU: a slice for the time in KVM_RUN, one for each exit with its arguments;
 * milestones as instants, and counters of exits. Each vCPU's thread formats its lines; a struct
 * async_file writes them. See docs/trace.md.
 */
#ifndef VMM_OBSERVE_TRACE_H
#define VMM_OBSERVE_TRACE_H

#include "vmm/base/error.h"

#include <stdint.h>

struct machine;
struct trace;
struct vcpu;

/*
 * Add an observer that traces (machine), which has its vCPUs, to the open file (fd), owned by the
 * caller. Time 0 of the trace is this call. NULL: out of memory or threads.
 */
struct trace *trace_create(struct machine *machine, int fd);

/*
 * Trace the exit that (vcpu) has just handled, the last one of its history: KVM_RUN from (entered)
 * to (exited), handled until (handled); nanoseconds of clock_now(). On the vCPU's thread.
 */
void trace_exit(struct trace *trace, const struct vcpu *vcpu, uint64_t entered, uint64_t exited,
                uint64_t handled);

/*
 * Trace a milestone of the guest at (time) of clock_now(): (name) is static text without quotes,
 * "marker" or "post". Any thread.
 */
void trace_milestone(struct trace *trace, const char *name, uint64_t value, uint64_t time);

/*
 * Write the end and free (trace), which may be NULL; no vCPU may run. 0 or the negative errno of
 * the first failed write; -ETIMEDOUT: the file's reader stalled when the machine was ended from
 * outside, and the end of the trace is lost.
 */
int trace_destroy(struct trace *trace);

#endif
