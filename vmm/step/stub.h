/*
 * Stubs of simulators: finding one, and what a machine and its ptlcall devices ask of it.
 *
 * A machine without a stub, which only tests have, behaves as with `marss`, whose callbacks are all absent.
 * Simulation is a switch of the machine's: a guest turns it on by `-run` in one of the ptlcall devices'
 * sessions, and every vCPU is single-stepped from its next instruction on if the stub has a step().
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
    void *library;                   /* of dlopen(); NULL: the stub is in the box, or the owner's */
    char *options;                   /* owned; NULL: none */
    void *state;                     /* attach()'s */
    struct minivmm_machine *handle;  /* what callbacks are given */
    struct machine *machine;         /* NULL: not attached */
    pthread_mutex_t lock; /* of the callbacks, recursive: a command comes inside of a call */

    atomic_bool on;              /* simulation */
    struct stub_session session; /* where it was turned on */
    uint64_t instructions;       /* simulated so far */

    /*
     * The call under way. It stays where it is when that is over, for a stub that keeps it. The default is
     * there while it may be called.
     */
    struct minivmm_call call;
    int64_t (*call_default)(void *opaque);
    void *call_opaque;
};

/* For --stub help: the (types), ended by NULL, with one line each, on (fd). */
void stub_print_types(const struct minivmm_stub *const *types, int fd);

/*
 * Find the stub that (text) names: NAME[,OPTIONS] for one of (types), or FILE[,OPTIONS], where a FILE
 * has a slash. NULL: the first of (types). If (own) is not NULL, take that with (own_options) instead. -ENOENT, -ENOEXEC, -ENOSYS (no minivmm_stub in it), -EPROTO (another ABI).
 */
int stub_open(struct stub *stub, const struct minivmm_stub *const *types, const char *text,
              const struct minivmm_stub *own, const char *own_options, struct error *error);
void stub_close(struct stub *stub);

/* Does it have callbacks at all? A run of one that has none can be recorded. */
bool stub_is_plain(const struct stub *stub);

/*
 * Its machine is made, with struct stepping: attach() is called, and stub_of(machine) is (stub). Simulation goes on if that is what
 * a checkpoint says.
 */
int stub_attach(struct stub *stub, struct machine *machine, struct minivmm_machine *handle,
                struct error *error);

/* No vCPU runs any more: native() if simulation is on, and detach(). Nothing if it is not attached. */
void stub_detach(struct stub *stub);

/*
 * What follows is for ptlcall devices and vCPUs, on a vCPU's thread; (stub) is stub_of(machine), and may be NULL.
 */

/* Serve a call: the stub's ptlcall(), or (call_default)(opaque), which it may call itself, once. */
int64_t stub_call(struct stub *stub, struct minivmm_call *call,
                  int64_t (*call_default)(void *opaque), void *opaque);

/* Does it have a ptlcall(), which looks at all registers of a call? */
bool stub_takes_calls(const struct stub *stub);

/* minivmm_call_default(): -22 and a notice at any time but once in a ptlcall(). */
int64_t stub_call_default(struct minivmm_call *call);

/* A command: NULL, or what it came to instead of its usual effect. */
const char *stub_command(struct stub *stub, struct vcpu *vcpu,
                         const struct minivmm_command *command);

void stub_marker(struct stub *stub, struct vcpu *vcpu, uint64_t id);

/*
 * Turn simulation on or off, as the guest of (session) says; its flag is set here. There is one switch in a
 * machine: a session that turns on what is on already has it then, and one that does not have it
 * turns nothing off. With a plain stub, each session has its own. False: the stub refused.
 */
bool stub_switch(struct stub *stub, struct vcpu *vcpu, bool on, const struct stub_session *session);

/* A checkpoint says that simulation is on in (session), of a machine whose stub is not attached yet. */
void stub_resume(struct machine *machine, const struct stub_session *session);

/* Are the machine's vCPUs to be single-stepped? */
bool stub_steps(const struct stub *stub);

/* They cannot be, as (reason) says: simulation goes off, with a notice. */
void stub_give_up(struct stub *stub, struct vcpu *vcpu, const char *reason);

/*
 * The next instruction of (vcpu), whose registers are valid: what the stub wants. MINIVMM_NATIVE: simulation is
 * off now, and the machine may have ended with it.
 */
enum minivmm_next stub_step(struct stub *stub, struct vcpu *vcpu, uint64_t address, unsigned bits);

#endif
