/*
 * The options of `--stub step`, after the comma: NAME=VALUE,NAME=VALUE.
 */
#ifndef STUBS_STEP_OPTIONS_H
#define STUBS_STEP_OPTIONS_H

#include "stubs/step/cache.h"
#include "vmm/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define STEP_OWNER "stub step" /* begins its sentences */

struct step_options {
    const char *trace, *bb; /* paths; NULL: not wanted */
    bool disasm;
    uint64_t interval;      /* instructions */
    const char *cache_text; /* the text of (cache) */
    struct step_cache_shape cache;
    char *text; /* owned; the strings above point into it */
};

/*
 * Parse (text); NULL: all presets. -EINVAL: the sentence names the value and what is allowed;
 * -ENOMEM.
 */
int step_options_parse(struct step_options *options, const char *text, struct error *error);
void step_options_free(struct step_options *options);

#endif
