/* The stub `marss`, which is there if no other is asked for. */
#ifndef STUBS_MARSS_H
#define STUBS_MARSS_H

#include "include/minivmm.h"

extern const struct minivmm_stub stub_type_marss;

#endif
