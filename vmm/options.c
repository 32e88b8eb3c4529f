#include "vmm/options.h"

#include "vmm/memory.h"
#include "vmm/outcome.h"
#include "vmm/plan.h"
#include "vmm/property.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PRESET (64 * MIB)
#define CPUS_MAX      1024      /* the bound of KVM's own; this host's may be lower */
#define TIMEOUT_MAX   1000000.0 /* seconds */

typedef int (*option_parser)(struct options *options, const char *value, struct error *error);

/* One option: how it is written, what it means, and what takes its value. */
struct option_spec {
    const char *name;
    char letter;       /* 0: none */
    int has_argument;  /* as getopt_long() has it */
    const char *value; /* for --help */
    const char *help;
    option_parser parse; /* NULL: what it sets is the field at (field) */
    size_t field;        /* of struct options: a bool if the option has no argument, else a text */
    unsigned machine;    /* enum plan_part: what it says of the machine; 0: nothing */
};

/* How an option is taken: by a function or into a field; of the machine, or not. */
#define PARSE(parser)               parser, 0, 0
#define FIELD(name)                 NULL, offsetof(struct options, name), 0
#define MACHINE_PARSE(parser, part) parser, 0, part
#define MACHINE_FIELD(name, part)   NULL, offsetof(struct options, name), part

static int bad_value(struct error *error, const char *option, const char *value,
                     const char *allowed)
{
    return error_set(error, -EINVAL, "%s %s: not allowed; give %s", option, *value ? value : "''",
                     allowed);
}

/* A plain number is MiB. */
static int parse_memory(struct options *options, const char *value, struct error *error)
{
    uint64_t size;

    if (number_parse(value, "KMG", &size) < 0)
        return bad_value(error, "--mem", value, "a size such as 64, 64M or 1G");
    if (isxdigit((unsigned char)value[strlen(value) - 1])) { /* no suffix is a hexadecimal digit */
        if (size > MEMORY_MAX / MIB)
            return bad_value(error, "--mem", value, "fewer MiB");
        size *= MIB;
    }
    options->memory_size = size;
    return 0;
}

static int parse_cpus(struct options *options, const char *value, struct error *error)
{
    uint64_t count;

    if (number_parse(value, "", &count) < 0 || count < 1 || count > CPUS_MAX)
        return bad_value(error, "--cpus", value, "a number from 1 to 1024");
    options->vcpu_count = (unsigned)count;
    return 0;
}

static int parse_mode(struct options *options, const char *value, struct error *error)
{
    static const char *const names[] = {
        [X86_LONG] = "long", [X86_PROTECTED] = "protected", [X86_REAL] = "real"};

    for (unsigned mode = 0; mode < sizeof(names) / sizeof(names[0]); mode++) {
        if (strcmp(value, names[mode]) == 0) {
            options->has_mode = true;
            options->mode = (enum x86_mode)mode;
            return 0;
        }
    }
    return bad_value(error, "--mode", value, "long, protected or real");
}

static int parse_load(struct options *options, const char *value, struct error *error)
{
    options->has_load = true;
    if (number_parse(value, "KMG", &options->load) < 0)
        return bad_value(error, "--load", value, "an address such as 0x100000");
    return 0;
}

static int parse_entry(struct options *options, const char *value, struct error *error)
{
    options->has_entry = true;
    if (number_parse(value, "KMG", &options->entry) < 0)
        return bad_value(error, "--entry", value, "an address such as 0x100000");
    return 0;
}

static int parse_timeout(struct options *options, const char *value, struct error *error)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end != '\0' || !isfinite(seconds) || seconds < 0.001 ||
        seconds > TIMEOUT_MAX)
        return bad_value(error, "--timeout", value, "seconds, from 0.001 to 1000000");
    options->timeout_ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static int parse_device(struct options *options, const char *value, struct error *error)
{
    size_t length = strlen(value);

    if (strcmp(value, "help") == 0 || (length > 5 && strcmp(value + length - 5, ",help") == 0)) {
        options->action = OPTIONS_DEVICE_HELP;
        options->devices[0] = value;
        return 0;
    }
    if (options->device_count == OPTIONS_DEVICES)
        return error_set(error, -EINVAL, "--device %s: more than %u devices; give fewer", value,
                         OPTIONS_DEVICES);
    options->devices[options->device_count++] = value;
    return 0;
}

static int parse_domain(struct options *options, const char *value, struct error *error)
{
    if (*value == '\0' || *value == ' ')
        return bad_value(error, "--domain", value, "an image, and behind a space its arguments");
    if (options->domain_count == OPTIONS_DOMAINS)
        return error_set(error, -EINVAL, "--domain %s: more than %d domains; give fewer", value,
                         OPTIONS_DOMAINS);
    options->domains[options->domain_count++] = value;
    return 0;
}

/* [json][,file=FILE]: the file's name is the rest, commas and all. */
static int parse_stats(struct options *options, const char *value, struct error *error)
{
    const char *rest = value;

    options->stats = true;
    if (!value)
        return 0;
    if (strcmp(value, "json") == 0) {
        options->stats_json = true;
        return 0;
    }
    if (strncmp(value, "json,", 5) == 0) {
        options->stats_json = true;
        rest += 5;
    }
    if (strncmp(rest, "file=", 5) != 0 || rest[5] == '\0')
        return bad_value(error, "--stats", value, "json, file=FILE or json,file=FILE");
    options->stats_file = rest + 5;
    return 0;
}

/* What stands behind the colon of (value), or NULL. */
static const char *behind_colon(const char *value)
{
    const char *colon = strchr(value, ':');

    return colon && colon[1] ? colon + 1 : NULL;
}

/* EXITS:FILE */
static int parse_checkpoint_at(struct options *options, const char *value, struct error *error)
{
    char number[24];
    const char *path = behind_colon(value);

    snprintf(number, sizeof(number), "%.*s", (int)strcspn(value, ":"), value);
    if (!path || number_parse(number, "KMG", &options->checkpoint_at) < 0 ||
        options->checkpoint_at == 0)
        return bad_value(error, "--checkpoint-at", value, "EXITS:FILE, such as 1000:roi.core");
    options->checkpoint_at_path = path;
    return 0;
}

/* SIGNAL:FILE */
static int parse_checkpoint_on(struct options *options, const char *value, struct error *error)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"SIGUSR1", SIGUSR1},
                   {"USR1", SIGUSR1},
                   {"SIGUSR2", SIGUSR2},
                   {"USR2", SIGUSR2}};
    const char *path = behind_colon(value);
    const size_t length = strcspn(value, ":");

    for (size_t i = 0; path && i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (strlen(signals[i].name) != length || strncmp(signals[i].name, value, length) != 0)
            continue;
        options->checkpoint_signal = signals[i].number;
        options->checkpoint_signal_path = path;
        return 0;
    }
    return bad_value(error, "--checkpoint-on", value, "SIGUSR1:FILE or SIGUSR2:FILE");
}

static int parse_replay(struct options *options, const char *value, struct error *error)
{
    (void)error;
    options->action = OPTIONS_REPLAY;
    options->stream = value;
    return 0;
}

/* All words behind it are files. */
static int parse_exits(struct options *options, const char *value, struct error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_EXITS;
    return 0;
}

static int parse_help(struct options *options, const char *value, struct error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_HELP;
    return 0;
}

static int parse_version(struct options *options, const char *value, struct error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_VERSION;
    return 0;
}

static const struct option_spec specs[] = {
    {"mem", 'm', required_argument, "SIZE", "guest memory; plain numbers are MiB; K, M, G (64M)",
     MACHINE_PARSE(parse_memory, PLAN_MEMORY)},
    {"cpus", 'c', required_argument, "N", "vCPUs (1)", MACHINE_PARSE(parse_cpus, PLAN_CPUS)},
    {"mode", 0, required_argument, "MODE",
     "start a flat image in long, protected or real mode (long)", PARSE(parse_mode)},
    {"load", 0, required_argument, "ADDR", "where the image goes (0x100000; real: 0x7c00)",
     PARSE(parse_load)},
    {"entry", 0, required_argument, "ADDR", "where it begins (the load address)",
     PARSE(parse_entry)},
    {"timeout", 0, required_argument, "SECONDS", "end the guest after so long",
     PARSE(parse_timeout)},
    {"initrd", 0, required_argument, "FILE", "a file for the guest: multiboot or PVH module",
     FIELD(initrd)},
    {"append", 0, required_argument, "TEXT", "command line of the guest, before GUEST-ARGUMENTS",
     FIELD(append)},
    {"device", 0, required_argument, "TYPE[,NAME=VALUE...]",
     "add a device; help: all types; TYPE,help: its properties",
     MACHINE_PARSE(parse_device, PLAN_DEVICE_LIST)},
    {"irqchip", 0, no_argument, NULL, "interrupt controllers, even if no device needs them",
     MACHINE_FIELD(irqchip, PLAN_IRQCHIP)},
    {"quiet", 0, no_argument, NULL, "only errors on stderr", FIELD(quiet)},
    {"stats", 0, optional_argument, "[=json|file=FILE|json,file=FILE]",
     "count exits by reason and by port or address", PARSE(parse_stats)},
    {"ptlcall", 0, required_argument, "mmio=ADDR,port=PORT,log=FILE",
     "where the guest calls, and the log; off: no ptlcall",
     MACHINE_FIELD(ptlcall, PLAN_DEVICE_LIST)},
    {"debug-exit", 0, required_argument, "port=PORT,code=plain|qemu",
     "the port that ends the guest (0xf4, plain); off: none",
     MACHINE_FIELD(debug_exit, PLAN_DEVICE_LIST)},
    {"out", 0, required_argument, "DIR", "where files that the guest asks for go (.)",
     FIELD(out_dir)},
    {"trace", 0, required_argument, "FILE", "write the run as Chrome trace events", FIELD(trace)},
    {"record", 0, required_argument, "FILE", "write every exit, as an exit stream", FIELD(record)},
    {"replay", 0, required_argument, "FILE",
     "give an exit stream to its devices, without KVM, and compare", PARSE(parse_replay)},
    {"exits", 0, no_argument, NULL, "FILE...: replay exit streams written as tests",
     PARSE(parse_exits)},
    {"checkpoint-on", 0, required_argument, "SIGNAL:FILE",
     "save the machine to FILE at each SIGUSR1 or SIGUSR2", PARSE(parse_checkpoint_on)},
    {"checkpoint-at", 0, required_argument, "EXITS:FILE",
     "save it after so many exits of vCPU 0, and end", PARSE(parse_checkpoint_at)},
    {"restore", 0, required_argument, "FILE", "go on from a checkpoint, in place of an image",
     FIELD(restore)},
    {"domain", 0, required_argument, "'IMAGE ARGUMENTS...'",
     "a guest with Xen's interface, domain 1; twice: domains 0 and 1", PARSE(parse_domain)},
    {"domain-console", 0, required_argument, "PREFIX",
     "the domains' consoles go to PREFIX.0 and PREFIX.1, not to stdout", FIELD(domain_console)},
    {"allow-files", 0, no_argument, NULL, "with --restore: open the files that its devices name",
     FIELD(allow_files)},
    {"help", 'h', no_argument, NULL, "this text", PARSE(parse_help)},
    {"version", 'V', no_argument, NULL, "the version", PARSE(parse_version)},
};

#define SPECS (sizeof(specs) / sizeof(specs[0]))

/* getopt_long()'s tables, made from ours: a long option returns SPEC_BASE + its index. */
#define SPEC_BASE 1000

struct getopt_tables {
    struct option longs[SPECS + 1];
    char shorts[3 + 2 * SPECS];
};

static void make_tables(struct getopt_tables *tables)
{
    size_t used = 0;

    memset(tables, 0, sizeof(*tables));
    /* '-': other words come in order, as 1; ':': a missing argument is told apart. */
    tables->shorts[used++] = '-';
    tables->shorts[used++] = ':';
    for (size_t i = 0; i < SPECS; i++) {
        tables->longs[i] =
            (struct option){specs[i].name, specs[i].has_argument, NULL, SPEC_BASE + (int)i};
        if (!specs[i].letter)
            continue;
        tables->shorts[used++] = specs[i].letter;
        if (specs[i].has_argument == required_argument)
            tables->shorts[used++] = ':';
    }
}

static const struct option_spec *spec_of(int code)
{
    if (code >= SPEC_BASE)
        return &specs[code - SPEC_BASE];
    for (size_t i = 0; i < SPECS; i++)
        if (specs[i].letter == code)
            return &specs[i];
    return NULL;
}

static int take_word(struct options *options, const char *word, struct error *error)
{
    if (options->image)
        return error_set(error, -EINVAL,
                         "%s: there is an image already; guest arguments go behind --", word);
    options->image = word;
    return 0;
}

static int take_value(struct options *options, const struct option_spec *spec, struct error *error)
{
    char *field = (char *)options + spec->field;

    options->machine_given |= spec->machine;
    if (spec->parse)
        return spec->parse(options, optarg, error);
    if (spec->has_argument == no_argument)
        *(bool *)field = true;
    else
        *(const char **)field = optarg;
    return 0;
}

/* (word) is "--NAME" or "--NAME=VALUE", where NAME is none of ours, or the beginning of several. */
static int no_such_option(const char *word, struct error *error)
{
    const size_t length = strcspn(word + 2, "=");
    const char *found[2];
    unsigned count = 0;

    for (size_t i = 0; i < SPECS && count < 2; i++)
        if (length > 0 && strncmp(specs[i].name, word + 2, length) == 0)
            found[count++] = specs[i].name;
    if (count == 2)
        return error_set(error, -EINVAL, "%s: is this --%s or --%s? write more of it", word,
                         found[0], found[1]);
    return error_set(error, -EINVAL, "%s: there is no such option; see --help", word);
}

static int take_option(struct options *options, int code, char **argv, struct error *error)
{
    const char *word = argv[optind - 1];

    switch (code) {
    case 1:
        return take_word(options, optarg, error);
    case ':':
        return error_set(error, -EINVAL, "%s: a value is missing; see --help", word);
    case '?':
        if (optopt != 0 && optopt < SPEC_BASE) /* a byte above 127 is negative */
            return error_set(error, -EINVAL, "-%c: there is no such option; see --help", optopt);
        if (optopt >= SPEC_BASE)
            return error_set(error, -EINVAL, "%s: this option takes no value; see --help", word);
        return no_such_option(word, error);
    default:
        return take_value(options, spec_of(code), error);
    }
}

/* info CHECKPOINT [--translate GVA]: the words of (argv) behind "info". */
static int parse_info(int argc, char **argv, struct options *options, struct error *error)
{
    static const char usage[] = "minivmm info roi.core, or with --translate 0xGVA";

    options->action = OPTIONS_INFO;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--translate") == 0 && i + 1 < argc) {
            options->translate = true;
            if (number_parse(argv[++i], "", &options->translated) < 0)
                return bad_value(error, "--translate", argv[i], "an address such as 0x100000");
        } else if (argv[i][0] != '-' && !options->restore) {
            options->restore = argv[i];
        } else {
            return error_set(error, -EINVAL, "info %s: not allowed; give: %s", argv[i], usage);
        }
    }
    if (!options->restore)
        return error_set(error, -EINVAL, "info: give: %s", usage);
    return 0;
}

/* report STREAM -o PAGE: the words of (argv) behind "report". */
static int parse_report(int argc, char **argv, struct options *options, struct error *error)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && !options->report)
            options->report = argv[++i];
        else if (argv[i][0] != '-' && !options->stream)
            options->stream = argv[i];
        else
            return error_set(error, -EINVAL,
                             "report %s: not allowed; give: minivmm report run.exits -o run.html",
                             argv[i]);
    }
    options->action = OPTIONS_REPORT;
    if (!options->stream || !options->report)
        return error_set(error, -EINVAL, "report: give: minivmm report run.exits -o run.html");
    return 0;
}

/* The guest is in the checkpoint. */
static int check_restore(const struct options *options, struct error *error)
{
    if (options->image || options->word_count || options->initrd || options->append ||
        options->has_mode || options->has_load || options->has_entry)
        return error_set(error, -EINVAL,
                         "--restore %s: the guest is in it; leave out the image, its options and "
                         "its arguments",
                         options->restore);
    return 0;
}

/* Domains are guests of their own, and what they say to each other is not in one machine's files. */
static int check_domains(const struct options *options, struct error *error)
{
    const char *first = options->domains[0];

    if (options->image)
        return error_set(error, -EINVAL,
                         "%s: the guests are those of --domain; leave this image out",
                         options->image);
    if (options->word_count)
        return error_set(
            error, -EINVAL,
            "%s: a domain's arguments stand behind its image; give --domain '%.100s %s'",
            options->words[0], first, options->words[0]);
    if (options->restore || options->record || options->checkpoint_at || options->checkpoint_signal)
        return error_set(error, -EINVAL,
                         "--domain %.100s: not with --restore, --record or checkpoints; leave them "
                         "out",
                         first);
    return 0;
}

/* What must be there, and what must not, now that all options are known. */
static int check_words(const struct options *options, struct error *error)
{
    if (options->action == OPTIONS_EXITS && options->word_count == 0)
        return error_set(error, -EINVAL, "--exits: no file; give exit streams, such as a.exits");
    if (options->action == OPTIONS_REPLAY && options->domain_count)
        return error_set(error, -EINVAL, "--replay %s: runs no domain; leave out --domain",
                         options->stream);
    if (options->action == OPTIONS_REPLAY && (options->image || options->record || options->trace))
        return error_set(error, -EINVAL,
                         "--replay %s: runs no guest; leave out the image, --record and --trace",
                         options->stream);
    if (options->action == OPTIONS_RUN && options->domain_count)
        return check_domains(options, error);
    if (options->domain_console)
        return error_set(error, -EINVAL,
                         "--domain-console %s: there is no domain; give one with --domain",
                         options->domain_console);
    if (options->action == OPTIONS_RUN && options->restore)
        return check_restore(options, error);
    if (options->action == OPTIONS_RUN && !options->image)
        return error_set(error, -EINVAL, "no image; try: minivmm guest.bin, or --help");
    return 0;
}

int options_parse(int argc, char **argv, struct options *options, struct error *error)
{
    struct getopt_tables tables;
    int result = 0;
    int code;

    *options = (struct options){.memory_size = MEMORY_PRESET,
                                .vcpu_count = 1,
                                .mode = X86_LONG,
                                .out_dir = "."};
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return parse_report(argc - 1, argv + 1, options, error);
    if (argc > 1 && strcmp(argv[1], "info") == 0)
        return parse_info(argc - 1, argv + 1, options, error);
    make_tables(&tables);
    optind = 0; /* begin anew: getopt keeps its place in globals of its own */
    while (result == 0 && (options->action == OPTIONS_RUN || options->action == OPTIONS_REPLAY) &&
           (code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1)
        result = take_option(options, code, argv, error);
    if (result < 0)
        return result;
    options->words = argv + optind;
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
    for (size_t i = 0; i < SPECS; i++)
        print_option(fd, &specs[i]);
    dprintf(fd, "\nstdout is the guest's console, stdin what is typed at it; on a terminal, "
                "Ctrl-A x ends the guest.\n\n"
                "Exit status:\n  0..127  the guest's own\n");
    for (int outcome = OUTCOME_GUEST + 1; outcome < OUTCOME_COUNT; outcome++)
        dprintf(fd, "  %-7d %s\n", outcome_table[outcome].exit_status,
                outcome_table[outcome].meaning);
}
