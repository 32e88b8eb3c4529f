/*
 * The files that describe a run: --stats, --record and --trace.
 *
 * They are opened before the guest runs, so that an error is found early, and are complete after
 * every kind of end.
 */
#ifndef VMM_OBSERVE_RUN_FILES_H
#define VMM_OBSERVE_RUN_FILES_H

#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/base/text.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_plan.h"
#include "vmm/record/recorder.h"

struct run_files {
    int stats_fd, record_fd, trace_fd; /* -1: not wanted */
    struct stats *stats;
    struct recorder *recorder;
    struct trace *trace;
};

#define RUN_FILES_NONE                                                                             \
    {                                                                                              \
        .stats_fd = -1, .record_fd = -1, .trace_fd = -1                                            \
    }

/*
 * Open the files that (config) names. Must be closed also after an error, after the machine has
 * ended.
 */
int run_files_open(struct run_files *watch, const struct minivmm_config *config,
                   struct error *error);
void run_files_close(struct run_files *watch);

/*
 * Start to measure, record and trace (machine), which is made but has no devices, as (config)
 * requires.
 */
int run_files_attach(struct run_files *watch, const struct minivmm_config *config,
                     struct machine *machine, struct error *error);

/*
 * Detach from the machine before it is destroyed; no vCPU may run. Also after an error; a second
 * call does nothing.
 */
void run_files_detach(struct run_files *watch);

/*
 * The devices of (plan) are made, and the first instruction comes next; (source) is the image or
 * checkpoint.
 */
void run_files_begin(struct run_files *watch, const char *source, const struct machine_plan *plan);

/*
 * End the record and trace; (report) is the crash report. A negative errno: a file is incomplete.
 */
int run_files_finish(struct run_files *watch, struct machine *machine, const struct text *report,
                     struct error *error);

/* Write --stats, if requested, after all other files. */
int run_files_write_stats(const struct run_files *watch, const struct minivmm_config *config,
                          struct error *error);

#endif
