/*
 * What is behind the API's opaque types.
 *
 * A minivmm_machine is a run as its owner sees it: what it is to be made of, and the struct machine that is
 * made of it, anew at each boot. A minivmm_vcpu is a struct vcpu.
 */
#ifndef API_HANDLE_H
#define API_HANDLE_H

#include "include/minivmm.h"
#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/plan.h"
#include "vmm/restore.h"
#include "vmm/stub.h"
#include "vmm/text.h"
#include "vmm/vcpu.h"
#include "vmm/watch.h"
#include "xen/domain.h"
#include "xen/foreign.h"

#include <stdatomic.h>
#include <stdbool.h>

#define HANDLE_REGIONS 32

enum handle_state {
    HANDLE_CREATED, /* there is no machine yet */
    HANDLE_LOADED,  /* it is made, and has not run */
    HANDLE_RUNNING, /* from the begin of minivmm_run() to its end; reboots are in between */
    HANDLE_ENDED,
};

/* How far the machine of this boot is made. */
enum handle_made { HANDLE_NOTHING, HANDLE_MACHINE, HANDLE_DOMAIN, HANDLE_CLOSED };

struct minivmm_machine {
    struct minivmm_config config; /* its texts, and those of (image), are owned */
    struct minivmm_image image;   /* (path) NULL: it is restored */
    _Atomic(enum handle_state) state;

    struct minivmm_region regions[HANDLE_REGIONS]; /* their names are owned */
    unsigned region_count;

    struct plan plan;       /* of the config, or of the checkpoint */
    unsigned parts_given;   /* enum plan_part: what the config says itself */
    struct restore restore; /* open while (restored) */
    bool restored;

    enum handle_made made;
    struct machine machine; /* of this boot, from HANDLE_MACHINE on */
    struct xen_domain domain;
    struct foreign foreign; /* both from HANDLE_DOMAIN on */
    struct watch watch;     /* --stats, --record, --trace: of the first boot */
    struct stub stub;
    uint64_t deadline;  /* of clock_now(); 0: none */
    struct text report; /* what is said of a crash */

    pthread_mutex_t lock; /* of what follows */
    bool paused;          /* by minivmm_pause() */
};

struct minivmm_world {
    struct xen_world world;
    atomic_uint machines; /* that refer to it */
};

static inline struct vcpu *vcpu_behind(const struct minivmm_vcpu *vcpu)
{
    return (struct vcpu *)(uintptr_t)vcpu;
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

/* Make the regions of (machine) in the machine of this boot; (error) tells of overlap. */
int api_make_regions(struct minivmm_machine *machine, struct error *error);

#endif
