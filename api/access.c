/* Who may access a machine, when, and on which thread: "Threads" in minivmm.h. */
#include "api/access.h"

#include "api/result.h"

#include "vmm/core/callback.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int api_refuse(struct minivmm_error *error, int code, const char *format, ...)
{
    struct error sentence;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence.text, sizeof(sentence.text), format, arguments);
    va_end(arguments);
    return api_fail(error, MINIVMM_USAGE, code, &sentence);
}

struct vcpu *api_callback_vcpu(struct minivmm_machine *machine)
{
    for (unsigned id = 0; machine->made != HANDLE_NOTHING && id < machine->machine.vcpu_count; id++)
        if (callback_is_here(&machine->machine.vcpus[id]))
            return &machine->machine.vcpus[id];
    return NULL;
}

bool api_in_callback(struct minivmm_machine *machine)
{
    bool found;

    pthread_rwlock_rdlock(&machine->lock);
    found = api_callback_vcpu(machine) != NULL;
    pthread_rwlock_unlock(&machine->lock);
    return found;
}

bool api_is_in_loop(struct vcpu *vcpu, bool any)
{
    bool in_loop;

    pthread_mutex_lock(&vcpu->kick_lock);
    in_loop = vcpu->in_thread && (any || pthread_equal(vcpu->thread, pthread_self()));
    pthread_mutex_unlock(&vcpu->kick_lock);
    return in_loop;
}

static int check_in_callback(const struct vcpu *here, const struct vcpu *vcpu,
                             struct minivmm_error *error)
{
    if (vcpu && vcpu != here)
        return api_refuse(
            error, -EBUSY,
            "vCPU %u is not the one of this callback, which is vCPU %u; look at that one", vcpu->id,
            here->id);
    if (vcpu && !vcpu->callback_registers)
        return api_refuse(error, -EBUSY,
                          "this region's callbacks see no registers; set registers in its "
                          "struct minivmm_region");
    return 0;
}

static int check_still(struct minivmm_machine *machine, struct minivmm_error *error)
{
    switch (atomic_load(&machine->state)) {
    case HANDLE_CREATED:
        return api_refuse(error, -EINVAL, "nothing is loaded; call minivmm_load() first");
    case HANDLE_CHANGING:
        return api_refuse(error, -EBUSY,
                          "the machine is just being made or ended; wait for that call");
    case HANDLE_RUNNING:
        if (atomic_load(&machine->pause) == HANDLE_PAUSED)
            return 0;
        return api_refuse(error, -EBUSY, "the machine runs; call minivmm_pause() first");
    default:
        return 0;
    }
}

int api_check_access(struct minivmm_machine *machine, struct vcpu *vcpu,
                     struct minivmm_error *error)
{
    const struct vcpu *here;
    int result;

    pthread_rwlock_rdlock(&machine->lock);
    here = api_callback_vcpu(machine);
    if (here)
        result = check_in_callback(here, vcpu, error);
    else
        result = check_still(machine, error);
    if (result == 0 && machine->made == HANDLE_NOTHING)
        result = api_refuse(error, -EINVAL, "nothing is loaded any more; make another machine");
    pthread_rwlock_unlock(&machine->lock);
    return result;
}

/* ---- The life of a machine: which state may follow which ---- */

/* Why a machine in this state cannot be loaded, run or destroyed. */
static const struct {
    int code;
    const char *text;
} refusals[] = {
    [HANDLE_CREATED] = {-EINVAL, "the machine has no guest yet; call minivmm_load() or "
                                 "minivmm_restore() first"},
    [HANDLE_LOADED] = {-EALREADY,
                       "the machine is loaded already; create another for another guest"},
    [HANDLE_RUNNING] = {-EBUSY, "the machine runs; end it with minivmm_stop(), and wait until "
                                "minivmm_run() returns"},
    [HANDLE_CHANGING] = {-EBUSY, "the machine is just being made or ended; wait for that call, and "
                                 "make no such call in a callback"},
    [HANDLE_ENDED] = {-EALREADY, "the machine has run, which it does once; create another"},
};

int api_refuse_state(enum handle_state state, struct minivmm_error *error)
{
    return api_refuse(error, refusals[state].code, "%s", refusals[state].text);
}

int api_claim(struct minivmm_machine *machine, enum handle_state from, enum handle_state to,
              struct minivmm_error *error)
{
    enum handle_state state = from;

    if (atomic_compare_exchange_strong(&machine->state, &state, to))
        return 0;
    return api_refuse_state(state, error);
}

/* ---- Handles ---- */

struct minivmm_vcpu *minivmm_vcpu(struct minivmm_machine *machine, unsigned id)
{
    struct minivmm_vcpu *vcpu = NULL;

    pthread_rwlock_rdlock(&machine->lock);
    if (id < machine->vcpus_shown)
        vcpu = vcpu_handle(&machine->vcpus[id]);
    pthread_rwlock_unlock(&machine->lock);
    return vcpu;
}

unsigned minivmm_vcpu_id(const struct minivmm_vcpu *vcpu)
{
    return vcpu_behind(vcpu)->id;
}

struct minivmm_machine *minivmm_vcpu_machine(const struct minivmm_vcpu *vcpu)
{
    return machine_handle(vcpu_behind(vcpu)->machine);
}
