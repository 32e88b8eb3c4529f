#include "vmm/core/exit.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/bus.h"

#include <errno.h>
#include <string.h>

/* End the machine for (vcpu), which the crash report shows. */
static __attribute__((noinline)) enum exit_action stop(struct machine *machine, struct vcpu *vcpu,
                                                       enum outcome outcome)
{
    if (machine_end(machine, outcome, 0))
        machine->ended_by = vcpu;
    return EXIT_STOP;
}

static enum exit_action after_access(struct machine *machine, struct vcpu *vcpu)
{
    if (machine_outcome(machine) != OUTCOME_NONE)
        return EXIT_STOP;
    return vcpu_has_work(vcpu) ? EXIT_SERVE : EXIT_RESUME;
}

static __attribute__((noinline)) void count_unclaimed(struct machine *machine, struct vcpu *vcpu)
{
    atomic_fetch_add_explicit(&vcpu->unclaimed, 1, memory_order_relaxed);
    journal_record_effect(machine->journal, "unclaimed", NULL, 0, false);
}

/*
 * The data of a port exit. NULL: no port access has that size, or the data exceed the end of the
 * structure (where an IN would change it) or the end of the run page.
 */
static uint8_t *io_data(const struct vcpu *vcpu)
{
    const struct kvm_run *run = vcpu->run;
    const unsigned size = run->io.size;
    const uint64_t bytes = (uint64_t)size * run->io.count;

    if ((size != 1 && size != 2 && size != 4) || run->io.data_offset < sizeof(*run) ||
        run->io.data_offset > vcpu->run_size || bytes > vcpu->run_size - run->io.data_offset)
        return NULL;
    return (uint8_t *)vcpu->run + run->io.data_offset;
}

/*
 * The number of (size) bytes at (data): 1, 2 or 4. A memcpy() of a variable size would be a call.
 */
static uint64_t get_element(const uint8_t *data, unsigned size)
{
    uint32_t value = *data;

    if (size == 2)
        memcpy(&value, data, 2);
    else if (size == 4)
        memcpy(&value, data, 4);
    return value;
}

static void put_element(uint8_t *data, unsigned size, uint64_t value)
{
    if (size == 1)
        memcpy(data, &value, 1);
    else if (size == 2)
        memcpy(data, &value, 2);
    else
        memcpy(data, &value, 4);
}

/*
 * A string instruction is one exit with (count) elements: the port does not change, the data
 * pointer advances.
 */
static enum exit_action handle_io(struct machine *machine, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    const unsigned size = run->io.size;
    uint8_t *data = io_data(vcpu);
    struct bus_cycle cycle = {
        .address = run->io.port,
        .size = size,
        .write = run->io.direction == KVM_EXIT_IO_OUT,
        .no_registers = !vcpu->registers_valid,
        .vcpu = vcpu,
    };

    if (!data)
        return stop(machine, vcpu, OUTCOME_INTERNAL);

    for (vcpu->io_done = 0; vcpu->io_done < run->io.count; data += size) {
        cycle.value = cycle.write ? get_element(data, size) : 0;
        /*
         * After the first element: a device that moved to this address meanwhile does not decode
         * this exit.
         */
        if (!bus_access(&machine->bus[BUS_PIO], &cycle) && vcpu->io_done == 0)
            return EXIT_REGISTERS;
        if (!cycle.claimed)
            count_unclaimed(machine, vcpu);
        if (!cycle.write)
            put_element(data, size, cycle.value);
        vcpu->io_done++;
        if (machine_outcome(machine) != OUTCOME_NONE)
            break;
    }
    return after_access(machine, vcpu);
}

/*
 * All 8 bytes are copied in and out, since a memcpy() of (size) would be a call; bytes after (size)
 * keep their value.
 */
static enum exit_action handle_mmio(struct machine *machine, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint64_t data;
    struct bus_cycle cycle = {
        .address = run->mmio.phys_addr,
        .size = run->mmio.len,
        .write = run->mmio.is_write,
        .no_registers = !vcpu->registers_valid,
        .vcpu = vcpu,
    };

    if (cycle.size < 1 || cycle.size > sizeof(run->mmio.data))
        return stop(machine, vcpu, OUTCOME_INTERNAL);

    memcpy(&data, run->mmio.data, sizeof(data));
    if (cycle.write)
        cycle.value = bus_low_bytes(data, cycle.size);
    if (!bus_access(&machine->bus[BUS_MMIO], &cycle))
        return EXIT_REGISTERS;
    if (!cycle.claimed)
        count_unclaimed(machine, vcpu);
    if (!cycle.write) {
        data ^= bus_low_bytes(data, cycle.size) ^ cycle.value;
        memcpy(run->mmio.data, &data, sizeof(data));
    }
    return after_access(machine, vcpu);
}

/*
 * KVM makes this exit only without an in-kernel interrupt controller: then nothing can wake the
 * vCPU, with interrupts on or off, and a guest that halts has ended itself.
 */
static enum exit_action handle_hlt(struct machine *machine, struct vcpu *vcpu)
{
    return stop(machine, vcpu, OUTCOME_GUEST);
}

static enum exit_action handle_triple_fault(struct machine *machine, struct vcpu *vcpu)
{
    return stop(machine, vcpu, OUTCOME_TRIPLE_FAULT);
}

static enum exit_action handle_crash(struct machine *machine, struct vcpu *vcpu)
{
    return stop(machine, vcpu, OUTCOME_CRASH);
}

static enum exit_action handle_nothing(struct machine *machine, struct vcpu *vcpu)
{
    return after_access(machine, vcpu);
}

static enum exit_action handle_system_event(struct machine *machine, struct vcpu *vcpu)
{
    switch (vcpu->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        return stop(machine, vcpu, OUTCOME_GUEST);
    case KVM_SYSTEM_EVENT_RESET:
        return stop(machine, vcpu, OUTCOME_RESET);
    default:
        return stop(machine, vcpu, OUTCOME_CRASH);
    }
}

/* An MSR that no device serves faults in the guest, as an unknown MSR does. */
static enum exit_action handle_msr(struct machine *machine, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    const struct msr_claim *claim = msr_find(&machine->msrs, run->msr.index);
    uint64_t value = run->msr.data;
    int result = -ENXIO;

    if (claim && run->exit_reason == KVM_EXIT_X86_WRMSR)
        result = claim->ops->write(claim->device, run->msr.index, value);
    else if (claim)
        result = claim->ops->read(claim->device, run->msr.index, &value);
    run->msr.data = value;
    run->msr.error = result < 0;
    return after_access(machine, vcpu);
}

__attribute__((flatten)) void exit_remember(struct vcpu *vcpu)
{
    struct exit_history *history = &vcpu->history;
    const struct kvm_run *run = vcpu->run;
    struct exit_record *record = &history->records[history->total++ % EXIT_HISTORY];

    *record = (struct exit_record){
        .number = history->total,
        .reason = run->exit_reason,
        .count = 1,
    };
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        record->address = run->io.port;
        record->size = run->io.size;
        record->count = run->io.count;
        record->write = run->io.direction == KVM_EXIT_IO_OUT;
        if (run->io.count && io_data(vcpu))
            record->data = get_element(io_data(vcpu), run->io.size);
        break;
    case KVM_EXIT_MMIO:
        record->address = run->mmio.phys_addr;
        record->size = (uint8_t)run->mmio.len;
        record->write = run->mmio.is_write;
        memcpy(&record->data, run->mmio.data, sizeof(record->data));
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        record->address = run->msr.index;
        record->data = run->msr.data;
        record->size = sizeof(run->msr.data);
        record->write = run->exit_reason == KVM_EXIT_X86_WRMSR;
        break;
    default:
        break;
    }
}

/* By exit_reason_index(). */
static enum exit_action (*const handlers[EXIT_REASONS])(struct machine *machine,
                                                        struct vcpu *vcpu) = {
    [KVM_EXIT_UNKNOWN] = handle_crash,
    [KVM_EXIT_EXCEPTION] = handle_crash,
    [KVM_EXIT_IO] = handle_io,
    [KVM_EXIT_DEBUG] = handle_crash,
    [KVM_EXIT_HLT] = handle_hlt,
    [KVM_EXIT_MMIO] = handle_mmio,
    [KVM_EXIT_IRQ_WINDOW_OPEN] = handle_nothing,
    [KVM_EXIT_SHUTDOWN] = handle_triple_fault,
    [KVM_EXIT_FAIL_ENTRY] = handle_crash,
    [KVM_EXIT_INTR] = handle_nothing,
    [KVM_EXIT_INTERNAL_ERROR] = handle_crash,
    [KVM_EXIT_SYSTEM_EVENT] = handle_system_event,
    [KVM_EXIT_X86_RDMSR] = handle_msr,
    [KVM_EXIT_X86_WRMSR] = handle_msr,
    [EXIT_REASON_OTHER] = handle_crash,
};

/* Inlined as one function, for the reason that vmm/io/bus.h gives. */
__attribute__((flatten)) enum exit_action exit_handle(struct machine *machine, struct vcpu *vcpu)
{
    const uint32_t reason = vcpu->run->exit_reason;

    /* Frequent exits avoid an indirect call. */
    if (reason == KVM_EXIT_IO)
        return handle_io(machine, vcpu);
    if (reason == KVM_EXIT_MMIO)
        return handle_mmio(machine, vcpu);
    return handlers[exit_reason_index(reason)](machine, vcpu);
}
