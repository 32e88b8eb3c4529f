#include "vmm/snapshot/checkpoint.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REST_MS 100 /* how long a vCPU in the midst of something is waited for at a time */

/* Bring all vCPUs to rest; (self): the caller is one. False: the machine ended meanwhile. */
static bool rest(struct machine *machine, bool self)
{
    while (machine_outcome(machine) == OUTCOME_NONE)
        if (pause_begin(machine, REST_MS, self))
            return true;
    return false;
}

static void set_rax(struct vcpu *vcpu, uint64_t value)
{
    struct kvm_regs registers;

    if (kvm_get_registers(vcpu->fd, &registers, &vcpu->failure) < 0)
        return;
    registers.rax = value;
    kvm_set_registers(vcpu->fd, &registers, &vcpu->failure);
}

/* Write it to the file (path). */
static int write_path(struct machine *machine, const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    char folder[4096] = ".";
    int dir_fd, result;

    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_set(error, -errno, "checkpoint %s: %s; name a file in a directory that exists",
                         path, strerror(errno));
    result = checkpoint_write(machine, dir_fd, slash ? slash + 1 : path, NULL, 0, error);
    close(dir_fd);
    return result;
}

/* The file that a device named; (vcpu) learns of a failure by RAX. */
static int write_named(struct vcpu *vcpu, const struct checkpoint_request *request,
                       struct error *error)
{
    struct machine *machine = vcpu->machine;
    char file[sizeof(request->name) + sizeof(CHECKPOINT_ENDING)];
    int result;

    snprintf(file, sizeof(file), "%s" CHECKPOINT_ENDING, request->name);
    result =
        checkpoint_write(machine, machine->out_dir_fd, file, vcpu, request->restored_flag, error);
    if (result < 0)
        set_rax(vcpu, request->failed);
    if (request->done)
        request->done(request->opaque, request->number, file, result);
    return result;
}

static void act(struct machine *machine, enum checkpoint_action action)
{
    switch (action) {
    case CHECKPOINT_SHUT_DOWN:
        machine_stop(machine, OUTCOME_GUEST);
        break;
    case CHECKPOINT_REBOOT:
        machine->reboots = true;
        machine_stop(machine, OUTCOME_RESET);
        break;
    case CHECKPOINT_PAUSE:
    case CHECKPOINT_PAUSE_ONLY:
        machine_hold(machine);
        break;
    default:
        break;
    }
}

/* The file, while all vCPUs rest; what comes of the machine is decided before one of them runs on. */
static int save_for(struct vcpu *vcpu, const struct checkpoint_request *request,
                    struct error *error)
{
    struct machine *machine = vcpu->machine;
    int result;

    if (!rest(machine, true))
        return error_set(error, -EINTR, "the machine ended before it was saved");
    /* Another vCPU that asks at the same time rests, too, and waits here. */
    pthread_mutex_lock(&machine->saving);
    if (request->path)
        result = write_path(machine, request->path, error);
    else
        result = write_named(vcpu, request, error);
    if (result == 0)
        act(machine, request->action);
    pthread_mutex_unlock(&machine->saving);
    pause_end(machine, true);
    return result;
}

void checkpoint_serve(struct vcpu *vcpu, const struct checkpoint_request *request)
{
    struct error error;
    int result;

    if (request->action == CHECKPOINT_PAUSE_ONLY) {
        act(vcpu->machine, request->action);
        return;
    }
    result = save_for(vcpu, request, &error);
    if (result < 0 && result != -EINTR)
        machine_notice(vcpu->machine, "checkpoint: %s; the guest goes on", error.text);
}

void checkpoint_ask(struct vcpu *vcpu, const char *path, enum checkpoint_action action)
{
    if (vcpu->requested)
        return;
    vcpu->request = (struct checkpoint_request){.path = path, .action = action};
    vcpu->requested = true;
    __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static void tell(struct machine *machine, const char *path, int result, const struct error *error)
{
    if (result == 0)
        machine_notice(machine, "checkpoint: %s is written", path);
    else if (result != -EINTR)
        machine_notice(machine, "checkpoint: %s; the guest goes on", error->text);
}

void checkpoint_save(struct machine *machine, const char *path)
{
    struct error error;

    /* All vCPUs wait already, maybe for long. */
    if (atomic_load(&machine->pause.wanted) && pause_begin(machine, REST_MS, false)) {
        pthread_mutex_lock(&machine->saving);
        tell(machine, path, write_path(machine, path, &error), &error);
        pthread_mutex_unlock(&machine->saving);
        pause_end(machine, false);
        return;
    }
    atomic_store(&machine->save_path, path);
    vcpu_kick(&machine->vcpus[0]);
}

void checkpoint_serve_outside(struct vcpu *vcpu)
{
    const char *path = atomic_exchange(&vcpu->machine->save_path, NULL);
    struct error error;
    int result;

    if (!path)
        return;
    result = save_for(vcpu, &(struct checkpoint_request){.path = path}, &error);
    tell(vcpu->machine, path, result, &error);
}
