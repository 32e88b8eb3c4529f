/*
 * Stubs of simulators: finding a stub, and its calls from a machine and its ptlcall devices.
 *
 * A machine without a stub, which only tests have, behaves as with `marss`, which has no callbacks.
 * Simulation is a switch of the machine: a guest turns it on by `-run` in a session of a ptlcall
 * device, and every vCPU is single-stepped from its next instruction on if the stub has a step().
 */
#ifndef VMM_STEP_STUB_H
#define VMM_STEP_STUB_H

#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/step/stepping.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

/* A stub of a machine: zero before it is opened. */
struct stub {
    const struct minivmm_stub *type; /* NULL: not open */
    void *library;                   /* of dlopen(); NULL: the stub is built in, or the owner's */
    char *options;                   /* owned; NULL: none */
    void *state;                     /* set by attach() */
    struct minivmm_machine *handle;  /* passed to callbacks */
    struct machine *machine;         /* NULL: not attached */
    pthread_mutex_t lock; /* of the callbacks; recursive: a command comes inside of a call */

    atomic_bool on;              /* simulation */
    struct stub_session session; /* the session that turned it on */
    uint64_t instructions;       /* simulated so far */

    /*
     * The call in progress. It stays here afterwards, for a stub that keeps a pointer to it.
     * call_default is set while it may be called.
     */
    struct minivmm_call call;
    int64_t (*call_default)(void *opaque);
    void *call_opaque;
};

/* For --stub help: write the (types), ended by NULL, with one line each, to (fd). */
void stub_print_types(const struct minivmm_stub *const *types, int fd);

/*
 * Find the stub (text): NAME[,OPTIONS] for one of (types), or FILE[,OPTIONS], where a FILE has a
 * slash. NULL: the first of (types). If (own) is not NULL, use it with (own_options) instead.
 * -ENOENT, -ENOEXEC, -ENOSYS (no minivmm_stub in it), -EPROTO (another ABI).
 */
int stub_open(struct stub *stub, const struct minivmm_stub *const *types, const char *text,
              const struct minivmm_stub *own, const char *own_options, struct error *error);
void stub_close(struct stub *stub);

/* Does it have no callbacks? Only then a run can be recorded. */
bool stub_is_plain(const struct stub *stub);

/*
 * Call attach(), for a machine that is made, with struct stepping; stub_of(machine) is (stub) from
 * then on. Simulation is turned on if a checkpoint had it on.
 */
int stub_attach(struct stub *stub, struct machine *machine, struct minivmm_machine *handle,
                struct error *error);

/*
 * Call native() if simulation is on, and detach(). No vCPU may run. Does nothing if the stub is not
 * attached.
 */
void stub_detach(struct stub *stub);

/*
 * For ptlcall devices and vCPUs, on a vCPU's thread; (stub) is stub_of(machine), and may be NULL.
 */

/*
 * Handle a call: by the stub's ptlcall(), which may call (call_default)(opaque) once, or by that
 * alone.
 */
int64_t stub_call(struct stub *stub, struct minivmm_call *call,
                  int64_t (*call_default)(void *opaque), void *opaque);

/* Does it have a ptlcall(), which reads all registers of a call? */
bool stub_takes_calls(const struct stub *stub);

/* minivmm_call_default(): -22 and a notice, except once in each ptlcall(). */
int64_t stub_call_default(struct minivmm_call *call);

/* Report a command to the stub. Returns its result in place of the usual effect, or NULL. */
const char *stub_command(struct stub *stub, struct vcpu *vcpu,
                         const struct minivmm_command *command);

void stub_marker(struct stub *stub, struct vcpu *vcpu, uint64_t id);

/*
 * Turn simulation on or off for (session), whose flag is set here. A machine has one switch: it
 * belongs to the session that turned it on last, and other sessions cannot turn it off. With a
 * plain stub, each session has its own. False: the stub refused.
 */
bool stub_switch(struct stub *stub, struct vcpu *vcpu, bool on, const struct stub_session *session);

/* A checkpoint has simulation on in (session); the stub of (machine) is not attached yet. */
void stub_resume(struct machine *machine, const struct stub_session *session);

/* Must the machine's vCPUs be single-stepped? */
bool stub_steps(const struct stub *stub);

/* Turn simulation off, with a notice, because of (reason): stepping failed. */
void stub_give_up(struct stub *stub, struct vcpu *vcpu, const char *reason);

/*
 * Ask the stub about the next instruction of (vcpu), whose registers are valid. MINIVMM_NATIVE:
 * simulation is off now, and the machine may have ended with it.
 */
enum minivmm_next stub_step(struct stub *stub, struct vcpu *vcpu, uint64_t address, unsigned bits);

#endif
