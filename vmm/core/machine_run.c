/* Create, run and destroy a machine. vmm/core/machine_vm.c makes its VM. */
#include "vmm/core/machine_run.h"

#include "vmm/base/descriptor.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_pause.h"
#include "vmm/core/machine_timer.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MS 20 /* a vCPU that takes longer to rest does not sleep */

static int open_out_dir(struct machine *machine, struct error *error)
{
    const char *path = machine->config.out_dir;

    machine->out_dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (machine->out_dir_fd < 0)
        return error_set(error, -errno, "--out %s: %s; name a directory that exists", path,
                         strerror(errno));
    return 0;
}

static int make_vcpus(struct machine *machine, struct error *error)
{
    unsigned count = machine->config.vcpu_count;

    machine->vcpus = machine->config.vcpus;
    if (!machine->vcpus)
        machine->vcpus = calloc(count, sizeof(*machine->vcpus));
    if (!machine->vcpus)
        return error_set(error, -ENOMEM, "out of memory for %u vCPUs; give a lower --cpus", count);
    for (unsigned id = 0; id < count; id++) {
        vcpu_init(&machine->vcpus[id], machine, id);
        machine->vcpu_count++;
    }
    return 0;
}

int machine_init(struct machine *machine, const struct machine_config *config, struct error *error)
{
    int result;

    memset(machine, 0, sizeof(*machine));
    machine->config = *config;
    machine->out_dir_fd = -1;
    kvm_init(&machine->kvm);
    pause_init(&machine->pause);
    bus_init(&machine->bus[BUS_PIO], BUS_PIO);
    bus_init(&machine->bus[BUS_MMIO], BUS_MMIO);
    machine->bus[BUS_PIO].alone = machine->bus[BUS_MMIO].alone = config->vcpu_count == 1;
    irq_init(&machine->irqs);
    timer_list_init(&machine->timers);
    machine->irqs.needed = config->irqchip || config->vcpu_count > 1;
    pci_bus_init(&machine->pci, machine->bus, &machine->irqs);
    console_init(&machine->console, config->console_fd, config->console_policy,
                 &machine->abandoned);

    result = memory_init(&machine->memory, config->memory_size, error);
    if (result == 0)
        result = open_out_dir(machine, error);
    if (result == 0)
        result = make_vcpus(machine, error);
    if (result < 0)
        machine_finish(machine);
    return result;
}

void machine_finish(struct machine *machine)
{
    while (machine->devices) {
        struct device *device = machine->devices;

        machine->devices = device->next;
        device_destroy(device);
    }
    for (unsigned id = 0; id < machine->vcpu_count; id++)
        vcpu_finish(&machine->vcpus[id]);
    free(machine->cpuid);
    machine->cpuid = NULL;
    if (!machine->config.vcpus)
        free(machine->vcpus);
    machine->vcpus = NULL;
    machine->vcpu_count = 0;
    kvm_close(&machine->kvm);
    console_finish(&machine->console);
    pause_finish(&machine->pause);
    pci_bus_finish(&machine->pci);
    irq_finish(&machine->irqs);
    timer_list_destroy(&machine->timers);
    bus_finish(&machine->bus[BUS_PIO]);
    bus_finish(&machine->bus[BUS_MMIO]);
    memory_finish(&machine->memory);
    descriptor_close(&machine->out_dir_fd);
}

static void *vcpu_thread(void *argument)
{
    vcpu_loop(argument);
    return NULL;
}

/* vCPU 0 runs on the calling thread. The others wait in KVM for INIT and SIPI, each in its own. */
void machine_run(struct machine *machine)
{
    pthread_t threads[machine->vcpu_count];
    unsigned started = 1;
    int result;

    pause_start(&machine->pause, machine->vcpu_count);
    result = machine_timers_start(machine);
    if (result < 0) {
        machine_notice(machine, "the thread for timers: %s; raise the limit of threads",
                       strerror(-result));
        machine_stop(machine, OUTCOME_SETUP);
    }
    for (; started < machine->vcpu_count; started++) {
        if (pthread_create(&threads[started], NULL, vcpu_thread, &machine->vcpus[started]) != 0) {
            machine_stop(machine, OUTCOME_SETUP);
            break;
        }
    }
    vcpu_loop(&machine->vcpus[0]);

    for (unsigned id = 1; id < started; id++)
        pthread_join(threads[id], NULL);
    machine_timers_stop(machine);
}

int machine_flush(struct machine *machine, struct error *error)
{
    int result = console_flush(&machine->console);

    if (result < 0)
        return error_set(error, result,
                         "the console on stdout: %s; start a reader or free disk space",
                         strerror(-result));
    if (machine->console.output.lost && machine_outcome(machine) == OUTCOME_GUEST)
        return error_set(error, -ETIMEDOUT,
                         "the console on stdout: the reader stalled; the last output was dropped");
    for (struct device *device = machine->devices; device; device = device->next) {
        if (device->type->finish)
            result = device->type->finish(device, error);
        if (result < 0)
            return result;
    }
    return 0;
}

bool machine_sleeps_for_ever(struct machine *machine)
{
    bool sleeps = true;

    if (!pause_begin(machine, PAUSE_MS, false))
        return false;
    for (unsigned id = 0; sleeps && id < machine->vcpu_count; id++)
        sleeps = vcpu_sleeps_for_ever(&machine->vcpus[id]);
    pause_end(machine, false);
    return sleeps;
}

void machine_count_exits(struct machine *machine, uint64_t *counts)
{
    memset(counts, 0, EXIT_REASONS * sizeof(*counts));
    for (unsigned id = 0; id < machine->vcpu_count; id++)
        for (unsigned reason = 0; reason < EXIT_REASONS; reason++)
            counts[reason] +=
                atomic_load_explicit(&machine->vcpus[id].exits[reason], memory_order_relaxed);
}
