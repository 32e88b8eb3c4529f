/*
 * What all parts of the protocol share: an instance, its session, and the current call.
 */
#ifndef DEVICES_PTLCALL_SESSION_H
#define DEVICES_PTLCALL_SESSION_H

#include "devices/ptlcall/command.h"
#include "devices/ptlcall/log.h"
#include "guest/abi/ptlcall.h"
#include "vmm/core/machine.h"
#include "vmm/io/outfile.h"
#include "vmm/step/stub.h"

#include <stdbool.h>
#include <stdint.h>

#define PTLCALL_SNAPSHOTS_MAX 16          /* files that one ENQUEUE may write */
#define PTLCALL_CHUNK         (64 * 1024) /* bytes of a core dump copied at a time */

/* The state that commands change. */
struct ptlcall_session {
    bool simulating; /* by __atomic: a stub's step() on another vCPU may turn it off */
    bool kill_after_run;
    uint64_t limits[PTLCALL_LIMITS]; /* 0: not given */
};

/*
 * An instance of the protocol, without the way calls arrive: that is the device around it, which
 * also holds its lock.
 */
struct ptlcall {
    struct machine *machine;
    const char *log_path; /* the property `log`; NULL: stderr */

    struct ptlcall_log log;
    uint64_t calls; /* the calls so far: the number of a call in the log */
    struct ptlcall_session session;

    /* Room for one call: an instance has one call at a time. */
    struct ptlcall_descriptor descriptors[PTLCALL_DESCRIPTORS_MAX];
    char text[PTLCALL_COMMANDS_MAX];
    struct ptlcall_command commands[PTLCALL_LIST_MAX];
    unsigned command_count;
    struct outfile files[PTLCALL_SNAPSHOTS_MAX];
    char chunk[PTLCALL_CHUNK];
};

bool ptlcall_is_simulating(const struct ptlcall_session *session);

/* The session as a stub has it. */
struct stub_session ptlcall_session_of(struct ptlcall *ptlcall);

struct ptlcall_op_info;

/* One call. Registers are 32 bits wide unless (wide). */
struct ptlcall_call {
    struct ptlcall *ptlcall;
    struct vcpu *vcpu;
    const char *via;
    bool wide;
    int32_t op;
    const struct ptlcall_op_info *info; /* NULL: no such op */
    uint64_t arguments[5];
    bool served; /* the default was carried out, with this result: */
    int64_t result;
    const char *reason; /* why it was refused; NULL: it was not refused */
    bool ends;          /* the guest ends with it */
    bool later;         /* its result is known when the exit is over */
};

/* Refuse the call: (code) is -PTLCALL_EINVAL or another, (reason) a static text. */
int64_t ptlcall_refuse(struct ptlcall_call *call, int64_t code, const char *reason);

/* Refuse the call with -PTLCALL_EFAULT if (length) bytes at (address) exceed the address space. */
int64_t ptlcall_check_range(struct ptlcall_call *call, uint64_t address, uint64_t length);

/* Copy guest memory at (address): 0, or the call is refused with -PTLCALL_EFAULT. */
int64_t ptlcall_copy(struct ptlcall_call *call, uint64_t address, void *buffer, uint64_t length);

/*
 * Copy the file name of (length) bytes at (address) to (name), which has room for PTLCALL_NAME_MAX
 * + 1 bytes, and log it: 0, or the call is refused.
 */
int64_t ptlcall_copy_name(struct ptlcall_call *call, uint64_t address, uint64_t length, char *name);

#endif
