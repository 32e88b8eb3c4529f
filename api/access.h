/*
 * Which thread calls, and what it may access: for the files of api/ that use a machine.
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "api/handle.h"

/* Write a sentence about a wrong call to (error), which may be NULL. Returns (code). */
int api_refuse(struct minivmm_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does the calling thread serve an exit or a step of (machine), in a callback of the API's? */
bool api_in_callback(struct minivmm_machine *machine);

/* Returns the vCPU whose callback the calling thread is in, or NULL. The lock is held, at least shared. */
struct vcpu *api_callback_vcpu(struct minivmm_machine *machine);

/*
 * May the calling thread access (vcpu), or with NULL the machine's memory? 0, or -EBUSY or -EINVAL with a
 * sentence. See "Threads" in minivmm.h.
 */
int api_check_access(struct minivmm_machine *machine, struct vcpu *vcpu,
                     struct minivmm_error *error);

/* Is the calling thread, or with (any) some thread, in the loop of (vcpu)? */
bool api_is_in_loop(struct vcpu *vcpu, bool any);

/* Refuse a call because of (state): -EINVAL, -EALREADY or -EBUSY, with a sentence. */
int api_refuse_state(enum handle_state state, struct minivmm_error *error);

/* Change the state from (from) to (to). 0, or -EINVAL, -EALREADY or -EBUSY with a sentence. */
int api_claim(struct minivmm_machine *machine, enum handle_state from, enum handle_state to,
              struct minivmm_error *error);

#endif
