/*
 * Who asks, and what the API may look at for them: for the files of api/ that reach into a machine.
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "api/handle.h"

/* A sentence of the owner's mistake into (error), which may be NULL; gives (code). */
int api_refuse(struct minivmm_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The vCPU whose callback the calling thread is in; NULL: none. The lock is held, at least shared. */
struct vcpu *api_callback_vcpu(struct minivmm_machine *machine);

/*
 * api_check_access() to the registers of (handle), which may be NULL: then *vcpu is it, and its registers are in
 * the run page.
 */
int api_see_registers(struct minivmm_vcpu *handle, struct vcpu **vcpu, struct minivmm_error *error);

/* Is the calling thread, or with (any) some thread, in the loop of (vcpu)? */
bool api_is_in_loop(struct vcpu *vcpu, bool any);

#endif
