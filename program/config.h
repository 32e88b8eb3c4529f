/* The machine's config for the library, from the command line. */
#ifndef PROGRAM_CONFIG_H
#define PROGRAM_CONFIG_H

#include "program/options.h"

/* Everything except a domain's own settings. (config) refers to the texts of (options). */
void config_from_options(const struct options *options, struct minivmm_config *config);

#endif
