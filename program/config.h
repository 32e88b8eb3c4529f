/*
 * What the command line says of a machine, as the library takes it.
 */
#ifndef PROGRAM_CONFIG_H
#define PROGRAM_CONFIG_H

#include "program/options.h"

/* All but what a domain has for itself. (config) refers to the texts of (options). */
void config_from_options(const struct options *options, struct minivmm_config *config);

#endif
