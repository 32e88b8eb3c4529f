/* The KVM side of a machine: its VM, interrupt controllers and vCPUs. */
#include "vmm/core/machine.h"
#include "vmm/core/machine_run.h"

#include "vmm/core/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* All guest addresses must fit the host's physical address width. */
static int check_physical_bits(const struct machine *machine, unsigned bits, struct error *error)
{
    const struct bus *bus = &machine->bus[BUS_MMIO];
    const struct memory *memory = &machine->memory;
    const struct memory_slot *top_slot = &memory->slots[memory->slot_count - 1];
    uint64_t top = top_slot->base.value + top_slot->size - 1;

    if (bus->region_count && bus->regions[bus->region_count - 1].last > top)
        top = bus->regions[bus->region_count - 1].last;
    if (bits < 64 && top >> bits)
        return error_set(error, -EOPNOTSUPP,
                         "this host has %u physical address bits, too few for address 0x%" PRIx64
                         "; use less memory, or a lower --ptlcall mmio=",
                         bits, top);
    return 0;
}

static int map_memory(struct machine *machine, struct error *error)
{
    for (unsigned i = 0; i < machine->memory.slot_count; i++) {
        int result = kvm_set_memory(&machine->kvm, i, &machine->memory.slots[i], error);

        if (result < 0)
            return result;
    }
    return 0;
}

/* For checkpoints. */
static int keep_cpuid(struct machine *machine, const union kvm_cpuid_table *table,
                      struct error *error)
{
    machine->cpuid = malloc(sizeof(*machine->cpuid));
    if (!machine->cpuid)
        return error_set(error, -ENOMEM, "out of memory for CPUID");
    *machine->cpuid = *table;
    return 0;
}

static int create_vcpus(struct machine *machine, struct error *error)
{
    union kvm_cpuid_table supported;
    int result = kvm_get_supported_cpuid(&machine->kvm, &supported, error);

    if (result == 0)
        result = check_physical_bits(machine, x86_physical_bits(&supported.header), error);
    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++) {
        union kvm_cpuid_table table = supported;

        result = x86_set_cpuid(&table.header, KVM_CPUID_MAX, id, machine->vcpu_count,
                               machine->cpuid_leaves, machine->cpuid_leaf_count, error);
        if (result == 0 && id == 0)
            result = keep_cpuid(machine, &table, error);
        if (result == 0)
            result = vcpu_create(&machine->vcpus[id], &table, error);
    }
    return result;
}

static void set_kvm_line(void *opaque, unsigned gsi, bool level)
{
    kvm_set_irq_line(opaque, gsi, level);
}

static void send_kvm_message(void *opaque, uint64_t address, uint32_t data)
{
    kvm_send_msi(opaque, address, data);
}

/*
 * KVM handles the pages of its interrupt controllers itself: a device there would never be called.
 */
static int check_controllers_room(struct machine *machine, struct error *error)
{
    static const uint64_t pages[] = {X86_IOAPIC, X86_LOCAL_APIC};
    struct bus_region region;

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (bus_find(&machine->bus[BUS_MMIO], pages[i], &region))
            return error_set(error, -EBUSY,
                             "%s: an interrupt controller lies at address 0x%" PRIx64
                             "; move the device, or leave out what needs interrupts",
                             region.name, pages[i]);
    return 0;
}

static int make_irqchip(struct machine *machine, struct error *error)
{
    int result = check_controllers_room(machine, error);

    if (result == 0)
        result = kvm_create_irqchip(&machine->kvm, error);
    if (result == 0)
        machine->irqs.sink = (struct irq_sink){.set = set_kvm_line,
                                               .message = send_kvm_message,
                                               .opaque = &machine->kvm};
    return result;
}

/* If KVM does not support an event, its OUTs stay exits. */
static int add_port_events(struct machine *machine, struct error *error)
{
    int result = 0;

    for (struct machine_event *event = machine->events; result == 0 && event; event = event->next)
        result = kvm_add_port_event(&machine->kvm, event->port, event->fd, error);
    return result == -EOPNOTSUPP ? 0 : result;
}

int machine_make_vm(struct machine *machine, struct error *error)
{
    int result;

    bus_freeze(&machine->bus[BUS_PIO]);
    bus_freeze(&machine->bus[BUS_MMIO]);
    if (machine->vcpu_count > machine->kvm.vcpus_max)
        return error_set(error, -EINVAL, "--cpus %u: KVM here makes at most %u",
                         machine->vcpu_count, machine->kvm.vcpus_max);

    result = map_memory(machine, error);
    if (result == 0 && machine->config.unpaged)
        result = kvm_set_unpaged_room(&machine->kvm, error);
    if (result == 0 && machine->msrs.count)
        result = kvm_set_msr_exits(&machine->kvm, &machine->msrs, error);
    if (result == 0 && machine->irqs.needed)
        result = make_irqchip(machine, error);
    if (result == 0)
        result = add_port_events(machine, error);
    if (result == 0)
        result = create_vcpus(machine, error);
    return result;
}
