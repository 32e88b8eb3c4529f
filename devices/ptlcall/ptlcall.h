/*
 * The protocol's interface for its devices, which decide how calls arrive, and hold the lock.
 */
#ifndef DEVICES_PTLCALL_PTLCALL_H
#define DEVICES_PTLCALL_PTLCALL_H

#include "devices/ptlcall/session.h"
#include "vmm/core/machine_device.h"

/* The regions that every such device has. */
enum { PTLCALL_REGION_TRIGGER, PTLCALL_REGION_PORT, PTLCALL_REGIONS };

/* The property `log` of (instance), a struct with a member (ptlcall). */
#define PTLCALL_LOG_PROPERTY(instance)                                                             \
    {                                                                                              \
        .name = "log", .kind = PROPERTY_FILE, .offset = offsetof(instance, ptlcall.log_path),      \
        .help = "file for the log; otherwise it goes to stderr"                                    \
    }

/* The state of the member (ptlcall) of (instance); for its table. */
#define PTLCALL_STATE(instance)                                                                    \
    STATE_FIELD(instance, ptlcall.calls), STATE_FIELD(instance, ptlcall.session.simulating),       \
        STATE_FIELD(instance, ptlcall.session.kill_after_run),                                     \
        STATE_FIELD(instance, ptlcall.session.limits)

/*
 * Open the log; log_path is set, the rest zero. ptlcall_close() closes it. (name) is the device's
 * name, or NULL for `ptlcall`, of which there is one.
 */
int ptlcall_open(struct ptlcall *ptlcall, struct machine *machine, const char *name,
                 struct error *error);
void ptlcall_close(struct ptlcall *ptlcall);

/* The session was loaded from a checkpoint: continue the simulation if it was on. */
void ptlcall_resume(struct ptlcall *ptlcall);

/* Forget the effects of all commands. */
void ptlcall_clear(struct ptlcall *ptlcall);

/* Write out the log; an error if part of it is lost. */
int ptlcall_finish_log(struct ptlcall *ptlcall, struct error *error);

/*
 * Handle a store to one of the regions, which may be a call; (vias) are the regions' names in the
 * log.
 */
void ptlcall_store(struct ptlcall *ptlcall, const struct device_access *access,
                   const char *const vias[PTLCALL_REGIONS]);

/* A device's read(): returns 0. A load is not a call. */
uint64_t ptlcall_load(struct device *device, const struct device_access *access);

#endif
