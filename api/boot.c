#include "api/boot.h"

#include "api/config.h"
#include "api/region.h"
#include "api/result.h"
#include "vmm/boot/boot_info.h"
#include "vmm/boot/loader.h"
#include "vmm/boot/start.h"
#include "vmm/core/machine_run.h"
#include "vmm/step/step_runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Set the result of a machine that cannot be made, by its negative errno: because of the config, or
 * otherwise.
 */
static enum minivmm_outcome setup_outcome(int result)
{
    return result == -EINVAL ? MINIVMM_USAGE : MINIVMM_SETUP;
}

static int fail_setup(struct minivmm_error *error, int result, const struct error *cause)
{
    return api_fail(error, setup_outcome(result), result, cause);
}

static void set_made(struct minivmm_machine *machine, enum handle_made made)
{
    pthread_rwlock_wrlock(&machine->lock);
    machine->made = made;
    pthread_rwlock_unlock(&machine->lock);
}

static int make_room(struct minivmm_machine *machine, struct error *error)
{
    if (!machine->vcpus)
        machine->vcpus = calloc(machine->plan.vcpu_count, sizeof(*machine->vcpus));
    if (!machine->vcpus)
        return error_set(error, -ENOMEM, "out of memory for %u vCPUs; give a lower --cpus",
                         machine->plan.vcpu_count);
    return 0;
}

static int make_machine(struct minivmm_machine *machine, struct error *error)
{
    const struct minivmm_config *from = &machine->config;
    struct machine_config config = {
        .console_fd = from->console_fd,
        .console_policy = isatty(from->console_fd) ? OUTPUT_AT_ONCE : OUTPUT_LINES,
        .out_dir = from->out_dir ? from->out_dir : ".",
        .message_fd = from->message_fd,
        .name = from->name,
    };
    int result = make_room(machine, error);

    if (result < 0)
        return result;
    config.vcpus = machine->vcpus;
    machine_plan_configure(&machine->plan, &config);
    result = machine_init(&machine->machine, &config, error);
    if (result < 0)
        return result;
    machine->machine.plan = &machine->plan;
    machine->machine.runner = &step_runner;
    if (from->console_name)
        output_set_prefix(&machine->machine.console.output, from->console_name);
    set_made(machine, HANDLE_MACHINE);
    return stepping_init(&machine->stepping, &machine->machine, error);
}

static int make_domain(struct minivmm_machine *machine, struct error *error)
{
    const struct minivmm_config *config = &machine->config;
    int result;

    if (!config->world)
        return 0;
    result = xen_domain_init(&machine->domain, &config->world->world, config->domid,
                             &machine->machine, error);
    if (result < 0)
        return result;
    foreign_init(&machine->foreign, &machine->machine);
    machine->domain.map = foreign_map;
    machine->domain.map_opaque = &machine->foreign;
    set_made(machine, HANDLE_DOMAIN);
    return 0;
}

void boot_name_stub(struct minivmm_machine *machine, const char *name)
{
    pthread_rwlock_wrlock(&machine->lock);
    snprintf(machine->stub_name, sizeof(machine->stub_name), "%s", name);
    pthread_rwlock_unlock(&machine->lock);
}

/* Make the devices of the plan, and the owner's regions. */
static int make_devices(struct minivmm_machine *machine, struct error *error)
{
    int result = machine_plan_make_devices(&machine->plan, &machine->machine, NULL, error);

    return result == 0 ? region_make_all(machine, error) : result;
}

static int make_vm(struct machine *machine, struct minivmm_error *error)
{
    struct error cause;
    int result = kvm_open(&machine->kvm, KVM_DEVICE, &cause);

    if (result < 0)
        return api_fail(error, MINIVMM_NO_KVM, result, &cause);
    result = machine_make_vm(machine, &cause);
    return result < 0 ? fail_setup(error, result, &cause) : 0;
}

/* Write the image, its command line and the boot information to the guest's memory. */
static int load_image(struct minivmm_machine *machine, struct x86_start *start,
                      struct minivmm_error *error)
{
    static const enum x86_mode modes[] = {[MINIVMM_MODE_PRESET] = X86_LONG,
                                          [MINIVMM_MODE_LONG] = X86_LONG,
                                          [MINIVMM_MODE_PROTECTED] = X86_PROTECTED,
                                          [MINIVMM_MODE_REAL] = X86_REAL};
    const struct minivmm_image *image = &machine->image;
    const struct memory *memory = &machine->machine.memory;
    char command[BOOT_COMMAND_MAX];
    const struct loader_request request = {
        .path = image->path,
        .mode = modes[image->mode],
        .has_mode = image->mode != MINIVMM_MODE_PRESET,
        .has_load = image->has_load,
        .has_entry = image->has_entry,
        .load = image->load,
        .entry = image->entry,
        .initrd = image->initrd,
        .append = command,
    };
    struct error cause;
    int result = boot_join_command(image->append, image->words, image->word_count, command, &cause);

    if (result < 0)
        return api_fail(error, MINIVMM_USAGE, result, &cause);
    result = loader_load(memory, &request, start, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_IMAGE, result, &cause);
    result = boot_write_info(memory, machine->plan.vcpu_count, command, &cause);
    return result < 0 ? api_fail(error, MINIVMM_SETUP, result, &cause) : 0;
}

/* KVM has the vCPUs: minivmm_vcpu() returns them from now on. */
static void show(struct minivmm_machine *machine)
{
    pthread_rwlock_wrlock(&machine->lock);
    machine->vcpus_shown = machine->machine.vcpu_count;
    machine->wired = true;
    pthread_rwlock_unlock(&machine->lock);
}

/* Prepare everything up to the image's first instruction. */
static int start_image(struct minivmm_machine *machine, struct minivmm_error *error)
{
    struct machine *made = &machine->machine;
    struct x86_start start;
    struct error cause;
    int result = make_devices(machine, &cause);

    if (result < 0)
        return fail_setup(error, result, &cause);
    result = load_image(machine, &start, error);
    if (result < 0)
        return result;
    made->config.unpaged = start.mode != X86_LONG;
    result = make_vm(made, error);
    if (result < 0)
        return result;
    result = machine_set_start(made, &start, &cause);
    return result < 0 ? api_fail(error, MINIVMM_SETUP, result, &cause) : 0;
}

/* Prepare everything up to the instruction after the checkpoint. */
static int start_restored(struct minivmm_machine *machine, struct minivmm_error *error)
{
    struct machine *made = &machine->machine;
    struct error cause;
    int result = make_devices(machine, &cause);

    if (result == 0)
        result = restore_memory(&machine->restore, made, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_IMAGE, result, &cause);
    result = make_vm(made, error);
    if (result < 0)
        return result;
    result = restore_vm(&machine->restore, made, &cause);
    return result < 0 ? api_fail(error, MINIVMM_IMAGE, result, &cause) : 0;
}

static int start(struct minivmm_machine *machine, bool first, struct minivmm_error *error)
{
    struct error cause;
    int result = machine->restored ? start_restored(machine, error) : start_image(machine, error);

    if (result < 0)
        return result;
    show(machine);
    if (first)
        run_files_begin(&machine->watch, machine->image.path, &machine->plan);
    result = stub_attach(&machine->stub, &machine->machine, machine, &cause);
    return result < 0 ? fail_setup(error, result, &cause) : 0;
}

int boot_make(struct minivmm_machine *machine, bool first, struct minivmm_error *error)
{
    struct error cause;
    int result = make_machine(machine, &cause);

    if (result == 0)
        result = make_domain(machine, &cause);
    if (result < 0)
        return fail_setup(error, result, &cause);
    result = run_files_attach(&machine->watch, &machine->config, &machine->machine, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_SETUP, result, &cause);
    if (machine->config.checkpoint_at)
        checkpoint_at_exits(&machine->checkpoint_at, &machine->machine,
                            machine->config.checkpoint_at, machine->config.checkpoint_path);
    return start(machine, first, error);
}

void boot_close_domain(struct minivmm_machine *machine)
{
    if (machine->made != HANDLE_DOMAIN)
        return;
    xen_domain_close(&machine->domain);
    console_drain(&machine->machine.console); /* the rest of its last line */
    set_made(machine, HANDLE_CLOSED);
}

void boot_close(struct minivmm_machine *machine)
{
    stub_detach(&machine->stub);
    boot_close_domain(machine);
}

void boot_unmake(struct minivmm_machine *machine)
{
    if (machine->made == HANDLE_NOTHING)
        return;
    boot_close(machine);
    pthread_rwlock_wrlock(&machine->lock);
    machine->wired = false;
    run_files_detach(&machine->watch);
    stepping_finish(&machine->stepping, &machine->machine);
    machine_finish(&machine->machine);
    if (machine->made == HANDLE_CLOSED) {
        xen_domain_finish(&machine->domain);
        foreign_finish(&machine->foreign);
    }
    machine->made = HANDLE_NOTHING;
    pthread_rwlock_unlock(&machine->lock);
}

void boot_unload(struct minivmm_machine *machine)
{
    boot_unmake(machine);
    pthread_rwlock_wrlock(&machine->lock);
    machine->vcpus_shown = 0;
    pthread_rwlock_unlock(&machine->lock);
    boot_name_stub(machine, "");
    stub_close(&machine->stub);
    run_files_close(&machine->watch);
    if (machine->restored)
        restore_close(&machine->restore);
    machine->restored = false;
    machine_plan_free(&machine->plan);
    config_free_image(&machine->image);
    text_free(&machine->report);
    free(machine->vcpus);
    machine->vcpus = NULL;
}
