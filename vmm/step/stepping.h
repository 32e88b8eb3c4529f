/*
 * What single-stepping and stubs keep for a machine and for each of its vCPUs: a part of the machine.
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

/* Of a vCPU. */
struct step {
    bool on;          /* KVM stops after each instruction */
    bool half;        /* an exit was served: the rest of its instruction comes first */
    bool asked;       /* a stub knows of the instruction at (address), which is not over yet */
    uint64_t address; /* linear; of the last instruction that a stub was asked about, while (any) */
    bool any;
    bool breakpoint; /* KVM has one: see vmm/step/step_emulated.h */
};

/* Where a guest sees whether simulation is on: flags of a ptlcall device. */
struct stub_session {
    bool *simulating; /* NULL: there is no such session; changed by __atomic, from any vCPU */
    const bool *kill_after_run; /* the guest ends when step() turns simulation off */
};

/* Of a machine. */
struct stepping {
    struct machine_part part;    /* first */
    struct stub *stub;           /* attached; NULL: there is none. The caller's */
    struct stub_session resumed; /* with simulation on, says a checkpoint; zero: no session */
    atomic_int ring_3;           /* 1: KVM steps ring 3, -1: it does not, 0: not tried */
    struct step *steps;          /* by vCPU; owned */
};

/* Add it to (machine), which has its vCPUs and no devices. -ENOMEM. */
int stepping_init(struct stepping *stepping, struct machine *machine, struct error *error);

/* No vCPU runs any more. Nothing happens if stepping_init() failed, or the memory is zero. */
void stepping_finish(struct stepping *stepping, struct machine *machine);

/* That of (machine); NULL: it has none, as in a replay. */
struct stepping *stepping_of(const struct machine *machine);

/* That of (vcpu), whose machine has one. */
struct step *step_of(const struct vcpu *vcpu);

/* The stub of (machine); NULL: none is attached. */
struct stub *stub_of(const struct machine *machine);

#endif
