/* Checkpoints requested by a machine's owner or a callback. */
#include "api/access.h"

#include "vmm/core/callback.h"
#include "vmm/snapshot/checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)MINIVMM_CHECKPOINT_PAUSE == (int)CHECKPOINT_PAUSE, "the numbers are ptlcall's");

/* A copy of (path) that lives as long as (machine), the same for the same text; NULL: out of memory. */
static const char *keep_path(struct minivmm_machine *machine, const char *path)
{
    const size_t size = strlen(path) + 1;
    struct handle_path *kept;

    pthread_mutex_lock(&machine->owner_lock);
    for (kept = machine->paths; kept && strcmp(kept->path, path) != 0; kept = kept->next)
        ;
    if (!kept && (kept = malloc(sizeof(*kept) + size))) {
        memcpy(kept->path, path, size);
        kept->next = machine->paths;
        machine->paths = kept;
    }
    pthread_mutex_unlock(&machine->owner_lock);
    return kept ? kept->path : NULL;
}

/* The vCPU's loop takes the checkpoint; a vCPU that is stepped is not in its loop. */
static int save_here(struct vcpu *vcpu, const char *path, enum minivmm_checkpoint action,
                     struct minivmm_error *error)
{
    if (checkpoint_requested(vcpu))
        return api_refuse(error, -EBUSY, "vCPU %u waits for a checkpoint already; ask later",
                          vcpu->id);
    if (!api_is_in_loop(vcpu, false))
        return api_refuse(error, -EBUSY,
                          "vCPU %u is not in minivmm_run(); call minivmm_save() when it is",
                          vcpu->id);
    checkpoint_ask(vcpu, path, (enum checkpoint_action)action);
    return 0;
}

static int save_outside(struct minivmm_machine *machine, const char *path,
                        struct minivmm_error *error)
{
    const char *pending;

    if (atomic_load(&machine->state) != HANDLE_RUNNING || machine->made == HANDLE_NOTHING ||
        machine_outcome(&machine->machine) != OUTCOME_NONE)
        return api_refuse(error, -EINVAL,
                          "the machine does not run; minivmm_save() is for the time of "
                          "minivmm_run()");
    pending = checkpoint_pending(&machine->machine);
    if (pending && pending != path)
        return api_refuse(error, -EBUSY,
                          "the machine is to be saved to %.200s already, as soon as vCPU 0 rests; "
                          "ask later",
                          pending);
    checkpoint_save(&machine->machine, path);
    return 0;
}

/* The lock is held shared. */
static int save(struct vcpu *vcpu, const char *path, enum minivmm_checkpoint action,
                struct minivmm_error *error)
{
    struct minivmm_machine *machine = machine_handle(vcpu->machine);
    const struct vcpu *here = api_callback_vcpu(machine);
    const char *kept;

    if (here && here != vcpu)
        return api_refuse(error, -EBUSY,
                          "vCPU %u is not the one of this callback, which is vCPU %u", vcpu->id,
                          here->id);
    kept = keep_path(machine, path);
    if (!kept)
        return api_refuse(error, -ENOMEM, "out of memory for a checkpoint's path");
    return here ? save_here(vcpu, kept, action, error) : save_outside(machine, kept, error);
}

int minivmm_save(struct minivmm_vcpu *handle, const char *path, enum minivmm_checkpoint action,
                 struct minivmm_error *error)
{
    struct minivmm_machine *machine;
    int result;

    if (!handle || !path || !*path || (unsigned)action > MINIVMM_CHECKPOINT_PAUSE)
        return api_refuse(
            error, -EINVAL,
            "minivmm_save() needs a vCPU, a path and an action; one of them is missing");
    machine = minivmm_vcpu_machine(handle);
    if (machine->config.world)
        return api_refuse(
            error, -EINVAL,
            "a domain cannot be saved: what it has of its peers is in no file of its own");
    pthread_rwlock_rdlock(&machine->lock);
    result = save(vcpu_behind(handle), path, action, error);
    pthread_rwlock_unlock(&machine->lock);
    return result;
}
