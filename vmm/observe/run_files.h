/*
 * The files that a run is watched with: --stats, --record and --trace.
 *
 * They are opened before the guest runs, so that it does not run in vain, and are whole when it has
 * ended in whatever way.
 */
#ifndef VMM_WATCH_H
#define VMM_WATCH_H

#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/base/text.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_plan.h"
#include "vmm/record/recorder.h"

struct watch {
    int stats, record, trace; /* -1: not wanted */
    struct recorder *recorder;
};

#define WATCH_NONE                                                                                 \
    {                                                                                              \
        .stats = -1, .record = -1, .trace = -1                                                     \
    }

/* Open what (config) want. To be closed also after an error, behind the machine's end. */
int watch_open(struct watch *watch, const struct minivmm_config *config, struct error *error);
void watch_close(struct watch *watch);

/* (machine) is made, but has no devices. */
int watch_attach(struct watch *watch, struct machine *machine, struct error *error);

/* It has them, as (plan) says, and its first instruction comes next; (source) is the image or checkpoint. */
void watch_begin(struct watch *watch, const char *source, const struct plan *plan);

/* The run is over; (report) is what was said of a crash. A negative errno: a file is not whole. */
int watch_finish(struct watch *watch, struct machine *machine, const struct text *report,
                 struct error *error);

/* --stats, if it is wanted: when all else was written. */
int watch_write_stats(const struct watch *watch, const struct minivmm_config *config,
                      struct machine *machine, struct error *error);

#endif
