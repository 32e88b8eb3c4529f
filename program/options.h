/*
 * The command line.
 */
#ifndef PROGRAM_OPTIONS_H
#define PROGRAM_OPTIONS_H

#include "program/options_table.h"

/*
 * Parse (argv), whose strings must outlive (options); it may be reordered. -EINVAL: the sentence
 * names the option, its value and what is allowed.
 */
int options_parse(int argc, char **argv, struct options *options, struct minivmm_error *error);

/* Write the text of --help to (fd). */
void options_print_help(int fd);

#endif
