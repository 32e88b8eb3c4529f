/* The notes of a checkpoint: the state of the machine without its memory. */
#include "vmm/snapshot/checkpoint.h"

#include "vmm/base/clock.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/device_state.h"
#include "vmm/snapshot/elf_file.h"
#include "vmm/snapshot/kvm_state.h"
#include "vmm/snapshot/machine_note.h"
#include "vmm/snapshot/prstatus.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLLECT_TIMES 100

/* Notes, and the buffers that they own. */
struct notes {
    struct elf_note *list;
    unsigned count, room;
};

static int add(struct notes *notes, const char *owner, uint32_t type, void *bytes, size_t size)
{
    if (notes->count == notes->room) {
        free(bytes);
        return -ENOMEM;
    }
    notes->list[notes->count++] = (struct elf_note){owner, type, bytes, size};
    return bytes ? 0 : -ENOMEM;
}

static int add_text(struct notes *notes, uint32_t type, const struct text *text)
{
    if (text->failed) {
        free(text->bytes);
        return -ENOMEM;
    }
    return add(notes, ELF_OWNER, type, text->bytes, text->used);
}

static int add_machine(struct notes *notes, struct machine *machine)
{
    struct text text = {0};

    machine_note_write(machine, &text);
    return add_text(notes, ELF_NOTE_MACHINE, &text);
}

static int add_cpuid(struct notes *notes, struct machine *machine)
{
    union kvm_cpuid_table *copy = malloc(sizeof(*copy));

    if (copy) {
        *copy = *machine->cpuid;
        copy->header.padding = ELF_CPUID_VERSION;
    }
    return add(notes, ELF_OWNER, ELF_NOTE_CPUID, copy,
               sizeof(struct kvm_cpuid2) +
                   machine->cpuid->header.nent * sizeof(struct kvm_cpuid_entry2));
}

static int add_vm(struct notes *notes, struct machine *machine, struct error *error)
{
    struct kvm_vm_state *state = calloc(1, sizeof(*state));
    int result =
        state ? kvm_get_vm_state(&machine->kvm, machine->irqs.needed, state, error) : -ENOMEM;

    if (result < 0) {
        free(state);
        return result;
    }
    return add(notes, ELF_OWNER, ELF_NOTE_VM, state, sizeof(*state));
}

/* First the notes for gdb, then minivmm's. */
static int add_vcpu(struct notes *notes, struct vcpu *vcpu, uint64_t rax_flag, struct error *error)
{
    struct kvm_vcpu_state *state = calloc(1, sizeof(*state));
    struct elf_prstatus *status = calloc(1, sizeof(*status));
    int result = -ENOMEM;

    if (state && status)
        result = kvm_get_vcpu_state(&vcpu->machine->kvm, vcpu->fd, vcpu->id,
                                    vcpu->machine->irqs.needed, state, error);
    if (result < 0) {
        free(state);
        free(status);
        return result;
    }
    state->regs.rax |= rax_flag;
    prstatus_fill(status, vcpu->id + 1, &state->regs, &state->sregs);
    result = add(notes, ELF_GDB_OWNER, NT_PRSTATUS, status, sizeof(*status));
    if (result < 0) {
        free(state);
        return result;
    }
    return add(notes, ELF_OWNER, ELF_NOTE_VCPU, state, kvm_vcpu_state_size(state));
}

static int add_devices(struct notes *notes, const struct machine *machine)
{
    int result = 0;

    for (struct device *device = machine->devices; result == 0 && device; device = device->next) {
        struct text text = {0};

        state_write(device, &text);
        result = add_text(notes, ELF_NOTE_DEVICE, &text);
    }
    return result;
}

/* A failed allocation has no sentence yet. */
static int collect(struct notes *notes, struct machine *machine, const struct vcpu *asking,
                   uint64_t rax_flag, struct error *error)
{
    int result = add_machine(notes, machine);

    for (unsigned id = 0; result == 0 && id < machine->vcpu_count; id++) {
        struct vcpu *vcpu = &machine->vcpus[id];

        result = add_vcpu(notes, vcpu, vcpu == asking ? rax_flag : 0, error);
    }
    if (result == 0)
        result = add_cpuid(notes, machine);
    if (result == 0)
        result = add_vm(notes, machine, error);
    if (result == 0)
        result = add_devices(notes, machine);
    if (result == -ENOMEM)
        error_set(error, result, "out of memory for a checkpoint");
    return result;
}

static void clear(struct notes *notes)
{
    for (unsigned i = 0; i < notes->count; i++)
        free((void *)(uintptr_t)notes->list[i].bytes);
    notes->count = 0;
}

/* Written output is not repeated after a restore. An error is reported at the end of the run. */
static void flush(struct machine *machine)
{
    console_drain(&machine->console);
    for (struct device *device = machine->devices; device; device = device->next)
        if (device->type->finish)
            device->type->finish(device, NULL);
}

/*
 * Input may come while the vCPUs rest, and change an interrupt line after the controllers were
 * saved and before the device was: then save both again. The number of attempts is limited.
 */
static int collect_at_once(struct notes *notes, struct machine *machine, const struct vcpu *asking,
                           uint64_t rax_flag, struct error *error)
{
    int result;

    for (unsigned i = 0; i < COLLECT_TIMES; i++) {
        const uint64_t changes = irq_changes(&machine->irqs);

        clear(notes);
        result = collect(notes, machine, asking, rax_flag, error);
        if (result < 0 || changes == irq_changes(&machine->irqs))
            return result;
    }
    return error_set(error, -EBUSY, "a checkpoint could not be taken: input kept coming");
}

int checkpoint_write(struct machine *machine, int dir_fd, const char *name, struct vcpu *vcpu,
                     uint64_t rax_flag, struct error *error)
{
    struct notes notes = {.list = calloc(ELF_NOTES, sizeof(struct elf_note)), .room = ELF_NOTES};
    int result;

    if (!notes.list)
        return error_set(error, -ENOMEM, "out of memory for a checkpoint");
    flush(machine);
    result = collect_at_once(&notes, machine, vcpu, rax_flag, error);
    if (result == 0)
        result = elf_file_write(dir_fd, name, notes.list, notes.count, &machine->memory, error);
    clear(&notes);
    free(notes.list);
    return result;
}
