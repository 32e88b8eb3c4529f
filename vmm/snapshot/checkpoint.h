/*
 * Checkpoints: the machine as it is between two instructions, in an ELF core file.
 *
 * Whoever asks for one, a guest by a ptlcall or a person from outside, asks here. It is taken when
 * every vCPU rests with its I/O completed; the machine then goes on, ends or waits. Restoring is
 * vmm/snapshot/restore.h's. docs/checkpoint.md specifies the file.
 */
#ifndef VMM_SNAPSHOT_CHECKPOINT_H
#define VMM_SNAPSHOT_CHECKPOINT_H

#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

#define CHECKPOINT_ENDING ".core"

/* What comes of the machine then; the numbers are ptlcall's. */
enum checkpoint_action {
    CHECKPOINT_CONTINUE,
    CHECKPOINT_SHUT_DOWN,
    CHECKPOINT_REBOOT,
    CHECKPOINT_PAUSE,
    CHECKPOINT_PAUSE_ONLY, /* nothing is saved */
    CHECKPOINT_ACTIONS,
};

/*
 * What a device asks for in an exit: it is done when the exit is over. RAX of the vCPU holds what
 * the guest gets if all goes well.
 */
struct checkpoint_request {
    enum checkpoint_action action;
    const char *path; /* of the file; NULL: the next says it */
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

/* Carry out (request) of (vcpu), on its thread, between two KVM_RUNs, its I/O completed. */
void checkpoint_serve(struct vcpu *vcpu, const struct checkpoint_request *request);

/*
 * Save the machine to the file (path) from outside of it, at once if it waits, else on vCPU 0's thread as
 * soon as that comes to rest: whoever asks does not wait for a vCPU. The machine goes on, and how it went
 * is told by a notice. (path) must outlive the machine; one that is under way is enough for several
 * that ask.
 */
void checkpoint_save(struct machine *machine, const char *path);

/* vCPU 0, at rest: was it asked for from outside? Then it is done. */
void checkpoint_serve_outside(struct vcpu *vcpu);

/* Ask for it, as --checkpoint-at does: (vcpu) has just handled an exit. */
void checkpoint_ask(struct vcpu *vcpu, const char *path, enum checkpoint_action action);

/*
 * Of checkpoint_notes.c: write the machine, whose vCPUs all rest, to (name) in the directory
 * (dir_fd). In the state of (vcpu), unless NULL, RAX has (rax_flag) set.
 */
int checkpoint_write(struct machine *machine, int dir_fd, const char *name, struct vcpu *vcpu,
                     uint64_t rax_flag, struct error *error);

#endif
