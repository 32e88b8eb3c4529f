#include "vmm/run_start.h"

#include "vmm/boot.h"
#include "vmm/loader.h"

#include <errno.h>
#include <unistd.h>

void run_configure(const struct options *options, const struct plan *plan,
                   struct machine_config *config)
{
    *config = (struct machine_config){
        .console_fd = STDOUT_FILENO,
        .console_policy = isatty(STDOUT_FILENO) ? OUTPUT_AT_ONCE : OUTPUT_LINES,
        .out_dir = options->out_dir,
        .quiet = options->quiet,
        .stats = options->stats,
        .checkpoint_at = options->checkpoint_at,
        .checkpoint_path = options->checkpoint_at_path,
    };
    plan_configure(plan, config);
}

enum outcome run_setup_outcome(int result)
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

enum outcome run_start(struct machine *machine, const struct options *options,
                       const struct plan *plan, struct error *error)
{
    struct x86_start start;
    enum outcome outcome;
    int result = plan_make_devices(plan, machine, NULL, error);

    if (result < 0)
        return run_setup_outcome(result);
    outcome = load(machine, options, &start, error);
    if (outcome != OUTCOME_NONE)
        return outcome;
    machine->config.unpaged = start.mode != X86_LONG;
    if (kvm_open(&machine->kvm, KVM_DEVICE, error) < 0)
        return OUTCOME_NO_KVM;
    result = machine_make_vm(machine, error);
    if (result < 0)
        return run_setup_outcome(result);
    return machine_set_start(machine, &start, error) < 0 ? OUTCOME_SETUP : OUTCOME_NONE;
}
