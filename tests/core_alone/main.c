/*
 * The monitor alone: vmm/base, vmm/io, vmm/core and one serial port run a flat image in long mode.
 * Nothing else of the tree is linked, so this is also a machine's whole life in one page.
 */
#include "guest/abi/boot.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"

#include <stdio.h>
#include <unistd.h>

#define MEMORY_SIZE (16 * MIB)

extern const struct device_type serial_type;

/* Read the file into guest memory. The guest starts at its first byte. */
static int load_image(const struct machine *machine, const char *path, struct error *error)
{
    const size_t room = MEMORY_SIZE - BOOT_LOAD;
    FILE *file = fopen(path, "re");
    size_t size = 0;

    if (file) {
        size = fread(memory_at(&machine->memory, gpa(BOOT_LOAD), room), 1, room, file);
        fclose(file);
    }
    return size ? 0 : error_set(error, -1, "%s: no image can be read from it", path);
}

static int set_start(struct machine *machine, struct error *error)
{
    const struct x86_start start = {.mode = X86_LONG, .entry = BOOT_LOAD, .stack = MEMORY_SIZE};
    uint64_t root;
    int result = x86_write_gdt(&machine->memory, error);

    if (result == 0)
        result = x86_write_page_tables(&machine->memory, NULL, 0, &root, error);
    return result < 0 ? result : vcpu_set_start(&machine->vcpus[0], &start, root, error);
}

/* Create, open KVM, load, start, run, finish. The caller destroys the machine. */
static int run_image(struct machine *machine, const char *path, struct error *error)
{
    int result = device_create(machine, &serial_type, NULL, error);

    if (result == 0 && (result = kvm_open(&machine->kvm, KVM_DEVICE, error)) < 0)
        machine_stop(machine, OUTCOME_NO_KVM);
    if (result == 0)
        result = machine_make_vm(machine, error);
    if (result == 0)
        result = load_image(machine, path, error);
    if (result == 0)
        result = set_start(machine, error);
    if (result < 0)
        return result;
    machine_run(machine);
    return machine_flush(machine, error);
}

int main(int count, char **words)
{
    const struct machine_config config = {
        .memory_size = MEMORY_SIZE,
        .vcpu_count = 1,
        .console_fd = STDOUT_FILENO,
        .console_policy = OUTPUT_LINES,
        .out_dir = ".",
        .message_fd = STDERR_FILENO,
    };
    struct machine machine;
    struct error error = {""};

    if (count != 2 || machine_init(&machine, &config, &error) < 0) {
        fprintf(stderr, "core_alone: %s\n", count == 2 ? error.text : "usage: core_alone IMAGE");
        return outcome_exit_status(OUTCOME_USAGE, 0);
    }
    if (run_image(&machine, words[1], &error) < 0) {
        fprintf(stderr, "core_alone: %s\n", error.text);
        machine_stop(&machine, OUTCOME_SETUP); /* unless it has ended already */
    }
    machine_finish(&machine);
    return outcome_exit_status(machine_outcome(&machine), machine_status(&machine));
}
