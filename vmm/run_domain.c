#include "vmm/run_domain.h"

#include "vmm/descriptor.h"
#include "vmm/run.h"
#include "vmm/run_start.h"
#include "vmm/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int out_of_memory(struct error *error)
{
    return error_set(error, -ENOMEM, "out of memory for the domains; give them less");
}

/* PATH.DOMID, to be freed; NULL for none. False: out of memory. */
static bool name_file(char **name, const char *path, domid_t domid)
{
    *name = NULL;
    if (!path || asprintf(name, "%s.%u", path, domid) >= 0)
        return true;
    *name = NULL;
    return false;
}

/* What this domain is to be: of the options, its own. A single guest is domain 1. */
static int configure(struct run_domain *domain, const struct options *options, unsigned index,
                     struct error *error)
{
    const bool alone = options->domain_count == 1;
    const char *text = options->domains[index];
    const size_t length = strcspn(text, " ");
    struct options *own = &domain->options;

    domain->domid = (domid_t)(alone ? 1 : index);
    if (!alone)
        snprintf(domain->who, sizeof(domain->who), "d%u: ", domain->domid);
    domain->image = strndup(text, length);
    domain->arguments = strdup(text + length + strspn(text + length, " "));
    if (!domain->image || !domain->arguments ||
        !name_file(&domain->stats_file, options->stats_file, domain->domid) ||
        !name_file(&domain->trace, options->trace, domain->domid))
        return out_of_memory(error);
    *own = *options;
    own->image = domain->image;
    own->words = &domain->arguments;
    own->word_count = *domain->arguments != '\0';
    own->stats_file = domain->stats_file;
    own->trace = domain->trace;
    return 0;
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

/* A machine as without --domain, that has Xen's interface, and a back end if there is no peer. */
static int plan_domain(struct run_domain *domain, struct error *error)
{
    const struct options *options = &domain->options;
    int result = run_plan(options, &domain->plan, error);

    if (result == 0)
        result = plan_add_device(&domain->plan, "xen", NULL, error);
    if (result == 0 && options->domain_count == 1 && !has_device(options, "xen-ring"))
        result = plan_add_device(&domain->plan, "xen-ring", NULL, error);
    return result;
}

static int open_console(struct run_domain *domain, struct error *error)
{
    char *path;
    int result = 0;

    if (!name_file(&path, domain->options.domain_console, domain->domid))
        return out_of_memory(error);
    if (!path)
        return 0;
    domain->console = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
    if (domain->console < 0)
        result =
            error_set(error, -errno, "--domain-console: %s: %s; name files that can be written",
                      path, strerror(errno));
    free(path);
    return result;
}

static int make_machine(struct run_domain *domain, struct error *error)
{
    struct machine_config config;
    int result;

    run_configure(&domain->options, &domain->plan, &config);
    if (domain->console >= 0) {
        config.console_fd = domain->console;
        config.console_policy = OUTPUT_LINES;
    }
    result = machine_create(&domain->machine, &config, error);
    if (result < 0)
        return result;
    domain->state = RUN_DOMAIN_MACHINE;
    domain->machine.plan = &domain->plan;
    if (domain->console < 0 && *domain->who)
        output_set_prefix(&domain->machine.console.output, domain->who);
    return 0;
}

static int make_domain(struct run_domain *domain, struct xen_world *world, struct error *error)
{
    int result = xen_domain_create(&domain->domain, world, domain->domid, &domain->machine, error);

    if (result < 0)
        return result;
    domain->state = RUN_DOMAIN_OPEN;
    foreign_init(&domain->foreign, &domain->machine);
    domain->domain.map = foreign_map;
    domain->domain.map_opaque = &domain->foreign;
    return 0;
}

enum outcome run_domain_make(struct run_domain *domain, struct xen_world *world,
                             const struct options *options, unsigned index, struct error *error)
{
    int result;

    domain->console = -1;
    domain->files = (struct run_files)RUN_FILES_NONE;
    if (configure(domain, options, index, error) < 0)
        return OUTCOME_SETUP;
    if (plan_domain(domain, error) < 0)
        return OUTCOME_USAGE;
    if (run_files_open(&domain->files, &domain->options, error) < 0 ||
        open_console(domain, error) < 0)
        return OUTCOME_SETUP;
    result = make_machine(domain, error);
    if (result == 0)
        result = make_domain(domain, world, error);
    if (result < 0)
        return run_setup_outcome(result);
    if (run_files_attach(&domain->files, &domain->machine, error) < 0)
        return OUTCOME_SETUP;
    return run_start(&domain->machine, &domain->options, &domain->plan, error);
}

void run_domain_close(struct run_domain *domain)
{
    if (domain->state != RUN_DOMAIN_OPEN)
        return;
    xen_domain_close(&domain->domain);
    console_drain(&domain->machine.console); /* what was left of its line */
    domain->state = RUN_DOMAIN_CLOSED;
}

void run_domain_destroy(struct run_domain *domain)
{
    if (domain->state >= RUN_DOMAIN_MACHINE) {
        trace_finish(domain->machine.trace);
        machine_destroy(&domain->machine);
    }
    if (domain->state >= RUN_DOMAIN_OPEN) {
        xen_domain_destroy(&domain->domain);
        foreign_destroy(&domain->foreign);
    }
    run_files_close(&domain->files);
    descriptor_close(&domain->console);
    plan_free(&domain->plan);
    text_free(&domain->report);
    free(domain->image);
    free(domain->arguments);
    free(domain->stats_file);
    free(domain->trace);
}
