#include "program/run.h"

#include "program/guest.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GUESTS OPTIONS_DOMAINS

int run_fail(const char *who, const struct minivmm_error *error)
{
    dprintf(STDERR_FILENO, "minivmm: %s%s\n", who, error->text);
    return minivmm_exit_status(error->outcome, 0);
}

/* Report a guest's end at once: others may run on. */
static void report_end(void *opaque, unsigned index, const struct minivmm_result *result)
{
    struct guest *guest = &((struct guest *)opaque)[index];

    if (result->text[0])
        dprintf(STDERR_FILENO, "minivmm: %s%s\n", guest->who, result->text);
    if (result->report)
        fputs(result->report, stderr);
    memcpy(guest->told, result->text, sizeof(guest->told));
}

/* Report the ends that are not reported yet. Returns the first exit status that is not 0. */
static int finish(struct guest *guests, unsigned count, const struct minivmm_result *results)
{
    int status = 0;

    for (unsigned i = 0; i < count; i++) {
        if (strcmp(results[i].text, guests[i].told) != 0)
            dprintf(STDERR_FILENO, "minivmm: %s%s\n", guests[i].who, results[i].text);
        if (status == 0)
            status = results[i].exit_status;
    }
    return status;
}

static int run(struct guest *guests, unsigned count, const struct options *options)
{
    const struct minivmm_foreground foreground = {
        .checkpoint_signal = options->checkpoint_signal,
        .checkpoint_path = options->checkpoint_signal_path,
        .ended = report_end,
        .opaque = guests,
    };
    struct minivmm_machine *machines[GUESTS];
    struct minivmm_result results[GUESTS];

    for (unsigned i = 0; i < count; i++)
        machines[i] = guests[i].machine;
    if (minivmm_run_foreground(machines, count, &foreground, results) < 0) {
        dprintf(STDERR_FILENO, "minivmm: %s\n", results[0].text);
        return results[0].exit_status;
    }
    return finish(guests, count, results);
}

/* All guests are loaded before the first runs. */
static int load_and_run(struct guest *guests, unsigned count, const struct options *options,
                        struct minivmm_world *world)
{
    unsigned used = 0;
    int status = 0;

    while (used < count && status == 0) {
        struct guest *guest = &guests[used];
        struct minivmm_error error;

        if (guest_configure(guest, options, used++, world, &error) < 0 ||
            guest_load(guest, options, &error) < 0)
            status = run_fail(guest->who, &error);
    }
    if (status == 0)
        status = run(guests, count, options);
    for (unsigned i = 0; i < used; i++)
        guest_free(&guests[i]);
    return status;
}

int run_guests(const struct options *options)
{
    const unsigned count = options->domain_count ? options->domain_count : 1;
    struct minivmm_world *world = options->domain_count ? minivmm_world_create() : NULL;
    struct guest guests[GUESTS];
    int status;

    if (options->domain_count && !world) {
        struct minivmm_error error = {.outcome = MINIVMM_SETUP,
                                      .text = "out of memory for the domains"};

        return run_fail("", &error);
    }
    /*
     * After the library has restored SIGPIPE: a closed reader must be an error, and not end the
     * process.
     */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    status = load_and_run(guests, count, options, world);
    minivmm_world_destroy(world, NULL);
    return status;
}
