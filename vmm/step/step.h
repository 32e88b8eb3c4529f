/*
 * Single-stepping a vCPU: one instruction, with its exits handled. The machine has struct stepping.
 *
 * KVM stops with KVM_EXIT_DEBUG after an instruction, with these exceptions:
 * - Where KVM emulates an instruction, an OUT and a store to a device have their own exit only.
 *   They are complete when that exit is completed, by immediate_exit.
 * - A rep string instruction stops in each iteration, or after some of them, with RIP unchanged,
 *   and once more when no iteration is left. step_one() stops as KVM does; for a stub they are one
 *   instruction.
 *
 * KVM steps by the trap flag (TF) of the guest, which it hides in the registers that it returns.
 * Where a processor runs the guest (VMX, SVM):
 * - POPF, IRET and changed registers clear the flag: it is set again for each instruction.
 * - PUSHF, SYSCALL and the frames of exceptions and interrupts expose it to the guest.
 * - Handlers of exceptions and interrupts begin without it, and are not stepped, up to their IRET
 *   and the instruction after that.
 * - MOV SS and POP SS are stepped together with the next instruction.
 *
 * A KVM that emulates ring 0 (kvm_pvm) needs no flag there, and cannot step ring 3, where the trap
 * goes to the guest. step_probe() tests that once. With such a KVM the flag is never set:
 * - Ring 3 runs at full speed until it has an exit, or enters ring 0.
 * - An instruction that faults is not completed: KVM stops after the first instruction of the
 *   handler. Likewise the first instruction of an interrupt's handler runs in place of the next
 *   one. So every completed instruction is counted, but a handler's first has the address of the
 *   instruction that it replaces. Only an interrupt right after an IRET loses one instruction.
 * - For IRET and HLT see vmm/step/step_emulated.h.
 */
#ifndef VMM_STEP_STEP_H
#define VMM_STEP_STEP_H

#include "vmm/base/error.h"
#include "vmm/step/stepping.h"

#include <stdbool.h>

struct vcpu;

/*
 * Start or end single-stepping of (vcpu), by its own thread or while that rests, with the I/O
 * completed. step_end() also kicks it, so that its thread checks for missed requests. A negative
 * errno with its sentence.
 */
int step_begin(struct vcpu *vcpu, struct error *error);
int step_end(struct vcpu *vcpu, struct error *error);

/*
 * Step one instruction, or an iteration of a rep string instruction. 0; 1: the machine has ended;
 * -EINTR: a kick came first, and another call must begin or continue the instruction; -EAGAIN: the
 * same, since the vCPU waits for INIT or SIPI. Else a negative errno with its sentence. After 0,
 * run->immediate_exit may be set: then answer kicks before the next call.
 */
int step_one(struct vcpu *vcpu, struct error *error);

/* Can it run instructions? An application processor waits for its start. */
bool step_is_possible(struct vcpu *vcpu);

/*
 * In step_probe.c: does KVM step ring 3? Tested in a separate VM; false also if the test is not
 * possible.
 */
bool step_probe(void);

#endif
