#include "program/guest.h"

#include "program/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(struct minivmm_error *error, enum minivmm_outcome outcome, int code)
{
    error->outcome = outcome;
    return code;
}

static int out_of_memory(struct minivmm_error *error)
{
    minivmm_error_set(error, -ENOMEM, "out of memory for the domains; give them less");
    return fail(error, MINIVMM_SETUP, -ENOMEM);
}

/* PATH.DOMID, to be freed; NULL for none. False: out of memory. */
static bool name_file(char **name, const char *path, unsigned domid)
{
    *name = NULL;
    if (!path || asprintf(name, "%s.%u", path, domid) >= 0)
        return true;
    *name = NULL;
    return false;
}

static void configure_image(struct guest *guest, const struct options *options)
{
    guest->image = (struct minivmm_image){
        .path = options->image,
        .mode = options->mode,
        .has_load = options->has_load,
        .has_entry = options->has_entry,
        .load = options->load,
        .entry = options->entry,
        .initrd = options->initrd,
        .append = options->append,
        .words = options->words,
        .word_count = options->word_count,
    };
}

static bool has_device(const struct options *options, const char *type)
{
    const size_t length = strlen(type);

    for (unsigned i = 0; i < options->device_count; i++)
        if (strncmp(options->devices[i], type, length) == 0 &&
            strchr(",", options->devices[i][length]))
            return true;
    return false;
}

/* If domain 0 is the monitor, a guest has back ends there. */
static void add_back_end(struct guest *guest, const struct options *options)
{
    if (has_device(options, "xen-ring"))
        return;
    memcpy(guest->devices, options->devices, sizeof(options->devices));
    guest->devices[options->device_count] = "xen-ring";
    guest->config.devices = guest->devices;
    guest->config.device_count++;
}

static int open_console(struct guest *guest, const struct options *options,
                        struct minivmm_error *error)
{
    char *path;
    int result = 0;

    if (!name_file(&path, options->domain_console, guest->config.domid))
        return out_of_memory(error);
    if (!path)
        return 0;
    guest->console = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
    if (guest->console < 0) {
        result = minivmm_error_set(error, -errno,
                                   "--domain-console: %s: %s; name files that can be written", path,
                                   strerror(errno));
        fail(error, MINIVMM_SETUP, result);
    }
    guest->config.console_fd = guest->console;
    free(path);
    return result;
}

/* Set its own options. A single guest is domain 1. */
static int configure_domain(struct guest *guest, const struct options *options, unsigned index,
                            struct minivmm_error *error)
{
    const bool alone = options->domain_count == 1;
    const unsigned domid = alone ? 1 : index;
    const char *text = options->domains[index];
    const size_t length = strcspn(text, " ");

    guest->path = strndup(text, length);
    guest->arguments = strdup(text + length + strspn(text + length, " "));
    if (!guest->path || !guest->arguments ||
        !name_file(&guest->stats_file, options->stats_file, domid) ||
        !name_file(&guest->trace, options->trace, domid))
        return out_of_memory(error);
    guest->words[0] = guest->arguments;
    guest->image.path = guest->path;
    guest->image.words = guest->words;
    guest->image.word_count = *guest->arguments != '\0';
    guest->config.domid = (uint16_t)domid;
    guest->config.stats_path = guest->stats_file;
    guest->config.trace = guest->trace;
    if (alone) {
        add_back_end(guest, options);
    } else {
        snprintf(guest->who, sizeof(guest->who), "d%u: ", domid);
        guest->config.name = guest->who;
        guest->config.console_name = options->domain_console ? NULL : guest->who;
    }
    return open_console(guest, options, error);
}

int guest_configure(struct guest *guest, const struct options *options, unsigned index,
                    struct minivmm_world *world, struct minivmm_error *error)
{
    *guest = (struct guest){.console = -1};
    config_from_options(options, &guest->config);
    guest->config.world = world;
    configure_image(guest, options);
    return world ? configure_domain(guest, options, index, error) : 0;
}

int guest_load(struct guest *guest, const struct options *options, struct minivmm_error *error)
{
    int result = minivmm_create(&guest->config, &guest->machine, error);

    if (result < 0)
        return result;
    if (options->restore)
        return minivmm_restore(guest->machine, options->restore, options->allow_files, error);
    return minivmm_load(guest->machine, &guest->image, error);
}

void guest_free(struct guest *guest)
{
    minivmm_destroy(guest->machine, NULL);
    if (guest->console >= 0)
        close(guest->console);
    free(guest->path);
    free(guest->arguments);
    free(guest->stats_file);
    free(guest->trace);
}
