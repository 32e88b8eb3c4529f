/*
 * What is behind the API's opaque types.
 *
 * A minivmm_machine is a run as its owner sees it: what it is to be made of, and the struct machine that is
 * made of it, anew at each boot. A minivmm_vcpu is a struct vcpu.
 */
#ifndef API_HANDLE_H
#define API_HANDLE_H

#include "devices/xen/domain.h"
#include "devices/xen/foreign.h"
#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/base/text.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_plan.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/device.h"
#include "vmm/io/irq.h"
#include "vmm/observe/run_files.h"
#include "vmm/snapshot/checkpoint.h"
#include "vmm/snapshot/restore.h"
#include "vmm/step/stub.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define HANDLE_REGIONS 32

enum handle_state {
    HANDLE_CREATED, /* there is no machine yet */
    HANDLE_LOADED,  /* it is made, and has not run */
    HANDLE_RUNNING, /* from the begin of minivmm_run() to its end */
    /* It is made, made anew or taken apart: no vCPU runs, and the stub's attach() or detach() may be called. */
    HANDLE_CHANGING,
    HANDLE_ENDED,
};

/* How far the machine of this boot is made. */
enum handle_made { HANDLE_NOTHING, HANDLE_MACHINE, HANDLE_DOMAIN, HANDLE_CLOSED };

/* By minivmm_pause(). */
enum handle_pause { HANDLE_UNPAUSED, HANDLE_PAUSING, HANDLE_PAUSED };

/* A path that a request refers to, which may be served at any time as long as the machine lives. */
struct handle_path {
    struct handle_path *next;
    char path[];
};

struct minivmm_machine {
    struct minivmm_config config; /* its texts, and those of (image), are owned */
    struct minivmm_image image;   /* (path) is the checkpoint, if it is restored */
    _Atomic(enum handle_state) state;

    struct minivmm_region regions[HANDLE_REGIONS]; /* their names are owned */
    unsigned region_count;

    struct machine_plan plan; /* of the config, or of the checkpoint */
    unsigned parts_given;     /* enum machine_plan_part: what the config says itself */
    struct restore restore;   /* open while (restored) */
    bool restored;

    enum handle_made made;
    struct vcpu *vcpus;     /* of all boots: a vCPU keeps its place; NULL: not loaded */
    unsigned vcpus_shown;   /* of them, whom minivmm_vcpu() may give: none until they are KVM's */
    bool wired;             /* this boot's VM takes interrupts */
    struct machine machine; /* of this boot, from HANDLE_MACHINE on */
    struct xen_domain domain;
    struct foreign foreign; /* both from HANDLE_DOMAIN on */
    struct run_files watch; /* --stats, and of the first boot --record and --trace */
    struct checkpoint_at checkpoint_at;
    struct stub stub;
    struct stepping stepping; /* of this boot */
    char stub_name[64];       /* as notices have it; empty: there is none, or a plain one */
    uint64_t deadline;        /* of clock_now(); 0: none */
    struct text report;       /* what is said of a crash */

    /*
     * Shared: whoever looks at (made), (vcpus_shown), (wired), (machine) and (stub_name) from any thread, as long as
     * that lasts. Alone, and not around callbacks: while these change, and while a machine that had been made
     * goes.
     */
    pthread_rwlock_t lock;
    _Atomic(enum handle_pause) pause;
    atomic_bool
        stopped; /* minivmm_stop() since minivmm_run(), or a minivmm_step() before it, began */

    struct device region_devices[HANDLE_REGIONS]; /* of (regions) */

    pthread_mutex_t owner_lock;      /* of what follows */
    struct irq_line lines[IRQ_GSIS]; /* the owner's, of minivmm_set_interrupt() */
    struct handle_path *paths;       /* of minivmm_save(); owned */
};

struct minivmm_world {
    struct xen_world world;
    atomic_uint machines; /* that refer to it */
    pthread_mutex_t lock; /* of (running), also while a machine goes that had been made */
    unsigned running;     /* of them */
};

static inline struct vcpu *vcpu_behind(const struct minivmm_vcpu *vcpu)
{
    return (struct vcpu *)(uintptr_t)vcpu;
}

/* The machine of the API's that (machine) is in. */
static inline struct minivmm_machine *machine_handle(struct machine *machine)
{
    return (struct minivmm_machine *)((char *)machine - offsetof(struct minivmm_machine, machine));
}

static inline struct minivmm_vcpu *vcpu_handle(struct vcpu *vcpu)
{
    return (struct minivmm_vcpu *)vcpu;
}

/* The sentence of (from), and what the program is to exit with, into (error), which may be NULL; gives (code). */
int api_fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code,
             const struct error *from);

/* Does the calling thread serve an exit or a step of (machine), in a callback of the API's? */
bool api_in_callback(struct minivmm_machine *machine);

/*
 * May the calling thread look at (vcpu), or with NULL at the machine's memory? 0, or -EBUSY or -EINVAL with a
 * sentence. See "Threads" in minivmm.h.
 */
int api_check_access(struct minivmm_machine *machine, struct vcpu *vcpu,
                     struct minivmm_error *error);

/* Of a machine in (state), which has to be another: -EINVAL, -EALREADY or -EBUSY, with a sentence. */
int api_refuse_state(enum handle_state state, struct minivmm_error *error);

/* From the state (from) to (to); else -EINVAL, -EALREADY or -EBUSY, with a sentence. */
int api_claim(struct minivmm_machine *machine, enum handle_state from, enum handle_state to,
              struct minivmm_error *error);

/* Make the regions of (machine) in the machine of this boot; (error) tells of overlap. */
int api_make_regions(struct minivmm_machine *machine, struct error *error);

/* The locks of (machine), the names of its regions, and its paths: when it is created, and when it goes. */
void api_init_owned(struct minivmm_machine *machine);
void api_free_owned(struct minivmm_machine *machine);

/* One more of (world)'s machines runs, or with -1 one less. */
void world_count_running(struct minivmm_world *world, int change);

/*
 * The plan of (config), with what it says itself: *parts, of enum machine_plan_part. (plan) is empty, and to be freed also
 * after an error.
 */
int api_plan_config(const struct minivmm_config *config, struct machine_plan *plan, unsigned *parts,
                    struct error *error);

#endif
