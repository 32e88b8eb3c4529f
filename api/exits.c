/* The number of exits of a machine, and the names of their reasons. At any time, on any thread. */
#include "api/handle.h"

#include "vmm/core/exit.h"
#include "vmm/core/machine_run.h"

#include <string.h>

unsigned minivmm_count_exits(const struct minivmm_machine *machine, uint64_t *counts, unsigned room)
{
    struct minivmm_machine *asked = (struct minivmm_machine *)(uintptr_t)machine;
    uint64_t all[EXIT_REASONS] = {0};

    pthread_rwlock_rdlock(&asked->lock);
    if (asked->made != HANDLE_NOTHING)
        machine_count_exits(&asked->machine, all);
    pthread_rwlock_unlock(&asked->lock);
    if (room > EXIT_REASONS)
        room = EXIT_REASONS;
    if (room > 0)
        memcpy(counts, all, room * sizeof(*counts));
    return EXIT_REASONS;
}

/* NULL from EXIT_REASONS on. */
const char *minivmm_exit_name(unsigned reason)
{
    return reason < EXIT_REASONS ? exit_reason_name(reason) : NULL;
}
