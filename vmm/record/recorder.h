/*
 * --record: a journal that writes the run to a file as an exit stream. docs/exits.md has the format.
 *
 * Each vCPU's thread makes the lines of its exits; a struct async_file writes them. What a replay
 * already knows, registers and memory, is left out.
 */
#ifndef VMM_RECORD_RECORDER_H
#define VMM_RECORD_RECORDER_H

#include "vmm/io/journal.h"

#include <stdatomic.h>
#include <stdint.h>

struct machine;
struct recorder;
struct text;

/*
 * Record to the open file (fd), which the caller owns; (abandoned) as for async_file_create(). Returns
 * NULL if memory runs out or the thread cannot be started.
 */
struct recorder *recorder_create(int fd, unsigned vcpu_count, const atomic_bool *abandoned);
void recorder_destroy(struct recorder *recorder);

/* For machine_set_journal(); valid until recorder_destroy(). */
struct journal *recorder_journal(struct recorder *recorder);

/* Write (header), the lines that describe the machine. The first exit follows. */
void recorder_begin(struct recorder *recorder, const struct text *header);

/*
 * Write the end after the run: the outcome, the lines of the crash report (report), which may be empty,
 * and the number of exits. Returns 0 or the negative errno of the first failed write.
 */
int recorder_finish(struct recorder *recorder, struct machine *machine, const struct text *report);

/* Returns how often the file made a vCPU wait. Before recorder_finish(). */
uint64_t recorder_waits(const struct recorder *recorder);

#endif
