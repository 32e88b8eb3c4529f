/*
 * Checkpoints: the machine as it is between two instructions, in an ELF core file.
 *
 * A guest asks for one by a ptlcall, the owner or a signal from outside. The request is work of a vCPU:
 * the checkpoint is written when every vCPU rests with its I/O complete. Then the machine goes on, ends
 * or waits. vmm/snapshot/restore.h restores. docs/checkpoint.md specifies the file.
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

/* What the machine does then; the numbers are ptlcall's. */
enum checkpoint_action {
    CHECKPOINT_CONTINUE,
    CHECKPOINT_SHUT_DOWN,
    CHECKPOINT_REBOOT,
    CHECKPOINT_PAUSE,
    CHECKPOINT_PAUSE_ONLY, /* nothing is saved */
    CHECKPOINT_ACTIONS,
};

/*
 * A request in an exit, carried out when the exit is over. RAX of the vCPU holds the guest's result if
 * all goes well.
 */
struct checkpoint_request {
    enum checkpoint_action action;
    const char *path; /* of the file; NULL: (name) is used. It outlives the machine */
    char name[256];   /* of the file in the --out directory, without its ending */
    uint64_t
        restored_flag; /* set in RAX of the copy that is saved: so the guest tells the returns apart */
    uint64_t failed; /* RAX if it could not be saved */
    uint64_t number; /* the asker's, for done() */

    /*
     * The checkpoint was taken, (result) 0, or not, a negative errno; on the vCPU's thread, while all
     * rest. May be NULL.
     */
    void (*done)(void *opaque, uint64_t number, const char *file, int result);
    void *opaque;
};

/*
 * Ask for (request), which is copied; on the thread of (vcpu). -EBUSY: it has a request already;
 * -ENOMEM.
 */
int checkpoint_request(struct vcpu *vcpu, const struct checkpoint_request *request);

/* The request of (vcpu) that waits; NULL: there is none. On its thread. */
const struct checkpoint_request *checkpoint_requested(struct vcpu *vcpu);

/*
 * Save the machine to the file (path) from another thread: at once if all vCPUs rest, else as work of
 * vCPU 0. The caller does not wait. The machine goes on; a notice reports the result. (path) must outlive
 * the machine. If such a request waits already, nothing is added.
 */
void checkpoint_save(struct machine *machine, const char *path);

/* The path of the checkpoint_save() that waits for vCPU 0; NULL: there is none. */
const char *checkpoint_pending(struct machine *machine);

/* --checkpoint-at: an observer that asks for a checkpoint after so many exits of vCPU 0. */
struct checkpoint_at {
    struct observer observer; /* first */
    uint64_t exits;
    const char *path;
};

/* Once (machine) has had (exits) exits of vCPU 0, save it to (path), and end it. (at) is the caller's. */
void checkpoint_at_exits(struct checkpoint_at *at, struct machine *machine, uint64_t exits,
                         const char *path);

/* checkpoint_request() for a path; nothing is added if the vCPU has a request already. */
void checkpoint_ask(struct vcpu *vcpu, const char *path, enum checkpoint_action action);

/*
 * Of checkpoint_notes.c: write the machine, whose vCPUs all rest, to (name) in the directory
 * (dir_fd). In the state of (vcpu), unless NULL, RAX has (rax_flag) set.
 */
int checkpoint_write(struct machine *machine, int dir_fd, const char *name, struct vcpu *vcpu,
                     uint64_t rax_flag, struct error *error);

#endif
