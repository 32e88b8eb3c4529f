#include "tests/unit/hostile.h"

#include "devices/types.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"
#include "vmm/observe/crash_report.h"
#include "vmm/observe/stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_SIZE (2 * MIB)

void hostile_require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "hostile guest: %s\n", what);
    abort();
}

static void set_line(void *opaque, unsigned gsi, bool level)
{
    struct hostile *hostile = opaque;

    hostile_require(gsi < IRQ_GSIS, "an interrupt that there is not");
    hostile_require(hostile->levels[gsi] != level, "an interrupt is set to what it is");
    hostile->levels[gsi] = level;
}

static void take_message(void *opaque, uint64_t address, uint32_t data)
{
    (void)opaque;
    (void)address;
    hostile_require(data <= UINT16_MAX, "a message of more than 16 bits");
}

static void add_device(struct machine *machine, const char *type, const char *properties)
{
    struct error error = {""};

    if (device_create(machine, device_type_find(device_types, type), properties, &error) == 0)
        return;
    fprintf(stderr, "hostile guest: %s\n", error.text);
    abort();
}

static const char *properties_of(const struct device_type *type)
{
    if (strncmp(type->name, "ptlcall", strlen("ptlcall")) == 0)
        return "log=/dev/null";
    return strcmp(type->name, "alarm") == 0 ? "irq=5" : NULL;
}

static void add_devices(struct machine *machine)
{
    for (const struct device_type *const *type = device_types; *type; type++) {
        if (strcmp((*type)->name, "xen-ring") == 0) /* it has a thread of its own */
            continue;
        add_device(machine, (*type)->name, properties_of(*type));
    }
    add_device(machine, "serial", "port=0x2f8,irq=3,out=/dev/null");
}

static void add_run_page(struct vcpu *vcpu)
{
    vcpu->run_size = HOSTILE_RUN_SIZE;
    vcpu->run = aligned_alloc(PAGE_SIZE, HOSTILE_RUN_SIZE);
    hostile_require(vcpu->run, "no memory");
    memset(vcpu->run, 0, HOSTILE_RUN_SIZE);
}

void hostile_begin(struct hostile *hostile)
{
    struct machine_config config = {
        .memory_size = MEMORY_SIZE,
        .vcpu_count = HOSTILE_VCPUS,
        .console_policy = OUTPUT_LINES,
        .message_fd = -1,
        .irqchip = true,
        .wall_clock = 1,
    };

    memset(hostile, 0, sizeof(*hostile));
    snprintf(hostile->out_dir, sizeof(hostile->out_dir), "%s/minivmm-hostile-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    hostile_require(mkdtemp(hostile->out_dir), "no directory for files");
    hostile->console = open("/dev/null", O_WRONLY | O_CLOEXEC);
    config.console_fd = hostile->console;
    config.out_dir = hostile->out_dir;
    hostile_require(machine_init(&hostile->machine, &config, NULL) == 0, "no machine");
    hostile->stats = stats_create(&hostile->machine);
    hostile_require(hostile->stats, "no memory for statistics");
    hostile->machine.irqs.sink =
        (struct irq_sink){.set = set_line, .message = take_message, .opaque = hostile};
    xen_world_init(&hostile->world);
    hostile_require(xen_domain_init(&hostile->domain, &hostile->world, 1, &hostile->machine,
                                    NULL) == 0,
                    "no domain");
    add_devices(&hostile->machine);
    bus_freeze(&hostile->machine.bus[BUS_PIO]);
    bus_freeze(&hostile->machine.bus[BUS_MMIO]);
    for (unsigned id = 0; id < HOSTILE_VCPUS; id++)
        add_run_page(&hostile->machine.vcpus[id]);
    hostile->vcpu = &hostile->machine.vcpus[0];
}

/* A file that was begun is completed or gone. */
static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        hostile_require(strncmp(entry->d_name, ".minivmm", strlen(".minivmm")) != 0,
                        "a temporary file is left");
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

void hostile_end(struct hostile *hostile)
{
    struct error error;

    xen_domain_close(&hostile->domain);
    hostile_require(machine_flush(&hostile->machine, &error) == 0, "the end of output is lost");
    for (unsigned id = 0; id < HOSTILE_VCPUS; id++) {
        free(hostile->machine.vcpus[id].run);
        hostile->machine.vcpus[id].run = NULL;
    }
    stats_destroy(hostile->stats);
    machine_finish(&hostile->machine);
    xen_domain_finish(&hostile->domain);
    xen_world_finish(&hostile->world);
    close(hostile->console);
    remove_dir(hostile->out_dir);
}

static void require_free(pthread_mutex_t *lock, const char *what)
{
    hostile_require(pthread_mutex_trylock(lock) == 0, what);
    pthread_mutex_unlock(lock);
}

static void require_locks_free(struct machine *machine)
{
    require_free(&machine->pci.lock, "the lock of the PCI bus is held");
    require_free(&machine->irqs.lock, "the lock of the interrupts is held");
    require_free(&xen_domain_of(machine)->lock, "the lock of the domain is held");
    require_free(&xen_domain_of(machine)->world->lock, "the lock of the world is held");
    require_free(&xen_domain_of(machine)->world->events.lock, "the lock of event channels is held");
    require_free(&xen_domain_of(machine)->grants.lock, "the lock of grants is held");
    require_free(&machine->console.lock, "the lock of the console is held");
    for (struct device *device = machine->devices; device; device = device->next) {
        hostile_require(lock_try(&device->lock), "the lock of a device is held");
        lock_release(&device->lock);
    }
}

/* What is up is what the devices hold up. */
static void require_lines(struct hostile *hostile)
{
    for (unsigned gsi = 0; gsi < IRQ_GSIS; gsi++)
        hostile_require((hostile->machine.irqs.raised[gsi] > 0) == hostile->levels[gsi],
                        "an interrupt line is forgotten");
}

/* Registers but RAX are the guest's own. */
static void require_registers(const struct kvm_sync_regs *before, const struct kvm_sync_regs *after)
{
    struct kvm_regs regs = after->regs;

    regs.rax = before->regs.rax;
    hostile_require(memcmp(&regs, &before->regs, sizeof(regs)) == 0, "a register has changed");
    hostile_require(memcmp(&after->sregs, &before->sregs, sizeof(after->sregs)) == 0,
                    "a special register has changed");
}

void hostile_exit(struct hostile *hostile)
{
    struct machine *machine = &hostile->machine;
    struct vcpu *vcpu = hostile->vcpu;
    const struct kvm_sync_regs before = vcpu->run->s.regs;
    enum exit_action action;

    vcpu->registers_valid = hostile->fetched;
    action = exit_handle(machine, vcpu);
    if (action == EXIT_REGISTERS) {
        hostile_require(!vcpu->registers_valid, "registers are asked for twice");
        vcpu->registers_valid = true;
        action = exit_handle(machine, vcpu);
    }
    exit_remember(vcpu);
    stats_count(hostile->stats, vcpu->id, vcpu->run, 1, 1);

    hostile_require((action == EXIT_STOP) == (machine_outcome(machine) != OUTCOME_NONE),
                    "the action is not what became of the machine");
    hostile_require(machine_outcome(machine) != OUTCOME_OUTPUT, "output is lost");
    require_registers(&before, &vcpu->run->s.regs);
    require_locks_free(machine);
    require_lines(hostile);
    atomic_store(&machine->end, 0);
    machine->ended_by = NULL;
}

void hostile_report(struct hostile *hostile)
{
    FILE *file = fopen("/dev/null", "we");

    hostile_require(file, "no /dev/null");
    hostile->vcpu->registers_valid = true;
    crash_report_write(&hostile->machine, hostile->vcpu, file);
    hostile_require(stats_write(hostile->stats, true, fileno(file)) == 0, "no statistics");
    fclose(file);
}

void hostile_reset(struct hostile *hostile)
{
    for (struct device *device = hostile->machine.devices; device; device = device->next)
        device_reset(device);
    require_lines(hostile);
}

void hostile_prepare(void)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = HOSTILE_FILE_MAX;
    setrlimit(RLIMIT_FSIZE, &limit);
}
