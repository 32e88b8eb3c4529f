/* The program: command line → machine → exit status. The only place that ends the process. */
#include "vmm/boot.h"
#include "vmm/host.h"
#include "vmm/loader.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/report.h"
#include "vmm/stats.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(enum outcome outcome, const struct error *error)
{
    dprintf(STDERR_FILENO, "minivmm: %s\n", error->text);
    return outcome_exit_status(outcome, 0);
}

/* What every machine has, unless an option says off. */
static int add_own_devices(struct machine *machine, const struct options *options,
                           struct error *error)
{
    const struct {
        const char *type, *properties;
    } devices[] = {
        {"serial", NULL},
        {"debugcon", NULL},
        {"debug-exit", options->debug_exit},
        {"ptlcall", options->ptlcall},
        {"pci-host", NULL},
        {"cmos", NULL},
        {"i8042", NULL},
        {"port92", NULL},
        {"post", NULL},
        {"fw_cfg", NULL},
    };
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (devices[i].properties && strcmp(devices[i].properties, "off") == 0)
            continue;
        result =
            device_create(machine, device_type_find(devices[i].type), devices[i].properties, error);
    }
    return result;
}

static int add_devices(struct machine *machine, const struct options *options, struct error *error)
{
    int result = add_own_devices(machine, options, error);

    for (unsigned i = 0; result == 0 && i < options->device_count; i++) {
        const char *properties;
        const struct device_type *type = device_type_of(options->devices[i], &properties, error);

        result = type ? device_create(machine, type, properties, error) : -EINVAL;
    }
    return result;
}

/* A machine that cannot be made: because an option asks for what is not possible, or otherwise. */
static enum outcome setup_outcome(int result)
{
    return result == -EINVAL ? OUTCOME_USAGE : OUTCOME_SETUP;
}

/* The image, its command line and the boot information into the guest's memory. */
static enum outcome load(struct machine *machine, const struct options *options,
                         struct x86_start *start, struct error *error)
{
    char command[BOOT_COMMAND_MAX];
    const struct loader_request request = {
        .path = options->image,
        .mode = options->mode,
        .has_mode = options->has_mode,
        .has_load = options->has_load,
        .has_entry = options->has_entry,
        .load = options->load,
        .entry = options->entry,
        .initrd = options->initrd,
        .append = command,
    };

    if (boot_join_command(options->append, options->words, options->word_count, command, error) < 0)
        return OUTCOME_USAGE;
    if (loader_load(&machine->memory, &request, start, error) < 0)
        return OUTCOME_IMAGE;
    if (boot_write_info(&machine->memory, options->vcpu_count, command, error) < 0)
        return OUTCOME_SETUP;
    return OUTCOME_NONE;
}

/* Everything up to the first instruction; the outcome says which part failed. */
static enum outcome prepare(struct machine *machine, const struct options *options,
                            struct error *error)
{
    struct x86_start start;
    enum outcome outcome;
    int result = add_devices(machine, options, error);

    if (result < 0)
        return setup_outcome(result);
    outcome = load(machine, options, &start, error);
    if (outcome != OUTCOME_NONE)
        return outcome;
    machine->config.unpaged = start.mode != X86_LONG;
    if (kvm_open(&machine->kvm, KVM_DEVICE, error) < 0)
        return OUTCOME_NO_KVM;
    result = machine_make_vm(machine, error);
    if (result < 0)
        return setup_outcome(result);
    return machine_set_start(machine, &start, error) < 0 ? OUTCOME_SETUP : OUTCOME_NONE;
}

/* Where the statistics go: opened before the run, so that it is not in vain. */
static int open_stats(const struct options *options, struct error *error)
{
    int fd;

    if (!options->stats_file)
        return STDERR_FILENO;
    fd = open(options->stats_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(error, -errno, "--stats file=%s: %s; name a file that can be written",
                         options->stats_file, strerror(errno));
    return fd;
}

/* What the monitor has to say about the end, on stderr: nothing if the guest ended itself, and
 * what could not be written is told by machine_finish(). */
static void explain(struct machine *machine, const struct options *options)
{
    enum outcome outcome = machine_outcome(machine);
    struct vcpu *vcpu = machine->ended_by;
    struct error error;

    if (outcome == OUTCOME_GUEST || outcome == OUTCOME_OUTPUT)
        return;
    if (outcome == OUTCOME_TIMEOUT)
        error_set(&error, 0, "the guest did not end within %g s; see --timeout",
                  (double)options->timeout_ns / 1e9);
    else if (outcome == OUTCOME_INTERNAL && vcpu && vcpu->failure.text[0])
        error = vcpu->failure;
    else
        error_set(&error, 0, "%s", outcome_table[outcome].meaning);
    dprintf(STDERR_FILENO, "minivmm: %s\n", error.text);

    if (vcpu && vcpu->run &&
        (outcome == OUTCOME_TRIPLE_FAULT || outcome == OUTCOME_CRASH ||
         outcome == OUTCOME_INTERNAL)) {
        vcpu_fetch_registers(vcpu, NULL);
        report_write(machine, vcpu, stderr);
    }
}

/* Run the machine that was prepared, and say how it ended: the exit status. */
static int run_prepared(struct machine *machine, const struct options *options, int stats_fd)
{
    struct error error;
    struct host host;
    int result;

    if (host_begin(&host, machine, options->timeout_ns, &error) < 0)
        return fail(OUTCOME_SETUP, &error);
    machine_run(machine);
    host_end(&host);

    explain(machine, options);
    result = machine_finish(machine, &error);
    if (result == 0 && options->stats &&
        (result = stats_write(machine, options->stats_json, stats_fd)) < 0)
        error_set(&error, result, "--stats: %s; name a file that can be written",
                  strerror(-result));
    if (result < 0)
        return fail(OUTCOME_OUTPUT, &error);
    return outcome_exit_status(machine_outcome(machine), machine_status(machine));
}

static int run(const struct options *options)
{
    const struct machine_config config = {
        .memory_size = options->memory_size,
        .vcpu_count = options->vcpu_count,
        .console_fd = STDOUT_FILENO,
        .console_policy = isatty(STDOUT_FILENO) ? OUTPUT_AT_ONCE : OUTPUT_LINES,
        .out_dir = options->out_dir,
        .quiet = options->quiet,
        .stats = options->stats,
        .irqchip = options->irqchip,
    };
    int stats_fd = -1;
    int result;
    struct machine machine;
    enum outcome outcome;
    struct error error;
    int status;

    if (options->stats && (stats_fd = open_stats(options, &error)) < 0)
        return fail(OUTCOME_SETUP, &error);
    result = machine_create(&machine, &config, &error);
    if (result < 0)
        return fail(setup_outcome(result), &error);
    outcome = prepare(&machine, options, &error);
    if (outcome == OUTCOME_NONE)
        status = run_prepared(&machine, options, stats_fd);
    else
        status = fail(outcome, &error);
    machine_destroy(&machine);
    if (stats_fd > STDERR_FILENO)
        close(stats_fd);
    return status;
}

/* --device help, --device TYPE,help: (text) is what was given. */
static int show_devices(const char *text)
{
    const struct device_type *type;
    const char *properties;
    struct error error;

    if (strcmp(text, "help") == 0) {
        device_print_types(STDOUT_FILENO);
        return 0;
    }
    type = device_type_of(text, &properties, &error);
    if (!type)
        return fail(OUTCOME_USAGE, &error);
    device_print_properties(type, STDOUT_FILENO);
    return 0;
}

/*
 * A standard descriptor that the caller closed would become one of our files, and the console or
 * a message would go there. On stdout a write stays an error; what we say on stderr is dropped.
 */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error;

    fill_standard_descriptors();
    if (options_parse(argc, argv, &options, &error) < 0)
        return fail(OUTCOME_USAGE, &error);
    switch (options.action) {
    case OPTIONS_HELP:
        options_print_help(STDOUT_FILENO);
        return 0;
    case OPTIONS_VERSION:
        printf("minivmm %s\n", MINIVMM_VERSION);
        return 0;
    case OPTIONS_DEVICE_HELP:
        return show_devices(options.devices[0]);
    case OPTIONS_RUN:
        break;
    }
    return run(&options);
}
