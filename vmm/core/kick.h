/*
 * The signal that brings a vCPU out of KVM_RUN or a blocked write: VCPU_KICK_SIGNAL.
 *
 * It must have a handler that does not restart the call, and not be blocked in the thread.
 */
#ifndef VMM_CORE_KICK_H
#define VMM_CORE_KICK_H

#include <signal.h>
#include <stdbool.h>

/* Sent to a vCPU's thread to end a blocked call; its handler does nothing. */
#define VCPU_KICK_SIGNAL SIGRTMIN

/* Give it a handler that does nothing. -EBUSY: it has one already, which is left. */
int kick_take(void);

/* Does the process handle it so that it interrupts? */
bool kick_is_taken(void);

/* Unblock it in the calling thread, and in threads that this one makes; (old) is the mask before. */
void kick_unblock(sigset_t *old);

#endif
