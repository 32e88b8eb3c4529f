#include "vmm/run_domains.h"

#include "vmm/clock.h"
#include "vmm/host.h"
#include "vmm/run_domain.h"
#include "vmm/run_end.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    struct xen_world world;
    struct run_domain domains[OPTIONS_DOMAINS];
    unsigned count; /* of those made, in whole or in part */
};

/* From its first instruction to what is said of its end; its peer goes on. */
static void *domain_thread(void *argument)
{
    struct run_domain *domain = argument;

    machine_run(&domain->machine);
    run_domain_close(domain);
    flockfile(stderr); /* a crash report is not mixed with the other's */
    run_explain(&domain->machine, &domain->options, domain->who, &domain->report);
    funlockfile(stderr);
    return NULL;
}

/* All domains end: they could not all begin. */
static void give_up(struct run *run, int code)
{
    struct error error;

    error_set(&error, -code, "no thread for a domain: %s", strerror(code));
    run_fail("", OUTCOME_SETUP, &error);
    for (unsigned i = 0; i < run->count; i++) {
        machine_stop(&run->domains[i].machine, OUTCOME_SETUP);
        machine_kick(&run->domains[i].machine);
    }
}

/* All at a time, each in a thread, until the last has ended. */
static void run_threads(struct run *run)
{
    unsigned started = 0;
    int code = 0;

    while (started < run->count && code == 0) {
        struct run_domain *domain = &run->domains[started];

        code = pthread_create(&domain->thread, NULL, domain_thread, domain);
        started += code == 0;
    }
    if (code)
        give_up(run, code);
    for (unsigned i = 0; i < started; i++)
        pthread_join(run->domains[i].thread, NULL);
}

/* What is written at the end comes in order of domid, whoever ended first. */
static int finish_all(struct run *run)
{
    int status = 0;

    for (unsigned i = 0; i < run->count; i++) {
        struct run_domain *domain = &run->domains[i];
        const struct options *options = &domain->options;
        int own;

        if (*domain->who && options->stats && !options->stats_json && !options->stats_file)
            dprintf(STDERR_FILENO, "%sstatistics\n", domain->who);
        own = run_finish(&domain->machine, options, &domain->files, domain->who, &domain->report);
        if (status == 0)
            status = own;
    }
    return status;
}

static int run_made(struct run *run, const struct options *options)
{
    const struct host_options host_options = {
        .deadline = options->timeout_ns ? clock_now() + options->timeout_ns : 0};
    struct machine *machines[OPTIONS_DOMAINS];
    struct error error;
    struct host host;

    for (unsigned i = 0; i < run->count; i++)
        machines[i] = &run->domains[i].machine;
    if (host_begin(&host, machines, run->count, &host_options, &error) < 0)
        return run_fail("", OUTCOME_SETUP, &error);
    run_threads(run);
    host_end(&host);
    return finish_all(run);
}

static int run_all(struct run *run, const struct options *options)
{
    while (run->count < options->domain_count) {
        struct run_domain *domain = &run->domains[run->count];
        struct error error;
        enum outcome outcome = run_domain_make(domain, &run->world, options, run->count++, &error);

        if (outcome != OUTCOME_NONE)
            return run_fail(domain->who, outcome, &error);
    }
    return run_made(run, options);
}

int run_domains(const struct options *options)
{
    struct run *run = calloc(1, sizeof(*run));
    struct error error;
    int status;

    if (!run) {
        error_set(&error, 0, "out of memory for the domains");
        return run_fail("", OUTCOME_SETUP, &error);
    }
    xen_world_init(&run->world);
    status = run_all(run, options);
    for (unsigned i = 0; i < run->count; i++)
        run_domain_close(&run->domains[i]);
    for (unsigned i = 0; i < run->count; i++)
        run_domain_destroy(&run->domains[i]);
    xen_world_destroy(&run->world);
    free(run);
    return status;
}
