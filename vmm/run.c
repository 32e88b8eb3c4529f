#include "vmm/run.h"

#include "vmm/boot.h"
#include "vmm/clock.h"
#include "vmm/host.h"
#include "vmm/loader.h"
#include "vmm/machine.h"
#include "vmm/report.h"
#include "vmm/restore.h"
#include "vmm/run_files.h"
#include "vmm/trace.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is to be run. */
struct run {
    const struct options *options;
    const struct plan *plan;
    const struct restore *restore; /* NULL: it starts from the image */
    uint64_t deadline;             /* of clock_now(), for all boots together; 0: none */
};

static int fail(enum outcome outcome, const struct error *error)
{
    dprintf(STDERR_FILENO, "minivmm: %s\n", error->text);
    return outcome_exit_status(outcome, 0);
}

/* What every machine has, unless an option says off. */
static int plan_own_devices(const struct options *options, struct plan *plan, struct error *error)
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
        result = plan_add_device(plan, devices[i].type, devices[i].properties, error);
    }
    return result;
}

int run_plan(const struct options *options, struct plan *plan, struct error *error)
{
    int result = plan_own_devices(options, plan, error);

    plan->memory_size = options->memory_size;
    plan->vcpu_count = options->vcpu_count;
    plan->irqchip = options->irqchip;
    for (unsigned i = 0; result == 0 && i < options->device_count; i++)
        result = plan_add_device(plan, options->devices[i], NULL, error);
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
static enum outcome prepare_start(struct machine *machine, const struct options *options,
                                  const struct plan *plan, struct error *error)
{
    struct x86_start start;
    enum outcome outcome;
    int result = plan_make_devices(plan, machine, NULL, error);

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

/* Everything up to the instruction behind the checkpoint. */
static enum outcome prepare_restored(struct machine *machine, const struct restore *restore,
                                     struct error *error)
{
    int result = plan_make_devices(&restore->note.plan, machine, NULL, error);

    if (result == 0)
        result = restore_memory(restore, machine, error);
    if (result < 0)
        return OUTCOME_IMAGE;
    if (kvm_open(&machine->kvm, KVM_DEVICE, error) < 0)
        return OUTCOME_NO_KVM;
    result = machine_make_vm(machine, error);
    if (result < 0)
        return setup_outcome(result);
    return restore_vm(restore, machine, error) < 0 ? OUTCOME_IMAGE : OUTCOME_NONE;
}

/* The crash report: on stderr, and in (report). */
static void report_crash(struct machine *machine, struct vcpu *vcpu, struct text *report)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&bytes, &size);

    vcpu_fetch_registers(vcpu, NULL);
    if (!file) {
        report_write(machine, vcpu, stderr);
        return;
    }
    report_write(machine, vcpu, file);
    fclose(file);
    text_put(report, bytes, size);
    fwrite(bytes, 1, size, stderr);
    free(bytes);
}

/* What the monitor has to say about the end, on stderr: nothing if the guest ended itself, and
 * what could not be written is told by machine_finish(). */
static void explain(struct machine *machine, const struct options *options, struct text *report)
{
    enum outcome outcome = machine_outcome(machine);
    struct vcpu *vcpu = machine->ended_by;
    struct error error;

    if (outcome == OUTCOME_GUEST || outcome == OUTCOME_OUTPUT ||
        (machine->reboots && options->image))
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
         outcome == OUTCOME_INTERNAL))
        report_crash(machine, vcpu, report);
}

/* Run the machine that was prepared, and say how it ended: the exit status. */
static int run_prepared(struct machine *machine, const struct run *run, struct run_files *files)
{
    const struct options *options = run->options;
    struct text report = {0};
    struct error error;
    const struct host_options host_options = {
        .deadline = run->deadline,
        .checkpoint_signal = options->checkpoint_signal,
        .checkpoint_path = options->checkpoint_signal_path,
    };
    struct host host;
    int result;

    if (host_begin(&host, machine, &host_options, &error) < 0)
        return fail(OUTCOME_SETUP, &error);
    machine_run(machine);
    host_end(&host);

    explain(machine, options, &report);
    result = run_files_finish(files, machine, &report, &error);
    text_free(&report);
    if (result == 0)
        result = machine_finish(machine, &error);
    if (result == 0)
        result = run_files_write_stats(files, options, machine, &error);
    if (result < 0)
        return fail(OUTCOME_OUTPUT, &error);
    return outcome_exit_status(machine_outcome(machine), machine_status(machine));
}

/* The machine is there; now its devices, its guest, its run. */
static int run_machine(struct machine *machine, const struct run *run, struct run_files *files)
{
    struct error error;
    enum outcome outcome = OUTCOME_SETUP;

    if (run_files_attach(files, machine, &error) == 0)
        outcome = run->restore ? prepare_restored(machine, run->restore, &error)
                               : prepare_start(machine, run->options, run->plan, &error);
    if (outcome != OUTCOME_NONE)
        return fail(outcome, &error);
    run_files_begin(files, run->options, run->plan);
    return run_prepared(machine, run, files);
}

/* One run, up to its end or a reboot: the exit status, and whether to run again. */
static int run_once(const struct run *run, struct run_files *files, bool *again)
{
    const struct options *options = run->options;
    struct machine_config config = {
        .console_fd = STDOUT_FILENO,
        .console_policy = isatty(STDOUT_FILENO) ? OUTPUT_AT_ONCE : OUTPUT_LINES,
        .out_dir = options->out_dir,
        .quiet = options->quiet,
        .stats = options->stats,
        .checkpoint_at = options->checkpoint_at,
        .checkpoint_path = options->checkpoint_at_path,
    };
    struct machine machine;
    struct error error;
    int result, status;

    plan_configure(run->plan, &config);
    result = machine_create(&machine, &config, &error);
    if (result < 0)
        return fail(setup_outcome(result), &error);
    machine.plan = run->plan;
    status = run_machine(&machine, run, files);
    *again = machine.reboots && machine_outcome(&machine) == OUTCOME_RESET;
    trace_finish(machine.trace);
    machine_destroy(&machine);
    return status;
}

/* A machine that reboots is made anew from its image. What watched the first one is done. */
static int run_planned(struct run *run)
{
    struct run_files files;
    struct error error;
    bool again = false;
    int status;

    if (run->options->timeout_ns)
        run->deadline = clock_now() + run->options->timeout_ns;
    if (run_files_open(&files, run->options, &error) == 0)
        status = run_once(run, &files, &again);
    else
        status = fail(OUTCOME_SETUP, &error);
    run_files_close(&files);
    while (again && run->options->image) {
        struct run_files none = RUN_FILES_NONE;

        again = false;
        run->restore = NULL;
        status = run_once(run, &none, &again);
    }
    return status;
}

/* A checkpoint comes from anywhere: what it names is not opened unless the user says so. */
static int check_files(const struct options *options, const struct plan *plan, struct error *error)
{
    const char *device = plan_find_file(plan);

    if (!device || options->allow_files || options->machine_given & PLAN_DEVICE_LIST)
        return 0;
    return error_set(
        error, -EINVAL,
        "%s: its device '%.200s' names a file on this host; if that may be opened, give "
        "--allow-files",
        options->restore, device);
}

/* The plan of the checkpoint: what the command line says must be the same. */
static int run_restored(const struct options *options)
{
    struct plan wanted = {0};
    struct restore restore;
    struct error error;
    int result, status;

    if (restore_open(&restore, options->restore, &error) < 0)
        return fail(OUTCOME_IMAGE, &error);
    result = run_plan(options, &wanted, &error);
    if (result == 0)
        result = plan_compare(&restore.note.plan, &wanted, options->machine_given, options->restore,
                              &error);
    plan_free(&wanted);
    if (result == 0)
        result = check_files(options, &restore.note.plan, &error);
    if (result < 0) {
        status = fail(OUTCOME_USAGE, &error);
    } else {
        struct run run = {.options = options, .plan = &restore.note.plan, .restore = &restore};

        status = run_planned(&run);
    }
    restore_close(&restore);
    return status;
}

int run_guest(const struct options *options)
{
    struct run run = {.options = options};
    struct plan plan = {0};
    struct error error;
    int status;

    if (options->restore)
        return run_restored(options);
    run.plan = &plan;
    if (run_plan(options, &plan, &error) < 0)
        status = fail(OUTCOME_USAGE, &error);
    else
        status = run_planned(&run);
    plan_free(&plan);
    return status;
}
