/*
 * Copies of what a caller of the API passes in, whose texts the library owns, and the plan of the
 * machine.
 */
#ifndef API_CONFIG_H
#define API_CONFIG_H

#include "include/minivmm.h"
#include "vmm/base/error.h"
#include "vmm/core/machine_plan.h"

/* 0, or -ENOMEM with nothing left allocated. *copy must be freed only after 0. */
int config_copy(struct minivmm_config *copy, const struct minivmm_config *config);
void config_free(struct minivmm_config *copy);

/* The same for an image. */
int config_copy_image(struct minivmm_image *copy, const struct minivmm_image *image);
void config_free_image(struct minivmm_image *copy);

/*
 * The plan of (config) in (plan), which is empty, and in *parts which parts the config itself gives, of enum
 * machine_plan_part. 0, or a negative errno with a sentence. The caller frees (plan), also after an error.
 */
int config_plan(const struct minivmm_config *config, struct machine_plan *plan, unsigned *parts,
                struct error *error);

#endif
