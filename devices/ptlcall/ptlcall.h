/*
 * What the parts of the ptlcall devices share: their instances, and a call under way.
 */
#ifndef DEVICES_PTLCALL_PTLCALL_H
#define DEVICES_PTLCALL_PTLCALL_H

#include "devices/ptlcall/command.h"
#include "devices/ptlcall/log.h"
#include "guest/abi/ptlcall.h"
#include "vmm/core/machine_device.h"
#include "vmm/io/outfile.h"
#include "vmm/io/pci.h"
#include "vmm/step/stub.h"

#include <stdbool.h>
#include <stdint.h>

#define PTLCALL_SNAPSHOTS_MAX 16          /* files that one ENQUEUE may write */
#define PTLCALL_CHUNK         (64 * 1024) /* bytes of a core dump copied at a time */

/* What commands change. */
struct ptlcall_session {
    bool simulating; /* by __atomic: a stub's step() on another vCPU may turn it off */
    bool kill_after_run;
    uint64_t limits[PTLCALL_LIMITS]; /* 0: never given */
};

/*
 * What serves the calls, without how they come in: that is the device around it, which also holds
 * its lock.
 */
struct ptlcall {
    struct machine *machine;
    const char *log_path; /* the property `log`; NULL: stderr */

    struct ptlcall_log log;
    uint64_t calls; /* so far: the number of a call in the log */
    struct ptlcall_session session;

    /* Room for one call: calls of an instance come one at a time. */
    struct ptlcall_descriptor descriptors[PTLCALL_DESCRIPTORS_MAX];
    char text[PTLCALL_COMMANDS_MAX];
    struct ptlcall_command commands[PTLCALL_LIST_MAX];
    unsigned command_count;
    struct outfile files[PTLCALL_SNAPSHOTS_MAX];
    char chunk[PTLCALL_CHUNK];
};

/* The regions that every such device has. */
enum { PTLCALL_REGION_TRIGGER, PTLCALL_REGION_PORT, PTLCALL_REGIONS };

/* The device `ptlcall`: at addresses that do not change, and named by a CPUID leaf. */
struct ptlcall_device {
    struct device device;
    uint64_t trigger; /* gpa of the trigger word */
    uint64_t port;
    struct ptlcall ptlcall;
};

/* The device `ptlcall-pci`: where the guest's BARs say. */
struct ptlcall_pci {
    struct pci_device pci;
    struct ptlcall ptlcall;
};

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

bool ptlcall_is_simulating(const struct ptlcall_session *session);

/* The session as a stub has it. */
struct stub_session ptlcall_session_of(struct ptlcall *ptlcall);

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

struct ptlcall_op_info;

/* One call. Registers count 32 bits unless (wide). */
struct ptlcall_call {
    struct ptlcall *ptlcall;
    struct vcpu *vcpu;
    const char *via;
    bool wide;
    int32_t op;
    const struct ptlcall_op_info *info; /* NULL: no such op */
    uint64_t arguments[5];
    bool served; /* it did what it does without a stub, with this result: */
    int64_t result;
    const char *reason; /* why it was refused; NULL: it was not */
    bool ends;          /* the guest ends with it */
    bool later;         /* its result will be known when the exit is over */
};

/* Refuse the call: (code) is minus PTLCALL_EINVAL and so on, (reason) a static text. */
int64_t ptlcall_refuse(struct ptlcall_call *call, int64_t code, const char *reason);

/* Refuse the call with -PTLCALL_EFAULT if (length) bytes at (address) pass the last address. */
int64_t ptlcall_check_range(struct ptlcall_call *call, uint64_t address, uint64_t length);

/* Copy guest memory at (address): 0, or the call is refused with -PTLCALL_EFAULT. */
int64_t ptlcall_copy(struct ptlcall_call *call, uint64_t address, void *buffer, uint64_t length);

/*
 * Copy the file name of (length) bytes at (address) to (name), which holds PTLCALL_NAME_MAX + 1, and
 * log it: 0, or the call is refused.
 */
int64_t ptlcall_copy_name(struct ptlcall_call *call, uint64_t address, uint64_t length, char *name);

/* Append ` time=… tsc=… exits=…` to the log's line. */
void ptlcall_log_counters(struct ptlcall *ptlcall);

/* Write the counters as JSON into the chunk, and give their length; (name) is allowed. */
size_t ptlcall_report_counters(struct ptlcall *ptlcall, const char *name);

/*
 * The ops with a file of their own. Each does all that can fail, and logs its arguments; what
 * ptlcall_enqueue() checked, ptlcall_enqueue_run() carries out.
 */
int64_t ptlcall_enqueue(struct ptlcall_call *call);
void ptlcall_enqueue_run(struct ptlcall_call *call);
int64_t ptlcall_core_dump(struct ptlcall_call *call);
int64_t ptlcall_checkpoint(struct ptlcall_call *call);

#endif
