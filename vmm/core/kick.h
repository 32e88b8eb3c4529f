/*
 * VCPU_KICK_SIGNAL: the signal that makes a vCPU leave KVM_RUN or a blocked write.
 *
 * It needs a handler without SA_RESTART, and must not be blocked in the thread.
 */
#ifndef VMM_CORE_KICK_H
#define VMM_CORE_KICK_H

#include <signal.h>
#include <stdbool.h>

/* Sent to a vCPU's thread to end a blocked call; its handler does nothing. */
#define VCPU_KICK_SIGNAL SIGRTMIN

/* Install a handler that does nothing. -EBUSY: the signal has a handler already, which is kept. */
int kick_install(void);

/* Does the process handle the signal, without SA_RESTART? */
bool kick_is_installed(void);

/*
 * Unblock the signal in the calling thread and in threads that it creates later; (old) is the
 * former mask.
 */
void kick_unblock(sigset_t *old);

#endif
