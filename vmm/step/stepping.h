/*
 * The data of single-stepping and stubs, for a machine and each of its vCPUs: a part of the
 * machine.
 */
#ifndef VMM_STEP_STEPPING_H
#define VMM_STEP_STEPPING_H

#include "vmm/base/error.h"
#include "vmm/core/machine_part.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct stub;
struct vcpu;

/* Stepping of a vCPU. */
struct step {
    bool on;          /* KVM stops after each instruction */
    bool half;        /* an exit was handled: its instruction must be completed first */
    bool asked;       /* the stub was asked about the instruction at (address) */
    uint64_t address; /* linear; of the last instruction that the stub was asked about, if (any) */
    bool any;
    bool breakpoint; /* KVM has a breakpoint set: see vmm/step/step_emulated.h */
};

/* The flags of a guest's session, in a ptlcall device. */
struct stub_session {
    bool *simulating; /* simulation is on; NULL: no session; changed by __atomic, from any vCPU */
    const bool *kill_after_run; /* the guest ends when step() turns simulation off */
};

/* Stepping of a machine. */
struct stepping {
    struct machine_part part;    /* first */
    struct stub *stub;           /* attached, the caller's; or NULL */
    struct stub_session resumed; /* the session of a checkpoint with simulation on; zero: none */
    atomic_int ring_3;           /* 1: KVM steps ring 3, -1: it does not, 0: not tested */
    struct step *steps;          /* by vCPU; owned */
};

/* Add the part to (machine), which has its vCPUs and no devices. -ENOMEM. */
int stepping_init(struct stepping *stepping, struct machine *machine, struct error *error);

/* Remove it; no vCPU may run. Does nothing if stepping_init() failed, or the memory is zero. */
void stepping_finish(struct stepping *stepping, struct machine *machine);

/* The part of (machine), or NULL, as in a replay. */
struct stepping *stepping_of(const struct machine *machine);

/* The data of (vcpu), whose machine has the part. */
struct step *step_of(const struct vcpu *vcpu);

/* The stub that is attached to (machine), or NULL. */
struct stub *stub_of(const struct machine *machine);

#endif
