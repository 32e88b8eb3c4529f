/*
 * Bringing all vCPUs of a machine to rest, and letting them go on, from any other thread.
 *
 * A pause counts up and kicks the vCPUs. Each comes to rest between two KVM_RUNs, where nothing of an
 * exit is half done, until there is no pause any more.
 */
#ifndef VMM_CORE_MACHINE_PAUSE_H
#define VMM_CORE_MACHINE_PAUSE_H

#include <stdbool.h>

struct machine;

/*
 * Wait at most (timeout_ms) until all vCPUs rest. True: they rest until pause_end(). False: one of them
 * was in the middle of something, such as a write that blocks, and all run on. (self): the caller is a
 * vCPU's thread between two KVM_RUNs; it rests too while it waits.
 */
bool pause_begin(struct machine *machine, unsigned timeout_ms, bool self);
void pause_end(struct machine *machine, bool self);

/* The same without waiting: they come to rest, and stay so until pause_end(). */
void pause_hold(struct machine *machine);

/* Let all vCPUs rest, with a notice, until machine_go_on() is called from outside. From any thread. */
void machine_hold(struct machine *machine);
void machine_go_on(struct machine *machine);

/* Kick every vCPU that runs in a thread. */
void machine_kick(struct machine *machine);

#endif
