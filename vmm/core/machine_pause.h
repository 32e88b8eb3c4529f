/*
 * Pauses: bring all vCPUs of a machine to rest and let them continue, from any other thread.
 *
 * A pause is counted, and kicks the vCPUs. Each comes to rest between two KVM_RUNs, where no exit
 * is half done, and rests until the count is 0.
 */
#ifndef VMM_CORE_MACHINE_PAUSE_H
#define VMM_CORE_MACHINE_PAUSE_H

#include <stdbool.h>

struct machine;

/*
 * Wait at most (timeout_ms) until all vCPUs rest. True: they rest until pause_end(). False: a vCPU
 * was busy, for example in a write that blocks, and all continue. (self): the caller is a vCPU's
 * thread between two KVM_RUNs; it counts as resting while it waits.
 */
bool pause_begin(struct machine *machine, unsigned timeout_ms, bool self);
void pause_end(struct machine *machine, bool self);

/* The same without waiting: the vCPUs come to rest and stay so until pause_end(). */
void pause_hold(struct machine *machine);

/* Bring all vCPUs to rest, with a notice, until machine_go_on() is called. Both from any thread. */
void machine_hold(struct machine *machine);
void machine_go_on(struct machine *machine);

/* Kick every vCPU that runs in a thread. */
void machine_kick(struct machine *machine);

#endif
