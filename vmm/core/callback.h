/*
 * Marks a vCPU that is in a callback of a stub or of a region, so that the API knows the caller.
 */
#ifndef VMM_CORE_CALLBACK_H
#define VMM_CORE_CALLBACK_H

#include "vmm/core/vcpu.h"

/*
 * Called around each callback, on its thread. (registers): the callback may read the vCPU's
 * registers, which are in the run page or can be fetched. callback_leave() takes the result of
 * callback_enter(), so that nested callbacks restore the outer one's rights.
 */
static inline bool callback_enter(struct vcpu *vcpu, bool registers)
{
    const bool before = vcpu->callback_registers;

    vcpu->callback_registers = registers;
    atomic_store(&vcpu->callback_thread, pthread_self());
    atomic_fetch_add(&vcpu->callbacks, 1);
    return before;
}

static inline void callback_leave(struct vcpu *vcpu, bool before)
{
    atomic_fetch_sub(&vcpu->callbacks, 1);
    vcpu->callback_registers = before;
}

/* Is the calling thread in one of (vcpu)'s callbacks? Any thread. */
static inline bool callback_is_here(struct vcpu *vcpu)
{
    return atomic_load(&vcpu->callbacks) > 0 &&
           pthread_equal(atomic_load(&vcpu->callback_thread), pthread_self());
}

#endif
