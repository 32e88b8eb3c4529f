#include "stubs/step/options.h"

#include "vmm/base/property.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MAX (UINT64_C(1) << 40)

static const struct property step_properties[] = {
    {
        .name = "trace",
        .kind = PROPERTY_FILE,
        .offset = offsetof(struct step_options, trace),
        .help = "a line for each instruction goes there",
    },
    {
        .name = "disasm",
        .kind = PROPERTY_BOOL,
        .offset = offsetof(struct step_options, disasm),
        .preset = "off",
        .help = "disassemble them, with libzydis",
    },
    {
        .name = "bb",
        .kind = PROPERTY_FILE,
        .offset = offsetof(struct step_options, bb),
        .help = "basic-block vectors go there, as SimPoint reads them",
    },
    {
        .name = "interval",
        .kind = PROPERTY_INTEGER,
        .offset = offsetof(struct step_options, interval),
        .preset = "100000",
        .min = 1,
        .max = INTERVAL_MAX,
        .help = "instructions in each of them",
    },
    {
        .name = "cache",
        .kind = PROPERTY_STRING,
        .offset = offsetof(struct step_options, cache_text),
        .preset = "32K:8:64",
        .help = "the instruction cache, SIZE:WAYS:LINE",
    },
    {.name = NULL},
};

static int check(struct step_options *options, struct error *error)
{
    if (options->disasm && !options->trace)
        return error_set(error, -EINVAL,
                         STEP_OWNER ": disasm=on is for the trace; give trace=FILE, too");
    if (options->trace && options->bb && strcmp(options->trace, options->bb) == 0)
        return error_set(error, -EINVAL,
                         STEP_OWNER ": trace and bb are the same file, %s; give each its own",
                         options->bb);
    return step_cache_parse(&options->cache, options->cache_text, STEP_OWNER, error);
}

int step_options_parse(struct step_options *options, const char *text, struct error *error)
{
    char *copy = strdup(text ? text : "");
    int result;

    *options = (struct step_options){.text = copy};
    if (!copy)
        return error_set(error, -ENOMEM, STEP_OWNER ": out of memory");
    result = property_parse(step_properties, options, copy, STEP_OWNER, error);
    if (result == 0)
        result = check(options, error);
    if (result < 0)
        step_options_free(options);
    return result;
}

void step_options_free(struct step_options *options)
{
    free(options->text);
    *options = (struct step_options){0};
}
