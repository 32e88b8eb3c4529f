/*
 * Single-stepping a vCPU: one instruction, with its exits served on the way. The machine has struct
 * stepping.
 *
 * KVM stops with KVM_EXIT_DEBUG behind an instruction. What does not hold, and what is made of it here:
 * - Where KVM emulates an instruction, an OUT and a store to a device have their exit and no other. They
 *   are over when that exit is completed, by immediate_exit.
 * - A rep string instruction stops in each iteration, or after some of them, with RIP where it was, and once
 *   more when nothing is left to do. step_one() stops as KVM does; for a stub they are one instruction.
 *
 * KVM's stepping is the trap flag (TF) of the guest, which it hides in the registers that it shows. Where a
 * processor runs the guest (VMX, SVM):
 * - POPF, IRET and changed registers clear the flag: it is set anew for each instruction.
 * - PUSHF, SYSCALL and the frames of exceptions and interrupts show it to the guest.
 * - Their handlers begin without it, and are not stepped, up to their IRET and the instruction behind that.
 * - MOV SS and POP SS are one with the instruction behind them.
 *
 * A KVM that emulates ring 0 (kvm_pvm) does without the flag there, and cannot step ring 3, where the trap
 * goes to the guest. That is tried once: step_probe(). The flag is never set there:
 * - Ring 3 runs at full speed until it has an exit, or comes to ring 0.
 * - An instruction that faults is not completed: KVM stops behind the first one of the handler. In the same
 *   way the first one of an interrupt's handler runs in place of the one that was to be. So all that are
 *   completed are counted, but a handler's first has the address of the other. Only an interrupt right
 *   behind an IRET costs one.
 * - For IRET and HLT see vmm/step/step_emulated.h.
 */
#ifndef VMM_STEP_STEP_H
#define VMM_STEP_STEP_H

#include "vmm/base/error.h"
#include "vmm/step/stepping.h"

#include <stdbool.h>

struct vcpu;

/*
 * Let KVM single-step (vcpu), whose thread is the caller or rests, its I/O completed; and run it again, as if
 * it had been kicked: its thread then looks what it missed. A negative errno with its sentence.
 */
int step_begin(struct vcpu *vcpu, struct error *error);
int step_end(struct vcpu *vcpu, struct error *error);

/*
 * One instruction, or an iteration of a rep string instruction. 0; 1: the machine has ended; -EINTR: a
 * kick came first, and the instruction is to be begun or gone on with by another call; -EAGAIN: the
 * same, as the vCPU waits for INIT or SIPI. Else a negative errno with its sentence. After 0,
 * run->immediate_exit may be set: kicks are to be answered before the next.
 */
int step_one(struct vcpu *vcpu, struct error *error);

/* Does it run instructions at all? An application processor waits for its start. */
bool step_is_possible(struct vcpu *vcpu);

/* Of step_probe.c: in a VM of its own, does KVM step ring 3? False also where that cannot be tried. */
bool step_probe(void);

#endif
