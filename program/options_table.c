#include "program/options_table.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB         (1024ull * 1024)
#define MIB_MAX     (64 * MIB) /* of memory: 64 TiB */
#define CPUS_MAX    1024       /* KVM's own limit; this host's may be lower */
#define TIMEOUT_MAX 1000000.0  /* seconds */

/* How an option is stored: by a function or in a field. */
#define PARSE(parser) parser, 0
#define FIELD(name)   NULL, offsetof(struct options, name)

int options_bad_value(struct minivmm_error *error, const char *option, const char *value,
                      const char *allowed)
{
    return minivmm_error_set(error, -EINVAL, "%s %s: not allowed; give %s", option,
                             *value ? value : "''", allowed);
}

/* A plain number is in MiB. */
static int parse_memory(struct options *options, const char *value, struct minivmm_error *error)
{
    uint64_t size;

    if (minivmm_parse_number(value, "KMG", &size) < 0)
        return options_bad_value(error, "--mem", value, "a size such as 64, 64M or 1G");
    if (isxdigit((unsigned char)value[strlen(value) - 1])) { /* no suffix is a hexadecimal digit */
        if (size > MIB_MAX)
            return options_bad_value(error, "--mem", value, "fewer MiB");
        size *= MIB;
    }
    if (size == 0) /* the sentence of other sizes; the library treats 0 as the preset */
        return minivmm_error_set(error, -EINVAL,
                                 "memory size 0 is not between 1 MiB and 64 TiB; give one in that "
                                 "range, such as 64M");
    options->memory_size = size;
    return 0;
}

static int parse_cpus(struct options *options, const char *value, struct minivmm_error *error)
{
    uint64_t count;

    if (minivmm_parse_number(value, "", &count) < 0 || count < 1 || count > CPUS_MAX)
        return options_bad_value(error, "--cpus", value, "a number from 1 to 1024");
    options->vcpu_count = (unsigned)count;
    return 0;
}

static int parse_mode(struct options *options, const char *value, struct minivmm_error *error)
{
    static const char *const names[] = {[MINIVMM_MODE_LONG] = "long",
                                        [MINIVMM_MODE_PROTECTED] = "protected",
                                        [MINIVMM_MODE_REAL] = "real"};

    for (unsigned mode = MINIVMM_MODE_LONG; mode <= MINIVMM_MODE_REAL; mode++) {
        if (strcmp(value, names[mode]) == 0) {
            options->mode = (enum minivmm_mode)mode;
            return 0;
        }
    }
    return options_bad_value(error, "--mode", value, "long, protected or real");
}

static int parse_load(struct options *options, const char *value, struct minivmm_error *error)
{
    options->has_load = true;
    if (minivmm_parse_number(value, "KMG", &options->load) < 0)
        return options_bad_value(error, "--load", value, "an address such as 0x100000");
    return 0;
}

static int parse_entry(struct options *options, const char *value, struct minivmm_error *error)
{
    options->has_entry = true;
    if (minivmm_parse_number(value, "KMG", &options->entry) < 0)
        return options_bad_value(error, "--entry", value, "an address such as 0x100000");
    return 0;
}

static int parse_timeout(struct options *options, const char *value, struct minivmm_error *error)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end != '\0' || !isfinite(seconds) || seconds < 0.001 ||
        seconds > TIMEOUT_MAX)
        return options_bad_value(error, "--timeout", value, "seconds, from 0.001 to 1000000");
    options->timeout_ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static int parse_device(struct options *options, const char *value, struct minivmm_error *error)
{
    size_t length = strlen(value);

    if (strcmp(value, "help") == 0 || (length > 5 && strcmp(value + length - 5, ",help") == 0)) {
        options->action = OPTIONS_DEVICE_HELP;
        options->devices[0] = value;
        return 0;
    }
    if (options->device_count == OPTIONS_DEVICES)
        return minivmm_error_set(error, -EINVAL, "--device %s: more than %u devices; give fewer",
                                 value, OPTIONS_DEVICES);
    options->devices[options->device_count++] = value;
    return 0;
}

static int parse_stub(struct options *options, const char *value, struct minivmm_error *error)
{
    if (*value == '\0')
        return options_bad_value(error, "--stub", value, "a name or a file; help lists the names");
    if (strcmp(value, "help") == 0)
        options->action = OPTIONS_STUB_HELP;
    options->stub = value;
    return 0;
}

static int parse_domain(struct options *options, const char *value, struct minivmm_error *error)
{
    if (*value == '\0' || *value == ' ')
        return options_bad_value(error, "--domain", value,
                                 "an image, then a space and its arguments");
    if (options->domain_count == OPTIONS_DOMAINS)
        return minivmm_error_set(error, -EINVAL, "--domain %s: more than %d domains; give fewer",
                                 value, OPTIONS_DOMAINS);
    options->domains[options->domain_count++] = value;
    return 0;
}

/* [json][,file=FILE]: the file's name is the rest, commas and all. */
static int parse_stats(struct options *options, const char *value, struct minivmm_error *error)
{
    const char *rest = value;

    options->stats = MINIVMM_STATS_TABLE;
    if (!value)
        return 0;
    if (strcmp(value, "json") == 0) {
        options->stats = MINIVMM_STATS_JSON;
        return 0;
    }
    if (strncmp(value, "json,", 5) == 0) {
        options->stats = MINIVMM_STATS_JSON;
        rest += 5;
    }
    if (strncmp(rest, "file=", 5) != 0 || rest[5] == '\0')
        return options_bad_value(error, "--stats", value, "json, file=FILE or json,file=FILE");
    options->stats_file = rest + 5;
    return 0;
}

/* The text after the colon of (value), or NULL. */
static const char *behind_colon(const char *value)
{
    const char *colon = strchr(value, ':');

    return colon && colon[1] ? colon + 1 : NULL;
}

/* EXITS:FILE */
static int parse_checkpoint_at(struct options *options, const char *value,
                               struct minivmm_error *error)
{
    char number[24];
    const char *path = behind_colon(value);

    snprintf(number, sizeof(number), "%.*s", (int)strcspn(value, ":"), value);
    if (!path || minivmm_parse_number(number, "KMG", &options->checkpoint_at) < 0 ||
        options->checkpoint_at == 0)
        return options_bad_value(error, "--checkpoint-at", value,
                                 "EXITS:FILE, such as 1000:roi.core");
    options->checkpoint_at_path = path;
    return 0;
}

/* SIGNAL:FILE */
static int parse_checkpoint_on(struct options *options, const char *value,
                               struct minivmm_error *error)
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
    return options_bad_value(error, "--checkpoint-on", value, "SIGUSR1:FILE or SIGUSR2:FILE");
}

static int parse_replay(struct options *options, const char *value, struct minivmm_error *error)
{
    (void)error;
    options->action = OPTIONS_REPLAY;
    options->stream = value;
    return 0;
}

/* All words after it are files. */
static int parse_exits(struct options *options, const char *value, struct minivmm_error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_EXITS;
    return 0;
}

static int parse_help(struct options *options, const char *value, struct minivmm_error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_HELP;
    return 0;
}

static int parse_version(struct options *options, const char *value, struct minivmm_error *error)
{
    (void)value;
    (void)error;
    options->action = OPTIONS_VERSION;
    return 0;
}

const struct option_spec option_specs[] = {
    {"mem", 'm', required_argument, "SIZE", "guest memory; plain numbers are MiB; K, M, G (64M)",
     PARSE(parse_memory)},
    {"cpus", 'c', required_argument, "N", "vCPUs (1)", PARSE(parse_cpus)},
    {"mode", 0, required_argument, "MODE",
     "start a flat image in long, protected or real mode (long)", PARSE(parse_mode)},
    {"load", 0, required_argument, "ADDR", "load address of the image (0x100000; real: 0x7c00)",
     PARSE(parse_load)},
    {"entry", 0, required_argument, "ADDR", "entry point (the load address)", PARSE(parse_entry)},
    {"timeout", 0, required_argument, "SECONDS", "end the guest after this time",
     PARSE(parse_timeout)},
    {"initrd", 0, required_argument, "FILE", "a file for the guest: multiboot or PVH module",
     FIELD(initrd)},
    {"append", 0, required_argument, "TEXT", "command line of the guest, before GUEST-ARGUMENTS",
     FIELD(append)},
    {"device", 0, required_argument, "TYPE[,NAME=VALUE...]",
     "add a device; help: all types; TYPE,help: its properties", PARSE(parse_device)},
    {"irqchip", 0, no_argument, NULL, "interrupt controllers, even if no device needs them",
     FIELD(irqchip)},
    {"quiet", 0, no_argument, NULL, "only errors on stderr", FIELD(quiet)},
    {"stats", 0, optional_argument, "[=json|file=FILE|json,file=FILE]",
     "count exits by reason and by port or address", PARSE(parse_stats)},
    {"ptlcall", 0, required_argument, "mmio=ADDR,port=PORT,log=FILE",
     "where the guest calls, and the log; off: no ptlcall", FIELD(ptlcall)},
    {"debug-exit", 0, required_argument, "port=PORT,code=plain|qemu",
     "the port that ends the guest (0xf4, plain); off: none", FIELD(debug_exit)},
    {"stub", 0, required_argument, "NAME|FILE[,OPTIONS]",
     "the simulator's side of ptlcalls; help: list stubs (marss)", PARSE(parse_stub)},
    {"out", 0, required_argument, "DIR", "directory for files that the guest writes (.)",
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
     "save it after this number of exits of vCPU 0, and end", PARSE(parse_checkpoint_at)},
    {"restore", 0, required_argument, "FILE", "continue from a checkpoint, without an image",
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

_Static_assert(sizeof(option_specs) / sizeof(option_specs[0]) == OPTION_SPECS,
               "OPTION_SPECS counts the table");
