/* Making a machine of the API, from an image or from a checkpoint. */
#include "api/access.h"
#include "api/boot.h"
#include "api/config.h"
#include "api/result.h"
#include "devices/types.h"
#include "stubs/types.h"

#include <errno.h>

/* A recording is replayed by the devices alone, so stubs and regions are refused. */
static int check_recording(const struct minivmm_machine *machine, struct error *error)
{
    if (!machine->config.record)
        return 0;
    if (!stub_is_plain(&machine->stub))
        return error_set(error, -EINVAL,
                         "--record %s: what the stub %s does is not in a recording; leave out "
                         "--record or --stub",
                         machine->config.record, machine->stub.type->name);
    if (machine->region_count)
        return error_set(
            error, -EINVAL,
            "--record %s: what the region %s does is not in a recording; leave out one "
            "of both",
            machine->config.record, machine->regions[0].name);
    return 0;
}

/* The plan is complete. */
static int load_planned(struct minivmm_machine *machine, struct minivmm_error *error)
{
    const struct minivmm_config *config = &machine->config;
    struct error cause;
    int result = stub_open(&machine->stub, stub_types, config->stub, config->own,
                           config->stub_options, &cause);

    if (result == 0)
        result = check_recording(machine, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_USAGE, result, &cause);
    boot_name_stub(machine, stub_is_plain(&machine->stub) ? "" : machine->stub.type->name);
    result = run_files_open(&machine->watch, config, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_SETUP, result, &cause);
    return boot_make(machine, true, error);
}

static int keep_image(struct minivmm_machine *machine, const struct minivmm_image *image,
                      struct minivmm_error *error)
{
    struct error cause;
    int result = config_copy_image(&machine->image, image);

    if (result == 0)
        return 0;
    machine->image = (struct minivmm_image){0};
    error_set(&cause, result, "out of memory for a machine");
    return api_fail(error, MINIVMM_SETUP, result, &cause);
}

static int load_image(struct minivmm_machine *machine, const struct minivmm_image *image,
                      struct minivmm_error *error)
{
    struct error cause;
    int result = keep_image(machine, image, error);

    if (result < 0)
        return result;
    result = config_plan(&machine->config, &machine->plan, &machine->parts_given, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_USAGE, result, &cause);
    return load_planned(machine, error);
}

/* A checkpoint is untrusted: files that it names are opened only if the user allows it. */
static int check_files(const struct minivmm_machine *machine, bool allow_files, struct error *error)
{
    const char *device = machine_plan_find_file(&machine->plan);

    if (!device || allow_files || machine->parts_given & MACHINE_PLAN_DEVICE_LIST)
        return 0;
    return error_set(
        error, -EINVAL,
        "%s: its device '%.200s' names a file on this host; if that may be opened, give "
        "--allow-files",
        machine->restore.elf.path, device);
}

/* Use the plan of the checkpoint: settings of the config must equal it. */
static int plan_restored(struct minivmm_machine *machine, bool allow_files, struct error *error)
{
    const struct machine_plan *saved = &machine->restore.note.plan;
    struct machine_plan wanted = {0};
    int result = config_plan(&machine->config, &wanted, &machine->parts_given, error);

    if (result == 0)
        result = machine_plan_compare(saved, &wanted, machine->parts_given,
                                      machine->restore.elf.path, error);
    machine_plan_free(&wanted);
    if (result == 0)
        result = machine_plan_copy(&machine->plan, saved, error);
    return result == 0 ? check_files(machine, allow_files, error) : result;
}

static int load_checkpoint(struct minivmm_machine *machine, const char *path, bool allow_files,
                           struct minivmm_error *error)
{
    const struct minivmm_image image = {.path = path};
    struct error cause;
    int result = keep_image(machine, &image, error);

    if (result < 0)
        return result;
    result = restore_open(&machine->restore, machine->image.path, device_types, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_IMAGE, result, &cause);
    machine->restored = true;
    result = plan_restored(machine, allow_files, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_USAGE, result, &cause);
    return load_planned(machine, error);
}

/* After an error nothing is left of it. */
static int finish(struct minivmm_machine *machine, int result)
{
    if (result < 0)
        boot_unload(machine);
    atomic_store(&machine->state, result < 0 ? HANDLE_CREATED : HANDLE_LOADED);
    return result;
}

static int refuse(struct minivmm_error *error, const char *sentence)
{
    return api_refuse(error, -EINVAL, "%s", sentence);
}

static int check_image(const struct minivmm_image *image, struct minivmm_error *error)
{
    if (!image || !image->path)
        return refuse(error, "there is no image; give its path");
    if ((unsigned)image->mode > MINIVMM_MODE_REAL)
        return refuse(error, "no such mode; give one of enum minivmm_mode");
    if (image->word_count && !image->words)
        return refuse(error, "word_count without words; set both");
    for (unsigned i = 0; i < image->word_count; i++)
        if (!image->words[i])
            return refuse(error, "a word of the image is NULL; give word_count of them");
    return 0;
}

int minivmm_load(struct minivmm_machine *machine, const struct minivmm_image *image,
                 struct minivmm_error *error)
{
    struct minivmm_error unwanted;
    int result = check_image(image, error);

    if (result == 0)
        result = api_claim(machine, HANDLE_CREATED, HANDLE_CHANGING, error);
    if (result < 0)
        return result;
    return finish(machine, load_image(machine, image, error ? error : &unwanted));
}

int minivmm_restore(struct minivmm_machine *machine, const char *path, bool allow_files,
                    struct minivmm_error *error)
{
    struct minivmm_error unwanted;
    int result;

    if (!path)
        return refuse(error, "there is no checkpoint; give its path");
    if (machine->config.world)
        return refuse(error, "a domain is not restored; leave out world, or load an image");
    result = api_claim(machine, HANDLE_CREATED, HANDLE_CHANGING, error);
    if (result < 0)
        return result;
    return finish(machine, load_checkpoint(machine, path, allow_files, error ? error : &unwanted));
}
