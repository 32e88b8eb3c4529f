#include "vmm/run.h"

#include "vmm/clock.h"
#include "vmm/host.h"
#include "vmm/machine.h"
#include "vmm/restore.h"
#include "vmm/run_domains.h"
#include "vmm/run_end.h"
#include "vmm/run_files.h"
#include "vmm/run_start.h"
#include "vmm/trace.h"

#include <errno.h>
#include <string.h>

/* What is to be run. */
struct run {
    const struct options *options;
    const struct plan *plan;
    const struct restore *restore; /* NULL: it starts from the image */
    uint64_t deadline;             /* of clock_now(), for all boots together; 0: none */
};

static int fail(enum outcome outcome, const struct error *error)
{
    return run_fail("", outcome, error);
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
        return run_setup_outcome(result);
    return restore_vm(restore, machine, error) < 0 ? OUTCOME_IMAGE : OUTCOME_NONE;
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
    int status;

    if (host_begin(&host, &machine, 1, &host_options, &error) < 0)
        return fail(OUTCOME_SETUP, &error);
    machine_run(machine);
    host_end(&host);

    run_explain(machine, options, "", &report);
    status = run_finish(machine, options, files, "", &report);
    text_free(&report);
    return status;
}

/* The machine is there; now its devices, its guest, its run. */
static int run_machine(struct machine *machine, const struct run *run, struct run_files *files)
{
    struct error error;
    enum outcome outcome = OUTCOME_SETUP;

    if (run_files_attach(files, machine, &error) == 0)
        outcome = run->restore ? prepare_restored(machine, run->restore, &error)
                               : run_start(machine, run->options, run->plan, &error);
    if (outcome != OUTCOME_NONE)
        return fail(outcome, &error);
    run_files_begin(files, run->options, run->plan);
    return run_prepared(machine, run, files);
}

/* One run, up to its end or a reboot: the exit status, and whether to run again. */
static int run_once(const struct run *run, struct run_files *files, bool *again)
{
    struct machine_config config;
    struct machine machine;
    struct error error;
    int result, status;

    run_configure(run->options, run->plan, &config);
    result = machine_create(&machine, &config, &error);
    if (result < 0)
        return fail(run_setup_outcome(result), &error);
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

    if (options->domain_count)
        return run_domains(options);
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
