#include "vmm/core/machine.h"

#include "vmm/base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void machine_set_journal(struct machine *machine, struct journal *journal)
{
    machine->journal = journal;
    machine->memory.journal = journal;
    machine->irqs.journal = journal;
    machine->timers.journal = journal;
    console_set_journal(&machine->console, journal, NULL);
}

static bool set_end(struct machine *machine, enum outcome outcome, int status)
{
    unsigned running = OUTCOME_NONE;
    unsigned end = (unsigned)outcome | (unsigned)status << 8;

    return atomic_compare_exchange_strong(&machine->end, &running, end);
}

bool machine_end(struct machine *machine, enum outcome outcome, int status)
{
    if (status < 0 || status > GUEST_STATUS_MAX)
        status = GUEST_STATUS_MAX;
    journal_record_end(machine->journal, outcome, status);
    return set_end(machine, outcome, status);
}

bool machine_stop(struct machine *machine, enum outcome outcome)
{
    return set_end(machine, outcome, 0);
}

bool machine_wants_end(struct machine *machine)
{
    int result = machine_outcome(machine) == OUTCOME_NONE ? 0 : -EINTR;

    return journal_supply_result(machine->journal, JOURNAL_END, result) < 0;
}

int machine_begin_file(struct machine *machine, struct outfile *file, const char *name,
                       const char *ending)
{
    return outfile_begin(file, machine->journal, machine->out_dir_fd, name, ending);
}

int machine_offer_cpuid(struct machine *machine, const struct kvm_cpuid_entry2 *leaf,
                        struct error *error)
{
    for (unsigned i = 0; i < machine->cpuid_leaf_count; i++)
        if (machine->cpuid_leaves[i].function == leaf->function)
            return error_set(
                error, -EBUSY,
                "CPUID leaf 0x%x is claimed by another device already; use one of the two devices",
                leaf->function);
    if (machine->cpuid_leaf_count == MACHINE_CPUID_LEAVES)
        return error_set(error, -ENOSPC, "no room for CPUID leaf 0x%x; use fewer devices",
                         leaf->function);
    machine->cpuid_leaves[machine->cpuid_leaf_count++] = *leaf;
    return 0;
}

void machine_add_event(struct machine *machine, struct machine_event *event)
{
    event->next = machine->events;
    machine->events = event;
}

uint64_t machine_clock(struct machine *machine)
{
    if (machine->config.clock)
        return machine->config.clock;
    return journal_supply_number(machine->journal, JOURNAL_CLOCK,
                                 timer_list_clock(&machine->timers));
}

uint64_t machine_wall_clock(struct machine *machine)
{
    if (machine->config.wall_clock)
        return machine->config.wall_clock;
    return journal_supply_number(machine->journal, JOURNAL_WALL, clock_read(CLOCK_REALTIME));
}

uint64_t machine_tsc(struct machine *machine)
{
    return journal_supply_number(machine->journal, JOURNAL_TSC, __builtin_ia32_rdtsc());
}

void machine_pass_milestone(struct machine *machine, enum milestone milestone, uint64_t value)
{
    static const char *const names[] = {[MILESTONE_MARKER] = "marker", [MILESTONE_POST] = "post"};

    if (milestone == MILESTONE_POST)
        atomic_store_explicit(&machine->post, MACHINE_POST | (uint8_t)value, memory_order_relaxed);
    journal_record_effect(machine->journal, names[milestone], &value, 1,
                          milestone == MILESTONE_POST);
    for (struct observer *observer = machine->observers; observer; observer = observer->next)
        if (observer->milestone)
            observer->milestone(observer, names[milestone], value);
}

void machine_notice(struct machine *machine, const char *format, ...)
{
    char line[ERROR_TEXT_MAX];
    va_list arguments;

    if (machine->config.message_fd < 0)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    dprintf(machine->config.message_fd, "minivmm: %s%s\n",
            machine->config.name ? machine->config.name : "", line);
}
