/*
 * --record: the run as an exit stream in a file, see docs/exits.md.
 *
 * The recorder owns the tape of a machine that is recorded. Lines are made on the vCPUs' threads and
 * written by a spool.
 */
#ifndef VMM_RECORD_RECORDER_H
#define VMM_RECORD_RECORDER_H

#include "vmm/base/error.h"
#include "vmm/record/exit_lines.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct recorder;
struct text;

/* Record to the open file (fd), which stays the caller's; *(abandoned) as for a spool. NULL: out of memory. */
struct recorder *recorder_create(int fd, unsigned vcpu_count, const atomic_bool *abandoned);
void recorder_destroy(struct recorder *recorder);

/* The tape for the machine's configuration; it lives as long as the recorder. */
struct tape *recorder_tape(struct recorder *recorder);

/* The machine is made as (header) says, in lines of the format; its first exit comes next. */
void recorder_begin(struct recorder *recorder, const struct text *header);

/*
 * The run is over: how it ended, the crash report if there is one, the end. 0 or the negative errno
 * of the first failed write. (report) may be empty.
 */
int recorder_finish(struct recorder *recorder, struct machine *machine, const struct text *report);

/* How often the file made a vCPU wait. */
uint64_t recorder_waits(const struct recorder *recorder);

#endif
