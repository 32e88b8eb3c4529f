/*
 * Copies of what an API's caller gives, whose texts are the library's then.
 */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include "include/minivmm.h"

/* -ENOMEM, with nothing left behind; *copy is to be freed only if it is 0. */
int copy_config(struct minivmm_config *copy, const struct minivmm_config *config);
void copy_free_config(struct minivmm_config *copy);

/* The same. */
int copy_image(struct minivmm_image *copy, const struct minivmm_image *image);
void copy_free_image(struct minivmm_image *copy);

#endif
