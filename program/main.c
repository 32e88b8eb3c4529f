/* The program: command line → action → exit status. The only place that ends the process. */
#include "program/config.h"
#include "program/options.h"
#include "program/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct minivmm_error *error)
{
    return run_fail("", error);
}

/* --device help, --device TYPE,help: (text) is the argument. */
static int print_devices(const char *text)
{
    struct minivmm_error error;

    if (strcmp(text, "help") == 0)
        minivmm_print_devices(STDOUT_FILENO);
    else if (minivmm_print_device(text, STDOUT_FILENO, &error) < 0)
        return fail(&error);
    return 0;
}

/*
 * If a standard descriptor is closed, a file of ours could get its number, and the console or a
 * message would be written to it. Writes to stdout still fail; messages to stderr are dropped.
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
    struct minivmm_error error = {.text = ""};
    struct minivmm_config config;
    enum minivmm_outcome outcome;

    config_from_options(options, &config);
    outcome = minivmm_replay(&config, options->stream, &error);
    return error.text[0] ? fail(&error) : minivmm_exit_status(outcome, 0);
}

static int report(const struct options *options)
{
    struct minivmm_error error;

    return minivmm_write_report(options->stream, options->report, &error) < 0 ? fail(&error) : 0;
}

static int info(const struct options *options)
{
    struct minivmm_error error;

    if (minivmm_print_info(options->restore, options->translate ? &options->translated : NULL,
                           STDOUT_FILENO, &error) < 0)
        return fail(&error);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct minivmm_error error;

    fill_standard_descriptors();
    if (options_parse(argc, argv, &options, &error) < 0) {
        error.outcome = MINIVMM_USAGE;
        return fail(&error);
    }
    switch (options.action) {
    case OPTIONS_HELP:
        options_print_help(STDOUT_FILENO);
        return 0;
    case OPTIONS_VERSION:
        printf("minivmm %s\n", minivmm_version());
        return 0;
    case OPTIONS_DEVICE_HELP:
        return print_devices(options.devices[0]);
    case OPTIONS_STUB_HELP:
        minivmm_print_stubs(STDOUT_FILENO);
        return 0;
    case OPTIONS_REPLAY:
        return replay(&options);
    case OPTIONS_EXITS:
        return minivmm_exit_status(minivmm_test_streams(options.words, options.word_count), 0);
    case OPTIONS_INFO:
        return info(&options);
    case OPTIONS_REPORT:
        return report(&options);
    case OPTIONS_RUN:
        break;
    }
    return run_guests(&options);
}
