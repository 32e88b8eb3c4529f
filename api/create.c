/* Creating and destroying a machine of the API. */
#include "api/access.h"
#include "api/boot.h"
#include "api/config.h"
#include "api/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024 /* the bound of KVM's own; this host's may be lower */

static int refuse(struct error *error, const char *what)
{
    return error_set(error, -EINVAL, "%s", what);
}

static int check_config(const struct minivmm_config *config, struct error *error)
{
    if (config->abi != MINIVMM_ABI)
        return error_set(
            error, -EPROTO,
            "this config is of ABI %u, the library's is %u; start from MINIVMM_CONFIG, "
            "and build with the library's own header",
            config->abi, MINIVMM_ABI);
    if (config->vcpu_count > CPUS_MAX)
        return error_set(error, -EINVAL, "%u vCPUs are too many; give at most %d",
                         config->vcpu_count, CPUS_MAX);
    if (config->device_count && !config->devices)
        return refuse(error, "device_count without devices; set both");
    for (unsigned i = 0; i < config->device_count; i++)
        if (!config->devices[i])
            return error_set(error, -EINVAL, "device %u of the config is NULL; name its type", i);
    if (config->console_name &&
        (strlen(config->console_name) > OUTPUT_PREFIX_MAX || strchr(config->console_name, '\n')))
        return error_set(error, -EINVAL,
                         "console_name is over %d bytes or has a newline; give a short word",
                         OUTPUT_PREFIX_MAX);
    if (config->stats > MINIVMM_STATS_JSON)
        return refuse(error, "no such kind of statistics; give one of enum minivmm_stats");
    if (config->checkpoint_at && !config->checkpoint_path)
        return refuse(error, "checkpoint_at without checkpoint_path; name the file");
    if (config->world && (config->record || config->checkpoint_at))
        return refuse(error, "a domain is not recorded or saved; leave out record and "
                             "checkpoint_at, or world");
    return 0;
}

/* The locks of (machine), the names of its regions, and the paths of its checkpoints. */
static void init_owned(struct minivmm_machine *machine)
{
    pthread_rwlock_init(&machine->lock, NULL);
    pthread_mutex_init(&machine->owner_lock, NULL);
}

static void free_owned(struct minivmm_machine *machine)
{
    while (machine->paths) {
        struct handle_path *path = machine->paths;

        machine->paths = path->next;
        free(path);
    }
    for (unsigned i = 0; i < machine->region_count; i++)
        free((char *)(uintptr_t)machine->regions[i].name);
    machine->region_count = 0;
    pthread_mutex_destroy(&machine->owner_lock);
    pthread_rwlock_destroy(&machine->lock);
}

static int init(struct minivmm_machine *machine, const struct minivmm_config *config,
                struct error *error)
{
    int result = config_copy(&machine->config, config);

    if (result < 0)
        return error_set(error, result, "out of memory for a machine");
    machine->watch = (struct run_files)RUN_FILES_NONE;
    init_owned(machine);
    if (config->world)
        atomic_fetch_add(&config->world->machines, 1);
    return 0;
}

int minivmm_create(const struct minivmm_config *config, struct minivmm_machine **machine,
                   struct minivmm_error *error)
{
    struct minivmm_machine *made;
    struct error cause;
    int result;

    *machine = NULL;
    result = check_config(config, &cause);
    if (result < 0)
        return api_fail(error, MINIVMM_USAGE, result, &cause);
    made = calloc(1, sizeof(*made));
    result = made ? init(made, config, &cause)
                  : error_set(&cause, -ENOMEM, "out of memory for a machine");
    if (result < 0) {
        free(made);
        return api_fail(error, MINIVMM_SETUP, result, &cause);
    }
    *machine = made;
    return 0;
}

/*
 * Leave the world; the machine is claimed. -EBUSY: another domain runs, which may have mapped its memory. A domain that
 * starts afterwards cannot map it any more.
 */
static int leave_world(struct minivmm_machine *machine, struct minivmm_error *error)
{
    struct minivmm_world *world = machine->config.world;
    int result = 0;

    if (!world || machine->made == HANDLE_NOTHING)
        return 0;
    pthread_mutex_lock(&world->lock);
    if (world->running > 0)
        result = api_refuse(error, -EBUSY,
                            "another domain of its world runs; wait until that has ended");
    else
        boot_close_domain(machine);
    pthread_mutex_unlock(&world->lock);
    return result;
}

static int claim(struct minivmm_machine *machine, struct minivmm_error *error)
{
    const enum handle_state state = atomic_load(&machine->state);
    int result;

    if (state != HANDLE_CREATED && api_in_callback(machine))
        return api_refuse(error, -EBUSY,
                          "a callback of the machine's is not to destroy it; do it when the call "
                          "that it comes from has returned");
    if (state == HANDLE_RUNNING || state == HANDLE_CHANGING)
        return api_refuse_state(state, error);
    result = api_claim(machine, state, HANDLE_CHANGING, error);
    if (result < 0)
        return result;
    result = leave_world(machine, error);
    if (result < 0)
        atomic_store(&machine->state, state);
    return result;
}

int minivmm_destroy(struct minivmm_machine *machine, struct minivmm_error *error)
{
    int result = machine ? claim(machine, error) : 0;

    if (!machine || result < 0)
        return result;
    boot_unload(machine);
    if (machine->config.world)
        atomic_fetch_sub(&machine->config.world->machines, 1);
    free_owned(machine);
    config_free(&machine->config);
    free(machine);
    return 0;
}
