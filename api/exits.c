/* What may be asked of a machine, or told it, at any time: exits, and the owner's interrupt lines. */
#include "api/access.h"

#include "vmm/core/exit.h"
#include "vmm/core/machine_run.h"

#include <errno.h>
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

/* Reasons between those that KVM has on x86 are none. */
const char *minivmm_exit_name(unsigned reason)
{
    return reason < EXIT_REASONS ? exit_reason_name(reason) : NULL;
}

static int set_line(struct minivmm_machine *machine, unsigned gsi, bool level,
                    struct minivmm_error *error)
{
    if (!machine->wired)
        return api_refuse(error, -EINVAL, "nothing is loaded; call minivmm_load() first");
    if (!machine->machine.irqs.needed)
        return api_refuse(error, -EINVAL,
                          "the machine has no interrupt controllers; set irqchip in its config");
    if (machine->machine.tape)
        return api_refuse(error, -EINVAL,
                          "a machine that is recorded has no interrupts of its owner's; leave out "
                          "record");
    if (gsi >= IRQ_GSIS)
        return api_refuse(error, -EINVAL, "there is no interrupt %u; give one below %u", gsi,
                          IRQ_GSIS);
    irq_set(&machine->lines[gsi], level);
    return 0;
}

int minivmm_set_interrupt(struct minivmm_machine *machine, unsigned gsi, bool level,
                          struct minivmm_error *error)
{
    int result;

    pthread_rwlock_rdlock(&machine->lock);
    pthread_mutex_lock(&machine->owner_lock);
    result = set_line(machine, gsi, level, error);
    pthread_mutex_unlock(&machine->owner_lock);
    pthread_rwlock_unlock(&machine->lock);
    return result;
}
