/*
 * A vCPU and its thread: vmm/core/vcpu_loop.c is the only place that runs a guest by KVM_RUN.
 *
 * Devices read registers through the accessors below, which use the kvm_run page only, so a test
 * can make a vCPU from a zeroed page.
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

/* Registers that devices may read, see vcpu_register(). */
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
    VCPU_CPL,  /* the privilege level, 0..3: of the stack segment, as in VMX and SVM */
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
    bool registers_used;     /* a device read one of them */
    unsigned registers_idle; /* successive exits in which no device read them */

    uint32_t io_done; /* elements of a port exit that are handled */

    /* Nested callbacks of the API on this vCPU: see vmm/core/callback.h. */
    atomic_uint callbacks;
    _Atomic(pthread_t) callback_thread; /* their thread, while (callbacks) > 0 */
    bool callback_registers;            /* they may read registers */

    atomic_ulong exits[EXIT_REASONS]; /* by exit_reason_index(); written by this vCPU only */
    atomic_ulong unclaimed;           /* accesses that no device decoded */
    struct exit_history history;
    struct error failure; /* why this vCPU ended the machine, if not by an exit; or empty */

    pthread_mutex_t
        kick_lock; /* protects the members below: a thread that was joined is not signalled */
    struct vcpu_work works[VCPU_WORKS]; /* waiting, in order */
    unsigned work_count;
    atomic_bool has_work; /* read without the lock: work_count > 0 */
    pthread_t thread;     /* runs vcpu_loop(), while (in_thread) */
    bool in_thread;
    pthread_t stepper; /* the owner's thread, while it steps the vCPU and (has_stepper) */
    bool has_stepper;
};

/* A register at this exit, for devices. All of these need registers_valid. */
uint64_t vcpu_register(struct vcpu *vcpu, enum vcpu_register reg);

/* Set (reg) in the run page to (value): for exits that do not come from KVM. */
void vcpu_set_register(struct vcpu *vcpu, enum vcpu_register reg, uint64_t value);

/* All registers, for reports. */
static inline struct kvm_regs *vcpu_registers(struct vcpu *vcpu)
{
    return &vcpu->run->s.regs.regs;
}

static inline const struct kvm_sregs *vcpu_special_registers(const struct vcpu *vcpu)
{
    return &vcpu->run->s.regs.sregs;
}

/* Change RAX: KVM loads it at the next KVM_RUN. */
void vcpu_set_rax(struct vcpu *vcpu, uint64_t value);

/*
 * Does the code that caused this exit run in 64-bit mode? Otherwise registers are used with 32
 * bits.
 */
bool vcpu_in_64_bit_mode(struct vcpu *vcpu);

/* The registers that paging_walk() needs. */
struct paging_registers vcpu_paging(struct vcpu *vcpu);

/* Count the exit in the run page. */
static inline void vcpu_count_exit(struct vcpu *vcpu)
{
    atomic_ulong *count = &vcpu->exits[exit_reason_index(vcpu->run->exit_reason)];

    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/*
 * Initialise vCPU (id) of (machine), which KVM does not know yet. (vcpu) is zeroed, or was
 * destroyed.
 */
void vcpu_init(struct vcpu *vcpu, struct machine *machine, unsigned id);

/* Make the vCPU in its machine's VM, with (cpuid); its registers keep KVM's values. */
int vcpu_create(struct vcpu *vcpu, union kvm_cpuid_table *cpuid, struct error *error);
void vcpu_finish(struct vcpu *vcpu);

/* Set the registers to (start), with the page tables at (root) in long mode. */
int vcpu_set_start(struct vcpu *vcpu, const struct x86_start *start, uint64_t root,
                   struct error *error);

/*
 * Set in KVM the registers that were changed in the run page, then read all into it: for
 * EXIT_REGISTERS and for reports.
 */
int vcpu_fetch_registers(struct vcpu *vcpu, struct error *error);

/*
 * For runners: one KVM_RUN, whose exit is handled as usual. 1: KVM_EXIT_DEBUG, which is left to the
 * caller, not counted and not reported. Else 0, or a negative errno. Registers are valid if KVM can
 * copy them to the run page.
 */
int vcpu_run_once(struct vcpu *vcpu);

/* KVM loads changed registers at the next KVM_RUN; without KVM_CAP_SYNC_REGS they are set now. */
void vcpu_return_registers(struct vcpu *vcpu);

/*
 * Make (vcpu) call work->run() on its thread, after its exit is handled and its I/O complete,
 * before its next instruction. Any thread. On its own thread in an exit, exit_handle() then returns
 * EXIT_SERVE; elsewhere the caller sets immediate_exit, or kicks. -EBUSY: work with the same
 * function waits already.
 */
int vcpu_add_work(struct vcpu *vcpu, const struct vcpu_work *work);

/*
 * Does work with the function (run) wait? If so, and (argument) is not NULL, *argument is its
 * argument.
 */
bool vcpu_find_work(struct vcpu *vcpu, void (*run)(struct vcpu *vcpu, void *argument),
                    void **argument);

/* Run the work that waits; or drop it. */
void vcpu_run_work(struct vcpu *vcpu);
void vcpu_drop_work(struct vcpu *vcpu);

/* Does work wait? One load. */
static inline bool vcpu_has_work(struct vcpu *vcpu)
{
    return atomic_load_explicit(&vcpu->has_work, memory_order_relaxed);
}

/* Set whether KVM_RUN returns -EINTR as soon as it has completed the I/O of the last exit. */
static inline void vcpu_set_immediate_exit(struct vcpu *vcpu, bool immediate)
{
    __atomic_store_n(&vcpu->run->immediate_exit, immediate, __ATOMIC_SEQ_CST);
}

/* Does a kick or work come before the next KVM_RUN? */
static inline bool vcpu_is_kicked(const struct vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_SEQ_CST);
}

/* Run until the machine ends. If KVM fails, the machine ends with OUTCOME_INTERNAL. */
void vcpu_loop(struct vcpu *vcpu);

/*
 * With an in-kernel interrupt controller, HLT is no exit. Has the vCPU, which is at rest, halted
 * with interrupts off, or never been started, so that only another vCPU could wake it?
 */
bool vcpu_sleeps_for_ever(struct vcpu *vcpu);

/*
 * Make the vCPU leave KVM_RUN, or a blocked write, soon; it then checks machine_outcome(). Any
 * thread. Repeat it until its thread has ended: a signal can arrive just before the call that it
 * should end.
 */
void vcpu_kick(struct vcpu *vcpu);

#endif
