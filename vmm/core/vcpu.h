/*
 * A vCPU and its thread: vmm/core/vcpu_loop.c is the only place that runs a guest by KVM_RUN.
 *
 * Devices see a vCPU through the register accessors below, which work on the kvm_run page alone,
 * so a test can make a vCPU from a zeroed page.
 */
#ifndef VMM_CORE_VCPU_H
#define VMM_CORE_VCPU_H

#include "vmm/base/error.h"
#include "vmm/core/exit_reason.h"
#include "vmm/core/kvm.h"
#include "vmm/core/paging.h"
#include "vmm/core/x86.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct vcpu;

/* Registers that devices may look at, see vcpu_register(). */
enum vcpu_register {
    VCPU_RAX,
    VCPU_RBX,
    VCPU_RCX,
    VCPU_RDX,
    VCPU_RSI,
    VCPU_RDI,
    VCPU_RSP,
    VCPU_RBP,
    VCPU_R8,
    VCPU_R9,
    VCPU_R10,
    VCPU_R11,
    VCPU_R12,
    VCPU_R13,
    VCPU_R14,
    VCPU_R15,
    VCPU_RIP,
    VCPU_RFLAGS,
    VCPU_CR0,
    VCPU_CR3,
    VCPU_CR4,
    VCPU_EFER,
    VCPU_CS_L, /* the code segment is one of 64-bit code: 1 or 0 */
    VCPU_CPL,  /* the privilege level, 0..3: in the stack segment, as VMX and SVM have it */
    VCPU_REGISTERS,
};

extern const char *const vcpu_register_names[VCPU_REGISTERS];

#define VCPU_WORKS 4 /* kinds of work that can wait at a time */

/* A function and its argument, to be called on a vCPU's thread: see vcpu_add_work(). */
struct vcpu_work {
    void (*run)(struct vcpu *vcpu, void *argument); /* frees (argument) if it is owned */
    void *argument;
    void (*drop)(void *argument); /* frees (argument) if run() is never called; may be NULL */
};

struct vcpu {
    struct machine *machine;
    unsigned id;
    int fd;              /* -1 in tests and before vcpu_create() */
    struct kvm_run *run; /* shared with KVM; run_size bytes */
    size_t run_size;

    bool registers_valid;    /* run->s.regs holds the registers of this exit */
    bool registers_used;     /* a device looked at them */
    unsigned registers_idle; /* exits in a row that did without them */

    uint32_t io_done; /* elements of a port exit that were handled */

    /* Callbacks of the API that it is in, one inside the other: see vmm/core/callback.h. */
    atomic_uint callbacks;
    _Atomic(pthread_t) callback_thread; /* their thread, while (callbacks) > 0 */
    bool callback_registers;            /* they may read registers */

    atomic_ulong exits[EXIT_REASONS]; /* by exit_reason_index(); written by this vCPU only */
    atomic_ulong unclaimed;           /* accesses that no device decoded */
    struct exit_history history;
    struct error failure; /* why this vCPU ended the machine, if not by an exit; or empty */

    pthread_mutex_t kick_lock; /* of the members below: a thread that was joined is not signalled */
    struct vcpu_work works[VCPU_WORKS]; /* that wait, in order */
    unsigned work_count;
    atomic_bool has_work; /* read without the lock: work_count > 0 */
    pthread_t thread;     /* that runs vcpu_loop(), while (in_thread) */
    bool in_thread;
    pthread_t stepper; /* the owner's thread, while it steps the vCPU and (has_stepper) */
    bool has_stepper;
};

/* One register of this exit, for devices; only where registers_valid, as for all of these. */
uint64_t vcpu_register(struct vcpu *vcpu, enum vcpu_register reg);

/* Let the run page hold (value) in (reg): for exits that do not come from KVM. */
void vcpu_put_register(struct vcpu *vcpu, enum vcpu_register reg, uint64_t value);

/* All of them, for reports. */
static inline struct kvm_regs *vcpu_registers(struct vcpu *vcpu)
{
    return &vcpu->run->s.regs.regs;
}

static inline const struct kvm_sregs *vcpu_special_registers(const struct vcpu *vcpu)
{
    return &vcpu->run->s.regs.sregs;
}

/* Change RAX: KVM takes it over at the next KVM_RUN. */
void vcpu_set_rax(struct vcpu *vcpu, uint64_t value);

/* Does the code that caused this exit run in 64-bit mode? Otherwise registers count 32 bits. */
bool vcpu_in_64_bit_mode(struct vcpu *vcpu);

/* The registers that paging_walk() wants. */
struct paging_registers vcpu_paging(struct vcpu *vcpu);

/* Count the exit in the run page. */
static inline void vcpu_count_exit(struct vcpu *vcpu)
{
    atomic_ulong *count = &vcpu->exits[exit_reason_index(vcpu->run->exit_reason)];

    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* vCPU (id) of (machine), not yet known to KVM. (vcpu) is zero, or one that was destroyed. */
void vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id);

/* Make the vCPU in its machine's VM, with (cpuid); registers are still KVM's. */
int vcpu_create(struct vcpu *vcpu, union kvm_cpuid_table *cpuid, struct error *error);
void vcpu_destroy(struct vcpu *vcpu);

/* Let it begin at (start), with the page tables at (root) in long mode. */
int vcpu_set_start(struct vcpu *vcpu, const struct x86_start *start, uint64_t root,
                   struct error *error);

/* Get the registers into the run page by ioctl, with what was changed there: for EXIT_REGISTERS and for reports. */
int vcpu_fetch_registers(struct vcpu *vcpu, struct error *error);

/*
 * For runners: one KVM_RUN, and its exit is handled as every exit. KVM_EXIT_DEBUG is not handled, counted
 * or reported: it is the caller's, and the result is 1. Else 0, or a negative errno. Registers are valid
 * wherever KVM can put them into the run page.
 */
int vcpu_run_once(struct vcpu *vcpu);

/* Changed registers go back with the next KVM_RUN, or at once where KVM cannot do that. */
void vcpu_return_registers(struct vcpu *vcpu);

/*
 * Let (vcpu) call work->run() on its thread when its exit is over and its I/O complete, before its next
 * instruction. From any thread. On its own thread in an exit, exit_handle() then gives EXIT_SERVE;
 * elsewhere the caller sets immediate_exit, or kicks. -EBUSY: work with the same function waits already.
 */
int vcpu_add_work(struct vcpu *vcpu, const struct vcpu_work *work);

/* Is there work with the function (run)? If so, and (argument) is not NULL, *argument is its argument. */
bool vcpu_find_work(struct vcpu *vcpu, void (*run)(struct vcpu *vcpu, void *argument),
                    void **argument);

/* Run the work that waits; or drop it. */
void vcpu_run_work(struct vcpu *vcpu);
void vcpu_drop_work(struct vcpu *vcpu);

/* Is there any? Costs a load. */
static inline bool vcpu_has_work(struct vcpu *vcpu)
{
    return atomic_load_explicit(&vcpu->has_work, memory_order_relaxed);
}

/* Let KVM_RUN return -EINTR as soon as it has completed the I/O of the last exit; or not. */
static inline void vcpu_set_immediate_exit(struct vcpu *vcpu, bool immediate)
{
    __atomic_store_n(&vcpu->run->immediate_exit, immediate, __ATOMIC_SEQ_CST);
}

/* Is there a kick, or work, that comes before the next KVM_RUN? */
static inline bool vcpu_is_kicked(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST);
}

/* Run until the machine ends; on a failure of KVM's the machine ends with OUTCOME_INTERNAL. */
void vcpu_loop(struct vcpu *vcpu);

/*
 * With an in-kernel interrupt controller, HLT is no exit. Of a vCPU at rest: has it halted with
 * interrupts off, or never been started, so that only another vCPU could wake it?
 */
bool vcpu_sleeps_for_ever(struct vcpu *vcpu);

/*
 * Make the vCPU leave KVM_RUN, or a blocked write, soon: from any thread. It then looks at
 * machine_outcome(). Repeat it until its thread has ended: a signal can come just too early.
 */
void vcpu_kick(struct vcpu *vcpu);

#endif
