/*
 * The protocol, for the device around it, which says how calls come in, and holds the lock.
 */
#ifndef DEVICES_PTLCALL_PTLCALL_H
#define DEVICES_PTLCALL_PTLCALL_H

#include "devices/ptlcall/session.h"
#include "vmm/io/device.h"

/* The regions that every such device has. */
enum { PTLCALL_REGION_TRIGGER, PTLCALL_REGION_PORT, PTLCALL_REGIONS };

/* The property `log` of (instance), a struct with a member (ptlcall). */
#define PTLCALL_LOG_PROPERTY(instance)                                                             \
    {                                                                                              \
        .name = "log", .kind = PROPERTY_FILE, .offset = offsetof(instance, ptlcall.log_path),      \
        .help = "file for the log; otherwise it goes to stderr"                                    \
    }

/* What is state of the member (ptlcall) of (instance); for its table. */
#define PTLCALL_STATE(instance)                                                                    \
    STATE_FIELD(instance, ptlcall.calls), STATE_FIELD(instance, ptlcall.session.simulating),       \
        STATE_FIELD(instance, ptlcall.session.kill_after_run),                                     \
        STATE_FIELD(instance, ptlcall.session.limits)

/*
 * Open the log; log_path is set, the rest zero. What is open is closed by ptlcall_close(). (name) is
 * the device's, NULL for `ptlcall`, of which there is one.
 */
int ptlcall_open(struct ptlcall *ptlcall, struct machine *machine, const char *name,
                 struct error *error);
void ptlcall_close(struct ptlcall *ptlcall);

/* The session was loaded from a checkpoint: simulation goes on if it was on. */
void ptlcall_resume(struct ptlcall *ptlcall);

/* Forget what commands did. */
void ptlcall_clear(struct ptlcall *ptlcall);

/* Write out the log; an error if any of it is lost. */
int ptlcall_finish_log(struct ptlcall *ptlcall, struct error *error);

/* A store to one of the regions is a call, or is not; (vias) are the regions' names in the log. */
void ptlcall_store(struct ptlcall *ptlcall, const struct device_access *access,
                   const char *const vias[PTLCALL_REGIONS]);

/* A device's read(): 0. A load is no call. */
uint64_t ptlcall_load(struct device *device, const struct device_access *access);

#endif
