/*
 * The files that a run is watched with: --stats, --record and --trace.
 *
 * They are opened before the guest runs, so that it does not run in vain, and are whole when it has
 * ended in whatever way.
 */
#ifndef VMM_RUN_FILES_H
#define VMM_RUN_FILES_H

#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/plan.h"
#include "vmm/recorder.h"
#include "vmm/text.h"

struct run_files {
    int stats, record, trace; /* -1: not wanted */
    struct recorder *recorder;
};

#define RUN_FILES_NONE                                                                             \
    {                                                                                              \
        .stats = -1, .record = -1, .trace = -1                                                     \
    }

/* Open what (options) want. To be closed also after an error, behind the machine's end. */
int run_files_open(struct run_files *files, const struct options *options, struct error *error);
void run_files_close(struct run_files *files);

/* (machine) is made, but has no devices. */
int run_files_attach(struct run_files *files, struct machine *machine, struct error *error);

/* It has them, as (plan) says, and its first instruction comes next. */
void run_files_begin(struct run_files *files, const struct options *options,
                     const struct plan *plan);

/* The run is over; (report) is what was said of a crash. A negative errno: a file is not whole. */
int run_files_finish(struct run_files *files, struct machine *machine, const struct text *report,
                     struct error *error);

/* --stats, if it is wanted: when all else was written. */
int run_files_write_stats(const struct run_files *files, const struct options *options,
                          struct machine *machine, struct error *error);

#endif
