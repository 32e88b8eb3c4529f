/*
 * exit_handle(): handle an exit of a vCPU.
 *
 * Every exit takes the same path: KVM_RUN → struct kvm_run → exit_handle() → bus → device → guest
 * memory, registers → KVM_RUN. exit_handle() makes no ioctl, holds no file descriptor and never
 * ends the process, so a test fills a buffer with an exit and calls it.
 */
#ifndef VMM_CORE_EXIT_H
#define VMM_CORE_EXIT_H

struct machine;
struct vcpu;

enum exit_action {
    EXIT_RESUME,    /* continue the guest */
    EXIT_REGISTERS, /* not handled yet: a device needs the registers; fetch them and call again */
    EXIT_SERVE,     /* as EXIT_RESUME, after vcpu_run_work() */
    EXIT_STOP,      /* the machine has ended: see machine_outcome() */
};

/*
 * Handle the exit in vcpu->run. Data for the guest and changed registers are written to the same
 * page (with kvm_dirty_regs), from which KVM reads them at the next KVM_RUN.
 */
enum exit_action exit_handle(struct machine *machine, struct vcpu *vcpu);

/* Record in vcpu->history the exit that exit_handle() has just handled, and its result. */
void exit_remember(struct vcpu *vcpu);

#endif
