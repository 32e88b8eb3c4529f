/*
 * Checkpoints: the state of the machine between two instructions, in an ELF core file.
 *
 * A guest requests one by a ptlcall; so can the machine's owner, or a signal. The request is work
 * of a vCPU: the checkpoint is written when every vCPU rests with its I/O complete. Then the
 * machine continues, ends or waits. vmm/snapshot/restore.h restores. docs/checkpoint.md specifies
 * the file.
 */
#ifndef VMM_SNAPSHOT_CHECKPOINT_H
#define VMM_SNAPSHOT_CHECKPOINT_H

#include "vmm/base/error.h"
#include "vmm/core/observer.h"

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

#define CHECKPOINT_ENDING ".core"

/* What the machine does after the checkpoint; the numbers are ptlcall's. */
enum checkpoint_action {
    CHECKPOINT_CONTINUE,
    CHECKPOINT_SHUT_DOWN,
    CHECKPOINT_REBOOT,
    CHECKPOINT_PAUSE,
    CHECKPOINT_PAUSE_ONLY, /* nothing is saved */
    CHECKPOINT_ACTIONS,
};

/*
 * A request in an exit, carried out after the exit. Before that, RAX of the vCPU is set to the
 * guest's result of a success.
 */
struct checkpoint_request {
    enum checkpoint_action action;
    const char *path;       /* of the file; NULL: (name) is used. It outlives the machine */
    char name[256];         /* of the file in the --out directory, without its ending */
    uint64_t restored_flag; /* set in RAX of the saved copy: marks the return after a restore */
    uint64_t failed;        /* RAX if it could not be saved */
    uint64_t number;        /* the caller's, passed to done() */

    /*
     * Called with (result) 0 if the checkpoint was written, else a negative errno. On the vCPU's
     * thread, while all rest. May be NULL.
     */
    void (*done)(void *opaque, uint64_t number, const char *file, int result);
    void *opaque;
};

/*
 * Add (request), which is copied; on the thread of (vcpu). -EBUSY: it has a request already;
 * -ENOMEM.
 */
int checkpoint_request(struct vcpu *vcpu, const struct checkpoint_request *request);

/* The waiting request of (vcpu), or NULL. On its thread. */
const struct checkpoint_request *checkpoint_requested(struct vcpu *vcpu);

/*
 * Save the machine to the file (path) from another thread: at once if all vCPUs rest, else as work
 * of vCPU 0. The caller does not wait. The machine continues; a notice reports the result. (path)
 * must outlive the machine. If such a request waits already, nothing is added.
 */
void checkpoint_save(struct machine *machine, const char *path);

/* The path of the checkpoint_save() that waits for vCPU 0, or NULL. */
const char *checkpoint_pending(struct machine *machine);

/* --checkpoint-at: an observer that requests a checkpoint after a number of exits of vCPU 0. */
struct checkpoint_at {
    struct observer observer; /* first */
    uint64_t exits;
    const char *path;
};

/* After (exits) exits of vCPU 0, save (machine) to (path) and end it. The caller owns (at). */
void checkpoint_at_exits(struct checkpoint_at *at, struct machine *machine, uint64_t exits,
                         const char *path);

/* As checkpoint_request(), for a path; nothing is added if the vCPU has a request already. */
void checkpoint_ask(struct vcpu *vcpu, const char *path, enum checkpoint_action action);

/*
 * In checkpoint_notes.c: write the machine, whose vCPUs all rest, to (name) in the directory
 * (dir_fd). Unless (vcpu) is NULL, (rax_flag) is set in RAX of its saved state.
 */
int checkpoint_write(struct machine *machine, int dir_fd, const char *name, struct vcpu *vcpu,
                     uint64_t rax_flag, struct error *error);

#endif
