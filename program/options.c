#include "program/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* getopt_long()'s tables, made from ours: a long option returns SPEC_BASE + its index. */
#define SPEC_BASE 1000

struct getopt_tables {
    struct option longs[OPTION_SPECS + 1];
    char shorts[3 + 2 * OPTION_SPECS];
};

static void make_tables(struct getopt_tables *tables)
{
    size_t used = 0;

    memset(tables, 0, sizeof(*tables));
    /* '-': other words are returned in order, as 1; ':': a missing argument is reported as such. */
    tables->shorts[used++] = '-';
    tables->shorts[used++] = ':';
    for (size_t i = 0; i < OPTION_SPECS; i++) {
        tables->longs[i] = (struct option){option_specs[i].name, option_specs[i].has_argument, NULL,
                                           SPEC_BASE + (int)i};
        if (!option_specs[i].letter)
            continue;
        tables->shorts[used++] = option_specs[i].letter;
        if (option_specs[i].has_argument == required_argument)
            tables->shorts[used++] = ':';
    }
}

static const struct option_spec *spec_of(int code)
{
    if (code >= SPEC_BASE)
        return &option_specs[code - SPEC_BASE];
    for (size_t i = 0; i < OPTION_SPECS; i++)
        if (option_specs[i].letter == code)
            return &option_specs[i];
    return NULL;
}

static int parse_word(struct options *options, const char *word, struct minivmm_error *error)
{
    if (options->image)
        return minivmm_error_set(error, -EINVAL,
                                 "%s: there is an image already; write guest arguments after --",
                                 word);
    options->image = word;
    return 0;
}

static int parse_value(struct options *options, const struct option_spec *spec,
                       struct minivmm_error *error)
{
    char *field = (char *)options + spec->field;

    if (spec->parse)
        return spec->parse(options, optarg, error);
    if (spec->has_argument == no_argument)
        *(bool *)field = true;
    else
        *(const char **)field = optarg;
    return 0;
}

/*
 * (word) is "--NAME" or "--NAME=VALUE", where NAME is unknown, or the beginning of several names.
 */
static int no_such_option(const char *word, struct minivmm_error *error)
{
    const size_t length = strcspn(word + 2, "=");
    const char *found[2];
    unsigned count = 0;

    for (size_t i = 0; i < OPTION_SPECS && count < 2; i++)
        if (length > 0 && strncmp(option_specs[i].name, word + 2, length) == 0)
            found[count++] = option_specs[i].name;
    if (count == 2)
        return minivmm_error_set(error, -EINVAL, "%s: is this --%s or --%s? write the whole name",
                                 word, found[0], found[1]);
    return minivmm_error_set(error, -EINVAL, "%s: there is no such option; see --help", word);
}

static int parse_option(struct options *options, int code, char **argv, struct minivmm_error *error)
{
    const char *word = argv[optind - 1];

    switch (code) {
    case 1:
        return parse_word(options, optarg, error);
    case ':':
        return minivmm_error_set(error, -EINVAL, "%s: a value is missing; see --help", word);
    case '?':
        if (optopt != 0 && optopt < SPEC_BASE) /* a byte above 127 is negative */
            return minivmm_error_set(error, -EINVAL, "-%c: there is no such option; see --help",
                                     optopt);
        if (optopt >= SPEC_BASE)
            return minivmm_error_set(error, -EINVAL, "%s: this option takes no value; see --help",
                                     word);
        return no_such_option(word, error);
    default:
        return parse_value(options, spec_of(code), error);
    }
}

/* info CHECKPOINT [--translate GVA]: parse the words of (argv) after "info". */
static int parse_info(int argc, char **argv, struct options *options, struct minivmm_error *error)
{
    static const char usage[] = "minivmm info roi.core, or with --translate 0xGVA";

    options->action = OPTIONS_INFO;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--translate") == 0 && i + 1 < argc) {
            options->translate = true;
            if (minivmm_parse_number(argv[++i], "", &options->translated) < 0)
                return options_bad_value(error, "--translate", argv[i],
                                         "an address such as 0x100000");
        } else if (argv[i][0] != '-' && !options->restore) {
            options->restore = argv[i];
        } else {
            return minivmm_error_set(error, -EINVAL, "info %s: not allowed; give: %s", argv[i],
                                     usage);
        }
    }
    if (!options->restore)
        return minivmm_error_set(error, -EINVAL, "info: give: %s", usage);
    return 0;
}

/* report STREAM -o PAGE: parse the words of (argv) after "report". */
static int parse_report(int argc, char **argv, struct options *options, struct minivmm_error *error)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && !options->report)
            options->report = argv[++i];
        else if (argv[i][0] != '-' && !options->stream)
            options->stream = argv[i];
        else
            return minivmm_error_set(
                error, -EINVAL,
                "report %s: not allowed; give: minivmm report run.exits -o run.html", argv[i]);
    }
    options->action = OPTIONS_REPORT;
    if (!options->stream || !options->report)
        return minivmm_error_set(error, -EINVAL,
                                 "report: give: minivmm report run.exits -o run.html");
    return 0;
}

/* --restore excludes an image. */
static int check_restore(const struct options *options, struct minivmm_error *error)
{
    if (options->image || options->word_count || options->initrd || options->append ||
        options->mode != MINIVMM_MODE_PRESET || options->has_load || options->has_entry)
        return minivmm_error_set(
            error, -EINVAL,
            "--restore %s: the guest is in it; leave out the image, its options and "
            "its arguments",
            options->restore);
    return 0;
}

/* Domains are several guests, and their communication is in no machine's files. */
static int check_domains(const struct options *options, struct minivmm_error *error)
{
    const char *first = options->domains[0];

    if (options->image)
        return minivmm_error_set(error, -EINVAL,
                                 "%s: the guests are those of --domain; leave this image out",
                                 options->image);
    if (options->word_count)
        return minivmm_error_set(
            error, -EINVAL, "%s: write a domain's arguments after its image: --domain '%.100s %s'",
            options->words[0], first, options->words[0]);
    if (options->restore || options->record || options->checkpoint_at || options->checkpoint_signal)
        return minivmm_error_set(
            error, -EINVAL,
            "--domain %.100s: not with --restore, --record or checkpoints; leave them "
            "out",
            first);
    return 0;
}

/* Check missing and conflicting options, after all are parsed. */
static int check_words(const struct options *options, struct minivmm_error *error)
{
    if (options->action == OPTIONS_EXITS && options->word_count == 0)
        return minivmm_error_set(error, -EINVAL,
                                 "--exits: no file; give exit streams, such as a.exits");
    if (options->action == OPTIONS_REPLAY && options->domain_count)
        return minivmm_error_set(error, -EINVAL, "--replay %s: runs no domain; leave out --domain",
                                 options->stream);
    if (options->action == OPTIONS_REPLAY && (options->image || options->record || options->trace))
        return minivmm_error_set(
            error, -EINVAL, "--replay %s: runs no guest; leave out the image, --record and --trace",
            options->stream);
    if (options->action == OPTIONS_RUN && options->domain_count)
        return check_domains(options, error);
    if (options->domain_console)
        return minivmm_error_set(error, -EINVAL,
                                 "--domain-console %s: there is no domain; give one with --domain",
                                 options->domain_console);
    if (options->action == OPTIONS_RUN && options->restore)
        return check_restore(options, error);
    if (options->action == OPTIONS_RUN && !options->image)
        return minivmm_error_set(error, -EINVAL, "no image; try: minivmm guest.bin, or --help");
    return 0;
}

int options_parse(int argc, char **argv, struct options *options, struct minivmm_error *error)
{
    struct getopt_tables tables;
    int result = 0;
    int code;

    *options = (struct options){0};
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return parse_report(argc - 1, argv + 1, options, error);
    if (argc > 1 && strcmp(argv[1], "info") == 0)
        return parse_info(argc - 1, argv + 1, options, error);
    make_tables(&tables);
    optind = 0; /* start again: getopt keeps its position in globals */
    while (result == 0 && (options->action == OPTIONS_RUN || options->action == OPTIONS_REPLAY) &&
           (code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1)
        result = parse_option(options, code, argv, error);
    if (result < 0)
        return result;
    options->words = (const char *const *)argv + optind;
    options->word_count = (unsigned)(argc - optind);
    return check_words(options, error);
}

static void print_option(int fd, const struct option_spec *spec)
{
    char left[64];
    const char *joint = spec->has_argument == required_argument ? " " : "";

    snprintf(left, sizeof(left), "%c%c%s --%s%s%s", spec->letter ? '-' : ' ',
             spec->letter ? spec->letter : ' ', spec->letter ? "," : " ", spec->name, joint,
             spec->value ? spec->value : "");
    if (strlen(left) > 30)
        dprintf(fd, "  %s\n  %-30s %s\n", left, "", spec->help);
    else
        dprintf(fd, "  %-30s %s\n", left, spec->help);
}

void options_print_help(int fd)
{
    dprintf(fd, "Usage: minivmm [OPTION...] IMAGE [-- GUEST-ARGUMENTS]\n"
                "       minivmm --replay FILE\n"
                "       minivmm --exits FILE...\n"
                "       minivmm --restore FILE\n"
                "       minivmm [OPTION...] --domain 'IMAGE ARGUMENTS...' [--domain ...]\n"
                "       minivmm info FILE [--translate ADDRESS]\n"
                "       minivmm report FILE -o PAGE.html\n"
                "Run a bare guest on KVM and serve its ptlcalls, port and memory-mapped I/O.\n\n");
    for (size_t i = 0; i < OPTION_SPECS; i++)
        print_option(fd, &option_specs[i]);
    dprintf(fd, "\nstdout is the guest's console, stdin what is typed at it; on a terminal, "
                "Ctrl-A x ends the guest.\n\n"
                "Exit status:\n  0..127  the guest's own\n");
    for (unsigned outcome = MINIVMM_GUEST + 1; outcome < MINIVMM_OUTCOMES; outcome++)
        dprintf(fd, "  %-7d %s\n", minivmm_exit_status((enum minivmm_outcome)outcome, 0),
                minivmm_outcome_meaning((enum minivmm_outcome)outcome));
}
