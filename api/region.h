/*
 * The owner's own devices and interrupt lines in the machine of a boot.
 */
#ifndef API_REGION_H
#define API_REGION_H

#include "api/handle.h"

/*
 * Make the regions of (machine) devices of this boot's machine, and connect the owner's interrupt lines. 0, or a
 * negative errno with a sentence, such as one about overlap.
 */
int region_make_all(struct minivmm_machine *machine, struct error *error);

#endif
