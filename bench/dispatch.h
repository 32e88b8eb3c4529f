/*
 * A machine without KVM for measuring exit_handle() alone: its two buses are cut into equal regions of a
 * device that does next to nothing, and its exits come from a stream, each with a run page of its own.
 */
#ifndef BENCH_DISPATCH_H
#define BENCH_DISPATCH_H

#include "vmm/base/error.h"
#include "vmm/core/machine.h"

#include <linux/kvm.h>
#include <stddef.h>

#define DISPATCH_EXITS 1024 /* of a stream, at most */

struct dispatch {
    struct machine machine;
    struct kvm_run *runs[DISPATCH_EXITS];
    unsigned count;
    void *room; /* of the run pages */
};

/*
 * Make a machine with (regions) regions on each bus, 1 to BUS_REGIONS, and the exits of the stream
 * (path). A negative errno with its sentence, and nothing is left.
 */
int dispatch_create(struct dispatch *dispatch, unsigned regions, const char *path,
                    struct error *error);
void dispatch_destroy(struct dispatch *dispatch);

#endif
