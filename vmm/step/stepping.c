#include "vmm/step/stepping.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char key[] = "stepping"; /* its address identifies the part */

int stepping_init(struct stepping *stepping, struct machine *machine, struct error *error)
{
    memset(stepping, 0, sizeof(*stepping));
    stepping->part.key = key;
    stepping->steps = calloc(machine->vcpu_count, sizeof(*stepping->steps));
    if (!stepping->steps)
        return error_set(error, -ENOMEM, "out of memory for %u vCPUs; give a lower --cpus",
                         machine->vcpu_count);
    part_add(&machine->parts, &stepping->part);
    return 0;
}

void stepping_finish(struct stepping *stepping, struct machine *machine)
{
    part_remove(&machine->parts, &stepping->part);
    free(stepping->steps);
    stepping->steps = NULL;
}

struct stepping *stepping_of(const struct machine *machine)
{
    return (struct stepping *)part_find(machine->parts, key);
}

struct step *step_of(const struct vcpu *vcpu)
{
    return &stepping_of(vcpu->machine)->steps[vcpu->id];
}

struct stub *stub_of(const struct machine *machine)
{
    const struct stepping *stepping = stepping_of(machine);

    return stepping ? stepping->stub : NULL;
}
