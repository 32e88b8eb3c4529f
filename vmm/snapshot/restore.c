#include "vmm/snapshot/restore.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/device_state.h"
#include "vmm/snapshot/kvm_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int restore_open(struct restore *restore, const char *path, const struct device_type *const *types,
                 struct error *error)
{
    int result = elf_file_open(&restore->elf, path, error);

    if (result < 0)
        return result;
    result = machine_note_read(&restore->note, &restore->elf, types, error);
    if (result < 0)
        restore_close(restore);
    return result;
}

void restore_close(struct restore *restore)
{
    machine_note_free(&restore->note);
    elf_file_close(&restore->elf);
}

/* Set (error) to the file's name and the sentence of (cause). */
static int refuse(const struct restore *restore, struct error *error, int code,
                  const struct error *cause)
{
    return error_set(error, code, "%.200s: %.300s", restore->elf.path, cause->text);
}

/* The notes of the devices are in the order of the plan's devices. */
static int restore_devices(const struct restore *restore, struct machine *machine,
                           struct error *error)
{
    unsigned count = 0;

    for (struct device *device = machine->devices; device; device = device->next, count++) {
        const struct elf_note *note = elf_file_find(&restore->elf, ELF_NOTE_DEVICE, count);
        struct error cause;

        if (!note)
            return error_set(error, -EINVAL, "%s: the state of %s is missing", restore->elf.path,
                             device->name);
        if (state_read(device, note->bytes, note->size, &cause) < 0)
            return refuse(restore, error, -EINVAL, &cause);
    }
    if (elf_file_find(&restore->elf, ELF_NOTE_DEVICE, count))
        return error_set(error, -EINVAL, "%s: it has the state of a device that is not there",
                         restore->elf.path);
    return 0;
}

/* Another processor or KVM may lack features that the guest detected. */
static int check_cpuid(const struct restore *restore, const struct machine *machine,
                       struct error *error)
{
    union kvm_cpuid_table table = *machine->cpuid;
    const struct kvm_cpuid2 *here = &table.header;
    const size_t size = sizeof(*here) + here->nent * sizeof(struct kvm_cpuid_entry2);
    const struct elf_note *note = elf_file_find(&restore->elf, ELF_NOTE_CPUID, 0);

    table.header.padding = ELF_CPUID_VERSION;
    if (!note || note->size != size || memcmp(note->bytes, here, size) != 0)
        return error_set(
            error, -EINVAL,
            "%s: it is from another processor or KVM (CPUID differs); restore it where "
            "it was saved",
            restore->elf.path);
    return 0;
}

static int restore_vcpu(const struct restore *restore, struct vcpu *vcpu, struct error *error)
{
    const struct elf_note *note = elf_file_find(&restore->elf, ELF_NOTE_VCPU, vcpu->id);
    struct kvm_vcpu_state *state = calloc(1, sizeof(*state));
    struct error cause;
    int result = -EINVAL;

    error_set(&cause, 0, "the state of vCPU %u is missing", vcpu->id);
    if (!state)
        result = error_set(&cause, -ENOMEM, "out of memory");
    else if (note)
        result = kvm_parse_vcpu_state(note->bytes, note->size, state, &cause);
    if (result == 0 && state->id != vcpu->id)
        result = error_set(&cause, -EINVAL, "the states of vCPUs are not in their order");
    if (result == 0 && !(state->parts & KVM_STATE_LAPIC) == vcpu->machine->irqs.needed)
        result = error_set(&cause, -EINVAL, "its interrupt controllers are not the machine's");
    if (result == 0)
        result = kvm_set_vcpu_state(&vcpu->machine->kvm, vcpu->fd, state, &cause);
    free(state);
    return result < 0 ? refuse(restore, error, result, &cause) : 0;
}

static int restore_vm_state(const struct restore *restore, struct machine *machine,
                            struct error *error)
{
    const struct elf_note *note = elf_file_find(&restore->elf, ELF_NOTE_VM, 0);
    struct kvm_vm_state state = {0};
    struct error cause;
    int result = -EINVAL;

    error_set(&cause, 0, "the state of the VM is missing");
    if (note)
        result = kvm_parse_vm_state(note->bytes, note->size, &state, &cause);
    if (result == 0 && state.has_irqchip != machine->irqs.needed)
        result = error_set(&cause, -EINVAL, "its interrupt controllers are not the machine's");
    if (result == 0)
        result = kvm_set_vm_state(&machine->kvm, &state, &cause);
    return result < 0 ? refuse(restore, error, result, &cause) : 0;
}

int restore_memory(const struct restore *restore, struct machine *machine, struct error *error)
{
    return elf_file_map(&restore->elf, &machine->memory, error);
}

int restore_vm(const struct restore *restore, struct machine *machine, struct error *error)
{
    int result = check_cpuid(restore, machine, error);

    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++)
        result = restore_vcpu(restore, &machine->vcpus[id], error);
    if (result == 0)
        result = restore_vm_state(restore, machine, error);
    if (result == 0 && elf_file_find(&restore->elf, ELF_NOTE_VCPU, machine->vcpu_count))
        return error_set(error, -EINVAL, "%s: it has the state of a vCPU that is not there",
                         restore->elf.path);
    /* Deadlines of timers are times of the machine's clock, which differs from the host's now. */
    if (result == 0 && restore->note.has_clock)
        timer_list_set_clock(&machine->timers, restore->note.clock);
    /* After the interrupt controllers are set: now they receive all input. */
    return result < 0 ? result : restore_devices(restore, machine, error);
}
