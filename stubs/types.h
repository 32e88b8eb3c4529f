/*
 * The list of the stubs that are part of minivmm. Only api/ and tests know it.
 */
#ifndef STUBS_TYPES_H
#define STUBS_TYPES_H

#include "include/minivmm.h"

/* In order; ended by NULL. The first is the preset. */
extern const struct minivmm_stub *const stub_types[];

#endif
