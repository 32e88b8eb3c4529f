/*
 * One domain of a run: a machine with Xen's interface, as the command line says it.
 */
#ifndef VMM_RUN_DOMAIN_H
#define VMM_RUN_DOMAIN_H

#include "vmm/error.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/outcome.h"
#include "vmm/plan.h"
#include "vmm/run_files.h"
#include "vmm/text.h"
#include "xen/domain.h"
#include "xen/foreign.h"

#include <pthread.h>

/* Zero before it is made; it does not move. */
struct run_domain {
    struct options options; /* the run's, but with its own image, arguments and files */
    domid_t domid;
    char who[16];                                 /* "d1: ", or "" if it is the only one */
    char *image, *arguments, *stats_file, *trace; /* of (options); owned */
    struct plan plan;
    struct run_files files;
    int console; /* of --domain-console; -1: stdout */
    enum { RUN_DOMAIN_EMPTY, RUN_DOMAIN_MACHINE, RUN_DOMAIN_OPEN, RUN_DOMAIN_CLOSED } state;
    struct machine machine;   /* from RUN_DOMAIN_MACHINE on */
    struct xen_domain domain; /* from RUN_DOMAIN_OPEN on, and (foreign) */
    struct foreign foreign;
    struct text report; /* what is said of its crash */
    pthread_t thread;
};

/*
 * Domain (index) of (options), in (world), up to its first instruction: OUTCOME_NONE, or what an error
 * comes to. To be closed and destroyed also then.
 */
enum outcome run_domain_make(struct run_domain *domain, struct xen_world *world,
                             const struct options *options, unsigned index, struct error *error);

/* Its machine has ended, or is not to run: the peers see that it is gone, and its memory stays. */
void run_domain_close(struct run_domain *domain);

/* All domains are closed, and no thread of one is left. */
void run_domain_destroy(struct run_domain *domain);

#endif
