#include "vmm/core/machine_pause.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

bool pause_begin(struct machine *machine, unsigned timeout_ms, bool self)
{
    pause_want(&machine->pause, self);
    machine_kick(machine);
    return pause_wait(&machine->pause, timeout_ms, self);
}

void pause_end(struct machine *machine, bool self)
{
    pause_release(&machine->pause, self);
}

void pause_hold(struct machine *machine)
{
    pause_want(&machine->pause, false);
    machine_kick(machine);
}

void machine_hold(struct machine *machine)
{
    if (!atomic_exchange(&machine->held, true)) {
        machine_notice(machine, "the machine is paused; SIGCONT or Ctrl-A c resumes it");
        pause_hold(machine);
    }
}

void machine_go_on(struct machine *machine)
{
    if (atomic_exchange(&machine->held, false))
        pause_end(machine, false);
}

void machine_kick(struct machine *machine)
{
    for (unsigned id = 0; id < machine->vcpu_count; id++)
        vcpu_kick(&machine->vcpus[id]);
}
