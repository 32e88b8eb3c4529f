#include "vmm/snapshot/checkpoint.h"

#include "vmm/core/machine.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REST_MS 100 /* how long each attempt waits for vCPUs to rest */

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

/* Write the checkpoint to the file (path). */
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

/* Write the checkpoint to the --out directory, for a device; RAX of (vcpu) reports a failure. */
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

/*
 * Write the file while all vCPUs rest; the machine's further fate is decided before one of them
 * continues.
 */
static int save_for(struct vcpu *vcpu, const struct checkpoint_request *request,
                    struct error *error)
{
    struct machine *machine = vcpu->machine;
    int result;

    if (!rest(machine, true))
        return error_set(error, -EINTR, "the machine ended before it was saved");
    /* Another vCPU that saves at the same time rests too, and waits here. */
    pthread_mutex_lock(&machine->pause.alone);
    if (request->path)
        result = write_path(machine, request->path, error);
    else
        result = write_named(vcpu, request, error);
    if (result == 0)
        act(machine, request->action);
    pthread_mutex_unlock(&machine->pause.alone);
    pause_end(machine, true);
    return result;
}

/* Work of a vCPU: carry out its request, which it owns. */
static void serve_request(struct vcpu *vcpu, void *argument)
{
    const struct checkpoint_request *request = argument;
    struct error error;
    int result = 0;

    if (request->action == CHECKPOINT_PAUSE_ONLY)
        act(vcpu->machine, request->action);
    else
        result = save_for(vcpu, request, &error);
    if (result < 0 && result != -EINTR)
        machine_notice(vcpu->machine, "checkpoint: %s; the guest continues", error.text);
    free(argument);
}

const struct checkpoint_request *checkpoint_requested(struct vcpu *vcpu)
{
    void *request;

    return vcpu_find_work(vcpu, serve_request, &request) ? request : NULL;
}

int checkpoint_request(struct vcpu *vcpu, const struct checkpoint_request *request)
{
    struct vcpu_work work = {.run = serve_request, .drop = free};
    int result;

    work.argument = malloc(sizeof(*request));
    if (!work.argument)
        return -ENOMEM;
    memcpy(work.argument, request, sizeof(*request));
    result = vcpu_add_work(vcpu, &work);
    if (result < 0)
        free(work.argument);
    return result;
}

void checkpoint_ask(struct vcpu *vcpu, const char *path, enum checkpoint_action action)
{
    const struct checkpoint_request request = {.path = path, .action = action};

    if (checkpoint_request(vcpu, &request) == 0)
        vcpu_set_immediate_exit(vcpu, true);
}

static void observe_exit(struct observer *observer, struct vcpu *vcpu,
                         const struct exit_times *times)
{
    const struct checkpoint_at *at = (const struct checkpoint_at *)observer;

    (void)times;
    if (vcpu->id == 0 && vcpu->history.total == at->exits)
        checkpoint_ask(vcpu, at->path, CHECKPOINT_SHUT_DOWN);
}

void checkpoint_at_exits(struct checkpoint_at *at, struct machine *machine, uint64_t exits,
                         const char *path)
{
    *at = (struct checkpoint_at){.observer.exit = observe_exit, .exits = exits, .path = path};
    observer_add(&machine->observers, &at->observer);
}

static void tell(struct machine *machine, const char *path, int result, const struct error *error)
{
    if (result == 0)
        machine_notice(machine, "checkpoint: %s is written", path);
    else if (result != -EINTR)
        machine_notice(machine, "checkpoint: %s; the guest continues", error->text);
}

/* Work of vCPU 0: save the machine to the path (argument). */
static void serve_outside(struct vcpu *vcpu, void *argument)
{
    const struct checkpoint_request request = {.path = argument};
    struct error error;

    tell(vcpu->machine, argument, save_for(vcpu, &request, &error), &error);
}

void checkpoint_save(struct machine *machine, const char *path)
{
    const struct vcpu_work work = {.run = serve_outside, .argument = (void *)(uintptr_t)path};
    struct vcpu *vcpu = &machine->vcpus[0];
    struct error error;

    /* All vCPUs rest already, maybe for long. */
    if (atomic_load(&machine->pause.wanted) && pause_begin(machine, REST_MS, false)) {
        pthread_mutex_lock(&machine->pause.alone);
        tell(machine, path, write_path(machine, path, &error), &error);
        pthread_mutex_unlock(&machine->pause.alone);
        pause_end(machine, false);
        return;
    }
    if (vcpu_add_work(vcpu, &work) == 0)
        vcpu_kick(vcpu);
}

const char *checkpoint_pending(struct machine *machine)
{
    void *path;

    return vcpu_find_work(&machine->vcpus[0], serve_outside, &path) ? path : NULL;
}
