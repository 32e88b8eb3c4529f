/*
 * The API's opaque types.
 *
 * A minivmm_machine is a run as its owner sees it: config, image and state, and the struct machine
 * that is created from them at each boot. A minivmm_vcpu is a struct vcpu.
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
    HANDLE_CREATED, /* no machine exists yet */
    HANDLE_LOADED,  /* it is made and has not run */
    HANDLE_RUNNING, /* from the start of minivmm_run() to its end */
    /* It is being created or destroyed: no vCPU runs; the stub's attach() or detach() may be called. */
    HANDLE_CHANGING,
    HANDLE_ENDED,
};

/* How far the machine of this boot is made. */
enum handle_made { HANDLE_NOTHING, HANDLE_MACHINE, HANDLE_DOMAIN, HANDLE_CLOSED };

/* By minivmm_pause(). */
enum handle_pause { HANDLE_UNPAUSED, HANDLE_PAUSING, HANDLE_PAUSED };

/* The path of a request, which may be carried out at any time while the machine lives. */
struct handle_path {
    struct handle_path *next;
    char path[];
};

struct minivmm_machine {
    struct minivmm_config config; /* its texts, and those of (image), are owned */
    struct minivmm_image image;   /* (path) is the checkpoint if it is restored */
    _Atomic(enum handle_state) state;

    struct minivmm_region regions[HANDLE_REGIONS]; /* their names are owned */
    unsigned region_count;

    struct machine_plan plan; /* of the config, or of the checkpoint */
    unsigned parts_given;     /* enum machine_plan_part: the parts that the config gives */
    struct restore restore;   /* open while (restored) */
    bool restored;

    enum handle_made made;
    struct vcpu *vcpus;     /* for all boots: a vCPU keeps its address; NULL: not loaded */
    unsigned vcpus_shown;   /* how many minivmm_vcpu() returns: 0 until KVM has them */
    bool wired;             /* interrupts can be sent to this boot's VM */
    struct machine machine; /* of this boot, from HANDLE_MACHINE on */
    struct xen_domain domain;
    struct foreign foreign; /* both from HANDLE_DOMAIN on */
    struct run_files watch; /* --stats, and of the first boot --record and --trace */
    struct checkpoint_at checkpoint_at;
    struct stub stub;
    struct stepping stepping; /* of this boot */
    char stub_name[64];       /* in notices; empty: no stub, or a plain one */
    uint64_t deadline;        /* of clock_now(); 0: none */
    struct text report;       /* the crash report */

    /*
     * Held shared by any thread while it reads (made), (vcpus_shown), (wired), (machine) or (stub_name). Held
     * exclusively, and not around callbacks, while these change and while the machine of a boot is destroyed.
     */
    pthread_rwlock_t lock;
    _Atomic(enum handle_pause) pause;
    atomic_bool
        stopped; /* minivmm_stop() since minivmm_run(), or a minivmm_step() before it, began */

    struct device region_devices[HANDLE_REGIONS]; /* of (regions) */

    pthread_mutex_t owner_lock;      /* protects the members below */
    struct irq_line lines[IRQ_GSIS]; /* the owner's, of minivmm_set_interrupt() */
    struct handle_path *paths;       /* of minivmm_save(); owned */
};

struct minivmm_world {
    struct xen_world world;
    atomic_uint machines; /* that refer to it */
    pthread_mutex_t lock; /* of (running); also held while a domain's memory is released */
    unsigned running;     /* of them */
};

static inline struct vcpu *vcpu_behind(const struct minivmm_vcpu *vcpu)
{
    return (struct vcpu *)(uintptr_t)vcpu;
}

/* The API's machine that contains (machine). */
static inline struct minivmm_machine *machine_handle(struct machine *machine)
{
    return (struct minivmm_machine *)((char *)machine - offsetof(struct minivmm_machine, machine));
}

static inline struct minivmm_vcpu *vcpu_handle(struct vcpu *vcpu)
{
    return (struct minivmm_vcpu *)vcpu;
}

#endif
