/* The stub `marss`, which is the preset. */
#ifndef STUBS_MARSS_H
#define STUBS_MARSS_H

#include "include/minivmm.h"

extern const struct minivmm_stub stub_type_marss;

#endif
