/* The program: command line → action → exit status. The only place that ends the process. */
#include "vmm/device.h"
#include "vmm/exits.h"
#include "vmm/info.h"
#include "vmm/options.h"
#include "vmm/page.h"
#include "vmm/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(enum outcome outcome, const struct error *error)
{
    dprintf(STDERR_FILENO, "minivmm: %s\n", error->text);
    return outcome_exit_status(outcome, 0);
}

/* --device help, --device TYPE,help: (text) is what was given. */
static int show_devices(const char *text)
{
    const struct device_type *type;
    const char *properties;
    struct error error;

    if (strcmp(text, "help") == 0) {
        device_print_types(STDOUT_FILENO);
        return 0;
    }
    type = device_type_of(text, &properties, &error);
    if (!type)
        return fail(OUTCOME_USAGE, &error);
    device_print_properties(type, STDOUT_FILENO);
    return 0;
}

/*
 * A standard descriptor that the caller closed would become one of our files, and the console or
 * a message would go there. On stdout a write stays an error; what we say on stderr is dropped.
 */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

static int replay(const struct options *options)
{
    struct error error = {""};
    struct plan plan = {0};
    enum outcome outcome = OUTCOME_USAGE;

    if (run_plan(options, &plan, &error) == 0)
        outcome = exits_replay(options->stream, &plan, options->machine_given, &error);
    plan_free(&plan);
    return error.text[0] ? fail(outcome, &error) : outcome_exit_status(outcome, 0);
}

static int report(const struct options *options)
{
    struct error error;

    if (page_write(options->stream, options->report, &error) < 0)
        return fail(OUTCOME_STREAM, &error);
    return 0;
}

static int info(const struct options *options)
{
    struct error error;

    if (info_print(options->restore, options->translate ? &options->translated : NULL,
                   STDOUT_FILENO, &error) < 0)
        return fail(OUTCOME_IMAGE, &error);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error;

    fill_standard_descriptors();
    if (options_parse(argc, argv, &options, &error) < 0)
        return fail(OUTCOME_USAGE, &error);
    switch (options.action) {
    case OPTIONS_HELP:
        options_print_help(STDOUT_FILENO);
        return 0;
    case OPTIONS_VERSION:
        printf("minivmm %s\n", MINIVMM_VERSION);
        return 0;
    case OPTIONS_DEVICE_HELP:
        return show_devices(options.devices[0]);
    case OPTIONS_REPLAY:
        return replay(&options);
    case OPTIONS_EXITS:
        return outcome_exit_status(exits_test(options.words, options.word_count), 0);
    case OPTIONS_INFO:
        return info(&options);
    case OPTIONS_REPORT:
        return report(&options);
    case OPTIONS_RUN:
        break;
    }
    return run_guest(&options);
}
